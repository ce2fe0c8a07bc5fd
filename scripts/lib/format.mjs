// Formats the JavaScript, as dprint.json says: `node scripts/lib/format.mjs [--check]`. With
// `--check` nothing is written: what is not as it would be written is named, and fails.

import { createFromBuffer } from "@dprint/formatter";
import { getPath } from "@dprint/typescript";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** What is still written by hand. */
const LEFT_ALONE = ["src/entry.js"];

const read = (file) => readFileSync(path.join(ROOT, file), "utf8");
const { typescript, plugins: _, ...shared } = JSON.parse(read("dprint.json"));
const formatter = createFromBuffer(readFileSync(getPath()));
formatter.setConfig(shared, typescript);
const [mistake] = formatter.getConfigDiagnostics();
if (mistake) throw new Error(`dprint.json: ${mistake.propertyName}: ${mistake.message}`);

const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "*.js", "*.mjs"], {
  cwd: ROOT,
  encoding: "utf8",
});
const isChecked = process.argv.includes("--check");
for (const file of listed.trim().split("\n")) {
  if (LEFT_ALONE.includes(file) || !existsSync(path.join(ROOT, file))) continue;
  const text = read(file);
  try {
    const formatted = formatter.formatText({ filePath: file, fileText: text });
    if (formatted === text) continue;
    if (isChecked) throw new Error(`${file}: not formatted: scripts/format formats it`);
    writeFileSync(path.join(ROOT, file), formatted);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
