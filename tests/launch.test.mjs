// The launch checklist, each row of it a test under load: the surge of entries, shoppers who hang
// up in it, the burst of handoffs, and requests that are wrong in every way while the good ones go
// on.

import assert from "node:assert/strict";
import http from "node:http";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { Journal } from "./support/journal.mjs";
import { assertProblem } from "./support/problem.mjs";
import { Shopper, newEntryKey } from "./support/queue.mjs";
import { seededRandom } from "./support/random.mjs";
import { countRows, objectFiles } from "./support/storage.mjs";
import { altered } from "./support/tokens.mjs";
import { forEachAtOnce, until } from "./support/until.mjs";
import { startWatchedWorld } from "./support/watched.mjs";
import { startWorld } from "./support/world.mjs";

const NOBODY_HURRIES = { maxActive: 1, lanes: 8 };

/** Everybody's enter, sent at random moments of one second, each once. */
const surge = (queue, journal, shoppers, random) =>
  Promise.all(
    Array.from({ length: shoppers }, async (_, number) => {
      await pause(random() * 1_000);
      return enterOnce(queue, journal, `${number}`, newEntryKey());
    }),
  );

/** Enters with one request, which must succeed. */
async function enterOnce(queue, journal, entry, entryKey) {
  const enter = () => queue.send("enter", { method: "POST", json: { entryKey } });
  const reply = await journal.call({ verb: "enter", entry }, enter);
  assert.equal(reply?.status, 200, `entry ${entry}: ${reply?.text}`);
  return new Shopper(queue, reply.json.ticket);
}

test("entry surge: a thousand in a second, by eight lanes, in exact order", async (context) => {
  const random = seededRandom(context);
  const world = await startWorld();
  const queue = await world.createQueue(NOBODY_HURRIES);
  const journal = new Journal(NOBODY_HURRIES);
  const shoppers = await surge(queue, journal, 1_000, random);

  await journal.audit(queue);
  await journal.assertKept();
  assert.equal((await queue.snapshot()).entered, 1_000);
  const rows = objectFiles(world.state, "Lane").map((file) => countRows(file, "entries"));
  assert.equal(rows.length, 8);
  assert.ok(rows.every((count) => count > 0), `entries by lane: ${rows}`);
  await forEachAtOnce(shoppers, 50, async (shopper) => {
    assert.equal((await shopper.status()).json.position, shopper.index + 1);
  });
});

test("handoff burst: hundreds claim, redeem and complete twice, and pass no limit", async () => {
  const limits = { maxActive: 100, maxAdmissions: 250 };
  const world = await startWorld();
  const queue = await world.createQueue({ ...limits, maxActive: 300 });
  const journal = new Journal(limits);
  const note = (verb, entry, make, more) => journal.call({ verb, entry, ...more }, make);
  const names = Array.from({ length: 300 }, (_, number) => `${number}`);
  let waiting = await forEachAtOnce(names, 50, async (entry) => {
    const shopper = await enterOnce(queue, journal, entry, newEntryKey());
    return { shopper, entry };
  });
  await queue.calledUp(300);
  await queue.patch({ maxActive: limits.maxActive });

  const waves = [];
  while (waiting.length > 0) {
    const claims = await Promise.all(
      waiting.map(async (one) => ({
        ...one,
        reply: await note("claim", one.entry, () => one.shopper.claim()),
      })),
    );
    const granted = claims.filter(({ reply }) => reply.status === 200);
    if (granted.length === 0) break;
    waves.push(granted.map(({ shopper }) => shopper.index));
    waiting = claims.filter(({ reply }) => reply.status === 202);

    const redemptions = granted.flatMap(({ entry, reply }) =>
      ["one", "two"].map((key) =>
        note("redeem", entry, () => queue.redeem(reply.json.handoffToken, key), { key })
      )
    );
    const redeemed = await Promise.all(redemptions);
    assert.equal(redeemed.filter(({ status }) => status === 200).length, granted.length);
    for (const reply of redeemed.filter(({ status }) => status !== 200)) {
      assertProblem(reply, "ALREADY_REDEEMED");
    }

    const completions = granted.flatMap(({ entry, reply }) =>
      [1, 2].map(() =>
        note("complete", entry, () => queue.settle("complete", reply.json.admissionId))
      )
    );
    for (const { json } of await Promise.all(completions)) assert.equal(json.state, "completed");
  }

  await journal.audit(queue);
  await journal.assertKept();
  assert.deepEqual(waves.map((wave) => wave.length), [100, 100, 50]);
  assert.ok(Math.max(...waves[1]) < Math.min(...waves[2]),
    "those who were present went in by their places");
  const { active, completed, phase } = await queue.snapshot();
  assert.deepEqual({ active, completed, phase }, { active: 0, completed: 250, phase: "soldOut" });
  for (const { shopper } of waiting) assertProblem(await shopper.claim(), "SOLD_OUT");
});

test("error paths under load: wrong requests get their codes, good ones pass", async (context) => {
  const random = seededRandom(context);
  const world = await startWorld();
  const [queue, other] = [await world.createQueue(NOBODY_HURRIES), await world.createQueue()];
  const nowhere = world.queue("never-made");
  const foreign = await other.enter();
  await foreign.admit();
  await (await other.enter()).becomePresent();
  const waiting = await other.enter(); // while the one slot is taken, and somebody is there for it
  const journal = new Journal(NOBODY_HURRIES);
  const forged = altered((await enterOnce(queue, journal, "first", newEntryKey())).ticket, 2);
  const post = (queue, body) => () => queue.send("enter", { method: "POST", ...body });
  const wrongs = [
    ["VALIDATION_ERROR", post(queue, { body: "{" })],
    ["VALIDATION_ERROR", post(queue, { json: { colour: "red" } })],
    ["VALIDATION_ERROR", post(queue, { json: { entryKey: "short" } })],
    ["PAYLOAD_TOO_LARGE", post(queue, { body: " ".repeat(17 * 1024) })],
    ["UNAUTHORIZED", post(queue, { bearer: forged })],
    ["UNAUTHORIZED", () => queue.send("status", { bearer: forged })],
    ["UNAUTHORIZED", () => queue.send("claim", { method: "POST", bearer: forged })],
    ["UNAUTHORIZED", () => queue.send("leave", { method: "DELETE", bearer: forged })],
    ["UNAUTHORIZED", () => queue.send("claim", { method: "POST", bearer: foreign.ticket })],
    ["UNAUTHORIZED", () => queue.send("claim", { method: "POST" })],
    ["NOT_YET_SERVED", () => waiting.claim()],
    ["QUEUE_NOT_FOUND", post(nowhere, {})],
    ["QUEUE_NOT_FOUND", () => nowhere.send("")],
    ["METHOD_NOT_ALLOWED", () => queue.send("enter")],
    ["NOT_FOUND", () => world.send("/v1/nothing")],
    ["UNAUTHORIZED", () => queue.redeem("a.b.c")],
    ["UNAUTHORIZED", () => world.send("/v1/handoffs/redeem", { method: "POST", bearer: "wrong" })],
    ["NOT_FOUND", () => queue.settle("complete", "nothing")],
    ["UNAUTHORIZED",
      () => world.send(`/v1/admin/queues/${queue.id}/pause`, { method: "POST", bearer: "wrong" })],
  ];

  let isOver = false;
  const trouble = async (_, number) => {
    for (let next = number; !isOver; next++) {
      const [code, make] = wrongs[next % wrongs.length];
      assertProblem(await make(), code);
    }
  };
  const good = surge(queue, journal, 1_000, random).finally(() => (isOver = true));
  const [shoppers] = await Promise.all([good, ...wrongs.map(trouble)]);

  await journal.audit(queue);
  await journal.assertKept();
  const { entered, admitted, phase } = await queue.snapshot();
  assert.deepEqual({ entered, admitted, phase }, { entered: 1_001, admitted: 0, phase: "open" });
  await forEachAtOnce(shoppers, 50, async (shopper) => {
    assert.equal((await shopper.status()).json.position, shopper.index + 1);
  });
});

/** Sends an enter and hangs up once `isTime`; the call stays in the journal without an answer. */
async function hangUp(queue, journal, entry, entryKey, isTime) {
  const enter = async () => {
    const url = `${queue.world.url}${queue.path}/enter`;
    const request = http.request(url, {
      method: "POST",
      agent: false,
      headers: { "content-type": "application/json" },
    });
    const closed = new Promise((resolve) => request.once("close", resolve));
    request.on("error", () => {});
    request.end(JSON.stringify({ entryKey }));
    await isTime();
    // Reset: workerd hears of a connection that is only closed when it writes the answer.
    request.socket.resetAndDestroy();
    await closed;
    throw new Error("hung up");
  };
  await journal.call({ verb: "enter", entry }, enter);
}

const MOMENTS = {
  "their lane hears of them": ({ binding }) => binding === "LANE",
  "their lane asks for the group's places": ({ binding, call }) =>
    binding === "QUEUE" && call.startsWith("Lease"),
};

for (const [moment, isMoment] of Object.entries(MOMENTS)) {
  test(`who hangs up when ${moment} holds up nobody, and finds the same place`, async () => {
    const { world, calls } = await startWatchedWorld();
    const limits = { maxActive: 1, lanes: 1 };
    const queue = await world.createQueue(limits);
    const journal = new Journal(limits);
    let kept = 0;
    for (let round = 0; round < 50; round++) {
      const [entry, entryKey, heard] = [`${round}`, newEntryKey(), calls.length];
      const isTime = () => until(moment, () => calls.slice(heard).some(isMoment), { everyMs: 1 });
      const first = hangUp(queue, journal, entry, entryKey, isTime);
      await isTime();
      const another = (number) => enterOnce(queue, journal, `${round}.${number}`, newEntryKey());
      const others = await Promise.all([1, 2, 3, 4].map(another));
      await first;
      const found = await enterOnce(queue, journal, entry, entryKey);
      assert.equal((await enterOnce(queue, journal, entry, entryKey)).index, found.index);
      // A new entry would stand behind all who were answered before.
      if (found.index < Math.min(...others.map(({ index }) => index))) kept++;
    }
    assert.equal(kept, 50, "the lane goes on for those who hung up, too");
    await journal.audit(queue);
    await journal.assertKept();
    assert.equal((await queue.snapshot()).entered, 50 * 5);
  });
}

test("who hangs up while they fetch the queue's public state keeps it from nobody", async () => {
  const { world, calls, held } = await startWatchedWorld();
  const queue = await world.createQueue();
  await queue.enter();
  const before = calls.length;
  const asks = () => calls.slice(before).some(({ binding }) => binding === "RELAY");
  let release;
  held.set("RELAY", new Promise((resolve) => (release = resolve)));
  // What this edge knows is fresh for a second; then the next reader fetches it anew.
  const reader = await until("a reader's request asks the relay", async () => {
    const request = http.get(world.url + queue.path, { agent: false });
    let isOver = false;
    request.on("error", () => {}).once("response", (response) => response.resume()).once("close",
      () => (isOver = true));
    await until("the request comes to something", () => isOver || asks());
    return !isOver && request;
  });
  reader.socket.resetAndDestroy();
  held.delete("RELAY");
  release();
  await queue.enter();
  await until("readers see who entered since",
    async () => (await queue.send("")).json?.entered === 2);
});

test("who hangs up at any moment of a surge leaves no gap, and has one place", async (context) => {
  const random = seededRandom(context);
  const world = await startWorld();
  const limits = { maxActive: 1, lanes: 2 };
  const queue = await world.createQueue(limits);
  const journal = new Journal(limits);
  const visit = async (_, number) => {
    const [entry, entryKey] = [`${number}`, newEntryKey()];
    for (let times = number % 4; times > 0; times--) {
      await hangUp(queue, journal, entry, entryKey, () => pause(random() * 15));
    }
    await enterOnce(queue, journal, entry, entryKey);
  };
  await forEachAtOnce(Array.from({ length: 400 }), 40, visit);

  assert.ok(journal.calls.filter(({ status }) => status === undefined).length > 100,
    "many hung up");
  await journal.audit(queue);
  await journal.assertKept();
  assert.equal((await queue.snapshot()).entered, 400);
});
