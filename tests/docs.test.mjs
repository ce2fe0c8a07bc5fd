// What the docs say is shown by a test is shown by a test.

import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

import { ROOT } from "../scripts/lib/miniflare.mjs";

const read = (file) => readFileSync(path.join(ROOT, file), "utf8");

test("every test that docs/requirements.md names is there", () => {
  const named = [
    ...read("docs/requirements.md").matchAll(/`((?:tests|core)\/[^`]+)`((?:,? "[^"]+")*)/g),
  ];
  assert.ok(named.length > 15, `${named.length} files are named`);
  for (const [, file, names] of named) {
    assert.ok(existsSync(path.join(ROOT, file)), file);
    for (const [, name] of names.matchAll(/"([^"]+)"/g)) {
      const isThere = file.endsWith(".rs")
        ? read(file).includes(`fn ${name}(`)
        : read(file).includes(`test("${name}`);
      assert.ok(isThere, `${file}: "${name}"`);
    }
  }
});

/** The anchors that a document's headings make, as GitHub has them. */
const anchorsOf = (document) =>
  [...read(document).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading.toLowerCase().replace(/[^\w\- ]/g, "").replaceAll(" ", "-")
  );

test("every link of a document leads to a file and a heading that are there", () => {
  const documents = [
    ...globSync("*.md", { cwd: ROOT }),
    ...globSync("{docs,origin,examples/shop}/*.md", { cwd: ROOT }),
  ];
  for (const wanted of ["CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"]) {
    assert.ok(documents.includes(wanted), wanted);
  }
  for (const document of documents) {
    for (const [, to, anchor] of read(document).matchAll(/\]\((?!https?:)([^)#]*)#?([^)]*)\)/g)) {
      const target = to ? path.join(path.dirname(document), to) : document;
      assert.ok(existsSync(path.join(ROOT, target)), `${document}: ${to}`);
      if (anchor) assert.ok(anchorsOf(target).includes(anchor), `${document}: ${to}#${anchor}`);
    }
  }
});

test("a Rust is named that the crates compile with", () => {
  const [, named] = /^channel = "(\d+\.\d+)\.\d+"$/m.exec(read("rust-toolchain.toml"));
  const [, oldest] = /^rust-version = "(\d+\.\d+)"$/m.exec(read("Cargo.toml"));
  const number = (version) => version.split(".").map(Number);
  const [[major, minor], [oldestMajor, oldestMinor]] = [number(named), number(oldest)];
  assert.ok(major === oldestMajor && minor >= oldestMinor, `${named} is older than ${oldest}`);
});
