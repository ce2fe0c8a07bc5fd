// An admission's life: granted, redeemed, extended, and completed, released, left or run out.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertProblem } from "./support/problem.mjs";
import { succeeded } from "./support/queue.mjs";
import { forEachAtOnce, until } from "./support/until.mjs";
import { startWatchedWorld } from "./support/watched.mjs";

const { world, calls } = await startWatchedWorld();

const stateOf = async (queue, { admissionId }) =>
  (await queue.admissions()).find((admission) => admission.admissionId === admissionId).state;

/** Waits until the queue's object was woken by its alarm, without a call that could do its work. */
const alarm = () => {
  const before = calls.length;
  return until("the object's alarm",
    () => calls.slice(before).some(({ binding, call }) => binding === "QUEUE" && call === "alarm"));
};

test("an admission goes from claim over redemption and extension to completion", async () => {
  const queue = await world.createQueue({ maxActive: 1, handoffSeconds: 100, sessionSeconds: 200 });
  const shopper = await queue.enter();
  const grant = await shopper.admit();
  assert.match(grant.admissionId, /^[0-9a-f]{32}-0$/);
  assert.equal(grant.checkoutUrl, "/checkout");
  const [admitted] = await queue.admissions();
  assert.equal(grant.expiresAt, admitted.admittedAt + 100_000);

  const redeemed = await queue.redeem(grant.handoffToken);
  assert.equal(redeemed.status, 200, redeemed.text);
  const { subject, expiresAt, ...rest } = redeemed.json;
  assert.deepEqual(rest, { admissionId: grant.admissionId, queueId: queue.id, position: 1 });
  assert.match(subject, /^[0-9a-f]{32}$/);
  const [atCheckout] = await queue.admissions();
  assert.equal(atCheckout.state, "redeemed");
  assert.equal(expiresAt, atCheckout.redeemedAt + 200_000);

  const extended = await queue.settle("extend", grant.admissionId);
  assert.equal(extended.json.state, "redeemed");
  assert.ok(extended.json.expiresAt >= expiresAt);

  const completed = await queue.settle("complete", grant.admissionId);
  assert.equal(completed.json.state, "completed");
  for (const action of ["complete", "extend"]) {
    assert.deepEqual((await queue.settle(action, grant.admissionId)).json, completed.json,
      "repeating changes nothing");
  }
  const { active, completed: sold } = await queue.snapshot();
  assert.deepEqual({ active, sold }, { active: 0, sold: 1 });
});

test("an extension never reaches past maxSessionSeconds from the redemption", async () => {
  const queue = await world.createQueue({
    maxActive: 1,
    sessionSeconds: 50,
    maxSessionSeconds: 50,
  });
  const { admissionId } = await (await queue.enter()).checkOut();
  const before = (await queue.admissions())[0];
  const { expiresAt } = (await queue.settle("extend", admissionId)).json;
  assert.equal(expiresAt, before.redeemedAt + 50_000);
});

test("claiming again gives the same admission, until when it was given", async () => {
  const queue = await world.createQueue({ maxActive: 5 });
  const shopper = await queue.enter();
  const replies = await Promise.all(Array.from({ length: 10 }, () => shopper.claim()));
  const grants = new Set(replies.map(({ json }) => `${json.admissionId} ${json.expiresAt}`));
  assert.equal(grants.size, 1);
  assert.equal((await queue.snapshot()).admitted, 1);
});

test("a redemption repeats under the same Idempotency-Key, not under another", async () => {
  const queue = await world.createQueue();
  const { handoffToken, admissionId } = await (await queue.enter()).admit();
  const first = await queue.redeem(handoffToken, "order-1");
  assert.equal(first.status, 200);
  assert.deepEqual((await queue.redeem(handoffToken, "order-1")).json, first.json);
  assertProblem(await queue.redeem(handoffToken, "order-2"), "ALREADY_REDEEMED");
  assertProblem(await queue.redeem(handoffToken), "ALREADY_REDEEMED");
  await queue.settle("complete", admissionId);
  assert.equal((await queue.redeem(handoffToken, "order-1")).status, 200);
});

test("a free slot goes at once to the lowest who is present", async () => {
  const queue = await world.createQueue();
  const [zero, one, two, three, four] = await queue.enterCalledUp(5, 1);
  // The slot was kept back for those before, who did not come in time.
  await three.becomePresent();
  const grant = await three.admitInTurn();
  succeeded(await queue.redeem(grant.handoffToken));
  for (const shopper of [four, one, two]) await shopper.becomePresent();
  const next = async () => (await queue.admissions("admitted")).map(({ position }) => position - 1);

  await queue.settle("complete", grant.admissionId);
  assert.deepEqual(await next(), [one.index]);
  // Who was absent is next when they come, before those who stand behind them.
  await zero.becomePresent();
  await one.leave();
  assert.deepEqual(await next(), [zero.index]);
  await queue.settle("release", (await zero.admit()).admissionId);
  assert.deepEqual(await next(), [two.index]);
  await two.leave();
  assert.deepEqual(await next(), [four.index]);
});

test("an admission that is not redeemed runs out, and the next one has the slot", async () => {
  const queue = await world.createQueue();
  const [absent, next] = await queue.enterCalledUp(2, 1);
  await queue.patch({ handoffSeconds: 3 });
  const lost = await absent.admit();
  await queue.patch({ handoffSeconds: 600 });
  await next.becomePresent();
  await alarm();
  assert.equal(await stateOf(queue, lost), "expired");
  const kept = await next.admit();
  const [before, after] = await queue.admissions();
  assert.equal(after.admissionId, kept.admissionId);
  assert.ok(after.admittedAt >= before.expiresAt, "never two at once");
});

test("a session runs out by itself, and the next one has the slot", async () => {
  const queue = await world.createQueue();
  const [slow, next] = await queue.enterCalledUp(2, 1);
  await queue.patch({ sessionSeconds: 3 });
  const lost = await slow.checkOut();
  await next.becomePresent();
  await alarm();
  assert.equal(await stateOf(queue, lost), "expired");
  await next.admit();
});

test("an extended session outlives its first end", async () => {
  const queue = await world.createQueue();
  const [slow, other] = await queue.enterCalledUp(2, 1);
  await queue.patch({ sessionSeconds: 3 });
  const { admissionId } = await slow.checkOut();
  await queue.patch({ sessionSeconds: 600 });
  await queue.settle("extend", admissionId);
  await other.becomePresent();
  await alarm(); // the one that was set for the first end
  assert.deepEqual((await queue.admissions()).map(({ state }) => state), ["redeemed"]);
  assert.equal((await queue.settle("complete", admissionId)).status, 200);
});

test("an order that is paid after its session ran out counts while stock remains", async () => {
  const queue = await world.createQueue({ maxActive: 1, maxAdmissions: 2, sessionSeconds: 1 });
  const { admissionId } = await (await queue.enter()).checkOut();
  await until("the session has run out",
    async () => (await queue.admissions("expired")).length === 1);
  assertProblem(await queue.settle("extend", admissionId), "ADMISSION_EXPIRED");
  const completed = await queue.settle("complete", admissionId);
  assert.equal(completed.status, 200, completed.text);
  assert.equal(completed.json.state, "completed");
  const { completed: sold, remaining } = await queue.snapshot();
  assert.deepEqual({ sold, remaining }, { sold: 1, remaining: 1 });
});

test("an order paid after its session ran out is refused when all pieces are taken", async () => {
  const queue = await world.createQueue({ maxActive: 2 });
  const [slow, next] = await queue.enterMany(2);
  await queue.patch({ maxActive: 1, maxAdmissions: 1, sessionSeconds: 1 });
  const { admissionId } = await slow.checkOut();
  await until("the session has run out",
    async () => (await queue.admissions("expired")).length === 1);
  await queue.patch({ sessionSeconds: 600 });
  const taken = await next.checkOut();
  assertProblem(await queue.settle("complete", admissionId), "SOLD_OUT");
  await queue.settle("complete", taken.admissionId);
  assertProblem(await queue.settle("complete", admissionId), "SOLD_OUT");
  assert.equal((await queue.snapshot()).completed, 1);
});

test("in a pause people enter, live admissions run on, and nobody is admitted", async () => {
  const queue = await world.createQueue();
  const [first, second] = await queue.enterCalledUp(2, 1);
  const { admissionId } = await first.checkOut();
  await second.becomePresent();
  await queue.act("pause");
  const entered = await queue.enter();
  assert.equal(entered.index, 2);
  assert.equal((await queue.settle("extend", admissionId)).status, 200);
  assert.equal((await queue.settle("complete", admissionId)).status, 200);
  const paused = await queue.snapshot();
  assert.deepEqual([paused.active, paused.present, paused.admitted], [0, 1, 1]);
  const resumed = (await queue.act("resume")).snapshot;
  assert.deepEqual([resumed.active, resumed.present, resumed.admitted], [1, 0, 2]);
  await second.admit();
});

test("an admission that is given is kept through a pause", async () => {
  const queue = await world.createQueue();
  const shopper = await queue.enter();
  const given = await shopper.admit();
  await queue.act("pause");
  const again = await shopper.admit();
  assert.equal(again.admissionId, given.admissionId);
  assert.equal((await queue.redeem(again.handoffToken)).status, 200);
});

test("after closing, live admissions run on and nobody else is admitted", async () => {
  const queue = await world.createQueue();
  const [first, second, third] = await queue.enterCalledUp(3, 2);
  const { admissionId } = await first.checkOut();
  await second.admit();
  await third.becomePresent();
  await queue.act("close");
  const other = await second.admit();
  assert.equal((await queue.redeem(other.handoffToken)).status, 200);
  assert.equal((await queue.settle("extend", admissionId)).status, 200);
  assert.equal((await queue.settle("complete", admissionId)).status, 200);
  assert.equal((await queue.settle("release", other.admissionId)).status, 200);
  const { active, admitted, completed, phase } = await queue.snapshot();
  assert.deepEqual({ active, admitted, completed, phase }, {
    active: 0,
    admitted: 2,
    completed: 1,
    phase: "closed",
  });
});

test("a status tells everybody apart who waits, is called up, or comes too late", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  const [first, ...others] = await queue.enterMany(8);
  await first.admit();
  const seen = (shopper, status) =>
    until(`${status} is shown`, async () => {
      const { json } = await shopper.status();
      return json.status === status && json;
    });
  assert.equal((await seen(first, "READY")).position, 1);
  const queued = await seen(others.at(-1), "QUEUED");
  assert.equal(queued.position, 8);
  assert.ok(queued.ahead >= 1 && queued.ahead < 8, JSON.stringify(queued));
  assert.ok(queued.pollAfterMs >= 2_000 && queued.pollAfterMs <= 120_000);
  assert.equal((await queue.send("status")).json.status, "NOT_QUEUED");
  await queue.act("close");
  await seen(others.at(-1), "CLOSED");
});

test("the listing of admissions tells what became of each", async () => {
  const queue = await world.createQueue({ maxActive: 10 });
  const [admitted, redeemed, completed, released, left, waits] = await queue.enterMany(6);
  const grants = [];
  for (const shopper of [admitted, redeemed, completed, released, left]) {
    grants.push(await shopper.admit());
  }
  for (const { handoffToken } of [grants[1], grants[2]]) await queue.redeem(handoffToken);
  await queue.settle("complete", grants[2].admissionId);
  await queue.settle("release", grants[3].admissionId);
  await left.leave();
  const found = await queue.admissions();
  assert.deepEqual(found.map(({ state }) => state), ["admitted", "redeemed", "completed",
    "released", "left"]);
  assert.deepEqual(found.map(({ admissionId }) => admissionId),
    grants.map(({ admissionId }) => admissionId));
  assert.deepEqual(found.map(({ position }) => position), [1, 2, 3, 4, 5]);
  for (const admission of found) {
    assert.equal(admission.queueId, queue.id);
    assert.ok(admission.admittedAt <= admission.expiresAt);
  }
  assert.equal(found[0].redeemedAt, null);
  assert.ok(Number.isInteger(found[1].redeemedAt));
  assert.ok(!found.some(({ admissionId }) => admissionId.endsWith(`-${waits.index}`)),
    "who only waits has none");
});

test("the listing of admissions filters by state and goes on page by page", async () => {
  const queue = await world.createQueue({ maxActive: 130 });
  const shoppers = await forEachAtOnce(Array.from({ length: 130 }), 20, () => queue.enter());
  await queue.calledUp(130);
  await forEachAtOnce(shoppers, 20, (shopper) => shopper.admit());
  for (const shopper of shoppers.filter(({ index }) => index % 10 === 0)) await shopper.leave();

  const first = (await queue.operate("GET", "admissions")).json;
  assert.equal(first.admissions.length, 100);
  const second = (await queue.operate("GET", `admissions?after=${first.next}`)).json;
  assert.equal(second.admissions.length, 30);
  assert.equal(second.next, null);
  const indices = [...first.admissions, ...second.admissions].map(({ admissionId }) =>
    Number(admissionId.split("-")[1])
  );
  assert.deepEqual(indices, Array.from({ length: 130 }, (_, index) => index));

  assert.equal((await queue.admissions("left")).length, 13);
  assert.equal((await queue.admissions("admitted")).length, 117);
  assert.deepEqual(await queue.admissions("completed"), []);
});
