// Runs the end-to-end test files given as arguments, three at the same time: one that waits for
// most of its time, one that drives a browser, and one of the others. Each file is a process of its
// own. Its report is printed whole when it ends; files that failed are named again at the end.

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

import { endDescendants } from "./processes.mjs";

const ROOT = path.resolve(import.meta.dirname, "../..");

/**
 * Files that mostly sleep, until an idle object is evicted or a window of time ends. Those that
 * work least come first, beside the crashes, which work most.
 */
const WAITING = ["tests/beacon.test.mjs", "tests/live.test.mjs", "tests/time-limits.test.mjs",
  "tests/lapsing.test.mjs", "tests/load.test.mjs", "tests/eviction.test.mjs"];
/** Files that begin early, for they are long. Longest first. */
const LONG = ["tests/crash.test.mjs", "pages/tests/every_state.test.mjs",
  "tests/opening-crash.test.mjs", "tests/launch.test.mjs"];

/** A browser takes both cores now and then: two at the same time would slow each other. */
const drivesBrowser = (file) =>
  /support\/browser\.mjs|stand_in\.mjs|static_page\.mjs|playwright-core/.test(
    readFileSync(path.join(ROOT, file), "utf8"),
  );

/** The files of each lane. A lane that has none left takes another one's, but a browser's. */
function lanesOf(files) {
  for (const file of [...WAITING, ...LONG]) {
    if (!existsSync(path.join(ROOT, file))) {
      throw new Error(`${import.meta.filename} names ${file}, which is gone`);
    }
  }
  const rank = (file) => [...WAITING, ...LONG, file].indexOf(file);
  const sorted = files.toSorted((a, b) => rank(a) - rank(b));
  const laneOf =
    (file) => (WAITING.includes(file) ? "waiting" : drivesBrowser(file) ? "browser" : "other");
  return { waiting: [], browser: [], other: [], ...Object.groupBy(sorted, laneOf) };
}

/** What the files under way have reported so far. */
const reports = new Map();

/** Runs one file to its end. Returns whether it passed. */
function runFile(file) {
  const began = performance.now();
  const child = spawn("node", ["--test", "--test-reporter=spec", file], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  reports.set(file, "");
  const add = (text) => reports.set(file, reports.get(file) + text);
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", add);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      const seconds = Math.round((performance.now() - began) / 1_000);
      const outcome = code === 0 ? "passed" : `FAILED (${signal ?? code})`;
      process.stdout.write(`\n-- ${file}: ${outcome} in ${seconds} s\n${reports.get(file)}`);
      reports.delete(file);
      resolve(code === 0);
    });
  });
}

async function runAll(files) {
  const { waiting, browser, other } = lanesOf(files);
  const failed = [];
  const lane = async (own) => {
    for (;;) {
      const file = own.shift() ?? other.shift() ?? waiting.shift();
      if (file === undefined) return;
      if (!(await runFile(file))) failed.push(file);
    }
  };
  await Promise.all([lane(waiting), lane(browser), lane(other)]);
  for (const file of failed) console.log(`FAILED: ${file} (its report is above)`);
  return failed.length === 0;
}

for (const [name, code] of [["SIGINT", 130], ["SIGTERM", 143]]) {
  process.once(name, () => {
    endDescendants();
    for (const [file, report] of reports) {
      console.log(`\n-- ${file}: stopped by ${name}\n${report}`);
    }
    process.exit(code);
  });
}

process.exitCode = (await runAll(process.argv.slice(2))) ? 0 : 1;
