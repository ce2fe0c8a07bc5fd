// A world with the example shop behind it, and queues before the shop's lamp at the moments that a
// shopper may meet.

import assert from "node:assert/strict";
import { after } from "node:test";

import { freePort } from "../../scripts/lib/miniflare.mjs";
import { startShop } from "../../scripts/lib/shop.mjs";
import { succeeded } from "./queue.mjs";
import { until } from "./until.mjs";
import { startWorld } from "./world.mjs";

export const PRODUCT = { name: "The Tide Lamp", path: "/products/tide-lamp" };

/** Starts a world with the example shop behind it. The shop's queue is `demo`. */
export async function startShopWorld() {
  const port = await freePort();
  const world = await startWorld({ originUrl: `http://127.0.0.1:${port}` });
  const shop = await startShop({
    edgeUrl: world.url,
    originKey: world.keys.origin,
    port,
    onLine: () => {},
  });
  after(() => shop.stop());
  return world;
}

/** The shop's own queue, begun anew. */
export async function openLamp(world, config = { maxActive: 1 }) {
  const queue = world.queue("demo");
  await queue.put({ product: PRODUCT, ...config });
  await queue.act("reset");
  return queue;
}

/** A queue of a test's own. The shop refuses its tokens. */
export const openQueue = (world, config) =>
  world.createQueue({ maxActive: 1, product: PRODUCT, ...config });

/** A queue with somebody at the checkout, and the shopper who is called up after them. */
export async function openCalledUp(world) {
  const queue = await openQueue(world);
  const [first, next] = await queue.enterCalledUp(2, 1);
  const { admissionId } = await first.checkOut();
  return { queue, next, release: () => queue.settle("release", admissionId) };
}

/**
 * Somebody goes to the checkout and keeps the slot, and somebody is present for it, so that nobody
 * further back is called up. Gives back how the slot is freed; who was present goes, too.
 */
export async function hold(queue) {
  const { admissionId } = await (await queue.enter()).checkOut();
  const next = await queue.enter();
  // With the last piece taken, nobody is called up.
  const { status } = await next.claim();
  assert.ok([202, 409].includes(status));
  if (status === 202) {
    await until("everybody sees that somebody is present", async () =>
      (await queue.send("")).json.present === 1);
  }
  return async (how = "release") => {
    succeeded(await queue.settle(how, admissionId));
    await next.leave();
  };
}
