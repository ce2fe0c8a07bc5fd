// How many are let through: never one too many, and nobody held back who may go.

import assert from "node:assert/strict";
import { test } from "node:test";

import { until } from "./support/until.mjs";
import { startWorld } from "./support/world.mjs";

const world = await startWorld();

/** Lets all claim at once; returns those who are admitted, with their grants. */
async function claimAll(shoppers) {
  const replies = await Promise.all(shoppers.map((shopper) => shopper.claim()));
  for (const reply of replies) assert.ok([200, 202].includes(reply.status), reply.text);
  const admitted = replies.map(({ json }, number) => ({ shopper: shoppers[number], ...json }));
  return admitted.filter((_, number) => replies[number].status === 200);
}

/** A queue in which that many are called up, under these limits from then on. */
async function calledUp(count, limits) {
  const queue = await world.createQueue({ maxActive: count });
  const shoppers = await queue.enterMany(count);
  await queue.calledUp(count);
  await queue.patch({ maxActive: null, ...limits });
  return { queue, shoppers };
}

const counts = async (queue) => {
  const { admitted, active, completed, present, remaining, phase } = await queue.snapshot();
  return { admitted, active, completed, present, remaining, phase };
};

async function sell(queue, { handoffToken, admissionId }) {
  assert.equal((await queue.redeem(handoffToken)).status, 200);
  assert.equal((await queue.settle("complete", admissionId)).status, 200);
}

test("of many who claim at once, exactly maxActive are admitted", async () => {
  const { queue, shoppers } = await calledUp(20, { maxActive: 7 });
  assert.equal((await claimAll(shoppers)).length, 7);
  const { active, present } = await counts(queue);
  assert.deepEqual({ active, present }, { active: 7, present: 13 });
});

test("each end of an admission lets exactly one more in", async () => {
  const { queue, shoppers } = await calledUp(10, { maxActive: 3 });
  const [sold, released, left] = await claimAll(shoppers);
  const ends = [
    () => sell(queue, sold),
    () => queue.settle("release", released.admissionId),
    () => left.shopper.leave(),
  ];
  for (const [number, end] of ends.entries()) {
    await end();
    const { admitted, active } = await counts(queue);
    assert.deepEqual({ admitted, active }, { admitted: 4 + number, active: 3 });
  }
});

test("ending an admission twice frees its slot once", async () => {
  const { queue, shoppers } = await calledUp(6, { maxActive: 2 });
  const [{ admissionId, shopper }] = await claimAll(shoppers);
  for (let time = 0; time < 3; time++) {
    assert.equal((await queue.settle("release", admissionId)).status, 200);
    assert.equal((await shopper.leave()).status, 204);
  }
  const { admitted, active } = await counts(queue);
  assert.deepEqual({ admitted, active }, { admitted: 3, active: 2 });
});

test("a minute's rate is spread evenly, however many come and however fast they are", async () => {
  const { queue, shoppers } = await calledUp(12, { admitRatePerMinute: 120 });
  for (const grant of await claimAll(shoppers)) await sell(queue, grant);
  await until("all are admitted", async () => (await counts(queue)).admitted === 12);
  const admissions = await queue.admissions();
  const times = admissions.map(({ admittedAt }) => admittedAt).toSorted((one, two) => one - two);
  for (const [number, at] of times.slice(4).entries()) {
    assert.ok(at - times[number] >= 1000,
      `more than two seconds' share in one: ${times.map((time) => time - times[0])}`);
  }
});

test("no more than maxAdmissions are held and sold together", async () => {
  const { queue, shoppers } = await calledUp(10, { maxActive: 10, maxAdmissions: 4 });
  const [first, second, third, fourth] = await claimAll(shoppers);
  assert.equal((await counts(queue)).active, 4);
  await sell(queue, first);
  assert.equal((await counts(queue)).admitted, 4, "what is sold does not come back");
  await queue.settle("release", second.admissionId);
  assert.deepEqual(await counts(queue), {
    admitted: 5,
    active: 3,
    completed: 1,
    present: 5,
    remaining: 0,
    phase: "open",
  });
  const fifth = await queue.admissions("admitted").then((held) => held.at(-1));
  const shopper = shoppers.find(({ index }) => fifth.admissionId.endsWith(`-${index}`));
  for (const grant of [third, fourth, await shopper.admit()]) await sell(queue, grant);
  assert.deepEqual(await counts(queue), {
    admitted: 5,
    active: 0,
    completed: 4,
    present: 5,
    remaining: 0,
    phase: "soldOut",
  });
});

test("with several limits, the tightest one holds at every moment", async () => {
  const { queue, shoppers } = await calledUp(15, { maxActive: 3, maxAdmissions: 7 });
  const sellOut = async () => {
    for (const shopper of shoppers) {
      const reply = await shopper.claim();
      if (reply.status !== 200) continue;
      assert.ok((await counts(queue)).active <= 3);
      await sell(queue, reply.json);
    }
    return counts(queue);
  };
  assert.equal((await claimAll(shoppers)).length, 3, "maxActive");
  await queue.patch({ admitRatePerMinute: 1 });
  const byRate = await sellOut();
  assert.equal(byRate.admitted, 3, "admitRatePerMinute");
  await queue.patch({ admitRatePerMinute: 100_000 });
  const byStock = await sellOut();
  assert.deepEqual([byStock.admitted, byStock.completed, byStock.phase], [7, 7, "soldOut"],
    "maxAdmissions");
});

test("a raised limit admits at once those who wait for it, without a call of theirs", async () => {
  const { queue, shoppers } = await calledUp(8, { maxActive: 1 });
  await claimAll(shoppers);
  const report = await queue.patch({ maxActive: 5 });
  assert.deepEqual([report.snapshot.active, report.snapshot.present], [5, 3]);
});

test("a lowered limit takes nobody's admission, and takes hold as slots free", async () => {
  const { queue, shoppers } = await calledUp(6, { maxActive: 4 });
  const grants = await claimAll(shoppers);
  assert.equal((await queue.patch({ maxActive: 2 })).snapshot.active, 4);
  for (const [number, { admissionId }] of grants.entries()) {
    await queue.settle("release", admissionId);
    assert.equal((await counts(queue)).active, [3, 2, 2, 2][number]);
  }
});

test("a raised stock brings a sold-out queue back to life", async () => {
  const { queue, shoppers } = await calledUp(3, { maxActive: 1, maxAdmissions: 1 });
  await shoppers[0].buy();
  assert.equal((await counts(queue)).phase, "soldOut");
  await queue.patch({ maxAdmissions: 2 });
  assert.equal((await counts(queue)).phase, "open");
  await shoppers[1].buy();
});

test("with an empty line, entering calls up at once", async () => {
  const queue = await world.createQueue({ maxActive: 3 });
  for (let number = 0; number < 3; number++) {
    const reply = await queue.send("enter", { method: "POST" });
    assert.equal(reply.json.status.status, "READY");
  }
});

test("those who are called up and never come hold nobody up for good", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  const [, , last] = await queue.enterMany(3);
  const answered = async () => {
    const reply = await last.claim();
    return reply.status === 200 && reply;
  };
  const reply = await until("the last is admitted", answered, { withinMs: 60_000, everyMs: 250 });
  assert.equal(reply.json.status, "GRANTED", reply.text);
});
