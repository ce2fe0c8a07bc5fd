// An audit of more groups than one page holds. Real lanes would take a minute to lease as many: the
// leases are made here, and sent to the queue's object itself.

import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeJwt } from "jose";

import { assertAudit, assertProof, wholeAudit } from "./support/audit.mjs";
import { leasesLike } from "./support/leases.mjs";
import { assertProblem } from "./support/problem.mjs";
import { succeeded } from "./support/queue.mjs";
import { startWatchedWorld } from "./support/watched.mjs";

const PAGE_GROUPS = 5_000;
const HOUR_MS = 3_600_000;
const LANES = 64;
/** How many each lane leases. */
const EACH = 80;

test("more groups than a page holds are several pages, and one tree", async () => {
  const { world, calls } = await startWatchedWorld();
  const jwks = (await world.send("/.well-known/jwks.json")).json;
  const queue = await world.createQueue({
    maxActive: 1,
    lanes: LANES,
    opensAt: Date.now() + HOUR_MS,
  });
  const shopper = await queue.enter();
  const { lane, leaseOf } = leasesLike(calls.find(({ call }) => call.startsWith("Lease")).call);
  // Unwatched, calls take a fraction of the time.
  await world.restart({ worker: {} });
  const objects = await world.objects("QUEUE");
  const object = objects.get(objects.idFromName(queue.id));
  const lanes = Array.from({ length: LANES }, (_, number) => number);
  for (let sequence = 1; sequence <= EACH; sequence++) {
    // The shopper's own lane has leased its first already, and gets the same range again.
    await Promise.all(lanes.map((number) => object.ask(leaseOf(number, sequence))));
  }
  const groups = LANES * EACH;
  assert.equal((await queue.snapshot()).entered, groups);

  await queue.patch({ opensAt: null });
  const audit = await wholeAudit(queue);
  assert.deepEqual([audit.pages, audit.groups.length, audit.entrants], [2, groups, groups]);
  await assertAudit(audit, jwks);
  const last = await queue.send("audit?page=1");
  assert.equal(last.json.groups.length, groups - PAGE_GROUPS);
  assertProblem(await queue.send("audit?page=2"), "NOT_FOUND", "page");
  const proof = succeeded(await queue.send("audit/proof", { bearer: shopper.ticket }));
  assertProof(proof, audit, decodeJwt(shopper.ticket).sub);
  assert.deepEqual([proof.group.lane, proof.group.number], [lane, 0]);
});
