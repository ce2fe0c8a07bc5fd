// Starts the built Worker (build/) under Miniflare, for scripts/dev and for the tests.

import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import path from "node:path";

import { descendants, signal } from "./processes.mjs";
import { ensureKeys } from "../dev-keys.mjs";

export const ROOT = path.resolve(import.meta.dirname, "../..");
const CONFIG = path.join(ROOT, "wrangler.toml");
const BUILD = path.join(ROOT, "build");

const require = createRequire(import.meta.url);
process.env.WRANGLER_SEND_METRICS = "false";
// Otherwise reading wrangler.toml prints that .dev.vars is used, which it is not.
process.env.WRANGLER_LOG ??= "warn";
if (!process.env.MINIFLARE_WORKERD_PATH) {
  process.env.TIDEGATE_WORKERD = createRequire(require.resolve("miniflare"))("workerd").default;
  process.env.MINIFLARE_WORKERD_PATH = path.join(import.meta.dirname, "workerd");
}

/**
 * Starts Tidegate on loopback.
 *
 * - `port`: 0 takes a free one.
 * - `state`: the folder where objects and caches persist, and the keys beside them (`dev.vars`);
 *   the next start with the same folder goes on from there. Without it all is in memory, which
 *   writes no disk and flatters any measurement.
 * - `originUrl`: the shop behind it.
 * - `keysFile`: where the development keys are kept, when not in `state`.
 * - `vars`: Worker variables, over those of wrangler.toml and the keys.
 * - `worker`, `shared`: Miniflare options, over everything here, for the one Worker and for all.
 * - `onLog({level, message})`: gets the Worker's log lines instead of the console.
 *
 * Returns `{url, mf, keys, reload, crash, dispose}`; `keys` is `{admin, origin, vars}`.
 */
export async function startTidegate({ port = 0, ...options } = {}) {
  // Imported here: wrangler takes most of a second, which importers of `freePort` need not wait.
  const { Miniflare } = require("miniflare");
  const chosenPort = port === 0 ? await freePort() : port;
  const url = `http://127.0.0.1:${chosenPort}`;
  const keys = readKeys(options);

  const mf = new Miniflare(miniflareOptions(chosenPort, url, keys, options));
  try {
    await mf.ready;
  } catch (error) {
    await mf.dispose().catch(() => {});
    // Somebody else may take a free port before workerd does.
    if (port === 0 && error.code === "ERR_ADDRESS_IN_USE") {
      return startTidegate({ port, ...options });
    }
    throw error;
  }

  return {
    url,
    mf,
    keys,
    /**
     * Takes the Worker from build/ and wrangler.toml anew; `changes` replace options of the start.
     */
    async reload(changes = {}) {
      await mf.setOptions(miniflareOptions(chosenPort, url, keys, { ...options, ...changes }));
      await mf.ready;
    },
    /**
     * `kill -9` for workerd, with what it had in memory. Miniflare starts it again from storage.
     */
    async crash() {
      const address = `--socket-addr=entry=127.0.0.1:${chosenPort} `;
      const mine = descendants(process.pid).filter(({ command }) => command.includes(address));
      if (mine.length === 0) throw new Error(`no workerd of ${url} to crash`);
      signal(mine.map(({ pid }) => pid), "SIGKILL");
      await untilAnswers(`${url}/health`);
    },
    dispose: () => mf.dispose(),
  };
}

function readKeys({ state, keysFile = state && path.join(state, "dev.vars") }) {
  const vars = keysFile ? ensureKeys(keysFile) : ensureKeys(path.join(ROOT, ".dev.vars"));
  return {
    vars,
    admin: JSON.parse(vars.ADMIN_KEYS)[0].key,
    origin: JSON.parse(vars.ORIGIN_KEYS)[0].key,
  };
}

function miniflareOptions(port, url, keys, { state, originUrl, vars, worker, shared, onLog }) {
  const { Log, LogLevel, convertV4MiniflareOptions } = require("miniflare");
  const { unstable_getMiniflareWorkerOptions, unstable_readConfig } = require("wrangler");
  const config = unstable_readConfig({ config: CONFIG });
  const { assets, ...workerOptions } = unstable_getMiniflareWorkerOptions(config).workerOptions;
  // wrangler answers in Miniflare 4's shape; Miniflare 5 has the converter.
  return convertV4MiniflareOptions({
    host: "127.0.0.1",
    port,
    cf: false, // otherwise it asks the network for an example of `Request.cf`
    log: new Log(LogLevel.WARN),
    logRequests: false,
    handleStructuredLogs: onLog,
    // The layout of `wrangler dev`, so that both go on from the same state.
    resourcePersistencePath: state && path.join(path.resolve(state), "v3"),
    ...shared,
    workers: [
      {
        ...workerOptions,
        name: config.name,
        // From wrangler.toml, not from wrangler's answer, which mixes .dev.vars in.
        bindings: {
          ...config.vars,
          ...keys.vars,
          ISSUER: url,
          ...(originUrl && { ORIGIN_URL: originUrl }),
          ...vars,
        },
        modulesRoot: BUILD,
        modules: builtModules(),
        ...worker,
      },
      pagesBeside(config, assets),
    ],
  });
}

/**
 * The static files, beside the Worker instead of before it. On the platform a router that costs
 * nothing sees every call first; Miniflare's is two Workers more, and would take a third of a
 * poll's time. Here only paths like the files' come this way, and go on to the Worker where there
 * is no file.
 */
function pagesBeside(config, assets) {
  return {
    name: `${config.name}-pages`,
    routes: ["*/verify*", "*/fairness*", "*/tidegate/verify/*", "*/tidegate/fairness/*"],
    compatibilityDate: config.compatibility_date,
    rootPath: ROOT,
    assets: { ...assets, binding: "FILES" },
    serviceBindings: { WORKER: config.name },
    modules: true,
    script: `export default {
      async fetch(request, { FILES, WORKER }) {
        const answer = await FILES.fetch(request.clone());
        return answer.status === 404 ? WORKER.fetch(request) : answer;
      },
    };`,
  };
}

function builtModules() {
  const wasm = readdirSync(BUILD).filter((name) => name.endsWith(".wasm"));
  return [
    { type: "ESModule", path: path.join(BUILD, "entry.js") },
    { type: "ESModule", path: path.join(BUILD, "index.js") },
    ...wasm.map((name) => ({ type: "CompiledWasm", path: path.join(BUILD, name) })),
  ];
}

/** A port on loopback that was free just now. */
export async function freePort() {
  const server = await listen(0);
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** Whether `port` on loopback can be listened on. */
export async function isFree(port) {
  try {
    const server = await listen(port);
    await new Promise((closed) => server.close(closed));
    return true;
  } catch (error) {
    if (error.code === "EADDRINUSE") return false;
    throw error;
  }
}

function listen(port) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

/** Waits until something answers at `url`, whatever it says. */
export async function untilAnswers(url, withinMs = 15_000) {
  const end = Date.now() + withinMs;
  for (;;) {
    try {
      return await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(withinMs) });
    } catch (error) {
      if (Date.now() > end) {
        throw new Error(`nothing answered at ${url} within ${withinMs} ms`, { cause: error });
      }
      await new Promise((resume) => setTimeout(resume, 50));
    }
  }
}
