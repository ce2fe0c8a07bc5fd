// What an operator does with queues: make, change, look, say something, empty, remove.

import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeJwt } from "jose";

import { assertProblem } from "./support/problem.mjs";
import { countRows, objectFiles } from "./support/storage.mjs";
import { forEachAtOnce, until } from "./support/until.mjs";
import { startWorld } from "./support/world.mjs";

const DEFAULTS = {
  access: "queue",
  entryOpensAt: null,
  opensAt: null,
  closesAt: null,
  maxParticipants: null,
  admitRatePerMinute: null,
  maxActive: null,
  maxAdmissions: null,
  handoffSeconds: 120,
  sessionSeconds: 600,
  maxSessionSeconds: 3600,
  claimWindowSeconds: 86_400,
  lanes: 4,
  uniqueBy: "shopper",
  requires: [],
  checkoutUrl: "/checkout",
  allowedOrigins: [],
  product: null,
  beacon: null,
};

const world = await startWorld();

test("a queue is created with the documented defaults, and read back", async () => {
  const queue = world.queue("fresh");
  const created = await queue.operate("PUT", "", { json: { maxActive: 5 } });
  assert.equal(created.status, 201, created.text);
  assert.deepEqual(created.json.config, { ...DEFAULTS, audience: "fresh", maxActive: 5 });
  const read = await queue.operate("GET");
  assert.equal(read.status, 200);
  assert.equal(read.json.id, "fresh");
  assert.deepEqual(read.json.config, created.json.config);
  assert.equal(read.json.createdAt, created.json.createdAt);
  assert.equal(read.headers.get("cache-control"), "no-store");
});

test("a fresh queue's snapshot has every documented field", async () => {
  const queue = await world.createQueue({ maxActive: 5, maxAdmissions: 9 });
  const { epoch, serverTime, version, ...rest } = await queue.snapshot();
  assert.match(epoch, /^[0-9a-f]{32}$/);
  assert.ok(Number.isInteger(serverTime) && Number.isInteger(version));
  assert.deepEqual(rest, {
    id: queue.id,
    access: "queue",
    phase: "open",
    entryOpensAt: null,
    opensAt: null,
    closesAt: null,
    entered: 0,
    full: false,
    waiting: 0,
    present: 0,
    admitted: 0,
    active: 0,
    completed: 0,
    remaining: 9,
    boarding: 0,
    left: [],
    soonBelow: 300,
    soonStride: 60,
    admittedBelow: 0,
    draw: null,
    ratePerSecond: null,
    estimatedWaitSeconds: 0,
    waitKnown: true,
    waitRange: { atLeastSeconds: 0, atMostSeconds: 15 },
    waitBounds: {
      boarding: 0,
      turns: [{ free: 5, firstSeconds: 720, eachSeconds: 144 }],
      slowestPerSecond: null,
      fastestPerSecond: null,
    },
    shuffle: {
      commitment: null,
      trust: null,
      root: null,
      beaconRound: null,
      seed: null,
      entrants: 0,
    },
    relays: 1,
    notice: null,
    checkoutUrl: "/checkout",
  });
});

test("putting a queue again replaces its whole configuration and keeps its shoppers", async () => {
  const queue = await world.createQueue({ maxActive: 1, sessionSeconds: 60 });
  const shopper = await queue.enter();
  const replaced = await queue.operate("PUT", "", { json: { maxActive: 7 } });
  assert.equal(replaced.status, 200, replaced.text);
  assert.deepEqual(replaced.json.config, { ...DEFAULTS, audience: queue.id, maxActive: 7 });
  assert.equal((await shopper.enterAgain()).json.status.position, 1);
});

test("a put removes no limit from a live queue, unless that is confirmed", async () => {
  const product = { name: "Lamp", path: "/lamp" };
  const queue = await world.createQueue({ maxActive: 1, maxAdmissions: 10, product });
  const short = { json: { maxActive: 7 } };
  const refused = await queue.operate("PUT", "", short);
  assertProblem(refused, "CONFLICT", "maxAdmissions (10), product");
  assertProblem(await queue.operate("PUT", "", short), "CONFLICT", "?confirm=removal");
  assert.deepEqual((await queue.operate("GET")).json.config.maxAdmissions, 10);
  const put = (confirm) =>
    world.asOperator(`/v1/admin/queues/${queue.id}?confirm=${confirm}`, {
      method: "PUT",
      ...short,
    });
  assertProblem(await put("yes"), "VALIDATION_ERROR", "confirm");
  const replaced = await put("removal");
  assert.equal(replaced.status, 200, replaced.text);
  const { changed, remarks } = replaced.json;
  assert.deepEqual(remarks, []);
  assert.deepEqual(changed.toSorted((a, b) => a.field.localeCompare(b.field)), [
    { field: "maxActive", from: 1, to: 7 },
    { field: "maxAdmissions", from: 10, to: null },
    { field: "product", from: product, to: null },
  ]);
});

test("an opening in the past is remarked on", async () => {
  const json = { maxActive: 1, opensAt: Date.now() - 3 * 3_600_000 };
  const made = await world.queue("belated").operate("PUT", "", { json });
  assert.equal(made.status, 201, made.text);
  assert.deepEqual(made.json.remarks, [
    "opensAt lies 3 hours in the past: the queue opens at once",
  ]);
});

test("a closing is taken back: everybody has their place, and a pause is as it was", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  const [first, second] = await queue.enterMany(2);
  const { admissionId } = await first.checkOut();
  await queue.act("close");
  assertProblem(await queue.send("enter", { method: "POST" }), "QUEUE_CLOSED");
  await until("it is told", async () => (await second.status()).json.status === "CLOSED");
  assert.equal((await queue.act("reopen")).snapshot.phase, "open");
  assert.equal((await queue.act("reopen")).snapshot.phase, "open", "repeating it changes nothing");
  await queue.settle("complete", admissionId);
  await second.admit();
  assert.equal((await queue.enter()).index, 2);
  for (const [action, phase] of [
    ["pause", "paused"],
    ["close", "closed"],
    ["reopen", "paused"],
    ["resume", "open"],
  ]) {
    assert.equal((await queue.act(action)).snapshot.phase, phase, action);
  }
});

test("a merge patch sets what it names, removes what is null and keeps the rest", async () => {
  const queue = await world.createQueue({ maxActive: 1, maxAdmissions: 10, sessionSeconds: 60 });
  const json = {
    maxActive: 2,
    maxAdmissions: null,
    sessionSeconds: null,
    product: { name: "Lamp", path: "/lamp" },
  };
  const product = { name: "Lamp", path: "/lamp" };
  const { config } = (await queue.operate("PATCH", "", { json })).json;
  assert.deepEqual(config, { ...DEFAULTS, audience: queue.id, maxActive: 2, product });
  const patched = await queue.patch({ product: { name: "The Lamp", image: "/lamp.jpg" } });
  assert.deepEqual(patched.config.product, { name: "The Lamp", path: "/lamp", image: "/lamp.jpg" });
});

test("a queue's tokens are for itself, until the operator names another audience", async () => {
  const queue = await world.createQueue({ maxActive: 9, audience: "checkout" });
  const audienceOf = async () => decodeJwt((await (await queue.enter()).admit()).handoffToken).aud;
  assert.equal(await audienceOf(), "checkout");
  assert.equal((await queue.patch({ maxActive: 10 })).config.audience, "checkout");
  assert.equal((await queue.patch({ audience: null })).config.audience, queue.id);
  assert.equal(await audienceOf(), queue.id);
});

test("no new queue is named like another queue's pass", async () => {
  const reply = await world.queue("pass-lamp").operate("PUT", "", { json: { maxActive: 1 } });
  assertProblem(reply, "VALIDATION_ERROR", "pass-");
  assertProblem(await world.send("/v1/queues/pass-lamp"), "QUEUE_NOT_FOUND");
});

test("the list names every queue with its epoch, by id", async () => {
  const queue = await world.createQueue();
  const { epoch } = await queue.snapshot();
  const { queues } = (await world.asOperator("/v1/admin/queues")).json;
  assert.deepEqual(queues.find(({ id }) => id === queue.id), { id: queue.id, epoch });
  const ids = queues.map(({ id }) => id);
  assert.deepEqual(ids, [...ids].sort());
});

test("a deleted queue is gone, and its id can be used anew", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  const shopper = await queue.enter();
  await shopper.admit();
  const before = await queue.snapshot();
  const deleted = await queue.operate("DELETE");
  assert.equal(deleted.status, 204);
  assert.equal(deleted.text, "");
  assertProblem(await queue.send(""), "QUEUE_NOT_FOUND");
  assertProblem(await shopper.status(), "QUEUE_NOT_FOUND");
  assertProblem(await shopper.claim(), "QUEUE_NOT_FOUND");
  assertProblem(await queue.operate("DELETE"), "QUEUE_NOT_FOUND");
  const again = await queue.operate("PUT", "", { json: { maxActive: 2 } });
  assert.equal(again.status, 201, again.text);
  const { epoch, entered, active, admitted } = again.json.snapshot;
  assert.notEqual(epoch, before.epoch);
  assert.deepEqual({ entered, active, admitted }, { entered: 0, active: 0, admitted: 0 });
  assertProblem(await shopper.status(), "TICKET_VOID");
  assert.equal((await queue.enter()).index, 0);
});

test("a reset empties the queue, keeps its configuration, and begins a new epoch", async () => {
  const config = { maxActive: 3, product: { name: "Lamp", path: "/lamp" } };
  const queue = await world.createQueue(config);
  const [buyer, holder] = await queue.enterMany(3);
  await buyer.buy();
  await holder.checkOut();
  const before = await queue.snapshot();
  const report = await queue.act("reset");
  assert.deepEqual(report.config, { ...DEFAULTS, audience: queue.id, ...config });
  const { epoch, entered, admitted, active, completed, boarding } = report.snapshot;
  assert.notEqual(epoch, before.epoch);
  assert.deepEqual([entered, admitted, active, completed, boarding], [0, 0, 0, 0, 0]);
  assert.deepEqual(await queue.admissions(), []);
  assert.equal((await queue.enter()).index, 0);
});

test("a reset removes the old epoch's entries from every lane", async () => {
  const own = await startWorld();
  const queue = await own.createQueue({ maxActive: 1, lanes: 3 });
  await queue.enterMany(20);
  const stored = () => objectFiles(own.state, "Lane").map((file) => countRows(file, "entries"));
  assert.equal(stored().reduce((sum, rows) => sum + rows, 0), 20);
  await queue.act("reset");
  await until("the lanes are empty", () => stored().every((rows) => rows === 0));
  await queue.enterMany(5);
  await own.end();
  const rows = stored();
  assert.equal(rows.reduce((sum, count) => sum + count, 0), 5,
    "only the new epoch's entries are left");
});

test("deleting a queue removes all that it stored", async () => {
  const own = await startWorld();
  const queue = await own.createQueue({ maxActive: 5, lanes: 2 });
  for (const shopper of await queue.enterMany(5)) await shopper.admit();
  await queue.operate("DELETE");
  const left = () => [
    ...objectFiles(own.state, "Lane").map((file) => countRows(file, "entries")),
    ...objectFiles(own.state, "Queue").flatMap((file) =>
      ["head", "claims", "lanes"].map((table) => countRows(file, table))
    ),
  ];
  await until("nothing is left", () => left().every((rows) => rows === 0));
  assert.ok(left().length > 3, "there was something to look at");
});

test("asking for queues that do not exist creates no object", async () => {
  const own = await startWorld();
  await (await own.createQueue()).enter();
  const files = () =>
    ["Queue", "Lane", "Relay"].flatMap((name) => objectFiles(own.state, name)).length;
  const before = files();
  const ids = Array.from({ length: 30 }, (_, number) => `unknown-${number}`);
  await forEachAtOnce(ids, 10, async (id) => {
    const queue = own.queue(id);
    const replies = [
      await queue.send(""),
      await queue.send("enter", { method: "POST" }),
      await queue.send("status"),
      await queue.send("claim", { method: "POST", bearer: "a.b.c" }),
      await queue.send("leave", { method: "DELETE", bearer: "a.b.c" }),
      await queue.operate("GET"),
      await queue.operate("POST", "reset"),
      await queue.settle("complete", `${"0".repeat(32)}-0`),
      await own.send(`/queue/${id}`),
      await own.send(`/queue/${id}/enter`, { method: "POST", from: own.url }),
    ];
    for (const reply of replies) assert.equal(reply.status, 404, reply.text);
  });
  await own.end();
  assert.equal(files(), before);
});

test("a notice reaches the snapshot, changes, and is taken back", async () => {
  const queue = await world.createQueue();
  for (const notice of [
    { level: "info", text: "We open in five minutes." },
    { level: "critical", text: "x".repeat(500) },
    { level: "warning", text: "“<b>Ümläut</b>” & 灯" },
    null,
  ]) {
    const body = JSON.stringify(notice);
    const reply = await queue.operate("PUT", "notice", { body });
    assert.equal(reply.status, 200, reply.text);
    assert.deepEqual(reply.json.snapshot.notice, notice);
    assert.deepEqual((await queue.send("")).json.notice, notice);
  }
});

test("pause and resume can be repeated, and the snapshot says which it is", async () => {
  const queue = await world.createQueue();
  for (const [action, phase] of [
    ["pause", "paused"],
    ["pause", "paused"],
    ["resume", "open"],
    ["resume", "open"],
  ]) {
    assert.equal((await queue.act(action)).snapshot.phase, phase);
    assert.equal((await queue.send("")).json.phase, phase);
  }
  assert.equal((await queue.act("close")).snapshot.phase, "closed");
  assert.equal((await queue.act("close")).snapshot.phase, "closed");
});

test("every change has a version of its own, larger than all before it", async () => {
  const queue = await world.createQueue();
  const notice = (text) => queue.operate("PUT", "notice", { json: { level: "info", text } });
  const changes = [
    () => notice("One"),
    () => notice("Two"),
    () => queue.operate("PATCH", "", { json: { maxActive: 2 } }),
    () => queue.operate("POST", "pause"),
    () => queue.operate("POST", "reset"),
    () => queue.operate("POST", "close"),
  ];
  let { version } = await queue.snapshot();
  for (const change of changes) {
    const told = (await change()).json.snapshot.version;
    assert.ok(told > version, `version ${told} after ${version}`);
    assert.equal((await queue.snapshot()).version, told,
      "what the change was answered with is what stands");
    version = told;
  }
});
