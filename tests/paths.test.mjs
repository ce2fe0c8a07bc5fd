// Every path from outside to a Queue object has a bound: what tickets, or nobody's, may ask of it
// is counted.

import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeJwt } from "jose";

import { assertProblem } from "./support/problem.mjs";
import { newEntryKey } from "./support/queue.mjs";
import { forEachAtOnce, until } from "./support/until.mjs";
import { startWatchedWorld } from "./support/watched.mjs";

const { world, calls } = await startWatchedWorld();

const FAR = 32_503_680_000_000; // the year 3000

/** How often what goes on for `elapsed` milliseconds may ask what is asked once a second. */
const onceASecond = (elapsed) => Math.floor(elapsed / 1000) + 1;

/**
 * Runs `body`; returns the calls to Queue objects by label, how many there were, and how long it
 * took.
 */
async function counted(body) {
  const [begin, started] = [calls.length, performance.now()];
  await body();
  const elapsed = performance.now() - started;
  const labels = calls.slice(begin).filter(({ binding }) => binding === "QUEUE").map(({ call }) =>
    call
  );
  // What relays ask once a second, and alarms, are nobody's call.
  const all = labels.filter((call) => call !== "alarm" && !/View|Watch/.test(call)).length;
  return { of: (label) => labels.filter((call) => call.includes(label)).length, all, elapsed };
}

/**
 * How often one ticket's claims may: a few at once, and once a second for the pace and for a newer
 * view.
 */
const claimsOfOne = (elapsed) => 3 + 2 * onceASecond(elapsed);

test("claims from far behind boarding stop at the edge", async () => {
  const queue = await world.createQueue({ maxActive: 1, lanes: 1 });
  const shoppers = await forEachAtOnce(Array.from({ length: 800 }), 50, () => queue.enter());
  const known = await until("the edge knows the line", async () => {
    const { json } = await queue.send("");
    return json.entered === 800 && json;
  });
  // Nearer ones may be called up within some seconds.
  const far = shoppers.filter(({ index }) => index >= known.soonBelow + known.soonStride + 100);
  assert.ok(far.length > 100, `${far.length} are far`);
  const { of } = await counted(async () => {
    for (let turn = 0; turn < 5; turn++) {
      await forEachAtOnce(far, 50, async (shopper) =>
        assertProblem(await shopper.claim(), "NOT_YET_SERVED"));
    }
  });
  assert.equal(of("Claim"), 0, "of five hundred and more");
});

test("a ticket not called up asks once a second, and who stands behind it does not", async () => {
  const queue = await world.createQueue({ maxActive: 2, lanes: 1 });
  const shoppers = await queue.enterMany(12);
  await until("the edge knows the line", async () => (await queue.send("")).json.entered === 12);
  const { boarding } = await queue.snapshot();
  let behind = shoppers.slice(boarding);
  let calledUp = 0;
  let refused = 0;
  const { of, elapsed } = await counted(async () => {
    for (let turn = 0; turn < 50; turn++) {
      for (const shopper of behind) {
        const answer = await shopper.claim();
        if (answer.status === 202) {
          // Nobody before this shopper came, so they were called up while the test ran. The next
          // one asks from now on.
          behind = behind.filter((other) => other !== shopper);
          calledUp++;
        } else {
          assertProblem(answer, "NOT_YET_SERVED");
          refused++;
        }
      }
    }
  });
  assert.ok(refused > 50, `${refused} were refused`);
  const bound = (calledUp + 1) * onceASecond(elapsed);
  assert.ok(of("Claim") <= bound, `${of("Claim")} claims in ${elapsed} ms, ${calledUp} called up`);
});

test("a called-up ticket asks a paused queue once a second, and resumes at once", async () => {
  const queue = await world.createQueue();
  const [shopper] = await queue.enterCalledUp(1, 1);
  await queue.act("pause");
  const { of, elapsed } = await counted(async () => {
    for (let turn = 0; turn < 50; turn++) assertProblem(await shopper.claim(), "PAUSED");
  });
  assert.ok(of("Claim") <= onceASecond(elapsed) + 1, `${of("Claim")} claims in ${elapsed} ms`);
  await queue.act("resume");
  await shopper.admit();
});

test("who waits for a slot does not ask at each claim, and hears at once of theirs", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  const [first, second] = await queue.enterCalledUp(2, 1);
  const { admissionId } = await first.checkOut();
  const { of, elapsed } = await counted(async () => {
    for (let turn = 0; turn < 60; turn++) await second.becomePresent();
  });
  assert.ok(of("Claim") <= claimsOfOne(elapsed), `${of("Claim")} claims in ${elapsed} ms`);
  await queue.settle("complete", admissionId);
  await second.admit();
});

test("who is admitted does not ask at each claim, and each token is as good", async () => {
  const queue = await world.createQueue({
    maxActive: 1,
    handoffSeconds: 30,
    sessionSeconds: 60,
    maxSessionSeconds: 60,
  });
  const shopper = await queue.enter();
  const grants = [];
  const { of, elapsed } = await counted(async () => {
    for (let turn = 0; turn < 60; turn++) grants.push(await shopper.admit());
  });
  assert.ok(of("Claim") <= claimsOfOne(elapsed), `${of("Claim")} claims in ${elapsed} ms`);
  assert.equal(new Set(grants.map(({ expiresAt }) => expiresAt)).size, 1);
  const last = grants.at(-1);
  assert.equal(decodeJwt(last.handoffToken).exp, decodeJwt(grants[0].handoffToken).exp);
  assert.equal((await queue.redeem(last.handoffToken)).status, 200);
  const { expiresAt } = await shopper.admit();
  assert.ok(expiresAt > last.expiresAt, "the session's end, and not what was said before");
  await queue.settle("complete", last.admissionId);
  assertProblem(await shopper.claim(), "ADMISSION_EXPIRED");
});

test("who may not leave does not ask at each try, and leaves once they may", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  const shopper = await queue.enter();
  const { admissionId } = await shopper.checkOut();
  const { of, elapsed } = await counted(async () => {
    for (let turn = 0; turn < 60; turn++) assertProblem(await shopper.leave(), "CONFLICT");
  });
  assert.ok(of("Leave") <= onceASecond(elapsed), `${of("Leave")} leaves in ${elapsed} ms`);
  await queue.settle("release", admissionId);
  assert.equal((await shopper.leave()).status, 204);
});

test("an entry that is called up asks once a second, and hears when it ended", async () => {
  const queue = await world.createQueue({ maxActive: 2, lanes: 1 });
  const entryKey = newEntryKey();
  const shopper = await queue.enter({ entryKey });
  const { of, elapsed } = await counted(() =>
    forEachAtOnce(Array.from({ length: 60 }), 20, async () => {
      assert.equal((await queue.enter({ entryKey })).index, shopper.index);
    })
  );
  assert.ok(of("Stands") <= onceASecond(elapsed) + 1, `${of("Stands")} questions in ${elapsed} ms`);
  assert.ok(of("Stands") >= 1, "what is counted is there");
  await shopper.buy();
  assert.equal((await queue.enter({ entryKey })).index, 1, "the old entry ended");
});

test("late shoppers cost no row and no lease, and who is in gets their ticket", async () => {
  const queue = await world.createQueue({ maxActive: 5, lanes: 1 });
  const entryKey = newEntryKey();
  const { index } = await queue.enter({ entryKey });
  await queue.act("close");
  const { of } = await counted(async () => {
    for (let turn = 0; turn < 100; turn++) {
      const json = turn % 2 === 0 ? { entryKey: newEntryKey() } : {};
      assertProblem(await queue.send("enter", { method: "POST", json }), "QUEUE_CLOSED");
    }
  });
  assert.equal(of("Lease"), 0);
  assert.equal((await queue.enter({ entryKey })).index, index);
});

test("a full queue leases once a second for each lane, until somebody leaves", async () => {
  const queue = await world.createQueue({ maxActive: 1, maxParticipants: 2, lanes: 1 });
  const [, second] = await queue.enterMany(2);
  const { of, elapsed } = await counted(async () => {
    for (let turn = 0; turn < 50; turn++) {
      const json = { entryKey: newEntryKey() };
      assertProblem(await queue.send("enter", { method: "POST", json }), "QUEUE_FULL");
    }
  });
  assert.ok(of("Lease") <= onceASecond(elapsed), `${of("Lease")} leases in ${elapsed} ms`);
  assert.equal((await second.leave()).status, 204);
  assert.equal((await queue.enter()).index, 2);
  assertProblem(await queue.send("enter", { method: "POST" }), "QUEUE_FULL");
});

test("each view of the room is not a look", async () => {
  const queue = await world.createQueue({ maxActive: 2 });
  const shopper = await queue.enter();
  await until("called up", async () => (await shopper.status()).json.status === "READY");
  const cookies = { [queue.cookieName]: shopper.ticket };
  const { of, elapsed } = await counted(async () => {
    for (let turn = 0; turn < 50; turn++) {
      assert.equal((await world.send(`/queue/${queue.id}`, { cookies })).status, 200);
    }
  });
  assert.ok(of("Look") <= onceASecond(elapsed), `${of("Look")} looks in ${elapsed} ms`);
  assert.ok(of("Look") >= 1, "what is counted is there");
});

test("a missing page of the audit asks nobody, and one that is there asks once", async () => {
  const queue = await world.createQueue({ maxActive: 100, lanes: 1, opensAt: FAR });
  const shoppers = await queue.enterMany(3);
  await queue.patch({ opensAt: Date.now() + 300 });
  await until("the opening",
    async () => (await queue.send("audit/proof", { bearer: shoppers[0].ticket })).status === 200);
  const { of } = await counted(async () => {
    for (let turn = 0; turn < 20; turn++) {
      assertProblem(await queue.send(`audit?page=${9_999 + turn}`), "NOT_FOUND");
    }
    const audits = await Promise.all(Array.from({ length: 20 }, () => queue.send("audit")));
    for (const { status } of audits) assert.equal(status, 200);
    const proofs = await Promise.all(
      Array.from({ length: 20 }, () => queue.send("audit/proof", { bearer: shoppers[0].ticket })),
    );
    for (const { status } of proofs) assert.equal(status, 200);
  });
  assert.deepEqual({ audits: of("Audit"), proofs: of("Prove") }, { audits: 1, proofs: 0 });
});

test("a ticket that was left asks nobody again", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  const [, shopper] = await queue.enterMany(2);
  const { of } = await counted(async () => {
    for (let turn = 0; turn < 30; turn++) assert.equal((await shopper.leave()).status, 204);
  });
  assert.equal(of("Leave"), 1);
});

test("the fairness report is made once, and stored, however many ask", async () => {
  const queue = await world.createQueue({ maxActive: 2 });
  await (await queue.enter()).admit();
  await queue.act("close");
  await until("the report", async () => (await queue.send("fairness")).status === 200);
  const { of } = await counted(async () => {
    const replies = await Promise.all(Array.from({ length: 30 }, () => queue.send("fairness")));
    for (const { status, json } of replies) assert.deepEqual([status, json.admitted], [200, 1]);
  });
  assert.equal(of("Fairness"), 0);
});

test("each call with a key asks its queue once, whatever it is about", async () => {
  const queue = await world.createQueue({ maxActive: 10 });
  const [paid, given] = [await (await queue.enter()).checkOut(),
    await (await queue.enter()).checkOut()];
  const open = await (await queue.enter()).admit();
  const [life] = open.admissionId.split("-");
  const [unknown, earlier] = [`${life}-999`, `${"0".repeat(32)}-0`];
  const ask = [
    ["Event", 200, () => queue.redeem(open.handoffToken, "order-1")],
    ["Event", 200, () => queue.redeem(open.handoffToken, "order-1")],
    ["Event", 409, () => queue.redeem(open.handoffToken, "order-2")],
    ["Event", 200, () => queue.settle("extend", paid.admissionId)],
    ["Event", 200, () => queue.settle("complete", paid.admissionId)],
    ["Event", 200, () => queue.settle("complete", paid.admissionId)],
    ["Event", 409, () => queue.settle("release", paid.admissionId)],
    ["Event", 200, () => queue.settle("release", given.admissionId)],
    ["Event", 410, () => queue.settle("complete", given.admissionId)],
    ...["complete", "release", "extend"].flatMap((action) => [
      ["Event", 404, () => queue.settle(action, unknown)],
      ["Event", 410, () => queue.settle(action, earlier)],
    ]),
    ["Event", 200, () => queue.operate("GET")],
    ["Admissions", 200, () => queue.operate("GET", "admissions")],
    ["Admissions", 200, () => queue.operate("GET", "admissions?state=left&after=0")],
    ["Event", 200, () => queue.operate("POST", "pause")],
    ["Event", 200, () => queue.operate("PATCH", "", { json: { maxActive: 11 } })],
  ];
  for (const [label, status, call] of ask) {
    const { of, all } = await counted(async () =>
      assert.equal((await call()).status, status, String(call))
    );
    assert.deepEqual({ asked: of(label), all }, { asked: 1, all: 1 }, String(call));
  }
});

test("what is refused for its key, its token or its form asks no queue", async () => {
  const queue = await world.createQueue({ maxActive: 10 });
  const { admissionId, handoffToken } = await (await queue.enter()).admit();
  const complete = `${queue.path}/admissions/${admissionId}/complete`;
  const admin = `/v1/admin/queues/${queue.id}`;
  const bearer = "k".repeat(40);
  const refused = [
    [401, () => world.send(complete, { method: "POST" })],
    [401, () => world.send(complete, { method: "POST", bearer })],
    [401, () => world.send(complete, { method: "POST", bearer: handoffToken })],
    [401,
      () => world.send("/v1/handoffs/redeem", { method: "POST", bearer, json: { handoffToken } })],
    [401, () => queue.redeem(`${handoffToken}x`)],
    [404, () => queue.settle("complete", "nobody")],
    [404,
      () =>
        world.asOrigin(`/v1/queues/none/admissions/${admissionId}/complete`, { method: "POST" })],
    [401, () => world.send(admin, { bearer })],
    [401, () => world.send(`${admin}/admissions`)],
    [400, () => queue.operate("GET", "admissions?state=nothing")],
    [404, () => world.asOperator("/v1/admin/queues/none", { method: "GET" })],
    [200, () => world.asOperator("/v1/admin/queues", { method: "GET" })],
  ];
  const { all } = await counted(async () => {
    for (const [status, call] of refused) {
      for (let turn = 0; turn < 5; turn++) {
        assert.equal((await call()).status, status, String(call));
      }
    }
  });
  assert.equal(all, 0);
});
