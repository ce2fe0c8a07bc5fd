// A receipt: what a shopper was given on entering, before anybody could know the order. It is the
// shop's signed word that the entry is in its log.

import { COMPACT_JWS, COUNT, LANE } from "./audit.js";
import { fromHex, toHex } from "./bytes.js";
import { readStatement } from "./jws.js";
import { keysOf } from "./keys.js";
import { ENTRY_LEAF_BYTES, entryLeafBeginning, partOfEntryLeaf } from "./log.js";
import { leafHash, rootByPath } from "./merkle.js";
import { failed, notChecked, ok } from "./outcome.js";
import { QUEUE_ID, exactly, faultsOf, hex, integer, inWords, listOf, matching, object,
  within } from "./shape.js";
import { positionOf } from "./shuffle.js";
import { JsonError, parseStrictly } from "./strict_json.js";

/** A path of a tree with 2^53 leaves has fewer steps. */
const PATH_MAX = 64;
export const PATH = listOf(hex(32), PATH_MAX);
export const ENTRY_LEAF = hex(ENTRY_LEAF_BYTES);

const RECEIPT = object({
  shopper: hex(16),
  leaf: ENTRY_LEAF,
  place: COUNT,
  path: PATH,
  statement: COMPACT_JWS,
});

const FIELDS = {
  iat: integer(),
  queue: matching(QUEUE_ID, "a queue's id"),
  epoch: hex(16),
  lane: LANE,
  sequence: integer(),
  first: integer(),
  granted: COUNT,
  count: COUNT,
  root: hex(32),
};
/** Older ones do not say whom they are for. */
const PROMISE = object(FIELDS, { aud: exactly("urn:tidegate:receipt") });

export async function checkReceipt(context) {
  const { audit, receipt: text, own } = context;
  if (text === undefined) return notChecked("no receipt was given");
  const { value: receipt, faults } = readStrictly(text, RECEIPT);
  if (faults.length > 0) return failed(inWords(within("receipt", faults)));

  const { kid, payload: promise, faults: wrong, isBy } = readStatement(receipt.statement,
    "tidegate-receipt+jwt", "statement");
  if (wrong.length === 0) wrong.push(...within("statement.payload", faultsOf(promise, PROMISE)));
  if (wrong.length > 0) return failed(inWords(within("receipt", wrong)));

  const key = keyNamed(kid, context);
  if (key !== undefined && !(await isBy(key))) {
    wrong.push({ path: "statement.signature", what: `is not made with the key ${kid}` });
  }
  wrong.push(...unlike(receipt, promise, promise.epoch));
  if (wrong.length > 0) return failed(inWords(within("receipt", wrong)));
  if (key === undefined) {
    const unknown = `the receipt is signed with ${kid}, a key that is not among those at hand`;
    // A shop may retire a key, but must not thereby make what it signed worth less unseen.
    return context.jwks === undefined ? notChecked(unknown) : failed(unknown);
  }

  if (promise.queue !== audit.queueId) {
    return failed(
      `the receipt is for the queue ${promise.queue}, and this audit is of ${audit.queueId}`,
    );
  }
  if (promise.epoch !== audit.epoch) {
    return failed(
      `the receipt is of another epoch of this queue (${promise.epoch}), and this audit is of ` +
        `${audit.epoch}`,
    );
  }
  const number = audit.groups.findIndex((group) =>
    ["lane", "sequence", "first", "granted", "root"].every((field) =>
      group[field] === promise[field]
    )
  );
  if (number === -1) {
    return failed(
      "the receipt is genuine, and its group is not in the log: the shop left this entry out, " +
        "and the receipt is the evidence",
    );
  }
  const index = promise.first + receipt.place;
  // An audit that contradicts itself may have fewer entrants than its groups have entries.
  if (index >= audit.entrants) {
    return failed(`the receipt's index ${index} is not among the ${audit.entrants} entrants`);
  }
  own.index = index;
  own.position = positionOf(index, audit.entrants, audit.seed) + 1;
  return ok(
    `entry ${index} is in the log, in groups[${number}], and stands at position ${own.position}`,
  );
}

/** Reads a JSON text of a shape: `{value, faults}`. */
export function readStrictly(text, fits) {
  try {
    const value = parseStrictly(text);
    return { value, faults: faultsOf(value, fits) };
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return { faults: [error.fault] };
  }
}

function keyNamed(kid, { audit, jwks }) {
  const published = jwks === undefined ? undefined : keysOf(jwks);
  // With the shop's keys at hand, the audit's own word for its key counts for nothing.
  return (published ?? [audit.key]).find((key) => key.kid === kid);
}

/**
 * What is wrong with an entry's `{shopper, leaf, place, path}`, given the group that it should be
 * in: `{lane, sequence, granted, count, root}`.
 */
export function unlike({ shopper, leaf, place, path }, group, epoch) {
  const faults = [];
  const bytes = fromHex(leaf);
  const beginning = entryLeafBeginning(group, epoch, place, shopper);
  const at = beginning.findIndex((byte, number) => byte !== bytes[number]);
  if (at !== -1) faults.push({ path: "leaf", what: `has another ${partOfEntryLeaf(at)}` });
  if (group.granted > group.count) {
    faults.push({ path: "granted", what: `is ${group.granted}, of a group of ${group.count}` });
  }
  if (place >= group.granted) {
    faults.push({ path: "place", what: `is ${place}, and the group got ${group.granted} indices` });
  }
  const root = rootByPath(leafHash(bytes), place, group.count, path.map(fromHex));
  if (root === undefined) {
    faults.push({ path: "path", what: `does not fit place ${place} of ${group.count}` });
  } else if (toHex(root) !== group.root) {
    faults.push({ path: "path", what: "does not lead from leaf to the group's root" });
  }
  return faults;
}
