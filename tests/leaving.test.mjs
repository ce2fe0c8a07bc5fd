// Leaving: one step, whatever dies or hangs up in it; and what is redeemed is the checkout's.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertProblem } from "./support/problem.mjs";
import { Shopper, newEntryKey, succeeded } from "./support/queue.mjs";
import { firstKey, remake } from "./support/tokens.mjs";
import { until } from "./support/until.mjs";
import { startWatchedWorld } from "./support/watched.mjs";

const { world, calls, outage, held } = await startWatchedWorld();

/** Enters with a key of the client's. */
const enterBy = async (queue, entryKey) =>
  new Shopper(queue,
    succeeded(await queue.send("enter", { method: "POST", json: { entryKey } })).ticket);

/** The calls to objects of a kind since `begin`. */
const since = (begin, binding) => calls.slice(begin).filter((told) => told.binding === binding);

/** Says a call again to the object that heard it, as a copy that was long on its way. */
function again({ binding, object, call }) {
  return world.objects(binding).then((objects) =>
    objects.get(objects.idFromString(object)).ask(call)
  );
}

/** What a shopper's leave is to the lane, and what the lane asks of the queue. */
async function heardOf(leave) {
  const begin = calls.length;
  const reply = await leave();
  const first = (binding) => since(begin, binding).find(({ call }) => call.includes("Leave"));
  return { reply, toLane: first("LANE"), toQueue: first("QUEUE") };
}

test("a leave whose end the lane never heard is finished by entering again", async () => {
  const queue = await world.createQueue({ maxActive: 1, lanes: 1 });
  await (await queue.enter()).admit();
  const entryKey = newEntryKey();
  const shopper = await enterBy(queue, entryKey);
  await queue.enterMany(2);
  outage.add("QUEUE");
  const { reply, toQueue } = await heardOf(() => shopper.leave());
  outage.clear();
  assertProblem(reply, "SERVICE_UNAVAILABLE");
  // It reached the queue all the same.
  await again(toQueue);
  assertProblem(await shopper.claim(), "ADMISSION_EXPIRED");
  await world.crash();
  const anew = await enterBy(queue, entryKey);
  assert.equal(anew.index, 4, "not the dead ticket");
  assert.equal((await enterBy(queue, entryKey)).index, 4);
});

test("who hangs up while leaving has left", async () => {
  const queue = await world.createQueue({ maxActive: 1, lanes: 1 });
  await (await queue.enter()).admit();
  const entryKey = newEntryKey();
  const shopper = await enterBy(queue, entryKey);
  const hold = Promise.withResolvers();
  const begin = calls.length;
  held.set("QUEUE", hold.promise);
  const gone = new AbortController();
  const leaving = queue.send("leave", {
    method: "DELETE",
    bearer: shopper.ticket,
    signal: gone.signal,
  });
  await until("the lane asks the queue",
    async () => since(begin, "QUEUE").some(({ call }) => call.includes("Leave")));
  gone.abort();
  await assert.rejects(leaving);
  held.clear();
  hold.resolve();
  await until("it has left", async () => (await queue.snapshot()).waiting === 0);
  assert.equal((await enterBy(queue, entryKey)).index, 2);
});

test("a leave that the queue never heard holds once the lane is asked again", async () => {
  const queue = await world.createQueue({ maxActive: 1, lanes: 1 });
  await (await queue.enter()).admit();
  const shopper = await queue.enter();
  outage.add("QUEUE");
  assertProblem(await shopper.leave(), "SERVICE_UNAVAILABLE");
  outage.clear();
  assert.equal((await queue.snapshot()).waiting, 1);
  await world.crash();
  assert.equal((await shopper.leave()).status, 204);
  assert.equal((await queue.snapshot()).waiting, 0);
});

test("a late copy of a leave ends nothing that came after", async () => {
  const queue = await world.createQueue({ maxActive: 1, lanes: 1 });
  await (await queue.enter()).admit();
  const entryKey = newEntryKey();
  const shopper = await enterBy(queue, entryKey);
  const { toLane, toQueue } = await heardOf(() => shopper.leave());
  const anew = await enterBy(queue, entryKey);
  for (const copy of [toLane, toQueue, toLane]) await again(copy);
  assert.equal(anew.index, 2);
  assert.equal((await enterBy(queue, entryKey)).index, 2);
  assert.equal((await queue.snapshot()).waiting, 1);
});

test("who has left already asks nothing of the queue by leaving again, at any edge", async () => {
  const queue = await world.createSettledQueue({ maxActive: 1, lanes: 1 });
  const shopper = await queue.enter();
  assert.equal((await shopper.leave()).status, 204);
  await world.reload(); // another edge, which has not heard of it
  const { reply, toLane, toQueue } = await heardOf(() => shopper.leave());
  assert.equal(reply.status, 204);
  assert.ok(toLane, "the lane knows");
  assert.equal(toQueue, undefined);
});

test("an admission that was redeemed is not left, and keeps its entry and its slot", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  const entryKey = newEntryKey();
  let shopper = await enterBy(queue, entryKey);
  const { admissionId } = await shopper.checkOut();
  // The same key in a loop held a checkout more each time.
  for (let time = 0; time < 3; time++) {
    assertProblem(await shopper.leave(), "CONFLICT", "cancel at the checkout");
    shopper = await enterBy(queue, entryKey);
    assert.equal(shopper.index, 0);
    assertProblem(await queue.redeem((await shopper.admit()).handoffToken), "ALREADY_REDEEMED");
  }
  const { active, admitted, entered } = await queue.snapshot();
  assert.deepEqual({ active, admitted, entered }, { active: 1, admitted: 1, entered: 1 });
  succeeded(await queue.settle("release", admissionId));
  assert.equal((await shopper.leave()).status, 204);
  assert.equal((await enterBy(queue, entryKey)).index, 1);
});

test("a ticket that says another's place is refused, and the other's is untouched", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  const [first, second] = await queue.enterMany(2);
  const { bytes: key } = firstKey(world.keys.vars.TICKET_KEYS);
  const forged = await remake(second.ticket, { key, claims: { position: 0 } });
  const claim = () => queue.send("claim", { method: "POST", bearer: forged });
  assertProblem(await claim(), "UNAUTHORIZED");
  await first.admit();
  assertProblem(await claim(), "UNAUTHORIZED");
  const { present, active } = await queue.snapshot();
  assert.deepEqual({ present, active }, { present: 0, active: 1 });
});

test("a ticket of an epoch that this edge has not heard of is kept, for a retry", async () => {
  const queue = await world.createQueue({ maxActive: 1, opensAt: 1 });
  const shopper = await queue.enter();
  const { bytes: key } = firstKey(world.keys.vars.TICKET_KEYS);
  const now = Math.floor(Date.now() / 1_000);
  const of = (epoch, iat) =>
    remake(shopper.ticket, { key, claims: { epoch, iat, exp: now + 86_400 } });
  // Signed a minute after all that is known here: no view can be newer for now.
  const newer = await of("a".repeat(32), now + 60);
  const older = await of("b".repeat(32), now - 60);
  const cookies = { [queue.cookieName]: newer };
  const asked = (bearer) =>
    [
      ["GET", "status"],
      ["POST", "claim"],
      ["DELETE", "leave"],
      ["POST", "enter"],
      ["GET", "audit/proof"],
    ].map(([method, action]) => queue.send(action, { method, bearer }));
  const replies = await Promise.all([
    ...asked(newer),
    queue.send("status", { cookies }),
    queue.send("enter", { method: "POST", cookies, from: world.url }),
    world.send(`/queue/${queue.id}`, { cookies }),
  ]);
  for (const reply of replies) {
    assertProblem(reply, "SERVICE_UNAVAILABLE");
    assert.deepEqual(reply.cookies, {}, "the ticket's cookie stays");
  }
  for (const reply of await Promise.all(asked(older))) assertProblem(reply, "TICKET_VOID");
  assert.equal((await shopper.status()).status, 200);
  assert.equal((await queue.snapshot()).entered, 1);
});
