// `tidegate load` as an operator runs it, and what it said.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";

import { ROOT } from "../../scripts/lib/miniflare.mjs";
import { freshFolder, removeFolder } from "./world.mjs";

const BINARY = path.join(path.resolve(ROOT, process.env.CARGO_TARGET_DIR ?? "target"), "debug/tidegate");

/** A machine that is busy with other things may be slow: here times are measured and not judged. */
function untimed(options) {
  const nobody = options[options.indexOf("--shoppers") + 1] === "0";
  const ofShoppers = nobody ? [] : ["--p95", "--p99"];
  const ofSockets = options.includes("--sockets") ? ["--connect-p99", "--push-p99"] : [];
  const marks = [...ofShoppers, ...ofSockets].filter((mark) => !options.includes(mark));
  return marks.flatMap((mark) => [mark, "60s"]);
}

/**
 * Loads the deployment at `url` with these options and keys. Returns `{code, report, stdout, stderr}`;
 * `report` is the JSON that it wrote.
 */
export async function runLoad(url, options, { admin = "dev-admin-key", origin = "dev-origin-key" } = {}) {
  const folder = freshFolder();
  try {
    const file = path.join(folder, "report.json");
    const { code, stdout, stderr } = await run(["load", ...untimed(options), "--json", file, ...options], {
      TIDEGATE_URL: url,
      TIDEGATE_ADMIN_KEY: admin,
      TIDEGATE_ORIGIN_KEY: origin,
    });
    return { code, stdout, stderr, report: readReport(file) };
  } finally {
    removeFolder(folder);
  }
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined; // It did not come so far; what it said tells why.
  }
}

async function run(args, env) {
  const child = spawn(BINARY, args, { stdio: ["ignore", "pipe", "pipe"], env });
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) child[name].setEncoding("utf8").on("data", (text) => (said[name] += text));
  const code = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { code, ...said };
}
