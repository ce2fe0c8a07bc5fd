// What scripts/build-worker makes of WebAssembly, and that nothing else need be there for it.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

import { shimFor } from "../scripts/lib/bundle.mjs";
import { ROOT } from "../scripts/lib/miniflare.mjs";

const GLUE = `import source wasmModule from "./index_bg.wasm";
export class Queue {
  export function inside() {}
}
export function __wbg_reset_state () {}
export function __worker_init_state() {}
export function fetch(req, env, ctx) {}
export async function start(env) {}
export { quick as brief }
function hidden() {}
`;

test("every export of the Worker is reached through an instance that can be made anew", () => {
  const shim = shimFor(GLUE);
  const added = shim.slice(shim.indexOf("export default new Proxy(Entrypoint, classProxyHooks);")).split("\n").slice(1).filter(Boolean);
  assert.deepEqual(added, [
    "Entrypoint.prototype.fetch = function (event) { return exports.fetch.call(this, event, this.env, this.ctx); };",
    "Entrypoint.prototype.start = exports.start;",
    "Entrypoint.prototype.brief = exports.brief;",
    "export const Queue = new Proxy(exports.Queue, classProxyHooks);",
  ]);
});

test("no script installs a tool that must be compiled", () => {
  const scripts = readdirSync(path.join(ROOT, "scripts"), { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
  assert.ok(scripts.length > 15, `${scripts.length} scripts`);
  for (const { parentPath, name } of scripts) {
    const text = readFileSync(path.join(parentPath, name), "utf8");
    assert.doesNotMatch(text, /cargo install/, `${name}: with nothing installed, such a tool takes minutes before the first start`);
  }
});
