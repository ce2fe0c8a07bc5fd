// Formats the JavaScript, as dprint.json says: `node scripts/lib/format.mjs [--check]`. With
// `--check` nothing is written: what is not as it would be written is named, and fails.

import { createFromBuffer } from "@dprint/formatter";
import { getPath } from "@dprint/typescript";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";

import { projectFiles, ROOT } from "./files.mjs";

const read = (file) => readFileSync(path.join(ROOT, file), "utf8");
const { typescript, plugins: _, ...shared } = JSON.parse(read("dprint.json"));
const formatter = createFromBuffer(readFileSync(getPath()));
formatter.setConfig(shared, typescript);
const [mistake] = formatter.getConfigDiagnostics();
if (mistake) throw new Error(`dprint.json: ${mistake.propertyName}: ${mistake.message}`);

const isChecked = process.argv.includes("--check");
for (const file of projectFiles()) {
  if (!/\.m?js$/.test(file)) continue;
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
