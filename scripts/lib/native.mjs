// Runs the native tests: what `cargo test` runs, several of its programs at the same time, so that
// one long test leaves no core idle. Each program's report is printed whole when it ends; those
// that failed are named again at the end.

import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

import { endDescendants } from "./processes.mjs";

const ROOT = path.resolve(import.meta.dirname, "../..");
/** Programs that begin first, for they take longest. Named by folder and target. */
const LONG = ["core histories", "sim steering_grid", "sim simulation", "core chance",
  "cli tidegate"];
/** Doc tests are built and run by cargo. */
const DOC_TESTS = {
  name: "doc tests",
  command: "cargo",
  args: ["test", "--quiet", "--doc", "--no-fail-fast"],
  cwd: ROOT,
};

/**
 * Builds all test programs, as cargo says it. Returns `[{name, command, args, cwd}]`, the long ones
 * first.
 */
async function programs() {
  const child = spawn("cargo", ["test", "--no-run", "--message-format=json-render-diagnostics"], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve, reject) =>
    child.once("error", reject).once("close", resolve)
  );
  const found = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const { reason, executable, profile, target, manifest_path: manifest } = JSON.parse(line);
    if (reason !== "compiler-artifact" || !executable || !profile.test) continue;
    const folder = path.dirname(manifest);
    // As cargo starts them: in their package's folder, and with its name for those who ask.
    found.push({
      name: `${path.relative(ROOT, folder)} ${target.name}`,
      command: executable,
      args: ["--quiet"],
      cwd: folder,
      env: { CARGO_MANIFEST_DIR: folder },
    });
  }
  if ((await ended) !== 0) throw new Error("the tests do not compile");
  for (const name of LONG) {
    if (!found.some((program) => program.name === name)) {
      throw new Error(`${import.meta.filename} names ${name}, which is gone`);
    }
  }
  const rank = ({ name }) => [...LONG, name].indexOf(name);
  return [...found, DOC_TESTS].toSorted((a, b) => rank(a) - rank(b));
}

/** Runs one program to its end. Returns whether it passed. */
function run({ name, command, args, cwd, env }) {
  const began = performance.now();
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let report = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => (report += text));
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      const seconds = ((performance.now() - began) / 1_000).toFixed(1);
      const outcome = code === 0 ? "passed" : `FAILED (${signal ?? code})`;
      process.stdout.write(`\n-- ${name}: ${outcome} in ${seconds} s\n${report.trim()}\n`);
      resolve(code === 0);
    });
  });
}

for (const [name, code] of [["SIGINT", 130], ["SIGTERM", 143]]) {
  process.once(name, () => {
    endDescendants();
    process.exit(code);
  });
}

const left = await programs();
const failed = [];
const lane = async () => {
  for (let program = left.shift(); program !== undefined; program = left.shift()) {
    if (!(await run(program))) failed.push(program.name);
  }
};
await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, lane));
for (const name of failed) console.log(`FAILED: ${name} (its report is above)`);
process.exitCode = failed.length === 0 ? 0 : 1;
