// What is deployed, and how long a fresh isolate takes to answer.

import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import path from "node:path";

import { ROOT } from "../../scripts/lib/miniflare.mjs";
import { helloRust, tidegate } from "../lib/rooms.mjs";
import { median } from "../lib/pairs.mjs";

const STARTS = 5;

export async function measureSize() {
  const wasm = path.join(ROOT, "build/index_bg.wasm");
  // As scripts/test measures it.
  const zipped = execFileSync("gzip", ["-9", "--stdout", wasm], { maxBuffer: 2 ** 24 });
  const rows = [
    { figure: "wasm, gzipped", value: zipped.length / 1000, unit: "kB", atMost: 650 },
    { figure: "wasm", value: statSync(wasm).size / 1000, unit: "kB" },
  ];
  for (const [name, start, where] of [
    ["Tidegate", tidegate, "/.well-known/jwks.json"],
    ["a bare worker hello", helloRust, "/"],
  ]) {
    const times = [];
    for (let turn = 0; turn < STARTS; turn += 1) times.push(await firstAnswer(start, where));
    rows.push({
      figure: `cold start to first answer, ${name}`,
      value: median(times),
      unit: "ms",
      note: `workerd's own start included; median of ${STARTS}`,
    });
  }
  return rows;
}

async function firstAnswer(start, where) {
  const before = performance.now();
  const server = await start({ untilPath: where });
  const after = performance.now();
  await server.stop();
  return after - before;
}
