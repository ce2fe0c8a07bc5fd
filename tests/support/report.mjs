// Fairness reports as a queue would give them, for tests of what shows them.

const TENTHS = Array.from({ length: 10 }, (_, number) => number);

/** A table of `each` in every cell, and `more` besides where row and column are the same. */
export const table = (each, more = 0) =>
  TENTHS.map((row) => TENTHS.map((column) => each + (row === column ? more : 0)));

/** The tenths of so many called-up places; `told(number, calledUp)` gives the rest of each. */
export function tenths(calledUp, told) {
  const bound = (part) => Math.floor((calledUp * part) / 10);
  return TENTHS.map((number) => {
    const [from, to] = [bound(number), bound(number + 1)];
    return {
      fromPosition: from + 1,
      toPosition: to,
      calledUp: to - from,
      came: 0,
      admitted: 0,
      medianWaitMs: null,
      p90WaitMs: null,
      ...told?.(number, to - from),
    };
  });
}

/** The report of a launch of 3,000, of whom 2,000 were called up; `changes` replace fields. */
export function makeReport(changes = {}) {
  return {
    format: 1,
    queueId: "demo",
    access: "queue",
    epoch: "09".repeat(16),
    phase: "closed",
    createdAt: Date.UTC(2026, 10, 20),
    openedAt: Date.UTC(2026, 10, 28, 18),
    entered: 3000,
    entrants: 2400,
    calledUp: 2000,
    came: 1450,
    noShows: 500,
    admitted: 1400,
    completed: 1100,
    complete: true,
    inversions: 0,
    tenths: tenths(2000, (number, calledUp) => ({
      came: calledUp - 10 - 10 * number,
      admitted: calledUp - 15 - 10 * number,
      medianWaitMs: 20_000 + 60_000 * number,
      p90WaitMs: 35_000 + 75_000 * number,
    })),
    lanes: [740, 772, 741, 747].map((entries, lane) => ({ lane, entries })),
    chance: {
      sampled: 2000,
      table: table(20),
      chiSquared: 84.2,
      degreesOfFreedom: 81,
      deviations: 0.3,
    },
    ...changes,
  };
}

const NOTHING = {
  openedAt: null,
  entered: 0,
  entrants: 0,
  calledUp: 0,
  came: 0,
  noShows: 0,
  admitted: 0,
  completed: 0,
  tenths: tenths(0),
  lanes: [],
  chance: null,
};

const chance = (changes) => ({ ...makeReport().chance, ...changes });
const threeOf = (number, calledUp) => (calledUp === 0
  ? {}
  : { came: 1, ...(number < 6 && { admitted: 1, medianWaitMs: 740, p90WaitMs: 740 }) });
const THREE = {
  access: "draw",
  phase: "soldOut",
  calledUp: 3,
  came: 3,
  noShows: 0,
  admitted: 2,
  tenths: tenths(3, threeOf),
};
const MOST = Number.MAX_SAFE_INTEGER;
const most = (...names) => Object.fromEntries(names.map((name) => [name, MOST]));

const ALL = ["coming", "waits", "chance", "lanes"];
const without = (plot) => ALL.filter((name) => name !== plot);

/** Reports unlike each other, by name, and the plots that there are to be drawn of them. */
export const ODD = {
  ordinary: [makeReport(), ALL],
  empty: [makeReport(NOTHING), []],
  "nobody admitted": [makeReport({ admitted: 0, completed: 0, tenths: tenths(2000) }),
    without("waits")],
  "one lane": [makeReport({ lanes: [{ lane: 0, entries: 3000 }] }), ALL],
  "256 lanes": [
    makeReport({
      lanes: Array.from({ length: 256 },
        (_, lane) => ({ lane, entries: 11_000 + ((lane * 37) % 900) })),
    }),
    ALL,
  ],
  "three called up": [
    makeReport({
      ...THREE,
      chance: chance({ sampled: 3, table: table(0), chiSquared: null, deviations: null }),
    }),
    ALL,
  ],
  "nobody shuffled": [makeReport({ entrants: 0, chance: null }), without("chance")],
  "a part": [makeReport({ complete: false, noShows: null }), ALL],
  "out of order": [
    makeReport({ inversions: 3, chance: chance({ table: table(0, 200), deviations: 57.3 }) }),
    ALL,
  ],
  huge: [
    makeReport({
      ...most("entered", "entrants", "calledUp", "came", "noShows", "admitted", "completed"),
      tenths: tenths(MOST, () => most("came", "admitted", "medianWaitMs", "p90WaitMs")),
      lanes: [{ lane: 255, entries: MOST }],
      chance: chance({ sampled: MOST, table: table(MOST), ...most("chiSquared", "deviations") }),
    }),
    ALL,
  ],
};
