// Entering: one entry a shopper, however often they ask; and anew, at the end, once it is over.

import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeJwt } from "jose";

import { assertProblem } from "./support/problem.mjs";
import { newEntryKey, succeeded } from "./support/queue.mjs";
import { firstKey, remake } from "./support/tokens.mjs";
import { forEachAtOnce, until } from "./support/until.mjs";
import { startWorld } from "./support/world.mjs";

const world = await startWorld();

/** The entry that a reply to entering is about. */
const entry = (reply) => {
  const { epoch, index, sub } = decodeJwt(succeeded(reply).ticket);
  return { epoch, index, sub };
};

test("entering gives a ticket, a receipt field and a status", async () => {
  const queue = await world.createQueue();
  const reply = await queue.send("enter", { method: "POST" });
  assert.equal(reply.status, 200);
  const { queueId, ticket, receipt, status, ...rest } = reply.json;
  assert.deepEqual(rest, {});
  assert.equal(queueId, queue.id);
  assert.equal(receipt, null);
  assert.equal(ticket.split(".").length, 3);
  assert.equal(status.status, "READY");
  assert.equal(status.position, 1);
  assert.equal(reply.headers.get("cache-control"), "no-store");
});

test("the ticket comes in a cookie that no script reads and no other site sends", async () => {
  const queue = await world.createQueue();
  const reply = await queue.send("enter", { method: "POST", from: world.url });
  const { value, attributes } = reply.cookies[queue.cookieName];
  assert.equal(value, reply.json.ticket);
  const { "max-age": age, ...rest } = attributes;
  assert.deepEqual(rest, { path: "/", secure: "", httponly: "", samesite: "Lax" });
  assert.ok(Number(age) > 86_400);
});

test("a ticket and its cookie live as long as their queue can need them", async () => {
  const days = (count) => Date.now() + count * 86_400_000;
  const draw = {
    access: "draw",
    maxAdmissions: 1,
    claimWindowSeconds: 2_592_000,
    opensAt: days(30),
    closesAt: days(60),
  };
  for (const [config, least] of [[draw, days(60)], [{ maxActive: 1 }, days(29)]]) {
    const queue = await world.createQueue(config);
    const reply = await queue.send("enter", { method: "POST", from: world.url });
    assert.ok(decodeJwt(succeeded(reply).ticket).exp * 1_000 > least);
    const age = Number(reply.cookies[queue.cookieName].attributes["max-age"]);
    assert.ok(Date.now() + age * 1_000 > least, `${age} s`);
  }
});

test("a ticket is renewed before it ends, with its cookie, by a poll", async () => {
  const queue = await world.createQueue();
  const shopper = await queue.enter();
  const { bytes: key } = firstKey(world.keys.vars.TICKET_KEYS);
  const now = Math.floor(Date.now() / 1_000);
  const old = await remake(shopper.ticket, {
    key,
    claims: { iat: now - 2, exp: now + 7 * 86_400 },
  });
  const cookies = { [queue.cookieName]: old };
  const reply = await queue.send("status", { cookies });
  const { ticket } = succeeded(reply);
  assert.ok(decodeJwt(ticket).exp > now + 20 * 86_400);
  const { value, attributes } = reply.cookies[queue.cookieName];
  assert.equal(value, ticket);
  assert.ok(Number(attributes["max-age"]) > 20 * 86_400);
  assert.equal((await queue.send("status", { bearer: ticket })).json.ticket, undefined, "once");
});

test("without a ticket or a key, every entry is somebody else's", async () => {
  const queue = await world.createQueue();
  const replies = await Promise.all(
    Array.from({ length: 5 }, () => queue.send("enter", { method: "POST" })),
  );
  assert.deepEqual(replies.map((reply) => entry(reply).index).sort(), [0, 1, 2, 3, 4]);
});

test("who enters again with their ticket has the same entry", async () => {
  const queue = await world.createQueue();
  const [shopper] = await queue.enterMany(3);
  const { epoch, index, sub } = decodeJwt(shopper.ticket);
  const cookies = { [queue.cookieName]: shopper.ticket };
  assert.deepEqual(entry(await shopper.enterAgain()), { epoch, index, sub });
  const byCookie = await queue.send("enter", { method: "POST", cookies, from: world.url });
  assert.deepEqual(entry(byCookie), { epoch, index, sub });
  assert.equal((await queue.snapshot()).entered, 3);
});

test("a ticket counts before an entryKey", async () => {
  const queue = await world.createQueue();
  const shopper = await queue.enter();
  const json = { entryKey: newEntryKey() };
  const reply = await queue.send("enter", { method: "POST", bearer: shopper.ticket, json });
  assert.equal(entry(reply).index, shopper.index);
});

test("a retry with the same entryKey is the same entry, whatever the number of lanes", async () => {
  for (const lanes of [1, 2, 7, 256]) {
    const queue = await world.createQueue({ maxActive: 1, lanes });
    const json = { entryKey: newEntryKey() };
    const enter = () => queue.send("enter", { method: "POST", json });
    const first = entry(await enter());
    await queue.enterMany(3);
    for (const reply of await Promise.all(Array.from({ length: 8 }, enter))) {
      assert.deepEqual(entry(reply), first);
    }
    assert.equal((await queue.snapshot()).entered, 4);
  }
});

test("an entryKey that is sent many times at once is one entry", async () => {
  const queue = await world.createQueue();
  const keys = Array.from({ length: 10 }, newEntryKey);
  const enter = (entryKey) => queue.send("enter", { method: "POST", json: { entryKey } });
  const sent = Array.from({ length: 60 }, (_, number) => enter(keys[number % keys.length]));
  const replies = await Promise.all(sent);
  for (const [number, reply] of replies.entries()) {
    assert.equal(entry(reply).index, entry(replies[number % keys.length]).index);
  }
  assert.equal((await queue.snapshot()).entered, keys.length);
});

test("the same entryKey is another shopper in another queue, and after a reset", async () => {
  const json = { entryKey: newEntryKey() };
  const [one, other] = [await world.createQueue(), await world.createQueue()];
  const first = entry(await one.send("enter", { method: "POST", json }));
  const elsewhere = entry(await other.send("enter", { method: "POST", json }));
  assert.notEqual(elsewhere.sub, first.sub);
  await one.act("reset");
  const later = entry(await one.send("enter", { method: "POST", json }));
  assert.notEqual(later.sub, first.sub);
  assert.notEqual(later.epoch, first.epoch);
});

test("who was called up and did not come keeps their place", async () => {
  const queue = await world.createQueue();
  const [absent] = await queue.enterCalledUp(3, 1);
  assert.equal(entry(await absent.enterAgain()).index, absent.index);
  await absent.admit();
  assert.equal(entry(await absent.enterAgain()).index, absent.index, "an admission is kept, too");
});

test("leaving gives up the place, and entering again goes to the end", async () => {
  const queue = await world.createQueue();
  const json = { entryKey: newEntryKey() };
  const enter = () => queue.send("enter", { method: "POST", json });
  const { ticket } = succeeded(await enter());
  await queue.enterMany(2);
  const left = await queue.send("leave", { method: "DELETE", bearer: ticket });
  assert.equal(left.status, 204);
  assert.equal(left.cookies[queue.cookieName].value, "");
  assert.equal(left.cookies[queue.cookieName].attributes["max-age"], "0");
  assertProblem(await queue.send("claim", { method: "POST", bearer: ticket }), "ADMISSION_EXPIRED");
  assert.equal(entry(await enter()).index, 3);
  assert.equal(entry(await enter()).index, 3);
});

test("leaving twice is leaving once, and takes nothing from who entered anew", async () => {
  const queue = await world.createQueue({ maxActive: 5 });
  const shopper = await queue.enter();
  for (let time = 0; time < 3; time++) assert.equal((await shopper.leave()).status, 204);
  const anew = entry(await shopper.enterAgain());
  assert.equal(anew.index, 1);
  assert.equal((await shopper.leave()).status, 204, "the old ticket again");
  assert.equal(entry(await shopper.enterAgain()).index, 1);
  const { entered, waiting } = await queue.snapshot();
  assert.deepEqual({ entered, waiting }, { entered: 2, waiting: 1 });
});

test("leaving by cookie gives up the place", async () => {
  const queue = await world.createQueue();
  const shopper = await queue.enter();
  const cookies = { [queue.cookieName]: shopper.ticket };
  const reply = await queue.send("leave", { method: "DELETE", cookies, from: world.url });
  assert.equal(reply.status, 204, reply.text);
  assertProblem(await shopper.claim(), "ADMISSION_EXPIRED");
});

const ENDS = {
  completed: async (queue, shopper) => void (await shopper.buy()),
  released: async (queue, shopper) =>
    void (await queue.settle("release", (await shopper.admit()).admissionId)),
  expired: async (queue, shopper) => {
    await queue.patch({ handoffSeconds: 1 });
    await shopper.admit();
    await until("it has run out", async () => (await queue.admissions("expired")).length === 1);
  },
};

for (const [state, end] of Object.entries(ENDS)) {
  test(`who has an admission that is ${state} enters anew at the end`, async () => {
    const queue = await world.createQueue({ maxActive: 1 });
    const [first] = await queue.enterMany(3);
    await end(queue, first);
    const anew = entry(await first.enterAgain());
    assert.equal(anew.index, 3);
    assert.equal(entry(await first.enterAgain()).index, 3);
  });

  test(`who was just called up and is ${state} enters anew at the end, too`, async () => {
    const queue = await world.createQueue({ maxActive: 1 });
    const [first, second] = await queue.enterMany(3);
    await first.buy();
    await end(queue, second);
    assert.equal(entry(await second.enterAgain()).index, 3);
  });
}

test("a lane finds its shoppers again by the thousand, and those who left enter anew", async () => {
  const queue = await world.createQueue({ maxActive: 1, lanes: 1 });
  const keys = Array.from({ length: 3_000 }, newEntryKey);
  const enter = (entryKey) => queue.enter({ entryKey });
  const indicesOf = (shoppers) => shoppers.map(({ index }) => index);
  const entered = await forEachAtOnce(keys, 200, enter);
  assert.deepEqual(indicesOf(entered).toSorted((a, b) => a - b), keys.map((_, number) => number));
  assert.deepEqual(indicesOf(await forEachAtOnce(keys, 200, enter)), indicesOf(entered));

  const leaving = [1, 500, 1_000, 2_900, 2_999];
  for (const number of leaving) assert.equal((await entered[number].leave()).status, 204);
  const again = await forEachAtOnce(keys, 200, enter);
  for (const [number, { index }] of again.entries()) {
    if (leaving.includes(number)) {
      assert.ok(index >= keys.length, `${number} left, and has ${index} again`);
    } else assert.equal(index, entered[number].index);
  }
  assert.equal((await queue.snapshot()).entered, keys.length + leaving.length);
});
