// A queue's epochs in its audit: each is listed with what it was committed to, so that nobody can
// draw again unseen; and a secret that was told decides nothing any more.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertAudit, wholeAudit } from "./support/audit.mjs";
import { sha256 } from "./support/merkle.mjs";
import { startWorld } from "./support/world.mjs";

const HOUR_MS = 3_600_000;

const world = await startWorld();
const jwks = (await world.send("/.well-known/jwks.json")).json;
const later = () => Date.now() + HOUR_MS;

/**
 * The epoch that a queue is in, as a later audit is to list it; what is not public yet is left
 * out.
 */
async function life(queue) {
  const { epoch, entered, shuffle } = await queue.snapshot();
  const commitment = shuffle.commitment ?? (await wholeAudit(queue)).commitment;
  return { epoch, commitment, entered, opened: (shuffle.entrants ?? 0) > 0 };
}

test("resets, changed lanes and a queue made anew all stay listed in the audit", async () => {
  const config = { maxActive: 1, lanes: 2, opensAt: later() };
  const queue = await world.createQueue(config);
  const lives = [];
  const after = async (change) => {
    lives.push(await life(queue));
    await change();
    assert.notEqual((await queue.snapshot()).epoch, lives.at(-1).epoch);
  };
  const make = async () => {
    assert.equal((await queue.operate("DELETE")).status, 204);
    await queue.put(config);
  };
  await queue.enterMany(2);
  await after(() => queue.act("reset"));
  await queue.enterMany(3);
  await queue.patch({ opensAt: null });
  await after(() => queue.act("reset"));
  await queue.enterMany(1);
  await after(() => queue.act("reset"));
  await after(() => queue.patch({ lanes: 3 }));
  await after(make);
  await queue.enterMany(2);
  await after(make);
  assert.deepEqual(lives.map(({ entered }) => entered), [2, 3, 1, 0, 0, 2]);
  assert.deepEqual(lives.map(({ opened }) => opened), [false, true, false, false, false, false]);

  await world.crash();
  await queue.enterMany(1);
  await queue.patch({ opensAt: null });
  const audit = await wholeAudit(queue);
  await assertAudit(audit, jwks);
  assert.equal(audit.earlierEpochs, lives.length);
  assert.deepEqual(audit.epochs.map(({ createdAt, endedAt, ...rest }) => rest), lives);
  const times = audit.epochs.flatMap(({ createdAt, endedAt }) => [createdAt, endedAt]);
  assert.deepEqual([...times, audit.openedAt].toSorted((a, b) => a - b), [...times, audit.openedAt],
    "one after the other");
});

test("an opening put off after the secret was told begins an epoch with another", async () => {
  for (const access of ["queue", "draw"]) {
    const queue = await world.createQueue({
      access,
      maxActive: 1,
      maxAdmissions: 1,
      opensAt: 1,
      closesAt: later(),
    });
    const told = await wholeAudit(queue);
    assert.equal(told.entrants, 0);
    const { snapshot } = await queue.patch({ opensAt: later() - HOUR_MS / 2 });
    assert.deepEqual([snapshot.phase, snapshot.shuffle.entrants], ["entry", null]);
    assert.notEqual(snapshot.shuffle.commitment,
      sha256(Buffer.from(told.secret, "hex")).toString("hex"));
    await queue.enterMany(2);
    await queue.patch({ opensAt: 2 });
    const audit = await wholeAudit(queue);
    await assertAudit(audit, jwks);
    assert.deepEqual([audit.entrants, audit.commitment], [2, snapshot.shuffle.commitment]);
    const { createdAt, endedAt, ...rest } = audit.epochs[0];
    assert.deepEqual(rest, {
      epoch: told.epoch,
      commitment: told.commitment,
      entered: 0,
      opened: false,
    });
  }
});

test("a change that leaves an empty queue open leaves it its epoch", async () => {
  const queue = await world.createQueue();
  const { epoch } = await queue.snapshot();
  await queue.patch({ maxActive: 2, opensAt: 5 });
  assert.equal((await queue.snapshot()).epoch, epoch);
  assert.equal((await wholeAudit(queue)).earlierEpochs, 0);
});
