// Reading a report: from the shop or a file, and only in the form that docs/http.md gives it.

import { QUEUE_ID } from "../verify/shape.js";

/** The most lanes that a queue has. */
const LANES_MAX = 256;
/** The last moment that a date can name. */
const TIME_MAX = 8.64e15;

const count = (value) => Number.isSafeInteger(value) && value >= 0;
const time = (value) => count(value) && value <= TIME_MAX;
const measure = (value) => Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER;
const flag = (value) => typeof value === "boolean";
const text = (value) => typeof value === "string";
const orNull = (test) => (value) => value === null || test(value);
const listOf = (test, least, most = least) => (value) =>
  Array.isArray(value) && value.length >= least && value.length <= most && value.every(test);
const shaped = (fields) => (value) =>
  typeof value === "object" && value !== null &&
  Object.entries(fields).every(([name, test]) => test(value[name]));

const FIELDS = {
  queueId: (value) => text(value) && QUEUE_ID.test(value),
  access: (value) => value === "queue" || value === "draw",
  phase: text,
  openedAt: orNull(time),
  entered: count,
  entrants: count,
  calledUp: count,
  came: count,
  noShows: orNull(count),
  admitted: count,
  completed: count,
  complete: flag,
  inversions: count,
  // Reports of before it was counted have none.
  overtaken: (value) =>
    value === undefined || orNull(shaped({ withinHearing: count, afterHearing: count }))(value),
  tenths: listOf(
    shaped({
      fromPosition: count,
      toPosition: count,
      calledUp: count,
      came: count,
      admitted: count,
      medianWaitMs: orNull(count),
      p90WaitMs: orNull(count),
    }),
    10,
  ),
  lanes: listOf(shaped({ lane: count, entries: count }), 0, LANES_MAX),
  chance: orNull(
    shaped({
      sampled: count,
      table: listOf(listOf(count, 10), 10),
      chiSquared: orNull(measure),
      degreesOfFreedom: count,
      deviations: orNull(measure),
    }),
  ),
};

/** `{report}`, or `{fault}`: why the text is none. */
export function read(source) {
  let report;
  try {
    report = JSON.parse(source);
  } catch {
    return { fault: "it is not JSON" };
  }
  if (typeof report !== "object" || report === null || !("inversions" in report)) {
    return { fault: "it holds something else" };
  }
  if (report.format !== 1) return { fault: "it has a format that this page does not know" };
  const wrong = Object.keys(FIELDS).find((name) => !FIELDS[name](report[name]));
  return wrong === undefined ? { report } : { fault: `its field ${wrong} is not as it must be` };
}

/**
 * What the shop says of a queue: `{report}`, or `{standing}`: "early", "making", "unknown",
 * "offline", "lost".
 */
export async function ask(queue) {
  let response, source;
  try {
    response = await fetch(`/v1/queues/${queue}/fairness`, {
      credentials: "same-origin",
      headers: { accept: "application/json" },
    });
    source = await response.text();
  } catch {
    return { standing: "offline" };
  }
  if (response.status === 409) return { standing: "early" };
  if (response.status === 503) return { standing: "making" };
  if (response.status === 404) return { standing: "unknown" };
  const { report } = response.status === 200 ? read(source) : {};
  return report ? { report } : { standing: "lost" };
}
