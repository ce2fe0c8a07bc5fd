// Draws for tests: made with a far opening, entered, and opened when the test says so.

import { shuffling } from "./shuffle.mjs";
import { forEachAtOnce, until } from "./until.mjs";

const HOUR_MS = 3_600_000;

/** Creates a draw that opens in an hour, unless the test opens it. */
export function makeDraw(world, config) {
  const [opensAt, closesAt] = [Date.now() + HOUR_MS, Date.now() + 2 * HOUR_MS];
  return world.createQueue({ access: "draw", lanes: 2, opensAt, closesAt, ...config });
}

/** Opens a draw now. Returns `shoppers` by the place that the shuffle gives them. */
export async function openDraw(queue, shoppers) {
  const { snapshot } = await queue.patch({ opensAt: Date.now() });
  const { seed, entrants } = snapshot.shuffle;
  const positionOf = shuffling(entrants, seed);
  const places = [];
  for (const shopper of shoppers) places[positionOf(shopper.index)] = shopper;
  return places;
}

/** A draw that has just opened: `{queue, shoppers}`, these by place. */
export async function openedDraw(world, config, count) {
  const queue = await makeDraw(world, config);
  const shoppers = await forEachAtOnce(Array.from({ length: count }), 10, () => queue.enter());
  return { queue, shoppers: await openDraw(queue, shoppers) };
}

/** Waits until a shopper's status, which may be a second old, is this one. Returns it. */
export const becomes = (shopper, status) =>
  until(status, async () => {
    const { json } = await shopper.status();
    return json.status === status && json;
  });
