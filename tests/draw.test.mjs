// A draw: entry ends before the shuffle, the first places win, and each place that is given up goes
// to the next in order. tests/lapsing.test.mjs is about places that nobody comes for.

import assert from "node:assert/strict";
import { test } from "node:test";

import { SignJWT } from "jose";

import { wholeAudit } from "./support/audit.mjs";
import { becomes, makeDraw, openDraw, openedDraw } from "./support/draw.mjs";
import { assertProblem } from "./support/problem.mjs";
import { Shopper, newEntryKey, succeeded } from "./support/queue.mjs";
import { firstKey } from "./support/tokens.mjs";
import { forEachAtOnce } from "./support/until.mjs";
import { startWorld } from "./support/world.mjs";

const HOUR_MS = 3_600_000;

const world = await startWorld();
const standing = async (shopper) => {
  const { status, position, rank } = (await shopper.status()).json;
  return rank === undefined ? [status, position] : [status, position, rank];
};

test("a draw needs an opening, an end and a number of places", async () => {
  const whole = {
    access: "draw",
    opensAt: Date.now() + 1_000,
    closesAt: Date.now() + HOUR_MS,
    maxAdmissions: 5,
  };
  const queue = world.queue("unmade");
  for (const field of ["opensAt", "closesAt", "maxAdmissions"]) {
    const { [field]: _, ...rest } = whole;
    assertProblem(await queue.operate("PUT", "", { json: rest }), "VALIDATION_ERROR", field);
  }
  const bad = { ...whole, closesAt: whole.opensAt };
  assertProblem(await queue.operate("PUT", "", { json: bad }), "VALIDATION_ERROR", "closesAt");
  assert.equal((await queue.operate("PUT", "", { json: whole })).status, 201);
  for (const field of ["opensAt", "closesAt", "maxAdmissions"]) {
    assertProblem(await queue.operate("PATCH", "", { json: { [field]: null } }), "VALIDATION_ERROR",
      field);
  }
});

test("entry ends at the opening; who entered finds their ticket again", async () => {
  const queue = await makeDraw(world, { maxAdmissions: 2 });
  const keys = Array.from({ length: 5 }, newEntryKey);
  const enter = (entryKey) => queue.send("enter", { method: "POST", json: { entryKey } });
  const entered = await forEachAtOnce(keys, 5,
    async (key) => new Shopper(queue, succeeded(await enter(key)).ticket));
  assert.equal((await entered[0].status()).json.status, "WAITING");
  assertProblem(await entered[0].claim(), "NOT_YET_SERVED");
  const places = await openDraw(queue, entered);
  for (const reply of [await queue.send("enter", { method: "POST" }), await enter(newEntryKey())]) {
    assertProblem(reply, "QUEUE_CLOSED");
  }
  const again = await forEachAtOnce(keys, 5,
    async (key) => new Shopper(queue, succeeded(await enter(key)).ticket));
  assert.deepEqual(again.map(({ index }) => index), entered.map(({ index }) => index));
  assert.equal((await queue.snapshot()).entered, 5);
  assert.equal((await places.at(-1).leave()).status, 204);
  assertProblem(await enter(keys[entered.indexOf(places.at(-1))]), "QUEUE_CLOSED");
});

test("the first places win, and the others are the reserve, in order", async () => {
  const { queue, shoppers } = await openedDraw(world, { maxAdmissions: 3 }, 8);
  await queue.calledUp(3);
  await becomes(shoppers[2], "READY");
  for (const [place, shopper] of shoppers.entries()) {
    assert.deepEqual(await standing(shopper),
      place < 3 ? ["READY", place + 1] : ["RESERVE", place + 1, place - 2]);
  }
  for (const shopper of shoppers.slice(3)) assertProblem(await shopper.claim(), "NOT_YET_SERVED");
  const audit = await wholeAudit(queue);
  assert.deepEqual([audit.access, audit.winners, audit.entrants], ["draw", 3, 8]);
  const { remaining, waiting } = await queue.snapshot();
  assert.deepEqual([remaining, waiting], [3, 8]);

  assert.equal((await shoppers[1].leave()).status, 204);
  await queue.calledUp(4);
  await becomes(shoppers[3], "READY");
  assert.deepEqual(await standing(shoppers[5]), ["RESERVE", 6, 2]);
  assertProblem(await shoppers[1].claim(), "ADMISSION_EXPIRED");
  // From an admission, and from the reserve: a place is the next one's, and who left is passed
  // over.
  await shoppers[0].admit();
  for (const place of [5, 4, 0]) assert.equal((await shoppers[place].leave()).status, 204);
  await queue.calledUp(7);
  for (const place of [2, 3, 6]) await shoppers[place].buy();
  await becomes(shoppers[7], "NOT_SELECTED");
  assertProblem(await shoppers[7].claim(), "SOLD_OUT");
  const { phase, completed, boarding } = await queue.snapshot();
  assert.deepEqual([phase, completed, boarding], ["soldOut", 3, 7]);
});

test("who leaves before the opening is passed over without a wait", async () => {
  const queue = await makeDraw(world, { maxAdmissions: 2 });
  const shoppers = await queue.enterMany(12);
  const gone = shoppers.slice(0, 9);
  for (const shopper of gone) assert.equal((await shopper.leave()).status, 204);
  await world.crash();
  const places = await openDraw(queue, shoppers);
  const left = places.filter((shopper) => !gone.includes(shopper));
  await queue.calledUp(places.indexOf(left[2]));
  for (const shopper of gone) assertProblem(await shopper.claim(), "ADMISSION_EXPIRED");
  for (const shopper of left.slice(0, 2)) await shopper.buy();
  await becomes(left[2], "NOT_SELECTED");
});

test("who entered with one identity has one entry, from wherever", async () => {
  const queue = await makeDraw(world, { maxAdmissions: 2, uniqueBy: "identity" });
  const exp = Math.floor(Date.now() / 1_000) + 300;
  const { bytes } = firstKey(world.keys.vars.IDENTITY_KEYS);
  const identity = (sub) =>
    new SignJWT({ sub, aud: queue.id, exp }).setProtectedHeader({ alg: "HS256", typ: "JWT" }).sign(
      bytes,
    );
  const enter = async (name) =>
    queue.send("enter", {
      method: "POST",
      json: { identityToken: await identity(name), entryKey: newEntryKey() },
    });
  const names = Array.from({ length: 60 }, (_, number) => `shopper ${number % 6}`);
  const entries = await forEachAtOnce(names, 20,
    async (name) => new Shopper(queue, succeeded(await enter(name)).ticket));
  assert.equal(new Set(entries.map(({ index }) => index)).size, 6);
  assert.equal((await queue.snapshot()).entered, 6);
  // Before the opening: after it, an edge may know already that nobody can enter any more.
  assertProblem(await queue.send("enter", { method: "POST" }), "FORBIDDEN", "identityToken");
  const places = await openDraw(queue, entries.slice(0, 6));
  assert.equal(Object.keys(places).length, 6);
  for (const name of names.slice(0, 6)) assert.equal((await enter(name)).status, 200);
  assertProblem(await enter("somebody else"), "QUEUE_CLOSED");
});
