// What the docs say is shown by a test is shown by a test.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

import { ROOT } from "../scripts/lib/miniflare.mjs";

const read = (file) => readFileSync(path.join(ROOT, file), "utf8");

test("every test that docs/requirements.md names is there", () => {
  const named = [...read("docs/requirements.md").matchAll(/`((?:tests|core)\/[^`]+)`((?:,? "[^"]+")*)/g)];
  assert.ok(named.length > 15, `${named.length} files are named`);
  for (const [, file, names] of named) {
    assert.ok(existsSync(path.join(ROOT, file)), file);
    for (const [, name] of names.matchAll(/"([^"]+)"/g)) {
      const isThere = file.endsWith(".rs") ? read(file).includes(`fn ${name}(`) : read(file).includes(`test("${name}`);
      assert.ok(isThere, `${file}: "${name}"`);
    }
  }
});
