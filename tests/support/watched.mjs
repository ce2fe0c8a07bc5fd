// A world whose objects are watched: the test sees every call to an object before the object does,
// and can put objects out of reach while everything else runs on.

import path from "node:path";

import { ROOT } from "../../scripts/lib/miniflare.mjs";
import { startWorld } from "./world.mjs";

/**
 * Starts a world with a watchman. Returns `{world, calls, outage, held}`: `calls` grows by
 * `{binding, object, life, call}` with each call (an object that comes back from storage has
 * a new `life`). While `outage` has a binding's name, calls to it fail; a promise that `held` has
 * under a binding's name is waited for before a call to it goes on.
 */
export async function startWatchedWorld(options = {}) {
  const calls = [];
  const outage = new Set();
  const held = new Map();
  const watchman = async (request) => {
    const told = await request.json();
    calls.push(told);
    await held.get(told.binding);
    return new Response(null, { status: outage.has(told.binding) ? 503 : 204 });
  };
  const module = (type, file) => ({ type, path: path.join(ROOT, file) });
  const world = await startWorld({
    ...options,
    worker: {
      modulesRoot: ROOT,
      modules: [
        module("ESModule", "tests/support/watched_worker.mjs"),
        module("ESModule", "build/entry.js"),
        module("ESModule", "build/index.js"),
        module("CompiledWasm", "build/index_bg.wasm"),
      ],
      serviceBindings: { WATCHMAN: watchman },
    },
  });
  return { world, calls, outage, held };
}
