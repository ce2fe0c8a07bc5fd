// The checks of what an audit says of itself, each a function of `{audit, signatures, jwks,
// chain}`.

import { ALGORITHM, differences, SIGNED_FIELDS } from "./audit.js";
import { faultsOfBeacon } from "./beacon.js";
import { fromHex, hash, label, toHex } from "./bytes.js";
import { readStatement } from "./jws.js";
import { keysOf } from "./keys.js";
import { groupLeaf } from "./log.js";
import { leafHash, rootOf } from "./merkle.js";
import { counted, failed, notChecked, ok, unless } from "./outcome.js";

const AUDIENCE = "urn:tidegate:audit";

/** Each page's statement is signed by its `key`, and says what the audit says. */
export async function checkStatement({ audit, signatures }) {
  const faults = [];
  for (const { key, statement } of distinct(signatures)) {
    faults.push(...(await faultsOfStatement(statement, key, audit)));
  }
  return unless(faults, `the shop signed these very values with its key ${audit.key.kid}`);
}

async function faultsOfStatement(statement, key, audit) {
  const { kid, payload, faults, isBy } = readStatement(statement, "tidegate-audit+jwt",
    "statement");
  if (kid !== undefined && kid !== key.kid) {
    faults.push({ path: "key.kid", what: `is ${key.kid}, and statement.header.kid is ${kid}` });
  }
  if (faults.length === 0 && !(await isBy(key))) {
    faults.push({ path: "statement.signature", what: "is not made with key.x over these bytes" });
  }
  if (payload !== undefined) faults.push(...unlikeStatement(audit, payload));
  return faults;
}

const distinct =
  (values) => [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];

/** Fields of the audit that the statement has otherwise, or not at all, or besides. */
function unlikeStatement(audit, payload) {
  const faults = [];
  const signed = { ...payload };
  if (!Number.isSafeInteger(signed.iat)) {
    faults.push({ path: "statement.payload.iat", what: "is no time in seconds" });
  }
  delete signed.iat;
  // Older statements do not say whom they are for.
  if (Object.hasOwn(signed, "aud") && signed.aud !== AUDIENCE) {
    faults.push({ path: "statement.payload.aud", what: `is not "${AUDIENCE}"` });
  }
  delete signed.aud;
  const said = Object.fromEntries(SIGNED_FIELDS.map((name) => [name, audit[name]]));
  for (const path of differences(said, signed)) {
    faults.push({ path, what: "differs from what the statement says" });
  }
  return faults;
}

/** The key is one that the shop publishes; each page's, where they differ. */
export function checkKey({ signatures, jwks }) {
  if (jwks === undefined) return notChecked("the shop's /.well-known/jwks.json was not at hand");
  const keys = keysOf(jwks);
  if (keys === undefined) return notChecked("what the shop publishes as its keys is no key set");
  const used = distinct(signatures.map(({ key }) => key));
  for (const { kid, x } of used) {
    const same = keys.find((key) => key.kid === kid);
    if (same === undefined) {
      const published = keys.map((key) => key.kid).join(", ");
      return failed(`key.kid ${kid} is none of the keys that the shop publishes (${published})`);
    }
    if (same.x !== x) return failed(`key.x is not what the shop publishes as ${kid}`);
  }
  return ok(`the shop publishes ${used.map(({ kid }) => kid).join(" and ")} as its key`);
}

/** The secret is the one that was committed to before anybody entered. */
export function checkCommitment({ audit }) {
  if (toHex(hash(fromHex(audit.secret))) !== audit.commitment) {
    return failed("the SHA-256 of secret is not commitment");
  }
  return ok(`the secret is the one that was committed to as ${audit.commitment}`);
}

/** The groups give each index once, and have the hashes that they say. */
export function checkGroups({ audit }) {
  const { groups, entrants, epoch } = audit;
  const faults = [];
  const sequences = new Map();
  let next = 0;
  let inStep = true;
  for (const [number, group] of groups.entries()) {
    const path = `groups[${number}]`;
    // Only the first one out of step is named: all behind it are, too.
    if (inStep && group.first !== next) {
      faults.push({
        path: `${path}.first`,
        what: `is ${group.first}, and the groups before end at ${next}`,
      });
      inStep = false;
    }
    next += group.granted;
    if (group.granted === 0) faults.push({ path: `${path}.granted`, what: "is 0" });
    if (group.sequence <= (sequences.get(group.lane) ?? -1)) {
      faults.push({
        path: `${path}.sequence`,
        what: `is ${group.sequence}, and lane ${group.lane} has been further`,
      });
    }
    sequences.set(group.lane, group.sequence);
    if (toHex(leafHash(groupLeaf(group, epoch))) !== group.hash) {
      faults.push({ path: `${path}.hash`, what: "is not the hash of this group's leaf" });
    }
  }
  if (inStep && next !== entrants) {
    const more = audit.pages > 1 ? " (are all pages here?)" : "";
    faults.push({
      path: "groups",
      what: `have ${next} indices, and entrants is ${entrants}${more}`,
    });
  }
  return unless(faults,
    `${counted(groups.length, "group")} with ${counted(entrants, "entrant")}, each index once`);
}

/** The root is that of the log of the groups. */
export function checkRoot({ audit }) {
  const leaves = audit.groups.map((group) => leafHash(groupLeaf(group, audit.epoch)));
  if (toHex(rootOf(leaves)) !== audit.root) {
    return failed("root is not the Merkle root over the groups");
  }
  return ok(`the log of the groups has the root ${audit.root}`);
}

/** The public randomness is the right round's, and real. */
export async function checkBeacon({ audit, chain }) {
  const { beacon, trust, openedAt } = audit;
  if ((trust === "beacon") !== (beacon !== null)) {
    return failed(`trust is ${trust}, and beacon is ${beacon === null ? "null" : "set"}`);
  }
  if (beacon === null) return notChecked("the queue uses no public randomness (trust: operator)");
  return unless(await faultsOfBeacon(beacon, openedAt, chain),
    `round ${beacon.round} of drand is real, and is the first made 30 s after the entrants were ` +
      "fixed");
}

/** The seed follows from secret, root and public randomness. */
export function checkSeed({ audit }) {
  const { secret, root, beacon, seed } = audit;
  const randomness = fromHex(beacon?.randomness ?? "");
  const follows = toHex(hash(label(ALGORITHM), fromHex(secret), fromHex(root), randomness));
  if (follows !== seed) {
    const sources = `secret, root${beacon ? " and beacon.randomness" : ""}`;
    return failed(`seed does not follow from ${sources}: that gives ${follows}`);
  }
  return ok(
    beacon
      ? "the seed follows from secret, root and public randomness"
      : "the seed follows from secret and root",
  );
}
