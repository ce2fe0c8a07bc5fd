// Places of a draw that nobody comes for: each goes to the next in order, as often as it takes,
// through kills and evictions, and no more are admitted than there are places.

import assert from "node:assert/strict";
import { test } from "node:test";

import { becomes, makeDraw, openDraw, openedDraw } from "./support/draw.mjs";
import { assertProblem } from "./support/problem.mjs";
import { Shopper, newEntryKey } from "./support/queue.mjs";
import { seededRandom } from "./support/random.mjs";
import { forEachAtOnce, until } from "./support/until.mjs";
import { startWatchedWorld } from "./support/watched.mjs";
import { startWorld } from "./support/world.mjs";

const ENTRANTS = 10_000;
const WINNERS = 100;
const NO_SHOWS = 40;
/** A bound, not an expectation. */
const LONGEST_MS = 300_000;

test("of ten thousand entrants a hundred win; forty stay away, forty follow", async (context) => {
  const random = seededRandom(context);
  const world = await startWorld();
  const queue = await makeDraw(world, { maxAdmissions: WINNERS, lanes: 8, claimWindowSeconds: 20 });
  let entered = 0;
  const enter = async (entryKey) => {
    const reply = await until("an answer", async () => {
      const reply = await queue.send("enter", { method: "POST", json: { entryKey } }).catch(() =>
        undefined
      );
      return reply?.status === 200 && reply;
    }, { withinMs: LONGEST_MS, everyMs: 250 });
    entered++;
    return new Shopper(queue, reply.json.ticket);
  };
  const entering = forEachAtOnce(Array.from({ length: ENTRANTS }, newEntryKey), 200, enter);
  await until("half of them are in", () => entered > ENTRANTS / 2, { withinMs: LONGEST_MS });
  await world.crash();
  const places = await openDraw(queue, await entering);
  assert.equal(Object.keys(places).length, ENTRANTS, "each place once");
  await world.crash();

  const drawnLots = places.slice(0, WINNERS).map((_, place) => ({ place, lot: random() }));
  const lots = drawnLots.toSorted((a, b) => a.lot - b.lot);
  const [absent, coming] = [lots.slice(0, NO_SHOWS), lots.slice(NO_SHOWS)].map((some) =>
    some.map(({ place }) => place)
  );
  const backups = places.slice(WINNERS, WINNERS + NO_SHOWS).map((_, number) => WINNERS + number);
  await forEachAtOnce(coming, 10, (place) => places[place].buy());
  assertProblem(await places[WINNERS + NO_SHOWS].claim(), "NOT_YET_SERVED");
  await world.crash();
  await queue.calledUp(WINNERS + NO_SHOWS, { withinMs: 60_000 });
  for (const place of absent.slice(0, 5)) {
    assertProblem(await places[place].claim(), "ADMISSION_EXPIRED");
  }
  await forEachAtOnce(backups.toReversed(), 10, (place) => places[place].buy());

  const { phase, boarding, admitted, completed, remaining } = await queue.snapshot();
  assert.deepEqual({ phase, boarding, admitted, completed, remaining }, {
    phase: "soldOut",
    boarding: WINNERS + NO_SHOWS,
    admitted: WINNERS,
    completed: WINNERS,
    remaining: 0,
  });
  const admissions = (await queue.admissions()).toSorted((a, b) => a.position - b.position);
  const expected = [...coming, ...backups].toSorted((a, b) => a - b);
  assert.deepEqual(admissions.map(({ position }) => position - 1), expected);
  assert.ok(admissions.every(({ state }) => state === "completed"));
  const [ofWinners, ofBackups] = [admissions.slice(0, coming.length),
    admissions.slice(coming.length)];
  const lastWinner = Math.max(...ofWinners.map(({ admittedAt }) => admittedAt));
  assert.ok(ofBackups.every(({ admittedAt }) => admittedAt > lastWinner), "winners first");

  await becomes(places.at(-1), "NOT_SELECTED");
  const statuses = await forEachAtOnce(places, 100,
    async (shopper) => (await shopper.status()).json.status);
  const counts = statuses.map((status, place) =>
    `${status} ${place < boarding ? "called up" : "not called up"}`
  );
  const ofEach = Object.entries(Object.groupBy(counts, (name) => name)).map(
    ([name, { length }]) => [name, length],
  );
  assert.deepEqual(Object.fromEntries(ofEach), {
    "CLOSED called up": WINNERS + NO_SHOWS,
    "NOT_SELECTED not called up": ENTRANTS - WINNERS - NO_SHOWS,
  });
  for (const place of [absent[0], boarding, ENTRANTS - 1]) {
    assertProblem(await places[place].claim(), "SOLD_OUT");
  }
});

test("a backup who does not come makes way; a late winner gets only a free place", async () => {
  const world = await startWorld();
  const { queue, shoppers } = await openedDraw(world, { maxAdmissions: 2, claimWindowSeconds: 4 },
    8);
  const shorter = await queue.operate("PATCH", "", { json: { claimWindowSeconds: 3 } });
  assertProblem(shorter, "CONFLICT", "claimWindowSeconds");
  await world.crash();
  await queue.calledUp(4);
  for (const place of [0, 1]) assertProblem(await shoppers[place].claim(), "ADMISSION_EXPIRED");

  assert.equal((await shoppers[2].leave()).status, 204);
  await queue.calledUp(5);
  // Places that are called up from now on are kept for long; 3 and 4 lapse as they would have.
  await queue.patch({ claimWindowSeconds: 600 });
  await queue.calledUp(7);
  for (const place of [3, 4]) assertProblem(await shoppers[place].claim(), "ADMISSION_EXPIRED");
  await shoppers[6].buy();

  assert.equal((await shoppers[5].leave()).status, 204);
  await queue.calledUp(8);
  assert.equal((await shoppers[7].leave()).status, 204);
  const late = await shoppers[1].admit();
  for (const place of [0, 3, 4]) assertProblem(await shoppers[place].claim(), "ADMISSION_EXPIRED");
  await world.crash();
  assert.equal((await shoppers[1].admit()).admissionId, late.admissionId);
  assert.equal((await shoppers[1].leave()).status, 204);
  await shoppers[4].buy();
  assert.equal((await queue.snapshot()).phase, "soldOut");
  assert.deepEqual((await queue.admissions("completed")).map(({ position }) => position).toSorted(),
    [5, 7]);
});

test("a winner hears until when, and that it was too late; a late order makes way", async () => {
  const world = await startWorld();
  const { queue, shoppers } = await openedDraw(world, {
    maxAdmissions: 2,
    claimWindowSeconds: 8,
    sessionSeconds: 1,
  }, 3);
  const { openedAt } = (await queue.send("audit")).json;
  const { claimBy } = await becomes(shoppers[0], "READY");
  assert.equal(claimBy, openedAt + 8_000);
  // For the backup alone, who is called up later.
  await queue.patch({ claimWindowSeconds: 600 });
  const { admissionId } = await shoppers[0].checkOut();
  // The session runs out, and the third has the promise.
  await queue.calledUp(3);
  assert.ok((await becomes(shoppers[2], "READY")).claimBy > claimBy);
  assertProblem(await queue.settle("complete", admissionId), "ADMISSION_EXPIRED");
  const { position, ...rest } = await until("the other winner is too late", async () => {
    const { json } = await shoppers[1].status();
    return json.claimBy === undefined && json;
  }, { withinMs: 30_000 });
  // Nobody is left who could have the place.
  assert.deepEqual([rest.status, position], ["READY", 2]);
  await shoppers[1].buy();
  await becomes(shoppers[0], "LAPSED");
  await shoppers[2].buy();
  assertProblem(await queue.settle("complete", admissionId), "SOLD_OUT");
});

test("a reopened draw goes on where it was; only its real end is told to the others", async () => {
  const world = await startWorld();
  const { queue, shoppers } = await openedDraw(world, { maxAdmissions: 1, claimWindowSeconds: 4 },
    3);
  const before = await becomes(shoppers[0], "READY");
  const { snapshot: closed } = await queue.act("close");
  await becomes(shoppers[2], "CLOSED");
  await world.crash();
  const later = await until("a window's time has passed", async () => {
    const snapshot = await queue.snapshot();
    return snapshot.serverTime > closed.serverTime + 4_000 && snapshot;
  });
  assert.equal(later.boarding, 1);
  const { snapshot: reopened } = await queue.act("reopen");
  assert.deepEqual([reopened.phase, reopened.boarding], ["open", 1]);
  const { claimBy } = await becomes(shoppers[0], "READY");
  assert.equal(claimBy, before.claimBy + reopened.serverTime - closed.serverTime);
  await shoppers[0].buy();
  await becomes(shoppers[2], "NOT_SELECTED");
  assertProblem(await queue.operate("POST", "reopen"), "CONFLICT", "sold");
});

test("no window runs while the draw is paused, though it is killed meanwhile", async () => {
  const world = await startWorld();
  const WINDOW_MS = 4_000;
  const { queue, shoppers } = await openedDraw(world, {
    maxAdmissions: 2,
    claimWindowSeconds: WINDOW_MS / 1_000,
  }, 4);
  const { openedAt } = (await queue.send("audit")).json;
  const { snapshot: paused } = await queue.act("pause");
  assert.deepEqual([paused.phase, paused.boarding], ["paused", 2]);
  assertProblem(await shoppers[0].claim(), "PAUSED");
  await world.crash();
  const later = await until("a window's time has passed", async () => {
    const snapshot = await queue.snapshot();
    return snapshot.serverTime > paused.serverTime + WINDOW_MS && snapshot;
  });
  assert.equal(later.boarding, 2);
  const { snapshot: resumed } = await queue.act("resume");
  assert.deepEqual([resumed.phase, resumed.boarding], ["open", 2]);
  await shoppers[1].buy();
  const lapsed = await queue.calledUp(3);
  const ran = paused.serverTime - openedAt;
  assert.ok(lapsed.serverTime >= resumed.serverTime + WINDOW_MS - ran,
    "the rest of the window ran after the pause");
  assertProblem(await shoppers[0].claim(), "ADMISSION_EXPIRED");
  await shoppers[2].buy();
});

test("a draw that was evicted lets places lapse when it is time, though nobody calls", async () => {
  const { world, calls } = await startWatchedWorld();
  const { queue, shoppers } = await openedDraw(world, { maxAdmissions: 1, claimWindowSeconds: 15 },
    12);
  const first = await shoppers[0].status();
  assert.equal(first.status, 200);
  const ofQueue = () => calls.filter(({ binding }) => binding === "QUEUE");
  const [before, lives] = [ofQueue().length, new Set(ofQueue().map(({ life }) => life))];
  const awoken = () => ofQueue().slice(before).find(({ life }) => !lives.has(life));
  const { call } = await until("the queue comes back in another life", awoken, {
    withinMs: 150_000,
    everyMs: 200,
  });
  assert.equal(call, "alarm");
  const { boarding } = await queue.snapshot();
  assert.ok(boarding >= 2 && boarding <= 12, `${boarding}`);
  for (const shopper of shoppers.slice(0, boarding - 1)) {
    assertProblem(await shopper.claim(), "ADMISSION_EXPIRED");
  }
  await shoppers[boarding - 1].buy();
  await becomes(shoppers[boarding], "NOT_SELECTED");
  assert.equal((await queue.snapshot()).phase, "soldOut");
});
