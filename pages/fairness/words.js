// What the page says.

import { decimal, duration, number } from "./format.js";

export const FETCHING = { heading: "Fetching the report …", lead: "" };

/** How things stand where there is no report to show. */
export const STANDING = {
  files: {
    heading: "No report yet",
    lead: "Open a saved report below, or come here by the address of a queue that is over.",
  },
  early: {
    heading: "Not over yet",
    lead: "The report is made when the queue is over: closed, or sold out. Until then people are " +
      "still coming, and nothing can be summed up.",
  },
  making: {
    heading: "The report is being made",
    lead: "The queue is over, and its records are being counted. Look again in a moment.",
  },
  unknown: { heading: "No such queue", lead: "This shop has no queue of that name." },
  offline: {
    heading: "No connection",
    lead:
      "The shop could not be reached. Are you offline? The report is kept: look again when you " +
      "are back.",
  },
  lost: {
    heading: "No report came",
    lead: "The shop answered something else than the report. It is kept: look again in a while.",
  },
};

const people = (count, one, many) => (count === 1 ? `1 ${one}` : `${number(count)} ${many}`);

/** The headline: of what state, and in words. */
export function headline({ inversions, overtaken, admitted, complete }) {
  const ahead = "let in ahead of somebody with a lower place who was there";
  const often = (times) => (times === 1 ? "Once" : `${number(times)} times`);
  if (inversions > 0) {
    return {
      state: "failed",
      title: "Out of order",
      heading: `${often(inversions)}, somebody was ${ahead}`,
    };
  }
  if (overtaken?.withinHearing > 0) {
    const heading = `${often(overtaken.withinHearing)}, somebody was let in ahead of somebody ` +
      "with a lower place who still had time to hear of their call";
    return { state: "failed", title: "Overtaken", heading };
  }
  if (admitted === 0) {
    return { state: "", title: "Nobody was let in", heading: "Nobody was let in" };
  }
  if (!complete) {
    return {
      state: "waiting",
      title: "In order, as far as it was read",
      heading: `As far as the records were read, nobody was ${ahead}`,
    };
  }
  return { state: "verified", title: "In order", heading: `Nobody was ${ahead}` };
}

/** Called up, and left without claiming; null where it is not known. */
export const leftOf =
  ({ calledUp, came,
    noShows }) => (noShows === null ? null : Math.max(0, calledUp - came - noShows));

export function lead(report) {
  const { entered, entrants, calledUp, came, noShows, admitted } = report;
  if (entered === 0) return "Nobody entered.";
  const left = leftOf(report);
  const shuffled = entrants > 0 ? `, ${number(entrants)} of them before the opening` : "";
  const away = noShows === null
    ? ""
    : `, ${number(noShows)} did not come${left > 0 ? `, and ${number(left)} had left` : ""}`;
  const called = calledUp === 0
    ? "Nobody was called up."
    : `${people(calledUp, "was", "were")} called up: ${number(came)} came${away}.`;
  const letIn = admitted === 0 ? "" : `${people(admitted, "was", "were")} let in.`;
  return `${people(entered, "person", "people")} entered${shuffled}. ${called} ${letIn}`.trim();
}

/** Who was let in before somebody with a lower place had come; null where it was not counted. */
export function overtakings({ overtaken }) {
  if (!overtaken) return null;
  const { withinHearing, afterHearing } = overtaken;
  const rule =
    "A free slot is kept for those who were called up until they had time to hear of it. Who " +
    "comes later is next.";
  if (withinHearing + afterHearing === 0) {
    return `${rule} Nobody who was called up came to find that their slot had gone to a higher ` +
      "place.";
  }
  const times = (count) => (count === 1 ? "once" : `${number(count)} times`);
  return `${rule} A slot went to a higher place, before somebody came who then had to wait: ` +
    `${times(withinHearing)} within that time, ${times(afterHearing)} after it.`;
}

const PHASES = { closed: "Closed", soldOut: "Sold out" };
export const phaseOf = ({ phase }) => PHASES[phase] ?? phase;

export function waits({ tenths }) {
  const told = tenths.filter(({ medianWaitMs, p90WaitMs }) =>
    medianWaitMs !== null && p90WaitMs !== null
  );
  if (told.length === 0) return "Nobody was let in, so nobody’s wait ended there.";
  const [first, last] = [told[0], told.at(-1)];
  const at = (tenth) => `place${tenth.toPosition > tenth.fromPosition ? "s" : ""} ${places(tenth)}`;
  const half = `Of those let in from ${at(first)}, half waited at most ` +
    `${duration(first.medianWaitMs)}, and nine in ten at most ${duration(first.p90WaitMs)}`;
  return first === last
    ? `${half}.`
    : `${half}; from ${at(last)}, ${duration(last.medianWaitMs)} and ${duration(last.p90WaitMs)}.`;
}

/** The places of a tenth; where it has none, a dash. */
export const places = ({ fromPosition, toPosition }) => {
  if (toPosition < fromPosition) return "–";
  return toPosition === fromPosition
    ? number(toPosition)
    : `${number(fromPosition)}–${number(toPosition)}`;
};

export function coming({ access, calledUp, came, complete }) {
  if (calledUp === 0) return "Nobody was called up.";
  const share = `${decimal((100 * came) / calledUp)} %`;
  if (!complete) {
    return `At least ${share} of those who were called up came; not all records were read.`;
  }
  const instead = access === "draw"
    ? "A place that nobody claims in time goes to the next in order."
    : "Who does not come keeps nobody waiting: the next in order is called up.";
  return `${share} of those who were called up came. ${instead}`;
}

export function lanes({ lanes: all }) {
  if (all.length === 0) return "Nobody entered.";
  const entries = all.map((lane) => lane.entries);
  const [least, most] = [Math.min(...entries), Math.max(...entries)];
  const what =
    "A lane is one of the counters at which entries are taken. Which one is yours follows from " +
    "who you are, and makes no difference to your place.";
  const each = least === most ? number(least) : `between ${number(least)} and ${number(most)}`;
  const counted = all.length === 1
    ? `${number(least)} came through the only lane that was used.`
    : `${number(all.length)} lanes took ${each} each.`;
  return `${what} ${counted}`;
}

/** Up to how many standard deviations, and what is to be said of the table then. */
const DEVIATIONS = [
  [2, "as a blind shuffle would make it"],
  [3, "further off than most that a blind shuffle makes, but one in twenty is"],
  [4, "further off than nearly all that a blind shuffle makes, but one in four hundred is"],
  [Infinity, "not as a blind shuffle would make it, or only once in 30,000"],
];

/** Arrival and place, in words; `isOdd`: chance hardly does this. */
export function chance({ chance: found }) {
  if (found === null) {
    return {
      words: "Nobody was shuffled: everybody stood in the order in which they entered.",
      isOdd: false,
    };
  }
  const { sampled, chiSquared, degreesOfFreedom, deviations } = found;
  const whom =
    `Of ${people(sampled, "entrant", "entrants")}, chosen evenly among all, each counts ` +
    "once: in the row of when they came, and the column of the place they got.";
  if (chiSquared === null || deviations === null) {
    return {
      words: `${whom} They are too few to say whether the two have to do with each other.`,
      isOdd: false,
    };
  }
  const far = Math.abs(deviations);
  const [, judged] = DEVIATIONS.find(([limit]) => far <= limit);
  const unit = decimal(far) === "1" ? "standard deviation" : "standard deviations";
  return {
    words: `${whom} The table is ${judged}: ${decimal(far)} ${unit} ` +
      `(chi-squared ${decimal(chiSquared)}, ${number(degreesOfFreedom)} degrees of freedom).`,
    isOdd: far > 4,
  };
}
