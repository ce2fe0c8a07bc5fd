// An object that nobody calls is evicted after some ten seconds, and its memory with it. Whatever
// was going on, it comes back from storage with the right counters.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { assertProblem } from "./support/problem.mjs";
import { Shopper, newEntryKey } from "./support/queue.mjs";
import { forEachAtOnce, until } from "./support/until.mjs";
import { startWatchedWorld } from "./support/watched.mjs";

/** Longer than an idle object stays in memory. */
const IDLE_MS = 11_000;

/**
 * Leaves the objects alone for a while and then calls them by `touch`, until every object of these
 * bindings that was there before has come back from storage.
 */
async function untilEvicted({ calls }, bindings, touch) {
  const lives = () => {
    const told = calls.filter(({ binding }) => bindings.includes(binding));
    return new Map(told.map(({ object, life }) => [object, life]));
  };
  const isAnew = (before, after) =>
    [...before].every(([object, life]) => after.get(object) !== life);
  let before;
  await until(`${bindings} are evicted`, async () => {
    const last = before;
    if (last !== undefined) await touch();
    before = lives();
    return last !== undefined && isAnew(last, before);
  }, { everyMs: IDLE_MS, withinMs: 90_000 });
}

const enter = (queue, entryKey) => queue.send("enter", { method: "POST", json: { entryKey } });

// Each in a world of its own, and all at the same time: what they wait for is the same.
describe("an object that was evicted", { concurrency: true }, () => {
  test("lanes and the queue that were evicted know every place, and go on counting", async () => {
    const watched = await startWatchedWorld();
    const queue = await watched.world.createQueue({ maxActive: 1, lanes: 4 });
    const keys = Array.from({ length: 40 }, newEntryKey);
    const shoppers = await forEachAtOnce(keys, 10, (entryKey) => queue.enter({ entryKey }));
    const indices = shoppers.map(({ index }) => index);
    const [first, next] = [0, 1].map((wanted) => shoppers.find(({ index }) => index === wanted));
    await first.admit();
    // With somebody there for the slot, nobody further back is called up, and the queue can rest.
    await next.becomePresent();
    let entered = keys.length;
    await untilEvicted(watched, ["LANE", "QUEUE"], async () => {
      const again = await forEachAtOnce(keys, 10, (entryKey) => queue.enter({ entryKey }));
      assert.deepEqual(again.map(({ index }) => index), indices);
      const later = await forEachAtOnce(Array.from({ length: 20 }), 10, () => queue.enter());
      const expected = Array.from({ length: 20 }, (_, number) => entered + number);
      assert.deepEqual(later.map(({ index }) => index).toSorted((a, b) => a - b), expected);
      entered += later.length;
      assert.equal((await queue.snapshot()).entered, entered);
    });
  });

  test("a queue that was evicted keeps its slots, its stock and who is next", async () => {
    const watched = await startWatchedWorld();
    const queue = await watched.world.createQueue({ maxActive: 8, maxAdmissions: 5 });
    const [buyer, holder, checkout, third, second, gone, last] = await queue.enterCalledUp(7, 3);
    await buyer.buy();
    const held = await holder.admit();
    const paid = await checkout.checkOut();
    await gone.becomePresent();
    const lost = await gone.admitInTurn();
    for (const shopper of [last, second, third]) await shopper.becomePresent();
    const shown = async () => {
      // Without what time alone changes.
      const { serverTime, version, waitRange, waitBounds, soonBelow, soonStride, ...rest } =
        await queue.snapshot();
      return rest;
    };
    const [before, admissions] = [await shown(), await queue.admissions()];
    assert.deepEqual([before.active, before.present, before.completed, before.remaining], [3, 3, 1,
      1]);

    await untilEvicted(watched, ["QUEUE"], async () => {
      assert.deepEqual(await shown(), before);
      assert.deepEqual(await queue.admissions(), admissions);
    });

    assert.equal((await holder.admit()).admissionId, held.admissionId);
    assertProblem(await queue.redeem(paid.handoffToken), "ALREADY_REDEEMED");
    assertProblem(await buyer.claim(), "ADMISSION_EXPIRED");
    await second.becomePresent();
    await queue.settle("release", lost.admissionId);
    await third.admit();
    await queue.settle("complete", paid.admissionId);
    await second.admit();
    const { active, completed, remaining, present } = await queue.snapshot();
    assert.deepEqual({ active, completed, remaining, present }, {
      active: 3,
      completed: 2,
      remaining: 0,
      present: 1,
    });
  });

  test("a rate holds across an eviction", async () => {
    const watched = await startWatchedWorld();
    const queue = await watched.world.createQueue({ admitRatePerMinute: 1 });
    const [buyer, other] = await queue.enterMany(2);
    await buyer.buy();
    await untilEvicted(watched, ["QUEUE"], async () => {
      const { status, json } = await other.claim();
      assert.ok(status === 200 || status === 202 || json.code === "NOT_YET_SERVED",
        JSON.stringify(json));
      const [first, ...others] = await queue.admissions();
      const withinAMinute = others.filter(({ admittedAt }) =>
        admittedAt < first.admittedAt + 60_000
      );
      assert.equal(withinAMinute.length, 0);
    });
  });

  test("a lane that was evicted between write and lease finds its group again", async () => {
    const watched = await startWatchedWorld();
    const { world, outage } = watched;
    const queue = await world.createQueue({ maxActive: 1, lanes: 1 });
    await queue.enter();
    const keys = Array.from({ length: 10 }, newEntryKey);
    const unanswered = async () => {
      for (const reply of await forEachAtOnce(keys, 5, (key) => enter(queue, key))) {
        assertProblem(reply, "SERVICE_UNAVAILABLE");
      }
    };
    outage.add("QUEUE");
    await unanswered();
    await untilEvicted(watched, ["LANE"], unanswered);
    outage.delete("QUEUE");

    const places = () =>
      forEachAtOnce(keys, 5, async (key) =>
        new Shopper(queue, (await enter(queue, key)).json.ticket).index);
    const indices = await places();
    assert.deepEqual(indices.toSorted((a, b) => a - b), keys.map((_, number) => number + 1));
    assert.deepEqual(await places(), indices);
    assert.equal((await queue.snapshot()).entered, 11);
  });
});
