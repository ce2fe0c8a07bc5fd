// What one place of ten million entrants costs, and what the check of a beacon's round: each alone,
// as WebAssembly, in the engine that workerd has too.

import { readFileSync } from "node:fs";
import path from "node:path";

import { ROOT } from "../../scripts/lib/miniflare.mjs";
import { median } from "../lib/pairs.mjs";

const ENTRANTS = 10_000_000n;
const PLACES = 2_000;
const TURNS = 9;
const ROUND = 1_000n;

export async function measurePlace() {
  const target = process.env.CARGO_TARGET_DIR ?? path.join(ROOT, "target");
  const wasm = readFileSync(
    path.join(target, "bench/wasm32-unknown-unknown/release/bench_place.wasm"),
  );
  const module = await WebAssembly.compile(wasm);
  // Libraries beside the shuffle ask for some; it calls none.
  const imports = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] = { ...imports[from], [name]: () => {} };
  }
  const instance = await WebAssembly.instantiate(module, imports);
  const times = [];
  for (let turn = 0; turn < TURNS; turn += 1) {
    const before = performance.now();
    let sum = 0n;
    for (let number = 0; number < PLACES; number += 1) {
      const index = (BigInt(number) * 4_999_999n + BigInt(turn)) % ENTRANTS;
      sum += instance.exports.place(index, ENTRANTS, BigInt(turn));
    }
    times.push((performance.now() - before) / PLACES);
    // Uniform places: the sum says that they were computed.
    if (sum < 0n || sum > ENTRANTS * BigInt(PLACES)) throw new Error("a place that there is not");
  }
  const checks = [];
  for (let turn = 0; turn < TURNS; turn += 1) {
    const before = performance.now();
    // Another round is as much work, and is refused.
    if (instance.exports.check(ROUND) !== 1 || instance.exports.check(ROUND + 1n) !== 0) {
      throw new Error("a wrong check");
    }
    checks.push((performance.now() - before) / 2);
  }
  const note = `median of ${TURNS} turns of ${PLACES}, in Node's V8`;
  return [
    {
      figure: "one place of 10 million entrants, in wasm",
      value: median(times) * 1000,
      unit: "µs",
      atMost: 1000,
      note,
    },
    {
      figure: "one drand round's signature, in wasm",
      value: median(checks),
      unit: "ms",
      note: `median of ${TURNS} turns, in Node's V8`,
    },
  ];
}
