// Who stands where: the whole permutation, and single positions.

import { counted, failed, notChecked, ok } from "./outcome.js";
import { allPositions, entryAt, ROUNDS } from "./shuffle.js";

/** More are computed only when asked for: it takes seconds and memory. */
const WHOLE_MAX = 1_000_000;
/** What an array of positions can hold. */
const POSSIBLE_MAX = 2 ** 31;

/** Computes the position of every entry, and that each position is taken once. */
export function checkPlaces({ audit, allPlaces = false, onProgress }) {
  const { entrants, seed, winners } = audit;
  if (entrants > (allPlaces ? POSSIBLE_MAX : WHOLE_MAX)) {
    return notChecked(
      `${counted(entrants, "entrant")}: only the positions asked for were computed`,
    );
  }
  const positions = allPositions(entrants, seed, (done) => onProgress("places", done / ROUNDS));
  const second = firstThatShares(positions);
  if (second !== -1) {
    return failed(`entry ${second} shares position ${positions[second] + 1} with another`);
  }
  const won = winners === null ? "" : `; the first ${Math.min(winners, entrants)} won`;
  return ok(`each of ${counted(entrants, "position")} is one entry's${won}`);
}

/** The first index whose position an index before it has, too; -1 where each has its own. */
export function firstThatShares(positions) {
  const taken = new Uint8Array(positions.length);
  return positions.findIndex((position) => (taken[position] += 1) > 1);
}

/**
 * What stands at a position, counted from 1: `{position, index, group, lane, place}`, `group` and
 * `place` from 0; or `{position}` alone where there is no such position, or no group that has the
 * entry.
 */
export function lookAt(position, audit) {
  const { entrants, seed, groups } = audit;
  if (!Number.isSafeInteger(position) || position < 1 || position > entrants) return { position };
  const index = entryAt(position - 1, entrants, seed);
  const group = groups.findIndex(({ first, granted }) => index >= first && index < first + granted);
  if (group === -1) return { position };
  return { position, index, group, lane: groups[group].lane, place: index - groups[group].first };
}
