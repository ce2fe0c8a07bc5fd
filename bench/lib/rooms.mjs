// What is measured: the baselines and Tidegate, each in a workerd of its own.

import path from "node:path";

import { ensureKeys } from "../../scripts/dev-keys.mjs";
import { ROOT } from "../../scripts/lib/miniflare.mjs";
import { startWorkerd } from "./workerd.mjs";

const baseline = (name) => path.join(ROOT, "bench", name);

export const helloJs = () => startWorkerd({ folder: baseline("hello-js") });
export const helloRust = (options) =>
  startWorkerd({ folder: path.join(baseline("hello"), "build"), main: "entry.js", ...options });
export const naive = (options) =>
  startWorkerd({
    folder: path.join(baseline("naive"), "build"),
    main: "entry.js",
    objects: { ROOM: "Room" },
    ...options,
  });

/**
 * Tidegate as it is deployed, with keys that are good everywhere, before the shop at `originUrl`.
 * `create(id, config)` puts a queue.
 */
export async function tidegate({ originUrl = "http://127.0.0.1:9", ...options } = {}) {
  const development = ensureKeys(path.join(ROOT, ".dev.vars"));
  // Without their mark, development keys are like any others.
  const keys = JSON.parse(JSON.stringify(development).replaceAll("dev-", ""));
  const server = await startWorkerd({
    folder: path.join(ROOT, "build"),
    main: "entry.js",
    objects: { DIRECTORY: "Directory", QUEUE: "Queue", LANE: "Lane", RELAY: "Relay" },
    vars: { ...keys, ISSUER: "http://127.0.0.1", ORIGIN_URL: originUrl, SHOP_PASS_THROUGH: "" },
    cache: true,
    untilPath: "/.well-known/jwks.json",
    ...options,
  });
  const admin = JSON.parse(keys.ADMIN_KEYS)[0].key;
  const origin = JSON.parse(keys.ORIGIN_KEYS)[0].key;
  const call = async (method, where, body, bearer) => {
    const response = await fetch(server.url + where, {
      method,
      headers: {
        ...(bearer && { authorization: `Bearer ${bearer}` }),
        ...(body && { "content-type": "application/json" }),
      },
      body: body && JSON.stringify(body),
    });
    if (!response.ok) {
      throw new Error(`${method} ${where}: ${response.status} ${await response.text()}`);
    }
    return response.json();
  };
  return {
    ...server,
    adminKey: admin,
    originKey: origin,
    call,
    create: (id, config) =>
      call("PUT", `/v1/admin/queues/${id}`, { checkoutUrl: "/checkout", ...config }, admin),
  };
}
