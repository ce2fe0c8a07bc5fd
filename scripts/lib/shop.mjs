// The example shop as a child process: the merchant's origin behind the local Worker.

import { spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";

import { ROOT } from "./miniflare.mjs";

export const SHOP_BINARY = path.join(
  path.resolve(ROOT, process.env.CARGO_TARGET_DIR ?? "target"),
  "debug/tidegate-shop",
);

/**
 * Starts the shop (built before) for the edge at `edgeUrl`; `port` 0 takes a free one.
 * Returns `{url, stop}`; `onEnd(why)` hears of it if it ends without `stop`.
 */
export async function startShop({ edgeUrl, originKey, queue = "demo", port = 0,
  onLine = console.log, onEnd = () => {} }) {
  const child = spawn(SHOP_BINARY, [], {
    // The shop ends when its standard input does, so it does not outlive a killed parent.
    stdio: ["pipe", "pipe", "inherit"],
    env: {
      ...process.env,
      PORT: String(port),
      TIDEGATE_URL: edgeUrl,
      TIDEGATE_ISSUER: edgeUrl,
      TIDEGATE_ORIGIN_KEY: originKey,
      TIDEGATE_QUEUE: queue,
      SHOP_EXIT_ON_STDIN_EOF: "1",
    },
  });
  let stopping = false;
  const ended = new Promise((resolve) =>
    child.once("exit", (code, signal) => resolve(signal ?? code))
  );
  let timer;
  const url = await new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error("the shop said nothing within 15 s")), 15_000);
    child.once("error", reject);
    void ended.then((why) => reject(new Error(`the shop ended at its start (${why})`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const listening = /^shop listening on (http:\S+)$/.exec(line);
      if (listening) resolve(listening[1]);
      else onLine(`[shop] ${line}`);
    });
  })
    .catch((error) => {
      child.kill("SIGKILL");
      throw error;
    })
    .finally(() => clearTimeout(timer));
  child.stdin.on("error", () => {}); // a pipe to a shop that has ended
  void ended.then((why) => stopping || onEnd(why));
  return {
    url,
    async stop() {
      stopping = true;
      child.stdin.end();
      child.kill("SIGTERM");
      await ended;
    },
  };
}
