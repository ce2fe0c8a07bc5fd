// The opening: entry without order, one moment, and from then on a place for everybody who entered.
// tests/opening-crash.test.mjs kills workerd meanwhile.

import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeJwt } from "jose";

import { assertProblem } from "./support/problem.mjs";
import { Shopper, newEntryKey } from "./support/queue.mjs";
import { shuffledPosition } from "./support/shuffle.mjs";
import { forEachAtOnce, until } from "./support/until.mjs";
import { startWorld } from "./support/world.mjs";

const SOON_MS = 2_500;
const FAR = 32_503_680_000_000; // the year 3000

const world = await startWorld();

const open = (queue) =>
  until("the opening", async () => (await queue.send("")).json.phase === "open", {
    withinMs: 15_000,
  });
const placeOf = async (shopper) => (await until("a place", async () => {
  const { json } = await shopper.status();
  return json.status !== "WAITING" && json;
}));

test("before entry opens, everybody is told when", async () => {
  const entryOpensAt = Date.now() + SOON_MS;
  const queue = await world.createQueue({ maxActive: 1, entryOpensAt, opensAt: FAR });
  const { json } = await queue.send("");
  assert.deepEqual([json.phase, json.entryOpensAt, json.opensAt], ["scheduled", entryOpensAt, FAR]);
  const refused = await queue.send("enter", { method: "POST" });
  assertProblem(refused, "NOT_OPEN");
  const seconds = Number(refused.headers.get("retry-after"));
  assert.ok(seconds >= 1 && seconds <= SOON_MS / 1_000 + 1, `${seconds} s`);
  assert.equal((await queue.send("status")).json.status, "NOT_QUEUED");
  const entered = await until("entry", async () => {
    const reply = await queue.send("enter", { method: "POST" });
    return reply.status === 200 && reply;
  });
  assert.ok(Date.now() >= entryOpensAt, "not a moment before");
  assert.deepEqual([entered.json.status.status, entered.json.status.phase], ["WAITING", "entry"]);
});

test("who enters before the opening has a place from then on, by a public shuffle", async () => {
  const queue = await world.createQueue({ maxActive: 5, lanes: 4, opensAt: Date.now() + SOON_MS });
  const { commitment, seed, entrants } = (await queue.send("")).json.shuffle;
  assert.match(commitment, /^[0-9a-f]{64}$/);
  assert.deepEqual([seed, entrants], [null, null]);
  const shoppers = await queue.enterMany(40);
  for (const shopper of shoppers) {
    assert.equal(decodeJwt(shopper.ticket).position, undefined);
    assert.equal((await shopper.status()).json.status, "WAITING");
  }
  assertProblem(await shoppers[0].claim(), "NOT_YET_SERVED");

  await open(queue);
  const { shuffle } = await queue.snapshot();
  assert.deepEqual([shuffle.commitment, shuffle.trust, shuffle.entrants], [commitment, "operator",
    40]);
  const places = await forEachAtOnce(shoppers, 10, async (shopper) => {
    const { position, ticket } = await placeOf(shopper);
    assert.equal(position, shuffledPosition(shopper.index, 40, shuffle.seed) + 1);
    assert.equal(decodeJwt(ticket).position, position - 1, "the ticket is renewed with its place");
    const renewed = new Shopper(queue, ticket);
    assert.equal((await renewed.status()).json.ticket, undefined, "once");
    return { position, shopper: renewed };
  });
  const positions = places.map(({ position }) => position).toSorted((a, b) => a - b);
  assert.deepEqual(positions, Array.from({ length: 40 }, (_, number) => number + 1));

  const late = await queue.enter();
  assert.equal((await late.status()).json.position, 41, "a live entry stands behind all entrants");

  const [first, second] = places.toSorted((a, b) => a.position - b.position);
  await until("the first is called up",
    async () => (await first.shopper.status()).json.status === "READY");
  assert.equal((await first.shopper.claim()).status, 200);
  assert.equal((await second.shopper.claim()).status, 200);
});

test("a claim with a ticket from before the opening is as good as with the new one", async () => {
  const queue = await world.createQueue({ maxActive: 5, opensAt: Date.now() + SOON_MS });
  const shopper = await queue.enter();
  await open(queue);
  const { status, json } = await until("the call-up", async () => {
    const reply = await shopper.claim();
    return reply.status !== 409 && reply;
  });
  assert.deepEqual([status, json.status], [200, "GRANTED"]);
});

test("an opening that is moved while entry runs holds, and is fixed once it has been", async () => {
  const queue = await world.createQueue({ maxActive: 1, opensAt: FAR });
  const shopper = await queue.enter();
  assertProblem(await queue.operate("PATCH", "", { json: { entryOpensAt: 1 } }), "CONFLICT",
    "entryOpensAt");
  await queue.patch({ opensAt: Date.now() + 500 });
  await open(queue);
  assert.equal((await placeOf(shopper)).position, 1);
  assertProblem(await queue.operate("PATCH", "", { json: { opensAt: FAR } }), "CONFLICT",
    "opensAt");
});

test("an opening that the operator calls at once is one", async () => {
  const queue = await world.createQueue({ maxActive: 1, opensAt: FAR });
  await queue.enterMany(3);
  const { snapshot } = await queue.patch({ opensAt: null });
  assert.deepEqual([snapshot.phase, snapshot.shuffle.entrants], ["open", 3]);
});

test("who leaves before the opening is passed over, and may enter anew", async () => {
  const queue = await world.createQueue({ maxActive: 1, opensAt: FAR });
  const entryKey = newEntryKey();
  const enter = async () =>
    (await queue.send("enter", { method: "POST", json: { entryKey } })).json.ticket;
  const gone = new Shopper(queue, await enter());
  assert.equal((await gone.leave()).status, 204);
  const back = new Shopper(queue, await enter());
  assert.notEqual(back.index, gone.index);
  await queue.patch({ opensAt: null });
  assertProblem(await gone.claim(), "ADMISSION_EXPIRED");
  const granted = await until("the call-up", async () => {
    const reply = await back.claim();
    return reply.status === 200 && reply;
  }, { withinMs: 30_000 });
  assert.equal(granted.json.status, "GRANTED");
});

test("who enters just after the opening, by an edge that lags, hears their place", async () => {
  const { queue, shopper } = await until("a ticket without a place, of nobody who was shuffled",
    async () => {
      const opensAt = Date.now() + 300;
      // The edge knows it as it is now for a second.
      const queue = await world.createQueue({ maxActive: 1, opensAt });
      await until("the opening", () => Date.now() > opensAt + 50, { everyMs: 5 });
      const shopper = await queue.enter();
      const { shuffle } = await queue.snapshot();
      return decodeJwt(shopper.ticket).position === undefined && shuffle.entrants === 0 &&
        { queue, shopper };
    });
  await open(queue);
  for (let times = 0; times < 5; times++) {
    const { position, ticket } = (await shopper.status()).json;
    assert.equal(position, 1);
    assert.equal(decodeJwt(ticket).position, 0);
  }
  assert.equal((await shopper.claim()).status, 200);
});

test("an opening in centuries is waited for like any other", async () => {
  const queue = await world.createQueue({ maxActive: 1, opensAt: FAR });
  await queue.enter();
  assert.deepEqual(world.log.filter((line) => line.includes("alarm")), []);
  await queue.patch({ opensAt: Date.now() + 500 });
  await open(queue);
});
