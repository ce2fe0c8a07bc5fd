// The audit of an opening: what is published, that all of it follows from what was promised before,
// and that nothing of a queue's past can be left out of it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeJwt } from "jose";

import { assertAudit, assertProof, assertReceipt, isLogged, wholeAudit } from "./support/audit.mjs";
import { assertProblem } from "./support/problem.mjs";
import { Shopper, newEntryKey, succeeded } from "./support/queue.mjs";
import { shuffledPosition } from "./support/shuffle.mjs";
import { firstKey, remake } from "./support/tokens.mjs";
import { forEachAtOnce, until } from "./support/until.mjs";
import { startWatchedWorld } from "./support/watched.mjs";
import { startWorld } from "./support/world.mjs";

const HOUR_MS = 3_600_000;

const world = await startWorld();
const jwks = (await world.send("/.well-known/jwks.json")).json;
const later = () => Date.now() + HOUR_MS;
const idOf = ({ ticket }) => decodeJwt(ticket).sub;
const proofOf = ({ queue, ticket }) => queue.send("audit/proof", { bearer: ticket });

/** Enters by an entry key of their own: a shopper with `receipt` and `enterAgain`. */
async function enter(queue, entryKey = newEntryKey()) {
  const { ticket, receipt } = succeeded(
    await queue.send("enter", { method: "POST", json: { entryKey } }),
  );
  return Object.assign(new Shopper(queue, ticket), { receipt, entryKey });
}

const enterMany = (queue, count) =>
  forEachAtOnce(Array.from({ length: count }), 20, () => enter(queue));

test("before the opening there is no audit, and it is said when there will be", async () => {
  const queue = await world.createQueue({ maxActive: 1, opensAt: later() });
  const shopper = await enter(queue);
  for (const reply of [await queue.send("audit"), await proofOf(shopper)]) {
    assertProblem(reply, "NOT_OPEN");
    const seconds = Number(reply.headers.get("retry-after"));
    assert.ok(seconds > 3_500 && seconds <= 3_600, `${seconds} s`);
  }
  const scheduled = await world.createQueue({ maxActive: 1, entryOpensAt: later() });
  const seconds = Number((await scheduled.send("audit")).headers.get("retry-after"));
  assert.ok(seconds > 3_500 && seconds <= 3_600, `${seconds} s, as entry and opening are one`);
});

test("an audit follows from what was public before, and every entrant is in it", async () => {
  const queue = await world.createQueue({ maxActive: 1, lanes: 4, opensAt: later() });
  const before = await queue.snapshot();
  const shoppers = await enterMany(queue, 70);
  const { snapshot } = await queue.patch({ opensAt: null });
  const audit = await wholeAudit(queue);
  await assertAudit(audit, jwks);
  const { commitment, trust, root, seed, entrants } = snapshot.shuffle;
  assert.equal(before.shuffle.commitment, commitment);
  assert.deepEqual({ commitment, trust, root, seed, entrants }, {
    commitment: audit.commitment,
    trust: "operator",
    root: audit.root,
    seed: audit.seed,
    entrants: 70,
  });
  const { queueId, access, epoch, entrants: audited, winners, epochs, earlierEpochs, pages,
    beacon } = audit;
  assert.deepEqual({
    queueId,
    access,
    epoch,
    audited,
    winners,
    epochs,
    earlierEpochs,
    pages,
    beacon,
  }, {
    queueId: queue.id,
    access: "queue",
    epoch: before.epoch,
    audited: 70,
    winners: null,
    epochs: [],
    earlierEpochs: 0,
    pages: 1,
    beacon: null,
  });
  assert.ok(audit.openedAt > before.serverTime && audit.openedAt <= snapshot.serverTime);
  assert.ok(audit.groups.some(({ granted }) => granted > 1), "some entered together");

  for (const shopper of shoppers) {
    const { index, group } = await assertReceipt(shopper.receipt, queue, epoch, idOf(shopper),
      jwks);
    assert.equal(index, shopper.index);
    assert.ok(isLogged(audit, group));
    const proof = succeeded(await proofOf(shopper));
    assertProof(proof, audit, idOf(shopper));
    assert.deepEqual([proof.leaf, proof.path, proof.index], [shopper.receipt.leaf,
      shopper.receipt.path, index]);
    assert.equal(proof.position, shuffledPosition(index, 70, audit.seed) + 1);
    assert.equal(proof.position, (await shopper.status()).json.position);
  }
});

test("an audit is read, page by page, and cached; nothing else is done with it", async () => {
  const queue = await world.createQueue({ maxActive: 1, opensAt: later() });
  const shopper = await enter(queue);
  await queue.patch({ opensAt: null });
  const first = await queue.send("audit");
  assert.equal(first.headers.get("cache-control"), "public, max-age=60");
  assert.equal(first.headers.get("content-type"), "application/json; charset=utf-8");
  for (const again of [await queue.send("audit"), await queue.send("audit?page=0")]) {
    assert.deepEqual([again.status, again.text], [200, first.text]);
    assert.notEqual(again.headers.get("x-request-id"), first.headers.get("x-request-id"));
  }
  for (const path of ["audit", "audit/proof"]) {
    const head = await queue.send(path, { method: "HEAD", bearer: shopper.ticket });
    assert.deepEqual([head.status, head.text], [200, ""]);
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      const refused = await queue.send(path, { method, bearer: shopper.ticket });
      assertProblem(refused, "METHOD_NOT_ALLOWED");
      assert.equal(refused.headers.get("allow"), "GET, HEAD");
    }
  }
  assertProblem(await queue.send("audit?page=1"), "NOT_FOUND", "page");
  for (const page of ["", "-1", "x", "00", "0.0", "18446744073709551616"]) {
    assertProblem(await queue.send(`audit?page=${page}`), "VALIDATION_ERROR", "page");
  }
  for (const path of ["audit", "audit/proof"]) {
    assertProblem(await world.queue("no-such-queue").send(path, { bearer: shopper.ticket }),
      "QUEUE_NOT_FOUND");
  }
  assertProblem(await queue.send("audit/other"), "NOT_FOUND");
});

test("a proof is for the ticket's holder, and for entrants alone", async () => {
  const queue = await world.createQueue({ maxActive: 1, lanes: 1, opensAt: later() });
  const shopper = await enter(queue);
  await queue.patch({ opensAt: null });
  const late = await enter(queue);
  assert.equal(late.receipt, null);
  assertProblem(await proofOf(late), "NOT_FOUND");

  const byCookie = await queue.send("audit/proof", {
    cookies: { [queue.cookieName]: shopper.ticket },
  });
  assert.deepEqual(byCookie.json, succeeded(await proofOf(shopper)));
  assert.equal(byCookie.headers.get("cache-control"), "no-store");

  const { bytes } = firstKey(world.keys.vars.TICKET_KEYS);
  const bad = {
    "no ticket": undefined,
    "no token": "x",
    "another's key": await remake(shopper.ticket, { key: Buffer.alloc(32, 7) }),
    "another queue's": (await enter(await world.createQueue())).ticket,
    "another kind": await remake(shopper.ticket, { key: bytes, header: { typ: "JWT" } }),
  };
  for (const [what, bearer] of Object.entries(bad)) {
    const reply = await queue.send("audit/proof", bearer && { bearer });
    assert.equal(reply.status, 401, what);
    assertProblem(reply, "UNAUTHORIZED");
  }
  await queue.act("reset");
  assertProblem(await proofOf(shopper), "TICKET_VOID");
});

test("who left, or entered anew, can still prove each of their entries", async () => {
  const queue = await world.createQueue({ maxActive: 1, lanes: 2, opensAt: later() });
  const shoppers = await enterMany(queue, 20);
  const gone = shoppers.slice(0, 10);
  for (const shopper of gone) assert.equal((await shopper.leave()).status, 204);
  const anew = [];
  for (const { entryKey } of gone.slice(0, 5)) anew.push(await enter(queue, entryKey));
  await queue.patch({ opensAt: null });
  const audit = await wholeAudit(queue);
  await assertAudit(audit, jwks);
  assert.equal(audit.entrants, 25);
  for (const shopper of [...shoppers, ...anew, ...gone]) {
    const proof = succeeded(await proofOf(shopper));
    assertProof(proof, audit, idOf(shopper));
    assert.deepEqual([proof.index, proof.leaf], [shopper.index, shopper.receipt.leaf]);
  }
});

test("a receipt is the same at every retry", async () => {
  const queue = await world.createQueue({ maxActive: 1, lanes: 2, opensAt: later() });
  const shoppers = await enterMany(queue, 30);
  const again = async ({ entryKey, receipt, ticket }) => {
    assert.deepEqual((await enter(queue, entryKey)).receipt, receipt);
    const byTicket = await queue.send("enter", { method: "POST", bearer: ticket });
    assert.deepEqual(byTicket.json.receipt, receipt);
  };
  for (const shopper of shoppers) await again(shopper);
  await queue.patch({ opensAt: null });
  for (const shopper of shoppers.slice(0, 5)) await again(shopper);
});

test("where a group finds the queue nearly full, who got a place can prove it", async () => {
  const { world: own, calls, held } = await startWatchedWorld();
  const keys = (await own.send("/.well-known/jwks.json")).json;
  const queue = await own.createQueue({
    maxActive: 1,
    maxParticipants: 6,
    lanes: 1,
    opensAt: later(),
  });
  const first = await enter(queue);
  const arrived = () =>
    calls.filter(({ binding, call }) => binding === "LANE" && call.startsWith("Enter")).length;
  let release;
  held.set("QUEUE", new Promise((resolve) => (release = resolve)));
  const before = arrived();
  const entering = forEachAtOnce(Array.from({ length: 20 }), 20,
    () => queue.send("enter", { method: "POST" }));
  await until("all have arrived at the lane", () => arrived() === before + 20);
  held.delete("QUEUE");
  release();
  const replies = await entering;
  const [inside, outside] = [replies.filter(({ status }) => status === 200),
    replies.filter(({ status }) => status !== 200)];
  assert.equal(inside.length, 5);
  for (const reply of outside) assertProblem(reply, "QUEUE_FULL");

  await queue.patch({ opensAt: null });
  const audit = await wholeAudit(queue);
  await assertAudit(audit, keys);
  assert.equal(audit.entrants, 6);
  let isCut = false;
  const shoppers = inside.map(({ json }) =>
    Object.assign(new Shopper(queue, json.ticket), { receipt: json.receipt })
  );
  for (const shopper of [first, ...shoppers]) {
    const { index, group, count } = await assertReceipt(shopper.receipt, queue, audit.epoch,
      idOf(shopper), keys);
    assert.equal(index, shopper.index);
    assert.ok(isLogged(audit, group));
    assertProof(succeeded(await proofOf(shopper)), audit, idOf(shopper));
    isCut ||= count > group.granted;
  }
  assert.ok(isCut, "a group had more members than places");
});

test("a queue that was open from the start shuffled nobody, and says so", async () => {
  const queue = await world.createQueue();
  const shopper = await enter(queue);
  assert.equal(shopper.receipt, null);
  const audit = await wholeAudit(queue);
  await assertAudit(audit, jwks);
  assert.deepEqual([audit.entrants, audit.groups, audit.pages], [0, [], 1]);
  assertProblem(await proofOf(shopper), "NOT_FOUND");
});
