// Identities: who a shopper is to the merchant, as the merchant's server would sign it, with a
// stock JWT library.

import assert from "node:assert/strict";
import { test } from "node:test";

import { SignJWT, decodeJwt } from "jose";

import { assertProblem } from "./support/problem.mjs";
import { Shopper, newEntryKey, succeeded } from "./support/queue.mjs";
import { altered, firstKey, unsigned } from "./support/tokens.mjs";
import { forEachAtOnce } from "./support/until.mjs";
import { startWorld } from "./support/world.mjs";

const world = await startWorld();
const ofKnown = (config) => world.createQueue({ uniqueBy: "identity", maxActive: 1, ...config });

/**
 * An identity of `sub` for `queue`; `claims` are changed, and those that are undefined left out.
 */
function identity(queue, sub, claims = {}, key = firstKey(world.keys.vars.IDENTITY_KEYS).bytes) {
  const soon = Math.floor(Date.now() / 1000) + 300;
  return new SignJWT({ sub, aud: queue.id, exp: soon, ...claims }).setProtectedHeader({
    alg: "HS256",
    typ: "JWT",
  }).sign(key);
}

async function enter(queue, identityToken, more = {}) {
  const reply = await queue.send("enter", { method: "POST", json: { identityToken, ...more } });
  return new Shopper(queue, succeeded(reply).ticket);
}

test("an identity is one entry, however often and from wherever it enters", async () => {
  const queue = await ofKnown({ lanes: 8 });
  const names = ["ada", "grace", "barbara", "日本"];
  const entered = await forEachAtOnce(Array.from({ length: 40 }), 20, async (_, number) => {
    const name = names[number % names.length];
    return {
      name,
      index: (await enter(queue, await identity(queue, name), { entryKey: newEntryKey() })).index,
    };
  });
  const byName = Object.groupBy(entered, ({ name }) => name);
  for (const [name, entries] of Object.entries(byName)) {
    assert.equal(new Set(entries.map(({ index }) => index)).size, 1, name);
  }
  assert.equal((await queue.snapshot()).entered, names.length);
});

test("who leaves enters anew at the end, and is unknown to another queue or a reset", async () => {
  const [queue, other] = [await ofKnown(), await ofKnown()];
  const first = await enter(queue, await identity(queue, "ada"));
  await enter(queue, await identity(queue, "grace"));
  assert.equal((await first.leave()).status, 204);
  const again = await enter(queue, await identity(queue, "ada"));
  assert.deepEqual([first.index, again.index], [0, 2]);
  const elsewhere = await enter(other, await identity(other, "ada"));
  await queue.act("reset");
  const later = await enter(queue, await identity(queue, "ada"));
  assert.equal(later.index, 0);
  assert.equal(new Set([first, elsewhere, later].map(({ ticket }) => decodeJwt(ticket).sub)).size,
    3);
});

test("without a good identity nobody enters a queue that asks for one", async () => {
  const queue = await ofKnown();
  const good = await identity(queue, "ada");
  const past = Math.floor(Date.now() / 1000) - 1;
  const bad = {
    none: undefined,
    empty: "",
    "no token": "ada",
    "another's key": await identity(queue, "ada", {}, Buffer.alloc(32, 7)),
    expired: await identity(queue, "ada", { exp: past }),
    "without end": await identity(queue, "ada", { exp: undefined }),
    "not yet good": await identity(queue, "ada", { nbf: past + 600 }),
    "for another queue": await identity(queue, "ada", { aud: "another" }),
    "for no queue": await identity(queue, "ada", { aud: undefined }),
    "of nobody": await identity(queue, undefined),
    "of a long name": await identity(queue, "x".repeat(257)),
    unsigned: unsigned({ alg: "none", typ: "JWT" }, decodeJwt(good)),
    "one character changed": altered(good, 1),
    "a ticket": (await enter(queue, await identity(queue, "grace"))).ticket,
  };
  for (const [what, identityToken] of Object.entries(bad)) {
    const reply = await queue.send("enter", {
      method: "POST",
      json: { identityToken, entryKey: newEntryKey() },
    });
    assert.equal(reply.status, 403, what);
    assertProblem(reply, "FORBIDDEN", "identityToken");
  }
  assertProblem(await queue.send("enter", { method: "POST" }), "FORBIDDEN", "identityToken");
  assert.equal((await queue.snapshot()).entered, 1);
});

test("a queue that asks for no identity takes one all the same", async () => {
  const queue = await world.createQueue();
  const first = await enter(queue, await identity(queue, "ada"));
  assert.equal((await enter(queue, await identity(queue, "ada"))).index, first.index);
  assertProblem(await queue.send("enter", { method: "POST", json: { identityToken: "x" } }),
    "FORBIDDEN", "identityToken");
});

test("a form of the shop's may carry the identity", async () => {
  const queue = await ofKnown();
  const form = (fields) =>
    world.send(`/queue/${queue.id}/enter`, { method: "POST", from: world.url, form: fields });
  assert.equal((await form({ identityToken: await identity(queue, "ada") })).status, 303);
  assert.equal((await form({ entryKey: newEntryKey() })).status, 403);
  assert.equal((await form({ identityToken: "x" })).status, 403);
  assert.equal((await queue.snapshot()).entered, 1);
});

test("uniqueBy is fixed once somebody entered, and refused where no key is good", async () => {
  const queue = await ofKnown();
  await enter(queue, await identity(queue, "ada"));
  assertProblem(await queue.operate("PATCH", "", { json: { uniqueBy: "shopper" } }), "CONFLICT",
    "uniqueBy");

  const bare = await startWorld({ vars: { IDENTITY_KEYS: "[]" } });
  const json = { maxActive: 1, uniqueBy: "identity" };
  assertProblem(await bare.queue("known").operate("PUT", "", { json }), "SERVICE_UNAVAILABLE",
    "IDENTITY_KEYS");
  const plain = await bare.createQueue();
  assertProblem(await plain.operate("PATCH", "", { json: { uniqueBy: "identity" } }),
    "SERVICE_UNAVAILABLE", "IDENTITY_KEYS");
});
