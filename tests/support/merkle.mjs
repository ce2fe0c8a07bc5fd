// Merkle trees as RFC 6962 (section 2.1) defines them, written a second time, so that Tidegate's
// are not held against themselves. Hashes are Buffers.

import { createHash } from "node:crypto";

export const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();

/** The hash of a leaf's bytes. */
export const leafHash = (leaf) => sha256(Buffer.of(0), leaf);

const parent = (left, right) => sha256(Buffer.of(1), left, right);

/** The tree hash over leaves' hashes, in order. */
export function treeHash(leaves) {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0];
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return parent(treeHash(leaves.slice(0, half)), treeHash(leaves.slice(half)));
}

/**
 * The root that an inclusion proof leads to from a leaf's hash: leaf `index` of `size`. Undefined
 * where the path is not as long as it must be (RFC 9162, section 2.1.3.2).
 */
export function rootByPath(leaf, index, size, path) {
  let [node, last, hash] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (last === 0) return undefined;
    if (node % 2 === 1 || node === last) {
      hash = parent(sibling, hash);
      // A node that stands alone on its level has no sibling there.
      while (node % 2 === 0 && node > 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else {
      hash = parent(hash, sibling);
    }
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 ? hash : undefined;
}
