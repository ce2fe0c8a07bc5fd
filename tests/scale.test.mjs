// Many at once: indices without gap or double, order in real time, limits that hold under load.

import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeJwt } from "jose";

import { Journal } from "./support/journal.mjs";
import { assertProblem } from "./support/problem.mjs";
import { newEntryKey } from "./support/queue.mjs";
import { forEachAtOnce, until } from "./support/until.mjs";
import { startWorld } from "./support/world.mjs";

const world = await startWorld();

test("two thousand entries through eight lanes get 0 to 1999, in order of real time", async () => {
  const limits = { maxActive: 50 };
  const queue = await world.createQueue({ ...limits, lanes: 8 });
  const journal = new Journal(limits);
  const enter = () => queue.send("enter", { method: "POST" });
  await forEachAtOnce(Array.from({ length: 2_000 }), 200,
    (_, number) => journal.call({ verb: "enter", entry: `${number}` }, enter));
  const indices = journal.calls.map(({ index }) => index).sort((a, b) => a - b);
  assert.deepEqual(indices, Array.from({ length: 2_000 }, (_, index) => index));
  await journal.audit(queue);
  await journal.assertKept();
});

test("those who enter one after the other stand in that order, through any lanes", async () => {
  const queue = await world.createQueue({ maxActive: 1, lanes: 8 });
  const indices = (await queue.enterMany(150)).map(({ index }) => index);
  assert.deepEqual(indices, Array.from({ length: 150 }, (_, index) => index));
});

test("four hundred who claim, buy, give back or vanish never pass maxActive", async () => {
  const maxActive = 20;
  const queue = await world.createQueue({ maxActive, handoffSeconds: 8, lanes: 8 });
  const shoppers = await forEachAtOnce(Array.from({ length: 400 }), 50, () => queue.enter());

  // What is held for certain: granted, as far as we were told, and not yet ended by us or by time.
  const held = new Map();
  const check = () => {
    const now = Date.now();
    const count = [...held.values()].filter((expiresAt) => now < expiresAt).length;
    assert.ok(count <= maxActive, `${count} admissions at once`);
  };
  const nine = ["buy", "buy", "release", "leave", "buy", "buy", "release", "leave", "buy"];
  const behaviours = [...nine, "vanish"];
  const visit = async (shopper, number) => {
    const grant = await until("an admission", async () => {
      const { status, json } = await shopper.claim();
      return status === 200 && json;
    }, { withinMs: 90_000, everyMs: 100 });
    held.set(grant.admissionId, grant.expiresAt);
    check();
    const behaviour = behaviours[number % behaviours.length];
    if (behaviour === "vanish") return;
    if (behaviour === "buy") {
      held.set(grant.admissionId, Infinity);
      assert.equal((await queue.redeem(grant.handoffToken)).status, 200);
    }
    held.delete(grant.admissionId);
    const action = behaviour === "buy" ? "complete" : "release";
    if (behaviour === "leave") assert.equal((await shopper.leave()).status, 204);
    else assert.equal((await queue.settle(action, grant.admissionId)).status, 200);
  };

  let over = false;
  const watch = async () => {
    while (!over) {
      const { active } = await queue.snapshot();
      assert.ok(active <= maxActive, `${active} active in the snapshot`);
    }
  };
  const inOrder = shoppers.toSorted((a, b) => a.index - b.index);
  await Promise.all([watch(), forEachAtOnce(inOrder, 80, visit).finally(() => (over = true))]);

  await until("the last have run out", async () => (await queue.snapshot()).active === 0);
  const admissions = await queue.admissions();
  assert.equal(admissions.length, 400);
  const counts = Object.groupBy(admissions, ({ state }) => state);
  assert.equal(counts.completed.length, 200);
  assert.equal(counts.expired.length, 40);
  const journal = new Journal({ maxActive }, { alone: false });
  await journal.audit(queue);
  await journal.assertKept();
});

test("a crowd that claims at once is admitted evenly at a rate, one a second at most", async () => {
  const queue = await world.createQueue({ admitRatePerMinute: 30 });
  const shoppers = await queue.enterMany(60);
  const answers = await forEachAtOnce(shoppers, 60, (shopper) => shopper.claim());
  assert.ok(answers.some(({ status }) => status === 200), "the first of them at once");
  for (const reply of answers.filter(({ status }) => status === 409)) {
    assertProblem(reply, "NOT_YET_SERVED");
  }
  const admissions = await queue.admissions();
  const times = admissions.map(({ admittedAt }) => admittedAt).toSorted((one, two) => one - two);
  for (const [number, at] of times.slice(1).entries()) {
    assert.ok(at - times[number] >= 1000, String(times));
  }
});

test("a reset in the middle of a crowd leaves nobody between two epochs", async () => {
  const queue = await world.createQueue({ maxActive: 1, lanes: 4 });
  const keys = Array.from({ length: 300 }, newEntryKey);
  const enter = (entryKey) => queue.send("enter", { method: "POST", json: { entryKey } });
  let resets;
  const replies = await forEachAtOnce(keys, 50, (key, number) => {
    if (number === 100) resets = queue.act("reset");
    return enter(key);
  });
  await resets;
  const { epoch } = await queue.snapshot();
  for (const reply of replies) {
    if (reply.status !== 200) assertProblem(reply, "SERVICE_UNAVAILABLE");
  }
  const tickets = await forEachAtOnce(keys, 50,
    async (entryKey) => decodeJwt((await queue.enter({ entryKey })).ticket));
  assert.ok(tickets.every((ticket) => ticket.epoch === epoch));
  const indices = tickets.map(({ index }) => index).sort((a, b) => a - b);
  assert.deepEqual(indices, keys.map((_, index) => index));
  for (const [number, { json }] of replies.entries()) {
    const before = json.ticket && decodeJwt(json.ticket);
    if (before?.epoch === epoch) assert.equal(before.index, tickets[number].index);
  }
});

test("who enters while a queue is deleted gets a place, a retry, or a 404", async () => {
  const queue = await world.createQueue({ maxActive: 1, lanes: 4 });
  let deleted;
  const replies = await forEachAtOnce(Array.from({ length: 200 }), 50, (_, number) => {
    if (number === 80) deleted = queue.operate("DELETE");
    return queue.send("enter", { method: "POST" });
  });
  assert.equal((await deleted).status, 204);
  for (const reply of replies) {
    if (reply.status !== 200) {
      assertProblem(reply, reply.status === 503 ? "SERVICE_UNAVAILABLE" : "QUEUE_NOT_FOUND");
    }
  }
  assert.equal(replies.at(-1).status, 404);
  await queue.put({ maxActive: 1 });
  assert.equal((await queue.enter()).index, 0);
});

test("with one slot, who is present is admitted in the order of their places", async () => {
  const queue = await world.createQueue();
  const shoppers = await queue.enterCalledUp(30, 1);
  let holder = await shoppers[0].admit();
  // They come in an order of their own.
  const coming = shoppers.slice(1).toSorted((a, b) => ((a.index * 7) % 30) - ((b.index * 7) % 30));
  for (const shopper of coming) await shopper.becomePresent();
  for (const expected of shoppers.slice(1)) {
    await queue.settle("release", holder.admissionId);
    const [admission, ...others] = await queue.admissions("admitted");
    assert.deepEqual([admission.position - 1, others.length], [expected.index, 0]);
    holder = admission;
  }
});
