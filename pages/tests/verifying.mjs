// Two openings, and what the browsers' verifier makes of an audit.

import assert from "node:assert/strict";

import { makeOpening, recordedBeacon } from "../../tests/support/opening.mjs";
import { verify } from "../verify/verify.js";

export const opening = makeOpening();
export const drawn = makeOpening({
  ...recordedBeacon(1000),
  name: "drawn",
  access: "draw",
  entrants: 33,
  groupSize: 7,
  lanes: 2,
});

/** Verifies an audit beside what else `given` has; all as values. */
export const look = (audit, given = {}) => {
  const texts = Object.entries(given).map(
    ([name, value]) => [name, ["receipt", "proof"].includes(name) ? JSON.stringify(value) : value],
  );
  return verify({
    audit: Array.isArray(audit) ? audit.map((page) => JSON.stringify(page)) : JSON.stringify(audit),
    ...Object.fromEntries(texts),
  });
};
export const outcome = ({ checks }, name) => checks.find((check) => check.name === name);

/** Sees that just these checks fail, and that the first of them says `text`. */
export async function assertFails(looking, names, text) {
  const result = await looking;
  assert.deepEqual(result.failed, names, JSON.stringify(result.checks, null, 1));
  assert.equal(result.verdict, "FAILED");
  assert.match(outcome(result, names[0]).text, text);
}
