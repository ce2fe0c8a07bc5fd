// The opening while workerd is killed again and again: who was told of an entry has one place,
// and everybody's follows from what is public. The usual run is small; TIDEGATE_LONG=1 makes it
// 20,000 entries.

import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeJwt } from "jose";

import { assertAudit, assertReceipt, isLogged, wholeAudit } from "./support/audit.mjs";
import { Shopper, newEntryKey } from "./support/queue.mjs";
import { shuffling } from "./support/shuffle.mjs";
import { forEachAtOnce, until } from "./support/until.mjs";
import { assertBothVerify } from "./support/verifiers.mjs";
import { startWorld } from "./support/world.mjs";

const ENTRIES = process.env.TIDEGATE_LONG ? 20_000 : 3_000;
const AT_ONCE = 200;
/** Kills, as the share of entries that are acknowledged by then. */
const KILLS = { before: [0.2, 0.45], after: 0.95 };
/**
 * Some enter as the opening comes, and the last only when it has been: the shares from which on
 * they do.
 */
const [AT_OPENING, AFTER_OPENING] = [0.6, 0.9];
/** A bound, not an expectation. */
const LONGEST_MS = 240_000;

test("who was told of an entry has one place, which the audit alone gives", async (context) => {
  const world = await startWorld();
  const jwks = (await world.send("/.well-known/jwks.json")).json;
  const queue = await world.createSettledQueue({
    maxActive: 1,
    lanes: 16,
    opensAt: Date.now() + 3_600_000,
  });
  const told = [];
  let unanswered = 0;
  const [atOpening, afterOpening] = [Promise.withResolvers(), Promise.withResolvers()];
  const enter = async (entryKey, number) => {
    if (number >= AT_OPENING * ENTRIES) await atOpening.promise;
    if (number >= AFTER_OPENING * ENTRIES) await afterOpening.promise;
    const entered = await until("an answer", async () => {
      const reply = await queue.send("enter", { method: "POST", json: { entryKey } }).catch(() =>
        void unanswered++
      );
      return reply?.status === 200 && reply.json;
    }, { withinMs: LONGEST_MS, everyMs: 200 });
    told.push(entered);
  };
  const entering = forEachAtOnce(Array.from({ length: ENTRIES }, newEntryKey), AT_ONCE, enter);
  const progress = (share) =>
    until(`${share} of them`, () => told.length >= share * ENTRIES, {
      withinMs: LONGEST_MS,
      everyMs: 5,
    });
  const crash = async () => {
    await world.crash();
    const before = told.length;
    await until("entry goes on", () => told.length > before || told.length === ENTRIES, {
      withinMs: LONGEST_MS,
    });
  };
  for (const share of KILLS.before) {
    await progress(share);
    await crash();
  }

  // The opening itself: killed before, in the same moment, and as soon as it has been seen.
  const opensAt = Date.now() + 4_000;
  await queue.patch({ opensAt });
  await world.crash();
  await until("the opening is near", () => Date.now() >= opensAt - 200, { everyMs: 1 });
  atOpening.resolve();
  await until("the moment of the kill", () => Date.now() >= opensAt, { everyMs: 1 });
  await crash();
  await until("the opening", async () => (await queue.snapshot()).phase === "open", { everyMs: 1 });
  afterOpening.resolve();
  await crash();
  await progress(KILLS.after);
  await crash();
  await entering;

  const { phase, entered } = await queue.snapshot();
  assert.deepEqual([phase, entered], ["open", ENTRIES], "no index is nobody's");
  const audit = await wholeAudit(queue);
  await assertAudit(audit, jwks);
  const { entrants, seed } = audit;
  context.diagnostic(JSON.stringify({ entrants, groups: audit.groups.length, unanswered }));
  assert.ok(unanswered > 0, "kills met entries under way");
  assert.ok(entrants > 0 && entrants < ENTRIES, "some entered after the opening");

  const computed = await assertBothVerify(audit, jwks);
  assert.equal(computed.length, entrants);
  const positionOf = shuffling(entrants, seed);
  const places = await forEachAtOnce(told, 50, async ({ ticket, receipt }) => {
    const { index, sub, epoch } = decodeJwt(ticket);
    if (index < entrants) {
      const promised = await assertReceipt(receipt, queue, epoch, sub, jwks);
      assert.equal(promised.index, index);
      assert.ok(isLogged(audit, promised.group), `the group of index ${index} is in the log`);
    } else {
      assert.equal(receipt, null);
    }
    const place = index < entrants ? positionOf(index) : index;
    if (index < entrants) assert.equal(computed[index], place + 1, "as the command has it");
    const renewed = await until("a place", async () => {
      const { json } = await new Shopper(queue, ticket).status();
      return json.status !== "WAITING" && (json.ticket ?? ticket);
    });
    assert.equal(decodeJwt(renewed).position, place);
    return place;
  });
  assert.deepEqual(places.toSorted((a, b) => a - b),
    Array.from({ length: ENTRIES }, (_, place) => place));
});
