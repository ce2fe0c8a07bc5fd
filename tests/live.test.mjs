// Pushing: those who listen are told what changes, and in the end holds the last state.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { connect, connectUnclosing, listen } from "./support/live.mjs";
import { assertProblem } from "./support/problem.mjs";
import { forEachAtOnce, until } from "./support/until.mjs";
import { startWatchedWorld } from "./support/watched.mjs";
import { startWorld } from "./support/world.mjs";

const { world, calls } = await startWatchedWorld();
const PAGE = "https://shop.example";

/** The calls to a queue's objects since `begin`. */
const since = (begin, queue, binding) =>
  calls.slice(begin).filter((told) =>
    told.binding === binding && told.call.includes(`"${queue.id}"`)
  );

const notify = (queue, text) =>
  queue.operate("PUT", "notice", { json: text === null ? null : { level: "info", text } });

/** As many listeners as `count`, all greeted. */
async function audience(queue, count) {
  const listeners = await forEachAtOnce(Array.from({ length: count }), 50, () => listen(queue));
  await Promise.all(listeners.map((listener) => listener.greeting()));
  return listeners;
}

const hangUp = (listeners) => Promise.all(listeners.map((listener) => listener.hangUp()));

// Two who are there all the while; what becomes of them is the last test.
const quiet = await world.createQueue();
const pings = await listen(quiet);
const silent = await listen(quiet);
const pinging = setInterval(() => pings.socket.send("ping"), 20_000);
after(() => clearInterval(pinging));

test("real-time updates", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  const listener = await listen(queue);
  const { type, ...greeting } = await listener.greeting();
  assert.equal(type, "snapshot");
  const { json } = await queue.send("");
  assert.deepEqual(Object.keys(greeting).toSorted(), Object.keys(json).toSorted());
  assert.equal(greeting.entered, 0);

  const [first] = await queue.enterMany(3);
  await until("the entries are told", () => listener.snapshot.entered === 3);
  await first.buy();
  await until("the call-up is told",
    () => listener.snapshot.completed === 1 && listener.snapshot.boarding >= 2);

  await notify(queue, "Hello");
  const told = await until("the notice", () => listener.told("notice")[0]);
  assert.deepEqual(told.notice, { level: "info", text: "Hello" });
  assert.ok(told.version > greeting.version && told.serverTime >= greeting.serverTime);
  await notify(queue, null);
  await until("the notice is taken back", () => listener.told("notice").at(-1).notice === null);

  const latecomer = await listen(queue);
  const { entered, completed } = await latecomer.greeting();
  assert.deepEqual({ entered, completed }, { entered: 3, completed: 1 });
  await hangUp([listener, latecomer]);
});

test("a notice reaches three hundred", async () => {
  const queue = await world.createQueue();
  const listeners = await audience(queue, 300);
  await notify(queue, "To all");
  await until("all have it",
    () => listeners.every((listener) => listener.notice?.text === "To all"));
  for (const listener of listeners) assert.equal(listener.told("notice").length, 1);
  await hangUp(listeners);
});

test("a hundred changes a second leave everybody with the last state, by few pushes", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  const listeners = await audience(queue, 50);
  const began = performance.now();
  const changes = Array.from({ length: 150 });
  await forEachAtOnce(changes, 4, async (_, number) => {
    await Promise.all([notify(queue, `Notice ${number}`), queue.enter(), pause(80)]);
  });
  const last = await queue.snapshot();
  const isLast = ({ snapshot, notice }) =>
    snapshot.entered === 150 && notice?.text === last.notice.text;
  await until("all hold the last state", () => listeners.every(isLast));
  const seconds = (performance.now() - began) / 1_000;
  for (const listener of listeners) {
    // The first at once, and the greeting.
    assert.ok(listener.told("snapshot").length <= Math.floor(seconds) + 2, "one snapshot a second");
    assert.ok(listener.told("notice").length <= Math.floor(seconds * 4) + 1,
      "four notices a second");
  }
  await hangUp(listeners);
});

test("a ping is answered without waking anything", async () => {
  const queue = await world.createQueue();
  const listener = await listen(queue);
  await listener.greeting();
  const begin = calls.length;
  for (let number = 1; number <= 3; number++) {
    listener.socket.send("ping");
    await until("a pong", () =>
      listener.messages.filter((text) => text === "pong").length === number);
  }
  assert.deepEqual(calls.slice(begin).filter(({ call }) => call === "message"), []);
  await listener.hangUp();
});

test("who says anything but ping is shown out", async () => {
  const queue = await world.createQueue();
  const listener = await listen(queue);
  listener.socket.send("let me in");
  const { code, reason } = await until("it is closed", () => listener.closed);
  assert.equal(code, 4000, reason);
});

test("however many connect at once, the relay asks the queue once a second", async () => {
  const queue = await world.createQueue();
  await queue.send("");
  const begin = calls.length;
  const started = performance.now();
  const listeners = await audience(queue, 200);
  const most = Math.floor((performance.now() - started) / 1_000) + 1;
  const asked = since(begin, queue, "RELAY").length - 200;
  // The queue's calls name no queue: it is found by its name.
  const watched = calls.slice(begin).filter(({ binding, call }) =>
    binding === "QUEUE" && call.includes("Watch")
  );
  assert.ok(watched.length >= 1 && watched.length <= most + 1,
    `${watched.length} questions, ${most} at most (${asked})`);
  await hangUp(listeners);
});

test("while nobody listens, nothing is pushed", async () => {
  const queue = await world.createQueue();
  const [listener] = await audience(queue, 1);
  await notify(queue, "Anybody?");
  await until("it is told", () => listener.notice?.text === "Anybody?");
  await listener.hangUp();
  const pushes = (begin) =>
    since(begin, queue, "RELAY").filter(({ call }) => call.includes("Push"));
  // The queue learns by its next push that nobody is left, once the relay has not asked for a
  // second.
  await pause(1_100);
  let begin = calls.length;
  await notify(queue, "Nobody?");
  await until("the queue has learned it", () => pushes(begin).length === 1);
  begin = calls.length;
  for (let number = 0; number < 5; number++) await notify(queue, `Into the void ${number}`);
  await queue.enter();
  await queue.snapshot();
  assert.deepEqual(pushes(begin), []);
});

test("a reset closes the sockets, and those who come back see the new epoch", async () => {
  const queue = await world.createQueue();
  const [listener, other] = await audience(queue, 2);
  const { epoch } = listener.snapshot;
  await queue.act("reset");
  for (const { messages } of [listener, other]) {
    const last = {
      type: "closing",
      code: 4001,
      reason: "the queue was reset: connect again",
      reconnectWithinMs: 5000,
    };
    await until("it is told", () => messages.at(-1).includes("closing"));
    assert.deepEqual(JSON.parse(messages.at(-1)), last);
  }
  const [again] = await audience(queue, 1);
  assert.notEqual(again.snapshot.epoch, epoch);
  await queue.enter();
  await until("it is told of the new epoch", () => again.snapshot.entered === 1);
  await again.hangUp();
});

test("a deleted queue closes its sockets, and refuses new ones", async () => {
  const queue = await world.createQueue();
  const [listener] = await audience(queue, 1);
  assert.equal((await queue.operate("DELETE")).status, 204);
  await until("it is told", () => listener.told("closing").length === 1);
  await until("it is closed", () => listener.closed);
  assert.equal(listener.closed.code, 4004);
  const refused = await until("it is unknown", async () => (await connect(queue)).refused);
  assertProblem(refused, "QUEUE_NOT_FOUND");
});

test("who may connect: anybody here, whatever they show, and allowed origins' pages", async () => {
  const queue = await world.createQueue({ maxActive: 1, allowedOrigins: [PAGE] });
  const { ticket } = await queue.enter();
  const listeners = [
    await listen(queue, { headers: { authorization: `Bearer ${ticket}` } }),
    await listen(queue, { headers: { cookie: `${queue.cookieName}=${ticket}` } }),
    await listen(queue, { headers: { authorization: "Bearer of bad news" } }),
    await listen(queue, { from: world.url }),
    await listen(queue, { from: PAGE }),
    await listen(queue, { relay: 0 }),
    await listen(queue, { relay: 77 }),
  ];
  for (const listener of listeners) assert.equal((await listener.greeting()).entered, 1);
  await hangUp(listeners);
});

test("what is refused touches no relay", async () => {
  const queue = await world.createQueue({ maxActive: 1, allowedOrigins: [PAGE] });
  const begin = calls.length;
  for (const from of ["https://evil.example", "null", `${PAGE}.evil.example`]) {
    assertProblem((await connect(queue, { from })).refused, "FORBIDDEN", "allowedOrigins");
  }
  assertProblem((await connect(queue, { relay: "one" })).refused, "VALIDATION_ERROR", "relay");
  assertProblem((await connect(world.queue("nowhere"))).refused, "QUEUE_NOT_FOUND");
  assertProblem(await queue.send("live"), "VALIDATION_ERROR", "Upgrade: websocket");
  assertProblem(await queue.send("live", { method: "POST" }), "METHOD_NOT_ALLOWED");
  assert.deepEqual(since(begin, queue, "RELAY").filter(({ call }) => !call.includes("View")), []);
  assert.deepEqual(calls.slice(begin).filter(({ call }) => call.includes("nowhere")), []);
});

test("a full relay refuses and says what to do; who names none is moved to another", async () => {
  const small = await startWorld({ vars: { RELAY_CAPACITY: "3" } });
  const queue = await small.createQueue();
  const named = [];
  for (let number = 0; number < 3; number++) named.push(await listen(queue, { relay: 0 }));
  const { refused } = await connect(queue, { relay: 0 });
  assertProblem(refused, "SERVICE_UNAVAILABLE", "without `relay`");
  assert.ok(refused.json.retryAfterSeconds >= 2 && refused.json.retryAfterSeconds < 10,
    refused.text);

  const moved = [];
  for (let number = 0; number < 9; number++) {
    moved.push(await until("a place", async () => (await connect(queue)).listener));
  }
  const { relays } = await queue.snapshot();
  assert.ok(relays >= 4, `${relays} relays for 12 sockets, 3 each`);
  await notify(queue, "To every relay");
  await until("all have it",
    () => [...named, ...moved].every((listener) => listener.notice?.text === "To every relay"));

  await named[0].hangUp();
  await until("there is room again", async () => (await connect(queue, { relay: 0 })).listener);
});

test("somebody who is shown out and will not go takes nobody's place", async () => {
  const small = await startWorld({ vars: { RELAY_CAPACITY: "1" } });
  const queue = await small.createQueue();
  const stubborn = await connectUnclosing(queue, { relay: 0 });
  assertProblem((await connect(queue, { relay: 0 })).refused, "SERVICE_UNAVAILABLE");
  stubborn.say("let me in");
  await until("they are shown out", () => stubborn.wasClosed);
  await until("their place is free", async () => (await connect(queue, { relay: 0 })).listener, {
    withinMs: 3_000,
  });
  assert.equal(stubborn.isGone, false, "they hold on to the connection");
  stubborn.hangUp();
});

test("a storm of five hundred who all come back at once after a crash is survived", async () => {
  const { world: own, calls: told } = await startWatchedWorld();
  const queue = await own.createSettledQueue({ maxActive: 1 });
  await queue.enterMany(2);
  const listeners = await audience(queue, 500);
  await own.crash();
  await until("all are gone", () => listeners.every((listener) => listener.closed));
  const [begin, began] = [told.length, performance.now()];
  const again = await Promise.all(Array.from({ length: 500 }, () => listen(queue)));
  await Promise.all(again.map((listener) => listener.greeting()));
  const seconds = (performance.now() - began) / 1_000;
  const asked = told.slice(begin).filter(({ binding, call }) =>
    binding === "QUEUE" && /View|Watch/.test(call)
  );
  assert.ok(asked.length > 0, "the relays asked anew");
  assert.ok(asked.length <= (seconds + 2) * again[0].snapshot.relays,
    `${asked.length} questions to the queue in ${seconds} s`);
  for (const listener of again) assert.equal(listener.snapshot.entered, 2);
  await queue.enter();
  await notify(queue, "We are back");
  const isTold = ({ snapshot, notice }) => snapshot.entered === 3 && notice?.text === "We are back";
  await until("all are told", () => again.every(isTold));
});

test("a socket that sends no ping for a minute is closed, and one that does is not", async () => {
  const { code } = await until("it is closed", () => silent.closed, {
    withinMs: 90_000,
    everyMs: 250,
  });
  assert.equal(code, 4008);
  assert.equal(pings.closed, undefined);
  await notify(quiet, "Still there?");
  await until("the other one is told", () => pings.notice?.text === "Still there?");
});
