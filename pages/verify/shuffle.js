// The shuffle: swap-or-not, 90 rounds of SHA-256, as `compute_shuffled_index` of Ethereum's
// consensus specification. In each round every index is paired with its mirror image about a pivot,
// and one bit for the pair says whether the two change places.

import { sha256 } from "@noble/hashes/sha2.js";

import { concat, fromHex } from "./bytes.js";

export const ROUNDS = 90;
/** One hash has a bit for each of so many neighbours. */
const BLOCK = 256;

/** The position of entry `index` of `count`; both from 0. */
export const positionOf = (index, count, seed) => followed(index, count, seed, (round) => round);

/** The entry at `position`: each round undoes itself, so the way back is the rounds backwards. */
export const entryAt = (position, count, seed) =>
  followed(position, count, seed, (round) => ROUNDS - 1 - round);

function followed(from, count, seed, order) {
  const seedBytes = fromHex(seed);
  let at = from;
  for (let step = 0; step < ROUNDS; step += 1) {
    const round = order(step);
    const mirror = (pivotOf(seedBytes, round, count) + count - at) % count;
    const decider = Math.max(at, mirror);
    if (bitOf(blockOf(seedBytes, round, Math.floor(decider / BLOCK)), decider % BLOCK)) at = mirror;
  }
  return at;
}

/**
 * The positions of all entries at once, which share the hashes: one for 256 neighbours a round.
 * `count` is below 2^32. `onRound` hears how many rounds are done.
 */
export function allPositions(count, seed, onRound = () => {}) {
  const seedBytes = fromHex(seed);
  const positions = new Uint32Array(count).map((_, index) => index);
  const blocks = Math.ceil(count / BLOCK);
  const bits = new Uint8Array(blocks * (BLOCK / 8));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let block = 0; block < blocks; block += 1) {
      bits.set(blockOf(seedBytes, round, block), block * (BLOCK / 8));
    }
    const pivot = count > 0 ? pivotOf(seedBytes, round, count) : 0;
    for (let index = 0; index < count; index += 1) {
      const at = positions[index];
      const mirror = at <= pivot ? pivot - at : pivot + count - at;
      if (bitOf(bits, at > mirror ? at : mirror)) positions[index] = mirror;
    }
    onRound(round + 1);
  }
  return positions;
}

const bitOf = (bytes, at) => (bytes[at >>> 3] >>> (at & 7)) & 1;

function pivotOf(seed, round, count) {
  const digest = sha256(concat(seed, Uint8Array.of(round)));
  return Number(
    new DataView(digest.buffer, digest.byteOffset).getBigUint64(0, true) % BigInt(count),
  );
}

function blockOf(seed, round, block) {
  const asked = new Uint8Array(37);
  asked.set(seed);
  asked[32] = round;
  new DataView(asked.buffer).setUint32(33, block, true);
  return sha256(asked);
}
