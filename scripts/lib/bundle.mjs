// Makes one module of what tidegate-bindgen wrote into a folder: workerd's entry point, and each exported
// class behind a proxy that survives a panic. Leaves `index.js` and `index_bg.wasm` there.
//
//   node scripts/lib/bundle.mjs FOLDER

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

import { build } from "esbuild";

/** Handlers that the platform calls with its event alone; they take `env` and `ctx` beside it. */
const EVENTS = ["fetch", "queue", "scheduled", "email", "connect"];
/** What the shim itself calls. */
const INTERNAL = ["__wbg_reset_state", "__worker_init_state"];

/** The shim for a module with these exports; `glue` is the JavaScript that wasm-bindgen wrote. */
export function shimFor(glue) {
  const names = (pattern) => [...glue.matchAll(pattern)].map(([, name]) => name);
  const functions = names(/^export (?:async )?function (\w+)/gm).concat(names(/^export \{\s*\w+ as (\w+)\s*\}/gm));
  const handlers = functions
    .filter((name) => !INTERNAL.includes(name))
    .map((name) =>
      EVENTS.includes(name)
        ? `Entrypoint.prototype.${name} = function (event) { return exports.${name}.call(this, event, this.env, this.ctx); };`
        : `Entrypoint.prototype.${name} = exports.${name};`,
    );
  const classes = names(/^export class (\w+)/gm).map((name) => `export const ${name} = new Proxy(exports.${name}, classProxyHooks);`);
  const shim = readFileSync(path.join(import.meta.dirname, "worker-shim.js"), "utf8");
  return [shim, ...handlers, ...classes].join("\n");
}

async function bundle(folder) {
  const index = path.join(folder, "index.js");
  const { outputFiles } = await build({
    stdin: { contents: shimFor(readFileSync(index, "utf8")), resolveDir: folder },
    external: ["./index_bg.wasm", "cloudflare:*"],
    bundle: true,
    format: "esm",
    minify: true,
    write: false,
    logLevel: "warning",
  });
  // workerd has no source-phase imports: a wasm import is a module there anyway.
  writeFileSync(index, outputFiles[0].text.replace("import source ", "import "));
  rmSync(path.join(folder, "snippets"), { recursive: true, force: true });
}

if (import.meta.filename === process.argv[1]) await bundle(path.resolve(process.argv[2]));
