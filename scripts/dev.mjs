// What scripts/dev runs once the tools are there: builds, starts shop and Worker, seeds a queue,
// rebuilds on change, and takes everything down with it when it ends.

import { spawn } from "node:child_process";
import { readdirSync, statSync, watch } from "node:fs";
import path from "node:path";

import { ensureKeys } from "./dev-keys.mjs";
import { ROOT, freePort, isFree, startTidegate, untilAnswers } from "./lib/miniflare.mjs";
import { endDescendants } from "./lib/processes.mjs";
import { SHOP_BINARY, startShop } from "./lib/shop.mjs";
import { watchFolders } from "./lib/watch.mjs";

const WATCHED = ["src", "core/src", "durable-objects/src", "pages", "examples/shop", "origin/src"];
const PRODUCT = "/products/tide-lamp";
const QUEUE = {
  maxActive: 50,
  checkoutUrl: "/checkout",
  product: { name: "The Tide Lamp", path: PRODUCT },
};

class Complaint extends Error {}

const port = Number(process.env.PORT || 8787);
const edgeUrl = `http://127.0.0.1:${port}`;
const foreignOrigin = process.env.TIDEGATE_ORIGIN || undefined;
const state = path.resolve(process.env.TIDEGATE_STATE || path.join(ROOT, ".wrangler/state"));
const keysFile = process.env.TIDEGATE_STATE
  ? path.join(state, "dev.vars")
  : path.join(ROOT, ".dev.vars");

const originKey = JSON.parse(ensureKeys(keysFile).ORIGIN_KEYS)[0].key;

let tidegate;
let shop;
let shopPort;
let serving;

// Before Miniflare listens too: it would exit with 143 and leave the shop and a running build.
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => end(0));

try {
  await start();
} catch (error) {
  report(error);
  end(1);
}

async function start() {
  await checkSettings();
  if (!(await build())) throw new Complaint("the build failed; its messages stand above");
  serving = built();
  shopPort = await freePort();
  await startOwnShop();
  tidegate = await startTidegate({
    port,
    state,
    keysFile,
    originUrl: foreignOrigin ?? shop.url,
    vars: process.env.TIDEGATE_LIMITS ? { TIDEGATE_LIMITS: process.env.TIDEGATE_LIMITS } : {},
  }).catch((error) => {
    throw error.code === "ERR_ADDRESS_IN_USE" ? portTaken() : error;
  });
  await untilAnswers(`${edgeUrl}/health`);
  await seed();
  watchSources();
  summarize();
}

async function checkSettings() {
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Complaint(`PORT=${process.env.PORT} is not a port; give a number from 1 to 65535`);
  }
  if (foreignOrigin !== undefined && !/^https?:\/\/./.test(foreignOrigin)) {
    throw new Complaint(
      `TIDEGATE_ORIGIN=${foreignOrigin} is no address; give one as http://127.0.0.1:3000`,
    );
  }
  if (!(await isFree(port))) throw portTaken();
}

function portTaken() {
  const other = `PORT=${port + 1} TIDEGATE_STATE=.wrangler/state-${port + 1} scripts/dev`;
  return new Complaint(
    `port ${port} is taken: something else listens on 127.0.0.1:${port}.\n` +
      `  Stop it, or start here on another port: ${other}`,
  );
}

async function build() {
  // At the same time: linking the Worker leaves a core free.
  const shopBuilt = foreignOrigin !== undefined ||
    succeeds("cargo", "build", "--quiet", "--package", "tidegate-shop");
  const built = await Promise.all([succeeds(path.join(ROOT, "scripts/build-worker")), shopBuilt]);
  return built.every(Boolean);
}

function succeeds(command, ...args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] });
    child.once("error", () => resolve(false));
    child.once("exit", (code) => resolve(code === 0));
  });
}

async function startOwnShop() {
  if (foreignOrigin !== undefined) return;
  shop = await startShop({
    edgeUrl,
    originKey,
    port: shopPort,
    onEnd: (why) => console.error(`the shop ended (${why}); it starts again at its next change`),
  }).catch((error) => {
    throw new Complaint(error.message);
  });
}

async function seed() {
  const queue = `${edgeUrl}/v1/admin/queues/demo`;
  const authorization = `Bearer ${tidegate.keys.admin}`;
  let answer = await fetch(queue, { headers: { authorization } });
  if (answer.status === 404) {
    answer = await fetch(queue, {
      method: "PUT",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify(QUEUE),
    });
  }
  // In a state of before each queue had an audience of its own, this one's is not what the shop
  // expects.
  if (answer.ok && (await answer.clone().json()).config.audience !== "demo") {
    answer = await fetch(queue, {
      method: "PATCH",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify({ audience: null }),
    });
  }
  if (!answer.ok) {
    throw new Complaint(
      `the queue demo could not be made: ${answer.status} ${await answer.text()}`,
    );
  }
}

function watchSources() {
  let running = false;
  let again = false;
  const rebuild = async () => {
    again = true;
    if (running) return;
    running = true;
    while (again) {
      again = false;
      await reload().catch(report);
    }
    running = false;
  };
  watchFolders(WATCHED.map((folder) => path.join(ROOT, folder)), rebuild);
  watch(ROOT, (_, name) => /^(wrangler|Cargo)\.toml$/.test(name ?? "") && void rebuild());
}

async function reload() {
  if (!(await build())) {
    console.error("the build failed; the last good one goes on serving");
    return;
  }
  const fresh = built();
  if (fresh.shop !== serving.shop) {
    await shop.stop();
    await startOwnShop();
    serving.shop = fresh.shop;
  }
  if (fresh.worker !== serving.worker) {
    await tidegate.reload();
    serving.worker = fresh.worker;
  }
  console.log(`reloaded ${edgeUrl}`);
}

/** What tells one build from the next. */
function built() {
  const times = (folder) =>
    readdirSync(path.join(ROOT, folder), { recursive: true }).map((name) =>
      modified(path.join(folder, name))
    );
  return {
    worker: [modified("build/index_bg.wasm"), modified("wrangler.toml"), ...times("pages")].join(),
    shop: foreignOrigin === undefined ? statSync(SHOP_BINARY).mtimeMs : 0,
  };
}

function modified(file) {
  return statSync(path.join(ROOT, file)).mtimeMs;
}

function summarize() {
  const here = (folder) => path.relative(process.cwd(), folder) || ".";
  console.log(`
  product page   ${edgeUrl}${PRODUCT}
  waiting room   ${edgeUrl}/queue/demo
  operator       ${edgeUrl}/v1/admin/queues    (admin key: ${tidegate.keys.admin})
  shop           ${foreignOrigin ?? shop.url}    (origin key: ${tidegate.keys.origin})
  state          ${here(state)}, keys ${here(keysFile)}
`);
  console.log(`ready ${edgeUrl}`);
}

function report(error) {
  console.error(error instanceof Complaint ? `error: ${error.message}` : error);
}

function end(code) {
  endDescendants();
  process.exit(code); // here Miniflare removes its temporary files
}
