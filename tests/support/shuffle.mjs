// The shuffle as Ethereum's consensus specification defines it, written a second time, so that the
// edge's is not held against itself.

import { createHash } from "node:crypto";

const ROUNDS = 90;
const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();

/** The position of entrant `index` of `count`, both from 0; `seed` is hex. */
export function shuffledPosition(index, count, seed) {
  const bytes = Buffer.from(seed, "hex");
  for (let round = 0; round < ROUNDS; round++) {
    const number = Buffer.from([round]);
    const pivot = Number(sha256(bytes, number).readBigUInt64LE(0) % BigInt(count));
    const flip = (pivot + count - index) % count;
    const higher = Math.max(index, flip);
    const block = Buffer.alloc(4);
    block.writeUInt32LE(Math.floor(higher / 256));
    const bit = (sha256(bytes, number, block)[(higher % 256) >> 3] >> (higher % 8)) & 1;
    if (bit === 1) index = flip;
  }
  return index;
}
