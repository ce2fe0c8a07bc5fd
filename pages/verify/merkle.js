// Merkle trees as RFC 6962 hashes them (section 2.1).

import { hash } from "./bytes.js";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export const leafHash = (bytes) => hash(LEAF, bytes);
const nodeHash = (left, right) => hash(NODE, left, right);

/** The root over leaves that are hashed already. */
export function rootOf(leaves) {
  if (leaves.length === 0) return hash();
  // Full subtrees of falling size, as the bits of the number of leaves so far.
  const roots = [];
  for (const [number, leaf] of leaves.entries()) {
    let root = leaf;
    for (let bits = number; bits % 2 === 1; bits = (bits - 1) / 2) {
      root = nodeHash(roots.pop(), root);
    }
    roots.push(root);
  }
  return roots.reduceRight((right, left) => nodeHash(left, right));
}

/**
 * The root that an inclusion proof leads to, from the hash of leaf `place` of `count`; undefined
 * where the path is too short or too long for such a tree. (RFC 9162, section 2.1.3.2, is the same
 * by another way.)
 */
export function rootByPath(leaf, place, count, path) {
  if (place >= count) return undefined;
  const steps = [...path];
  const climb = (from, size) => {
    if (size === 1) return leaf;
    const left = largestPowerBelow(size);
    const within = from < left ? climb(from, left) : climb(from - left, size - left);
    const beside = steps.shift();
    if (within === undefined || beside === undefined) return undefined;
    return from < left ? nodeHash(within, beside) : nodeHash(beside, within);
  };
  const root = climb(place, count);
  return steps.length === 0 ? root : undefined;
}

/** The largest power of two that is less than `size`, which is 2 or more. */
function largestPowerBelow(size) {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}
