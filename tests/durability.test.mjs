// What was acknowledged survives: workerd killed with -9 in the middle of everything, a restart,
// new keys. The moments of the kills are random; a failure names the seed, and TEST_SEED repeats
// it.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";

import { decodeJwt, decodeProtectedHeader } from "jose";

import { assertProblem } from "./support/problem.mjs";
import { Shopper, newEntryKey } from "./support/queue.mjs";
import { seededRandom } from "./support/random.mjs";
import { forEachAtOnce, until } from "./support/until.mjs";
import { startWorld } from "./support/world.mjs";

const ROUNDS = 4;
const newKey = (kid) => ({ kid, key: `dev-${randomBytes(32).toString("base64url")}` });

/**
 * What a call came to: its reply, or undefined when the connection broke or the answer was no final
 * one.
 */
async function attempt(call) {
  const reply = await call().catch(() => undefined);
  return reply !== undefined && reply.status < 500 ? reply : undefined;
}

/**
 * Makes the calls `atOnce` at a time and kills workerd after a random number of answers, `rounds`
 * times. Calls that were not acknowledged are made again, until all are. Returns the
 * acknowledgements.
 */
async function throughCrashes(world, random, calls, { atOnce = 40, rounds = 1 } = {}) {
  const acknowledged = calls.map(() => []);
  let open = calls.map((_, number) => number);
  for (let round = 0; round <= rounds; round++) {
    const killAfter = round < rounds ? Math.floor((random() * open.length) / 2) : Infinity;
    let [answers, crash] = [0, undefined];
    await forEachAtOnce(open, atOnce, async (number) => {
      const reply = await attempt(calls[number]);
      if (reply) acknowledged[number].push(reply);
      if (++answers > killAfter) crash ??= world.crash();
    });
    await crash;
    open = open.filter((number) => acknowledged[number].length === 0);
  }
  assert.deepEqual(open, [], "calls that were never acknowledged");
  return acknowledged;
}

test("workerd killed while people enter: everybody has one place, none lost", async (context) => {
  const random = seededRandom(context);
  const world = await startWorld();
  const queue = await world.createSettledQueue({ maxActive: 1, lanes: 4 });
  const keys = Array.from({ length: 300 }, newEntryKey);
  const enter = (entryKey) => () => queue.send("enter", { method: "POST", json: { entryKey } });

  const acknowledged = await throughCrashes(world, random, keys.map(enter), { rounds: ROUNDS });

  const indices = await forEachAtOnce(keys, 20, async (key, number) => {
    const again = await enter(key)();
    const { index } = decodeJwt(again.json.ticket);
    for (const reply of acknowledged[number]) {
      assert.equal(reply.status, 200, reply.text);
      assert.equal(decodeJwt(reply.json.ticket).index, index, "an acknowledged place changed");
    }
    return index;
  });
  assert.deepEqual(indices.toSorted((a, b) => a - b),
    Array.from({ length: 300 }, (_, index) => index));
  assert.equal((await queue.snapshot()).entered, 300);
});

test("workerd killed while people claim: no admission is lost or one too many", async (context) => {
  const random = seededRandom(context);
  const world = await startWorld();
  const queue = await world.createSettledQueue({ maxActive: 200 });
  const shoppers = await forEachAtOnce(Array.from({ length: 200 }), 20, () => queue.enter());
  await queue.calledUp(200);
  await queue.patch({ maxActive: 60 });

  const claims = shoppers.map((shopper) => () => shopper.claim());
  const acknowledged = await throughCrashes(world, random, claims, { rounds: ROUNDS });

  const granted = acknowledged.flat().filter(({ status }) => status === 200).map(({ json }) =>
    json
  );
  const state = await queue.snapshot();
  assert.deepEqual([state.active, state.admitted, state.present], [60, 60, 140]);
  const admissions = await queue.admissions("admitted");
  const known = new Set(admissions.map(({ admissionId }) => admissionId));
  for (const { admissionId } of granted) {
    assert.ok(known.has(admissionId), "an acknowledged admission is gone");
  }

  const redemptions = granted.map(({ handoffToken }) => () => queue.redeem(handoffToken, "order"));
  await throughCrashes(world, random, redemptions, { rounds: 2, atOnce: 5 });
  for (const { handoffToken, admissionId } of granted) {
    assertProblem(await queue.redeem(handoffToken), "ALREADY_REDEEMED");
    assert.equal((await queue.settle("complete", admissionId)).status, 200);
  }
  assert.equal((await queue.snapshot()).completed, granted.length);
});

test("workerd killed while slots change hands: no two shoppers ever hold one", async (context) => {
  const random = seededRandom(context);
  const world = await startWorld();
  const queue = await world.createSettledQueue();
  const shoppers = await queue.enterCalledUp(25, 1);
  for (let round = 0; round < ROUNDS; round++) {
    await throughCrashes(world, random, shoppers.map((shopper) => () => shopper.claim()), {
      atOnce: 5,
    });
    const [holder, ...others] = await queue.admissions("admitted");
    assert.equal(others.length, 0);
    const release = () => queue.settle("release", holder.admissionId);
    await throughCrashes(world, () => 0, [release, release], { atOnce: 2 });
  }
  const spans = (await queue.admissions()).toSorted((a, b) => a.admittedAt - b.admittedAt);
  assert.equal(spans.length, ROUNDS + 1);
  for (const [number, { admittedAt }] of spans.entries()) {
    if (number > 0) assert.ok(admittedAt >= spans[number - 1].expiresAt);
  }
  const positions = spans.slice(1).map(({ position }) => position);
  assert.deepEqual(positions, positions.toSorted((a, b) => a - b), "in order all the same");
});

test("a queue that was created a moment ago is there after a kill", async () => {
  const world = await startWorld();
  const queue = await world.createQueue();
  const shopper = await queue.enter();
  await world.crash();
  assert.equal((await queue.send("")).status, 200);
  assert.equal((await shopper.status()).json.position, 1);
});

test("a rate holds across a kill", async () => {
  const world = await startWorld();
  const queue = await world.createSettledQueue({ admitRatePerMinute: 1 });
  const [first, last] = await queue.enterMany(2);
  await first.buy();
  await world.crash();
  const reply = await last.claim();
  assert.ok([202, 409].includes(reply.status), reply.text);
  assert.equal((await queue.snapshot()).admitted, 1);
});

test("an admission that ran out while nothing ran is over, and the next is let in", async () => {
  const world = await startWorld();
  const queue = await world.createSettledQueue();
  const [absent, next] = await queue.enterCalledUp(2, 1);
  await queue.patch({ handoffSeconds: 1 });
  const { expiresAt } = await absent.admit();
  await next.becomePresent();
  await world.end();
  await until("its time is over", () => Date.now() > expiresAt);
  await world.start();
  assertProblem(await absent.claim(), "ADMISSION_EXPIRED");
  await next.admit();
});

test("a restart keeps everything: places, admissions, configuration, notice", async () => {
  const world = await startWorld();
  const queue = await world.createSettledQueue({ maxActive: 2, maxAdmissions: 10, lanes: 3 });
  const shoppers = await queue.enterMany(6);
  await shoppers[0].buy();
  const held = await shoppers[1].admit();
  await queue.operate("PUT", "notice", { json: { level: "info", text: "Hello" } });
  await queue.act("pause");
  const shown = ({ serverTime, version, ...rest }) => rest;
  const before = await queue.operate("GET");
  await world.restart();
  const after = await queue.operate("GET");
  assert.deepEqual(after.json.config, before.json.config);
  assert.deepEqual(shown(after.json.snapshot), shown(before.json.snapshot));
  await queue.act("resume");
  assert.equal((await shoppers[1].admit()).admissionId, held.admissionId);
  for (const shopper of shoppers.slice(2)) {
    assert.equal(decodeJwt((await shopper.enterAgain()).json.ticket).index, shopper.index);
    assert.equal((await shopper.status()).json.position, shopper.index + 1);
  }
  assert.equal((await queue.enter()).index, 6);
});

test("a ticket outlives the change of the key that signed it, and is renewed", async () => {
  const world = await startWorld();
  const queue = await world.createSettledQueue();
  const [first, second] = await queue.enterMany(2);
  const fresh = newKey("fresh");
  const old = JSON.parse(world.keys.vars.TICKET_KEYS);
  assert.equal((await second.status()).json.ticket, undefined, "nothing to renew yet");

  await world.restart({ vars: { TICKET_KEYS: JSON.stringify([fresh, ...old]) } });
  const { json: status } = await second.status();
  assert.equal(status.position, 2);
  assert.equal(decodeProtectedHeader(status.ticket).kid, "fresh");
  const place = ({ sub, epoch, index }) => ({ sub, epoch, index });
  assert.deepEqual(place(decodeJwt(status.ticket)), place(decodeJwt(second.ticket)));
  const byCookie = await queue.send("status", { cookies: { [queue.cookieName]: second.ticket } });
  assert.equal(decodeProtectedHeader(byCookie.cookies[queue.cookieName].value).kid, "fresh");
  await first.admit();

  await world.restart({ vars: { TICKET_KEYS: JSON.stringify([fresh]) } });
  assertProblem(await second.status(), "UNAUTHORIZED");
  const renewed = new Shopper(queue, status.ticket);
  assert.equal((await renewed.status()).json.position, 2);
});

test("a handoff token outlives the key that signed it, and the key set lists both", async () => {
  const world = await startWorld();
  const queue = await world.createSettledQueue({ maxActive: 2 });
  const [first, second] = await queue.enterMany(2);
  const signedByOld = await first.admit();
  const old = JSON.parse(world.keys.vars.HANDOFF_KEYS);

  await world.restart({ vars: { HANDOFF_KEYS: JSON.stringify([newKey("fresh"), ...old]) } });
  const { keys } = (await world.send("/.well-known/jwks.json")).json;
  assert.deepEqual(keys.map(({ kid }) => kid), ["fresh", old[0].kid]);
  const signedByNew = await second.admit();
  assert.equal(decodeProtectedHeader(signedByNew.handoffToken).kid, "fresh");
  assert.equal((await queue.redeem(signedByOld.handoffToken)).status, 200);
  assert.equal((await queue.redeem(signedByNew.handoffToken)).status, 200);
});

test("an entry is found again by its entryKey after a change of the ticket key", async () => {
  const world = await startWorld();
  const queue = await world.createSettledQueue();
  const json = { entryKey: newEntryKey() };
  const before = await queue.enter(json);
  await queue.enter();
  await world.restart({ vars: { TICKET_KEYS: JSON.stringify([newKey("fresh")]) } });
  assert.equal((await queue.enter(json)).index, before.index);
});
