// The bench tells a change from noise: what it compares alternates, and a target is missed by a
// whole spread.

import assert from "node:assert/strict";
import { test } from "node:test";

import { alternate, ratios, spread } from "../bench/lib/pairs.mjs";
import { verdict } from "../bench/lib/table.mjs";

test("what is compared alternates, every second cycle backwards", async () => {
  const order = [];
  const load = (name) => async () => order.push(name);
  const results = await alternate({ a: load("a"), b: load("b"), c: load("c") }, 3);
  assert.equal(order.join(""), "abc" + "cba" + "abc");
  assert.deepEqual(results, { a: [1, 6, 7], b: [2, 5, 8], c: [3, 4, 9] });
});

test("a machine that slows down, and a base that stumbles, leave the ratio as it is", async () => {
  let speed = 1_000;
  // All lose a fiftieth with each slice that passes; one cycle in ten finds the base at half its
  // speed.
  const load = (factor, stumbles) => {
    let cycle = 0;
    return async () => ({
      rate: (speed *= 0.98) * factor * (stumbles && (cycle += 1) % 10 === 0 ? 0.5 : 1),
    });
  };
  const { base, ours } = await alternate({ base: load(1, true), ours: load(0.9, false) }, 20);
  const { value, low, high } = spread(ratios(ours, base, ({ rate }) => rate));
  assert.ok(Math.abs(value - 0.9) < 0.005, `${value}`);
  assert.ok(low > 0.87 && high < 1.1, `${low} to ${high}`);
  const alone = spread(base.map(({ rate }) => rate));
  assert.ok(alone.high / alone.low > 1.5, "the base by itself tells nothing");
});

test("results that make no pairs are refused", () => {
  assert.throws(() => ratios([1, 2], [1], Number), /2 results and 1 make no pairs/);
});

test("a spread is the median and the middle 80 %", () => {
  const eleven = [10, 1, 9, 2, 8, 3, 7, 4, 6, 5, 100];
  assert.deepEqual(spread(eleven), { value: 6, low: 2, high: 10 });
  assert.deepEqual(spread([4, 2]), { value: 3, low: 2.2, high: 3.8 });
});

test("a target is missed only where the whole spread lies beyond it", () => {
  for (const [row, expected] of [
    [{ value: 0.95, low: 0.8, high: 1, atLeast: 0.9 }, "met"],
    [{ value: 0.85, low: 0.8, high: 0.9, atLeast: 0.9 }, "unclear"],
    [{ value: 0.85, low: 0.8, high: 0.89, atLeast: 0.9 }, "MISSED"],
    [{ value: 12, low: 9, high: 20, atMost: 10 }, "unclear"],
    [{ value: 12, low: 11, high: 20, atMost: 10 }, "MISSED"],
    [{ value: 0.89, atLeast: 0.9 }, "MISSED"],
    [{ value: NaN, atLeast: 0.9 }, "MISSED"],
    [{ value: 0.1 }, ""],
  ]) {
    assert.equal(verdict(row), expected, JSON.stringify(row));
  }
});
