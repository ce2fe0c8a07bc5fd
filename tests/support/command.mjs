// `tidegate`, the operator's command, as tests run it.

import { spawn } from "node:child_process";
import path from "node:path";

import { ROOT } from "../../scripts/lib/miniflare.mjs";

export const BINARY = path.join(path.resolve(ROOT, process.env.CARGO_TARGET_DIR ?? "target"),
  "debug/tidegate");

/**
 * Runs it with these words. `input` is what it reads from stdin. Returns `{code, stdout, stderr}`.
 */
export async function tidegate(args, { env, input = "" } = {}) {
  const child = spawn(BINARY, args, { stdio: "pipe", env });
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) {
    child[name].setEncoding("utf8").on("data", (text) => (said[name] += text));
  }
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  child.stdin.on("error", () => {}); // It may end before it has read everything.
  child.stdin.end(input);
  return { code: await ended, ...said };
}
