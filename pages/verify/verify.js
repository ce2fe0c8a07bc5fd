// The second verifier of an opening: takes what a shop published, and says whether it holds. Shares
// no code with the one in Rust. Runs in browsers and in Node alike.

import { readAudit } from "./audit.js";
import { checkBeacon, checkCommitment, checkGroups, checkKey, checkRoot, checkSeed,
  checkStatement } from "./audit_checks.js";
import { checkPlaces, lookAt } from "./places.js";
import { checkProof } from "./proof.js";
import { checkReceipt } from "./receipt.js";
import { failed, notChecked, ok } from "./outcome.js";
import { inWords } from "./shape.js";

const CHECKS = [
  ["statement", checkStatement],
  ["key", checkKey],
  ["commitment", checkCommitment],
  ["groups", checkGroups],
  ["root", checkRoot],
  ["beacon", checkBeacon],
  ["seed", checkSeed],
  ["places", checkPlaces],
  ["receipt", checkReceipt],
  ["proof", checkProof],
];

/**
 * Verifies an audit. `given`:
 *
 * - `audit`: its JSON text, or the texts of all its pages
 * - `receipt`, `proof`: texts; or nothing
 * - `jwks`: the text of the shop's key set; or nothing, where it is out of reach
 * - `chain`: `{chain, publicKey, genesisAt, periodSeconds}` of a drand chain to trust besides
 *   quicknet
 * - `positions`: positions to look at, from 1
 * - `allPlaces`: computes the whole order of more than a million entrants, too
 *
 * `onCheck(check)` hears each check as it ends, `onProgress(name, share)` how far a long one has
 * come.
 *
 * Answers `{verdict, failed, checks, audit, own, looked}`: `verdict` is "VERIFIED" or "FAILED",
 * `failed` the names of what failed, a check is `{name, outcome, text}` with an outcome of "ok",
 * "failed" or "not checked". `own` has what receipt and proof say of their holder, `looked` what
 * stands at `positions`; `audit` is undefined where it could not be read.
 */
export async function verify(given, { onCheck = () => {}, onProgress = () => {} } = {}) {
  const checks = [];
  const note = (name, { outcome, text }) => {
    checks.push({ name, outcome, text });
    onCheck(checks.at(-1));
  };
  const { audit, signatures, faults } = readAudit(given.audit);
  note("format",
    audit ? ok("every field is there, each in its one form") : failed(inWords(faults)));
  const context = { ...given, audit, signatures, own: {}, onProgress };
  for (const [name, check] of CHECKS) {
    note(name, audit ? await check(context) : notChecked("the audit could not be read"));
  }
  const failures = checks.filter(({ outcome }) => outcome === "failed").map(({ name }) => name);
  return {
    verdict: failures.length === 0 ? "VERIFIED" : "FAILED",
    failed: failures,
    checks,
    audit,
    own: context.own,
    looked: audit ? (given.positions ?? []).map((position) => lookAt(position, audit)) : [],
  };
}
