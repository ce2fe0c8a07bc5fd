// The rules of the house that no other tool holds: how long lines and files are, which words are
// gone, and that nothing lies about unused. Names each finding with its line and the remedy.

import { readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";

import { projectFiles, ROOT } from "./files.mjs";

const COLUMNS = 100;
const LINES = 400;

/** Words that are gone, and what says the same. */
const GONE = [
  [/\bwhoever\b/i, "who, those who, or anybody who"],
  [/\b(short|long) way\b/i, "fast path, ordinary driver"],
  [/\b(queue's|earlier|another|first|new) (life|lives)\b|\blife of (a|the|this) queue\b/i, "epoch"],
  [/ else[.;!?](?=\s|$)/i, "it otherwise: no sentence ends with else"],
];

/** What tools find by its name alone, or by a pattern. */
const FOUND_BY_TOOLS = [
  /(^|\/)(Cargo\.(toml|lock)|clippy\.toml|askama\.toml|README\.md|_headers|\.gitignore)$/,
  /^(deny|dprint|package(-lock)?|rust-toolchain|rustfmt|wrangler)\.(toml|json)$/,
  /^(\.ci\/run|\.editorconfig|(CHANGELOG|CONTRIBUTING|SECURITY)\.md|LICENSE-.*)$/,
  /\.test\.mjs$/,
  /^core\/(proptest-regressions|tests\/golden)\//,
];

const files = new Map(
  projectFiles().map((file) => [file, readFileSync(path.join(ROOT, file), "utf8")]),
);

const isScript = (file) => /^scripts\/(lib\/)?[^.]+$|^\.ci\//.test(file);
const isCode = (file) => /\.(rs|m?js|sh|css|html|lua)$/.test(file) || isScript(file);
const isDocument = (file) => file.endsWith(".md");

/** What a line says in words: a document's all of it, code's its comment. */
function wordsOf(file, line) {
  if (isDocument(file)) return line;
  const comment = /(?:^|\s)(?:\/\/[/!]?|\/?\*+|--|#|<!--)\s(.*?)(?:\s*(?:\*\/|-->))?$/.exec(line);
  return comment?.[1] ?? "";
}

/** A line that cannot be broken: an address alone, or what cargo fmt leaves of Rust. */
function isWhole(file, line) {
  const isAddress = /^\W*(https?:\/\/\S+|\[[^\]]+\]: \S+)\W*$/.test(line);
  return isAddress || (file.endsWith(".rs") && wordsOf(file, line) === "");
}

/** The modules that an attribute says the file of. */
const PATHS = new Set(
  [...files].filter(([file]) => file.endsWith(".rs")).flatMap(([file, text]) =>
    [...text.matchAll(/^\s*#\[path = "(.*)"\]$/gm)].map(([, to]) =>
      path.posix.join(path.posix.dirname(file), to)
    )
  ),
);

const findings = [];
for (const [file, text] of files) {
  if (!isCode(file) && !isDocument(file)) continue;
  const lines = text.split("\n");
  const find = (number, what, remedy) => findings.push(`${file}:${number}: ${what}: ${remedy}`);
  if (isCode(file) && lines.length - 1 > LINES) {
    find(LINES + 1, `${lines.length - 1} lines`, `split it into two subjects of under ${LINES}`);
  }
  for (const [at, line] of lines.entries()) {
    const width = [...line].length;
    if (isCode(file) && width > COLUMNS && !isWhole(file, line)) {
      find(at + 1, `${width} columns`, `break it before column ${COLUMNS}`);
    }
    const words = wordsOf(file, line);
    for (const [gone, instead] of words ? GONE : []) {
      const [said] = gone.exec(words) ?? [];
      if (said) find(at + 1, `says "${said.trim()}"`, `say ${instead}`);
    }
  }
}
findings.push(...unused());

for (const finding of findings) console.error(finding);
if (findings.length > 0) process.exitCode = 1;

/** The files that nothing names: no module, import, link, script or attribute. */
function unused() {
  const named = new Set();
  // Most words of a text are no file's name: only those that may be one are looked at.
  const names = [...files.keys()].map((file) => path.posix.parse(file));
  const known = new Set(names.flatMap(({ dir, base, name }) => [base, name, path.basename(dir)]));
  for (const [file, text] of files) {
    for (const token of new Set(text.replaceAll("$ROOT/", "").match(/[\w.@/-]*[\w-]/g))) {
      if (!known.has(path.posix.basename(token)) || /lock(\.json)?$/.test(file)) continue;
      for (const place of placesOf(file, token)) if (place !== file) named.add(place);
    }
  }
  const isUsed = (file) =>
    file.endsWith(".rs")
      ? isModule(file)
      : FOUND_BY_TOOLS.some((pattern) => pattern.test(file)) || named.has(file);
  return [...files.keys()].filter((file) => !isUsed(file)).map((file) =>
    `${file}:1: nothing names it: remove it, or name it where it is used`
  );
}

/** Where a word in a file may lead to: from the file, from the root, or from what serves it. */
function placesOf(file, token) {
  const crate = file.split(/\/(?:src|templates)\//)[0];
  const from = (folder) => path.posix.join(folder, token);
  return [
    from(path.posix.dirname(file)),
    from("."),
    from(`${crate}/templates`),
    from("pages/static"),
    `pages/static${token}.html`,
    ...["index.js", "entry.js"].map((name) => `bench/${token}/${name}`),
    `bench/wrk/${token}.lua`,
  ];
}

/** Whether Rust compiles a file: as a crate's root, or as a module that another file declares. */
function isModule(file) {
  if (/(^|\/)(src\/(lib|main)|tests\/([^/]+\/main|[^/]+)|examples\/[^/]+)\.rs$/.test(file)) {
    return true;
  }
  if (PATHS.has(file)) return true;
  const folder = path.posix.dirname(file);
  const name = path.posix.basename(file, ".rs");
  const [module, above] = name === "mod"
    ? [path.posix.basename(folder), path.posix.dirname(folder)]
    : [name, folder];
  const parents = ["mod", "lib", "main"].map((parent) => `${above}/${parent}.rs`);
  const declares = new RegExp(`^\\s*(pub(\\([^)]*\\))? )?mod ${module}( \\{|;)`, "m");
  return [`${above}.rs`, ...parents].some((parent) => declares.test(files.get(parent) ?? ""));
}
