// One bare workerd with one Worker: no Miniflare in between, whose entry Worker takes half the time
// of a small request and so hides differences. Objects write to disk.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";

import { freePort, untilAnswers } from "../../scripts/lib/miniflare.mjs";

const require = createRequire(import.meta.url);
const WORKERD = createRequire(require.resolve("miniflare"))("workerd").default;
const CACHE = path.resolve(import.meta.dirname, "../cache-stand-in.js");

/** The workerds that run: they end with this process, however that ends. */
const running = new Set();
process.once("exit", () => running.forEach((child) => child.kill("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

/**
 * Starts the Worker whose modules are in `folder` (its entry is `main`).
 *
 * - `objects`: `{BINDING: "ClassName"}`, each with SQLite on disk.
 * - `vars`: text bindings.
 * - `cache`: gives it a Cache API, by the stand-in of this folder.
 * - `state`: a folder that outlives this start; without it, one that goes with it.
 * - `untilPath`: it is started when this path is answered.
 *
 * Returns `{url, pid, stop}`.
 */
export async function startWorkerd({ folder, main = "index.js", objects = {}, vars = {},
  cache = false, state, untilPath = "/" }) {
  const port = await freePort();
  const home = mkdtempSync(path.join(tmpdir(), "tidegate-bench-"));
  const disk = state ?? path.join(home, "objects");
  mkdirSync(disk, { recursive: true });
  const config = path.join(home, "config.capnp");
  writeFileSync(config,
    configuration({ port, folder: path.resolve(folder), main, objects, vars, cache, disk, home }));
  const child = spawn(WORKERD, ["serve", config], { stdio: ["ignore", "inherit", "inherit"] });
  running.add(child);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  ended.then(() => running.delete(child));
  const url = `http://127.0.0.1:${port}`;
  await Promise.race([
    untilAnswers(url + untilPath),
    ended.then((code) => Promise.reject(new Error(`workerd ended with ${code} at its start`))),
  ]);
  return {
    url,
    pid: child.pid,
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      await ended;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

const text = JSON.stringify; // a capnp text literal is written as JSON writes one

function configuration({ port, folder, main, objects, vars, cache, disk, home }) {
  const modules = [main,
    ...readdirSync(folder).filter((name) => name !== main && /\.(js|wasm)$/.test(name))];
  const source = (name) => path.relative(home, path.join(folder, name));
  const kind = (name) => (name.endsWith(".wasm") ? "wasm" : "esModule");
  const embedded = (name) => `(name = ${text(name)}, ${kind(name)} = embed ${text(source(name))})`;
  const bindings = [
    ...Object.entries(vars).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`),
    ...Object.entries(objects).map(([name, type]) =>
      `(name = ${text(name)}, durableObjectNamespace = ${text(type)})`
    ),
  ];
  const namespaces = Object.values(objects).map(
    (type) => `(className = ${text(type)}, uniqueKey = ${text(`bench-${type}`)}, enableSql = true)`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "cache", worker = .cache),
    (name = "internet", network = (allow = ["public", "private"])),
    (name = "disk", disk = (path = ${text(disk)}, writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [${modules.map(embedded).join(", ")}],
  compatibilityDate = "2026-11-01",
  bindings = [${bindings.join(", ")}],
  durableObjectNamespaces = [${namespaces.join(", ")}],
  durableObjectStorage = (localDisk = "disk"),
  ${cache ? 'cacheApiOutbound = "cache",' : ""}
);
const cache :Workerd.Worker = (
  modules = [(name = "cache.js", esModule = embed ${text(path.relative(home, CACHE))})],
  compatibilityDate = "2026-11-01",
);
`;
}
