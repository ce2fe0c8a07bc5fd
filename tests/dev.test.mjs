// scripts/dev: what a developer, or a script of theirs, relies on.

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, test } from "node:test";

import { decodeJwt } from "jose";

import { freePort, isFree } from "../scripts/lib/miniflare.mjs";
import { failingDev, isAlive, startDev } from "./support/dev.mjs";
import { send } from "./support/http.mjs";
import { startOrigin } from "./support/origin.mjs";
import { until } from "./support/until.mjs";
import { freshFolder, removeFolder } from "./support/world.mjs";

const [port, secondPort] = [await freePort(), await freePort()];
const [state, secondState] = [freshFolder(), freshFolder()];
after(() => [state, secondState].forEach(removeFolder));

const start = () => startDev({ PORT: String(port), TIDEGATE_STATE: state });
const endOf = (family) => until("everything has ended", () => !family.some(isAlive));

let dev = await start();
let ticket;

test("it serves where it says, with the keys that it prints", async () => {
  assert.equal(dev.url, `http://127.0.0.1:${port}`);
  for (const shown of ["dev-admin-key", "dev-origin-key", "/products/tide-lamp", "/queue/demo"]) {
    assert.ok(dev.output().includes(shown), `${shown} is not in what it prints`);
  }
  const list = await send(`${dev.url}/v1/admin/queues`, { bearer: "dev-admin-key" });
  assert.deepEqual(list.json.queues.map(({ id }) => id), ["demo"]);
});

test("the queue demo is open, and the way through the shop stands", async () => {
  const snapshot = await send(`${dev.url}/v1/queues/demo`);
  assert.equal(snapshot.json.phase, "open");
  const page = await send(`${dev.url}/products/tide-lamp`);
  assert.equal(page.status, 200);
  assert.ok(page.text.includes("Tide Lamp"));
  ({ ticket } = (await send(`${dev.url}/v1/queues/demo/enter`, { method: "POST" })).json);
  const claimed = await send(`${dev.url}/v1/queues/demo/claim`, { method: "POST", bearer: ticket });
  const { handoffToken, checkoutUrl } = claimed.json;
  const order = await send(dev.url + checkoutUrl, {
    method: "POST",
    from: dev.url,
    form: { handoffToken },
  });
  assert.equal(order.status, 303, order.text);
});

test("a port that is taken is named, with the way out, and nothing is left behind", async () => {
  const { code, output } = await failingDev({ PORT: String(port), TIDEGATE_STATE: secondState });
  assert.equal(code, 1);
  assert.ok(output.includes(`port ${port} is taken`), output);
  assert.ok(output.includes("PORT="), "the remedy");
  assert.doesNotMatch(output, /^ready /m);
  assert.equal((await send(`${dev.url}/v1/queues/demo`)).status, 200);
});

test("a setting that makes no sense is named", async () => {
  const bad = [
    [{ PORT: "http" }, "PORT=http"],
    [{ PORT: String(secondPort), TIDEGATE_ORIGIN: "shop" }, "TIDEGATE_ORIGIN=shop"],
  ];
  for (const [variables, named] of bad) {
    const { code, output } = await failingDev({ TIDEGATE_STATE: secondState, ...variables });
    assert.equal(code, 1);
    assert.ok(output.includes(named), output);
  }
});

test("a second one runs beside it, on another port and state, with another shop", async () => {
  const origin = await startOrigin({ "/lamp": () => ({ body: "another lamp" }) });
  const second = await startDev({
    PORT: String(secondPort),
    TIDEGATE_STATE: secondState,
    TIDEGATE_ORIGIN: origin.url,
  });
  assert.equal((await send(`${second.url}/lamp`)).text, "another lamp");
  assert.equal(origin.asked("/lamp").length, 1);
  const foreign = await send(`${second.url}/v1/queues/demo/status`, { bearer: ticket });
  assert.equal(foreign.status, 401, "each has its own keys");
  assert.equal((await send(`${second.url}/v1/queues/demo`)).json.entered, 0);

  const family = second.family();
  assert.ok(family.length > 1, "it started others");
  second.signalGroup("SIGKILL");
  await endOf(family);
  assert.equal((await send(`${dev.url}/v1/queues/demo`)).status, 200, "the first one goes on");
});

test("SIGTERM ends it and all that it started", async () => {
  const family = dev.family();
  assert.ok(family.length > 2, "it started others");
  dev.signal("SIGTERM");
  assert.deepEqual(await dev.ended, { code: 0, signal: null });
  await endOf(family);
  assert.ok(await isFree(port));
});

test("a restart with the same state keeps everybody's place", async () => {
  dev = await start();
  const entered = await send(`${dev.url}/v1/queues/demo/enter`, { method: "POST", bearer: ticket });
  assert.equal(entered.status, 200, entered.text);
  assert.equal(decodeJwt(entered.json.ticket).index, decodeJwt(ticket).index);
  const status = await send(`${dev.url}/v1/queues/demo/status`, { bearer: ticket });
  assert.equal(status.json.position, decodeJwt(ticket).position + 1);
});

test("killed with -9, it leaves nothing running that holds the port", async () => {
  const family = dev.family();
  dev.signal("SIGKILL");
  await endOf(family);
  const server = createServer();
  await new Promise((resolve, reject) =>
    server.once("error", reject).listen(port, "127.0.0.1", resolve)
  );
  await new Promise((closed) => server.close(closed));
});
