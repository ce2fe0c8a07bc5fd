// What a first run on a fresh machine need not wait for.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

import { ROOT } from "../scripts/lib/miniflare.mjs";

test("no script installs a tool that must be compiled", () => {
  const scripts = readdirSync(path.join(ROOT, "scripts"), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile());
  assert.ok(scripts.length > 15, `${scripts.length} scripts`);
  for (const { parentPath, name } of scripts) {
    const text = readFileSync(path.join(parentPath, name), "utf8");
    assert.doesNotMatch(text, /cargo install/,
      `${name}: with nothing installed, such a tool takes minutes before the first start`);
  }
});
