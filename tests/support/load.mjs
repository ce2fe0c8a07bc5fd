// `tidegate load` as an operator runs it, and what it said.

import { readFileSync } from "node:fs";
import path from "node:path";

import { tidegate } from "./command.mjs";
import { freshFolder, removeFolder } from "./world.mjs";

/** A machine that is busy with other things may be slow: here times are measured and not judged. */
function untimed(options) {
  const nobody = options[options.indexOf("--shoppers") + 1] === "0";
  const ofShoppers = nobody ? [] : ["--p95", "--p99"];
  const ofSockets = options.includes("--sockets") ? ["--connect-p99", "--push-p99"] : [];
  const marks = [...ofShoppers, ...ofSockets].filter((mark) => !options.includes(mark));
  return marks.flatMap((mark) => [mark, "60s"]);
}

/**
 * Loads the deployment at `url` with these options and keys. Returns `{code, report, stdout,
 * stderr}`; `report` is the JSON that it wrote.
 */
export async function runLoad(
  url,
  options,
  { admin = "dev-admin-key", origin = "dev-origin-key" } = {},
) {
  const folder = freshFolder();
  try {
    const file = path.join(folder, "report.json");
    const env = { TIDEGATE_URL: url, TIDEGATE_ADMIN_KEY: admin, TIDEGATE_ORIGIN_KEY: origin };
    const { code, stdout, stderr } = await tidegate(["load", ...untimed(options), "--json", file,
      ...options], { env });
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
