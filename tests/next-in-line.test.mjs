// Who is next gets the slot: rooms in a real browser wait for one slot, which is freed again and
// again.

import assert from "node:assert/strict";
import { test } from "node:test";

import { openShopper, roomOf, startBrowser } from "./support/browser.mjs";
import { succeeded } from "./support/queue.mjs";
import { until } from "./support/until.mjs";
import { startWorld } from "./support/world.mjs";

const QUEUES = 4;
const ROOMS = 5;

const world = await startWorld();
const browser = await startBrowser();

/** Five rooms in the order of their places, in a queue whose one slot is taken. */
async function openLine() {
  const queue = await world.createQueue({ maxActive: 1, checkoutUrl: "/taken" });
  const holder = await (await queue.enter()).checkOut();
  const rooms = [];
  while (rooms.length < ROOMS) {
    // Nothing stands at the checkout's address here: who arrives there has the slot.
    const room = await openShopper(browser, { bears: /Failed to load resource/ });
    await room.page.goto(roomOf(queue));
    await room.press("Join the queue");
    await until("they are in line", () => room.ticket(queue));
    rooms.push(room);
  }
  return { queue, rooms, admissionId: holder.admissionId };
}

/** Which rooms have gone on to the checkout. */
const gone = (rooms) => rooms.filter(({ page }) => page.url().endsWith("/taken"));

test("five rooms, one slot, twenty times: it is always the next in line who gets it", async () => {
  const lines = await Promise.all(Array.from({ length: QUEUES }, openLine));
  const served = lines.map(async ({ queue, rooms, admissionId }) => {
    let holds = admissionId;
    for (let turn = 0; turn < ROOMS; turn++) {
      succeeded(await queue.settle("release", holds));
      await until("somebody has the slot", () => gone(rooms).length > turn, { withinMs: 30_000 });
      assert.deepEqual(gone(rooms).map((room) => rooms.indexOf(room)),
        Array.from({ length: turn + 1 }, (_, place) => place));
      const admitted = await queue.admissions("admitted");
      assert.deepEqual(admitted.map(({ position }) => position), [turn + 2],
        "places count from 1, and the first was taken");
      holds = admitted[0].admissionId;
    }
  });
  await Promise.all(served);
});
