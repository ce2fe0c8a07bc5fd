// The log of who entered: what is hashed for an entry, and for the group that it came in.

import { concat, fromHex, hash, integer, label } from "./bytes.js";

const ENTRY = label("tidegate/entry/v1");
const GROUP = label("tidegate/group/v1");
const BLIND = label("tidegate/blind/v1");

/** The bytes of a group's leaf. */
export function groupLeaf({ lane, sequence, first, granted, root }, epoch) {
  const numbers = [integer(lane, 2), integer(sequence, 8), integer(first, 8), integer(granted, 4)];
  return concat(GROUP, fromHex(epoch), ...numbers, fromHex(root));
}

/** The bytes that an entry's leaf begins with; what follows is the moment of entry, in 8 bytes. */
export function entryLeafBeginning({ lane, sequence }, epoch, place, shopper) {
  const blind = hash(BLIND, fromHex(shopper));
  return concat(ENTRY, fromHex(epoch), integer(lane, 2), integer(sequence, 8), integer(place, 4),
    blind);
}

/** An entry's leaf has 87 bytes. */
export const ENTRY_LEAF_BYTES = 87;

/** Which part of an entry's leaf byte `at` belongs to. */
export function partOfEntryLeaf(at) {
  const ends = [
    [17, "label"],
    [33, "epoch"],
    [35, "lane"],
    [43, "sequence"],
    [47, "place"],
    [79, "blind of the shopper"],
  ];
  return ends.find(([end]) => at < end)?.[1] ?? "moment of entry";
}
