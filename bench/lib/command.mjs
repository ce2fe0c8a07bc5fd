// The `tidegate` command, as scripts/bench builds it.

import { spawn } from "node:child_process";
import path from "node:path";

import { ROOT } from "../../scripts/lib/miniflare.mjs";

const COMMAND = path.join(path.resolve(ROOT, process.env.CARGO_TARGET_DIR ?? "target"),
  "native/tidegate");

/** Runs it to its end. Returns `{code, stdout}`; what it says of its progress is shown. */
export async function tidegateCommand(words, env = {}) {
  const child = spawn(COMMAND, words, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
  const code = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { code, stdout };
}
