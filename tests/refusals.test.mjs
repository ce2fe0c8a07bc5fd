// What is refused because of the state that the queue, the ticket or the admission is in.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertProblem } from "./support/problem.mjs";
import { until } from "./support/until.mjs";
import { startWorld } from "./support/world.mjs";

const world = await startWorld();

test("a claim before the turn is not yet served, and the place is kept", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  await (await queue.enter()).admit();
  await (await queue.enter()).becomePresent();
  const last = await queue.enter();
  assertProblem(await last.claim(), "NOT_YET_SERVED", "Place 3");
  assert.equal((await last.status()).json.position, 3);
});

test("a claim in a pause is refused, whether or not the shopper is present", async () => {
  const queue = await world.createQueue();
  const [holder, present, absent] = await queue.enterCalledUp(3, 1);
  await holder.admit();
  await present.becomePresent();
  await queue.act("pause");
  assertProblem(await present.claim(), "PAUSED");
  assertProblem(await absent.claim(), "PAUSED");
});

test("a closed queue takes no entry and no claim", async () => {
  const queue = await world.createQueue();
  const [holder, present, absent] = await queue.enterCalledUp(3, 1);
  await holder.admit();
  await present.becomePresent();
  await queue.act("close");
  assertProblem(await queue.send("enter", { method: "POST" }), "QUEUE_CLOSED");
  assertProblem(await present.claim(), "QUEUE_CLOSED");
  assertProblem(await absent.claim(), "QUEUE_CLOSED");
});

test("a queue closes by itself at closesAt", async () => {
  const queue = await world.createQueue();
  const shopper = await queue.enter();
  const past = { closesAt: Date.now() - 3 * 3_600_000 };
  assertProblem(await queue.operate("PATCH", "", { json: past }), "VALIDATION_ERROR",
    "3 hours in the past");
  assertProblem(
    await world.queue("born-closed").operate("PUT", "", { json: { maxActive: 1, ...past } }),
    "VALIDATION_ERROR",
    "closesAt",
  );
  assertProblem(await world.queue("born-closed").send(""), "QUEUE_NOT_FOUND");
  const closesAt = Date.now() + 500;
  await queue.patch({ closesAt });
  await until("it is over", async () => (await queue.snapshot()).phase === "closed");
  assert.ok((await queue.snapshot()).serverTime >= closesAt);
  // A time that has passed by itself is in nobody's way.
  assert.equal((await queue.patch({ maxActive: 7 })).snapshot.phase, "closed");
  assertProblem(await queue.operate("POST", "reopen"), "CONFLICT", "closesAt");
  assertProblem(await shopper.claim(), "QUEUE_CLOSED");
  assertProblem(await queue.send("enter", { method: "POST" }), "QUEUE_CLOSED");
  assert.equal((await queue.snapshot()).phase, "closed");
});

test("a closed queue is neither paused nor resumed", async () => {
  const queue = await world.createQueue();
  await queue.act("close");
  assertProblem(await queue.operate("POST", "pause"), "CONFLICT", "closed");
  assertProblem(await queue.operate("POST", "resume"), "CONFLICT", "closed");
});

test("with the stock sold, entry and claims are refused as sold out", async () => {
  const queue = await world.createQueue();
  const [buyer, present, absent] = await queue.enterCalledUp(3, 1);
  await queue.patch({ maxAdmissions: 1 });
  const { admissionId } = await buyer.checkOut();
  await present.becomePresent();
  await queue.settle("complete", admissionId);
  assertProblem(await present.claim(), "SOLD_OUT");
  assertProblem(await absent.claim(), "SOLD_OUT");
  assertProblem(await queue.send("enter", { method: "POST" }), "SOLD_OUT");
});

test("a queue with all its participants is full for others, not for those who are in", async () => {
  const queue = await world.createQueue({ maxActive: 1, maxParticipants: 2 });
  const [first] = await queue.enterMany(2);
  assertProblem(await queue.send("enter", { method: "POST" }), "QUEUE_FULL");
  assert.equal((await first.enterAgain()).json.status.position, 1);
});

test("of many who enter at once, exactly as many as fit get in", async () => {
  const queue = await world.createQueue({ maxActive: 1, maxParticipants: 20 });
  const replies = await Promise.all(
    Array.from({ length: 50 }, () => queue.send("enter", { method: "POST" })),
  );
  const [entered, full] = [replies.filter(({ status }) => status === 200),
    replies.filter(({ status }) => status !== 200)];
  assert.equal(entered.length, 20);
  for (const reply of full) assertProblem(reply, "QUEUE_FULL");
  assert.equal((await queue.snapshot()).entered, 20);
});

test("what is fixed stays as it is once somebody entered", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  await queue.patch({ lanes: 8 });
  await queue.enter();
  for (const change of [{ lanes: 4 }, { opensAt: 1 }]) {
    assertProblem(await queue.operate("PATCH", "", { json: change }), "CONFLICT",
      Object.keys(change)[0]);
    const whole = { maxActive: 1, lanes: 8, ...change };
    assertProblem(await queue.operate("PUT", "", { json: whole }), "CONFLICT",
      Object.keys(change)[0]);
  }
  assert.equal((await queue.operate("GET")).json.config.lanes, 8);
});

test("an admission is completed and extended after it is redeemed, not before", async () => {
  const queue = await world.createQueue();
  const { admissionId, handoffToken } = await (await queue.enter()).admit();
  assertProblem(await queue.settle("complete", admissionId), "CONFLICT", "not redeemed");
  assertProblem(await queue.settle("extend", admissionId), "CONFLICT", "not redeemed");
  assert.equal((await queue.redeem(handoffToken)).status, 200);
  assert.equal((await queue.settle("complete", admissionId)).status, 200);
});

test("what is sold is not released", async () => {
  const queue = await world.createQueue();
  const { admissionId } = await (await queue.enter()).buy();
  assertProblem(await queue.settle("release", admissionId), "CONFLICT", "completed");
  assert.equal((await queue.snapshot()).completed, 1);
});

test("a token is redeemed once", async () => {
  const queue = await world.createQueue();
  const { handoffToken, admissionId } = await (await queue.enter()).admit();
  const replies = await Promise.all(Array.from({ length: 10 }, () => queue.redeem(handoffToken)));
  const [good, others] = [replies.filter(({ status }) => status === 200),
    replies.filter(({ status }) => status !== 200)];
  assert.equal(good.length, 1);
  for (const reply of others) assertProblem(reply, "ALREADY_REDEEMED");
  await queue.settle("complete", admissionId);
  assertProblem(await queue.redeem(handoffToken), "ALREADY_REDEEMED");
});

test("a token that the claim gave anew is the same admission, redeemed once", async () => {
  const queue = await world.createQueue();
  const shopper = await queue.enter();
  const first = await shopper.checkOut();
  const second = await shopper.admit();
  assert.equal(second.admissionId, first.admissionId);
  assertProblem(await queue.redeem(second.handoffToken), "ALREADY_REDEEMED");
});

test("an admission that is over can be neither redeemed, extended nor claimed", async () => {
  const queue = await world.createQueue({ maxActive: 3 });
  const [released, left, completed] = await queue.enterMany(3);
  const ended = [await released.admit(), await left.admit()];
  await queue.settle("release", ended[0].admissionId);
  await left.leave();
  for (const { handoffToken, admissionId } of ended) {
    assertProblem(await queue.redeem(handoffToken), "ADMISSION_EXPIRED");
    assertProblem(await queue.settle("extend", admissionId), "ADMISSION_EXPIRED");
    assertProblem(await queue.settle("complete", admissionId), "ADMISSION_EXPIRED");
  }
  await completed.buy();
  for (const shopper of [released, left, completed]) {
    assertProblem(await shopper.claim(), "ADMISSION_EXPIRED");
  }
});

test("an admission from before a reset is over", async () => {
  const queue = await world.createQueue();
  const shopper = await queue.enter();
  const { handoffToken, admissionId } = await shopper.admit();
  await queue.act("reset");
  assertProblem(await queue.redeem(handoffToken), "ADMISSION_EXPIRED", "reset");
  assertProblem(await queue.settle("complete", admissionId), "ADMISSION_EXPIRED", "reset");
  assert.equal((await queue.snapshot()).completed, 0);
});

test("a handoff token that has run out is refused", async () => {
  const queue = await world.createQueue({ maxActive: 1, handoffSeconds: 1 });
  const { handoffToken } = await (await queue.enter()).admit();
  const refused = await until("it has run out", async () => {
    const [admission] = await queue.admissions();
    return admission.state === "expired" && queue.redeem(handoffToken);
  });
  assertProblem(refused, "UNAUTHORIZED", "expired");
});
