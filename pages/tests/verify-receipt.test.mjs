// Receipts and proofs before the verifier that browsers run: a genuine one passes, a lie is named.

import assert from "node:assert/strict";
import { test } from "node:test";

import { makeOpening, signingKey } from "../../tests/support/opening.mjs";
import { assertFails, drawn, look, opening, outcome } from "./verifying.mjs";

test("a receipt of an entry that the shop left out is evidence", async () => {
  const receipt = opening.receipt(9);
  // The same queue without the last three groups, published as if they had never been.
  const groups = opening.audit.groups.slice(0, 2);
  const { audit } = makeOpening({ entrants: 8 });
  assert.deepEqual(audit.groups, groups);
  await assertFails(look(audit, { receipt }), ["receipt"],
    /genuine, and its group is not in the log/);
});

test("a receipt that promises nothing of this opening is neither good nor bad", async () => {
  const said = async (receipt, given) =>
    outcome(await look(opening.audit, { receipt, ...given }), "receipt");
  const rotated = signingKey("rotated", Buffer.alloc(32, 7));
  const byRotated = opening.receiptOf(0, 0, {}, rotated);
  assert.match((await said(byRotated)).text, /rotated, a key that is not among those at hand/);
  assert.equal(
    (await said(byRotated, { jwks: opening.jwks(opening.key.jwk, rotated.jwk) })).outcome,
    "ok",
  );
  assert.match((await said(makeOpening({ name: "sequel" }).receiptOf(0, 0, {}, opening.key))).text,
    /another epoch of this queue/);
  const elsewhere = makeOpening({ queueId: "other" }).receiptOf(0, 0, {}, opening.key);
  assert.match((await said(elsewhere)).text, /for the queue other/);
  assert.equal((await said(elsewhere)).outcome, "failed");
});

test("a receipt that was tampered with is refused", async () => {
  const full = makeOpening({ entrants: 10, groupSize: 6, lanes: 1, ungranted: 2 });
  const fails = (receipt, text) => assertFails(look(full.audit, { receipt }), ["receipt"], text);
  const receipt = full.receipt(7);
  const { verdict } = await look(full.audit, { receipt: full.receiptOf(1, 1, { aud: undefined }) });
  assert.equal(verdict, "VERIFIED", "a receipt of an older version");
  await fails(full.receiptOf(1, 1, { aud: "lamp" }),
    /statement\.payload\.aud is not "urn:tidegate:receipt"/);
  await fails(full.receiptOf(1, 4), /place is 4, and the group got 4 indices/);
  await fails(full.receiptOf(1, 1, { granted: 7 }), /granted is 7, of a group of 6/);
  await fails({ ...receipt, place: 2 }, /leaf has another place/);
  await fails({ ...receipt, shopper: "00".repeat(16) }, /leaf has another blind of the shopper/);
  await fails({ ...receipt, path: receipt.path.slice(1) }, /path does not fit place 1 of 6/);
  await fails({ ...receipt, path: [...receipt.path, receipt.path[0]] },
    /path does not fit place 1 of 6/);
  await fails({ ...receipt, path: receipt.path.toReversed() }, /path does not lead/);
  await fails({ ...receipt, statement: full.key.sign("tidegate-audit+jwt", {}) },
    /statement\.header\.typ/);
  await fails({ ...receipt, statement: full.key.sign("tidegate-receipt+jwt", {}) },
    /statement\.payload\.lane is missing/);
  await fails(
    full.receiptOf(1, 1, {}, {
      sign: (typ, body) => drawn.key.sign(typ, body, { kid: full.key.jwk.kid }),
    }),
    /statement\.signature is not made with the key/,
  );
  const byItself = { ...full.audit, key: { ...full.key.jwk } };
  await assertFails(
    look(byItself, { receipt, jwks: full.jwks({ ...full.key.jwk, x: drawn.key.jwk.x }) }),
    ["key", "receipt"],
    /key\.x/,
  );
});

test("a proof that leads elsewhere is refused", async () => {
  const proof = opening.proof(13);
  const fails = (changes, text) =>
    assertFails(look(opening.audit, { proof: { ...proof, ...changes } }), ["proof"], text);
  await fails({ position: (proof.position % 20) + 1 }, /position is \d+, and the shuffle gives/);
  await fails({ index: 12 }, /index is 12, and group\.first and place make 13/);
  await fails({ index: 20 }, /index is 20, of 20 entrants/);
  await fails({ groups: 6 }, /groups is 6, and the log has 5/);
  await fails({ root: opening.audit.seed }, /root differs from the audit's/);
  await fails({ groupPath: [] }, /groupPath does not fit group 3 of 5/);
  await fails({ groupPath: proof.groupPath.toReversed() }, /groupPath does not lead/);
  await fails({ group: { ...proof.group, number: 2 } },
    /group\.lane differs from groups\[2\]\.lane/);
  await fails({ group: { ...proof.group, number: 9 } }, /group\.number is 9, of 5 groups/);
  await fails({ note: 1 }, /note is not a field/);
  const sequel = makeOpening({ name: "sequel" }).proof(13);
  await assertFails(look(opening.audit, { proof: sequel }), ["proof"], /leaf has another epoch/);
});
