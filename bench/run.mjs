// What scripts/bench runs once everything is built: measures, prints one table, writes it down.
//
//   node bench/run.mjs [--only NAME…] [--seconds N] [--slices N] [--rounds N]

import { writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";

import { ROOT } from "../scripts/lib/miniflare.mjs";
import { machine } from "./lib/machine.mjs";
import { print, verdict } from "./lib/table.mjs";
import { measureObjects } from "./measure/objects.mjs";
import { measurePlace } from "./measure/place.mjs";
import { measureSimulator } from "./measure/simulator.mjs";
import { measureSize } from "./measure/size.mjs";
import { measureSockets } from "./measure/sockets.mjs";
import { measureSpeed } from "./measure/speed.mjs";
import { computeCost } from "./measure/cost.mjs";

/** In order; the last reckons with what the others have measured. */
const MEASURES = {
  size: measureSize,
  place: measurePlace,
  simulator: measureSimulator,
  speed: measureSpeed,
  objects: measureObjects,
  sockets: measureSockets,
  cost: computeCost,
};
const RESULTS = path.join(ROOT, "docs/benchmarks.json");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string", multiple: true, default: [] },
    seconds: { type: "string", default: "1" },
    slices: { type: "string", default: "7" },
    rounds: { type: "string", default: "3" },
  },
});
const wanted = [...values.only, ...positionals].flatMap((names) => names.split(","));
const unknown = wanted.filter((name) => !(name in MEASURES));
if (unknown.length > 0) {
  console.error(
    `error: no such measure: ${unknown.join(", ")}; there are ${Object.keys(MEASURES).join(", ")}`,
  );
  process.exit(2);
}
const number = (name) => {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= 1) return value;
  console.error(`error: --${name} is a whole number from 1 on, not ${values[name]}`);
  process.exit(2);
};
const options = { seconds: number("seconds"), slices: number("slices"), rounds: number("rounds") };

const began = performance.now();
const rows = [];
for (const [name, measure] of Object.entries(MEASURES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`\n== ${name}`);
  rows.push(...(await measure(options, rows)).map((row) => ({ measure: name, ...row })));
}

const minutes = Math.round((performance.now() - began) / 6_000) / 10;
console.log(`\nmeasured in ${minutes} minutes\n`);
print(rows);
if (wanted.length === 0) {
  const results = { at: new Date().toISOString(), machine: machine(), ...options, minutes, rows };
  writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  console.log(`\nwritten to ${path.relative(process.cwd(), RESULTS)}`);
}
const figures = (wanted) =>
  rows.filter((row) => verdict(row) === wanted).map(({ figure }) => figure);
const [missed, unclear] = [figures("MISSED"), figures("unclear")];
if (unclear.length > 0) {
  console.log(
    `\n${unclear.length} unclear, for the spread holds the target: ${unclear.join("; ")}`,
  );
}
console.log(
  missed.length === 0 ? "\nno target is missed" : `\n${missed.length} missed: ${missed.join("; ")}`,
);
process.exit(missed.length === 0 ? 0 : 1);
