// A call to an object that never settles ends as 503, wedges nothing, and is made anew.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { assertProblem } from "./support/problem.mjs";
import { startWatchedWorld } from "./support/watched.mjs";

const { world, held } = await startWatchedWorld();
let release;
after(() => release?.());

/** Runs `body` while calls to objects of this binding do not come through. */
async function holding(binding, body) {
  const never = new Promise((resolve) => (release = resolve));
  held.set(binding, never);
  try {
    return await body();
  } finally {
    held.delete(binding);
  }
}

const enter = (queue, body) => queue.send("enter", { method: "POST", body });
/** An enter for the fast path, and one whose body only the ordinary driver reads. */
const BODIES = ["", `{}${" ".repeat(1100)}`];

test("an enter whose lane never replies is refused, and the next one is taken", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  await queue.enter();
  const refused = await holding("LANE",
    () => Promise.all(BODIES.map((body) => enter(queue, body))));
  for (const reply of refused) assertProblem(reply, "SERVICE_UNAVAILABLE", "lane");
  release();
  for (const body of BODIES) assert.equal((await enter(queue, body)).status, 200);
});

test("a lease that the queue never answers is given up, and the lane leases anew", async () => {
  const queue = await world.createQueue({ maxActive: 1, lanes: 1 });
  const first = await queue.enter();
  const refused = await holding("QUEUE",
    () => Promise.all(BODIES.map((body) => enter(queue, body))));
  for (const reply of refused) assertProblem(reply, "SERVICE_UNAVAILABLE");
  const next = await queue.enter();
  assert.ok(next.index > first.index);
  release();
  const last = await queue.enter();
  assert.ok(last.index > next.index);
});

test("a claim that the queue never answers is refused, and the next one is granted", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  const shopper = await queue.enter();
  assertProblem(await holding("QUEUE", () => shopper.claim()), "SERVICE_UNAVAILABLE", "queue");
  await shopper.admit();
  release();
  await shopper.admit();
});
