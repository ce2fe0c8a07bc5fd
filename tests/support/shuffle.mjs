// The shuffle as Ethereum's consensus specification defines it, written a second time, so that the
// edge's is not held against itself.

import { sha256 } from "./merkle.mjs";

const ROUNDS = 90;

/**
 * A function from the index of one of `count` entrants to their position, both from 0; `seed` is
 * hex.
 */
export function shuffling(count, seed) {
  const bytes = Buffer.from(seed, "hex");
  const rounds = Array.from({ length: ROUNDS }, (_, round) => {
    const number = Buffer.of(round);
    const pivot = Number(sha256(bytes, number).readBigUInt64LE(0) % BigInt(count));
    return { number, pivot, blocks: new Map() };
  });
  // Each hash decides for 256 places, and is made once.
  const blockOf = ({ number, blocks }, which) => {
    if (!blocks.has(which)) {
      const block = Buffer.alloc(4);
      block.writeUInt32LE(which);
      blocks.set(which, sha256(bytes, number, block));
    }
    return blocks.get(which);
  };
  return (index) => {
    for (const round of rounds) {
      const flip = (round.pivot + count - index) % count;
      const higher = Math.max(index, flip);
      const bit = (blockOf(round, Math.floor(higher / 256))[(higher % 256) >> 3] >> (higher % 8)) &
        1;
      if (bit === 1) index = flip;
    }
    return index;
  };
}

/** The position of entrant `index` of `count`. */
export const shuffledPosition = (index, count, seed) => shuffling(count, seed)(index);
