// Waiting for something to become so: by looking again, and never for longer than a bound.

import { setTimeout as pause } from "node:timers/promises";

/**
 * Calls `look` until it gives something truthy, and returns that. After `withinMs` it fails, and
 * says what did not come: `what`, and what `look` said last.
 */
export async function until(what, look, { withinMs = 15_000, everyMs = 25 } = {}) {
  const end = performance.now() + withinMs;
  let last;
  for (;;) {
    last = await look();
    if (last) return last;
    if (performance.now() > end) {
      throw new Error(`${what}: not within ${withinMs} ms (last: ${JSON.stringify(last)})`);
    }
    await pause(everyMs);
  }
}

/**
 * Runs `work` on every item, at most `atOnce` of them at a time; the results are in the items'
 * order.
 */
export async function forEachAtOnce(items, atOnce, work) {
  const results = new Array(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const number = next++;
      results[number] = await work(items[number], number);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  return results;
}
