// An audit, receipts and inclusion proofs, recomputed from what they say by the format alone
// (docs/http.md), with a stock JWT library for the signatures.

import assert from "node:assert/strict";

import { compactVerify, createLocalJWKSet } from "jose";

import { leafHash, rootByPath, sha256, treeHash } from "./merkle.mjs";
import { succeeded } from "./queue.mjs";

const bytes = (hex) => Buffer.from(hex, "hex");
const text = (label) => Buffer.from(label);

/** Integers with the highest byte first. */
const integer = (value, size) => {
  const field = Buffer.alloc(8);
  field.writeBigUInt64BE(BigInt(value));
  return field.subarray(8 - size);
};

const groupLeaf = (epoch, { lane, sequence, first, granted, root }) =>
  Buffer.concat([text("tidegate/group/v1"), bytes(epoch), integer(lane, 2), integer(sequence, 8),
    integer(first, 8), integer(granted, 4), bytes(root)]);

/** All pages of a queue's audit as one; each page but its groups is the same. */
export async function wholeAudit(queue) {
  const audit = succeeded(await queue.send("audit"));
  for (let page = 1; page < audit.pages; page++) {
    const { groups, statement, ...facts } = succeeded(await queue.send(`audit?page=${page}`));
    const { groups: before, statement: first, ...expected } = audit;
    assert.deepEqual(facts, expected);
    audit.groups.push(...groups);
  }
  return audit;
}

/**
 * The payload of a statement: its signature is good, by a key of `jwks`, and its header has nothing
 * more.
 */
export async function statementOf(statement, kind, jwks) {
  const { payload, protectedHeader } = await compactVerify(statement, createLocalJWKSet(jwks));
  assert.deepEqual(protectedHeader, {
    alg: "EdDSA",
    typ: `tidegate-${kind}+jwt`,
    kid: protectedHeader.kid,
  });
  const { aud, ...stated } = JSON.parse(Buffer.from(payload));
  assert.equal(aud, `urn:tidegate:${kind}`);
  return stated;
}

/**
 * Recomputes all of an audit that it says of itself: statement, key, commitment, groups, root and
 * seed.
 */
export async function assertAudit(audit, jwks) {
  const { groups, key, statement, ...facts } = audit;
  assert.deepEqual(Object.keys(facts).sort(), [
    "access",
    "algorithm",
    "beacon",
    "commitment",
    "earlierEpochs",
    "entrants",
    "epoch",
    "epochs",
    "format",
    "openedAt",
    "pages",
    "queueId",
    "root",
    "secret",
    "seed",
    "trust",
    "winners",
  ]);
  assert.deepEqual([facts.format, facts.algorithm], [1, "tidegate/shuffle/v1"]);
  const { iat, ...stated } = await statementOf(statement, "audit", { keys: [key] });
  assert.ok(Number.isInteger(iat));
  assert.deepEqual(stated, facts);
  assert.ok(jwks.keys.some((known) => known.kid === key.kid && known.x === key.x),
    "a key of the site's");
  assert.deepEqual(Object.keys(key).sort(), ["alg", "crv", "kid", "kty", "use", "x"]);

  assert.equal(sha256(bytes(facts.secret)).toString("hex"), facts.commitment);
  let [next, last] = [0, new Map()];
  for (const group of groups) {
    assert.equal(group.first, next);
    assert.ok(group.granted >= 1);
    assert.ok(group.sequence > (last.get(group.lane) ?? 0), "a lane's sequence grows");
    assert.equal(leafHash(groupLeaf(facts.epoch, group)).toString("hex"), group.hash);
    next += group.granted;
    last.set(group.lane, group.sequence);
  }
  assert.equal(next, facts.entrants);
  const root = treeHash(groups.map(({ hash }) => bytes(hash)));
  assert.equal(facts.root, root.toString("hex"));
  const randomness = facts.beacon === null ? Buffer.alloc(0) : bytes(facts.beacon.randomness);
  assert.equal(facts.seed,
    sha256(text("tidegate/shuffle/v1"), bytes(facts.secret), root, randomness).toString("hex"));
  assert.equal(facts.trust, facts.beacon === null ? "operator" : "beacon");
}

/** The fields of an entry's leaf, which must be of `shopper` and in this epoch. */
function assertEntryLeaf(leaf, epoch, { lane, sequence }, place, shopper) {
  const blind = sha256(text("tidegate/blind/v1"), bytes(shopper));
  const known = Buffer.concat([text("tidegate/entry/v1"), bytes(epoch), integer(lane, 2),
    integer(sequence, 8), integer(place, 4), blind]);
  assert.equal(leaf.subarray(0, known.length).toString("hex"), known.toString("hex"));
  assert.equal(leaf.length, known.length + 8);
  return Number(leaf.readBigUInt64BE(known.length));
}

/** Checks a receipt of the shopper `id` by itself. Returns `{index, group}`: what it promises. */
export async function assertReceipt(receipt, queue, epoch, id, jwks) {
  assert.deepEqual(Object.keys(receipt).sort(), ["leaf", "path", "place", "shopper", "statement"]);
  assert.equal(receipt.shopper, id);
  const { iat, count, ...group } = await statementOf(receipt.statement, "receipt", jwks);
  assert.ok(Number.isInteger(iat));
  assert.deepEqual(Object.keys(group).sort(), ["epoch", "first", "granted", "lane", "queue", "root",
    "sequence"]);
  assert.deepEqual([group.queue, group.epoch], [queue.id, epoch]);
  const leaf = bytes(receipt.leaf);
  const at = assertEntryLeaf(leaf, epoch, group, receipt.place, id);
  assert.ok(Math.abs(Date.now() - at) < 3_600_000, `entered at ${at}`);
  assert.ok(receipt.place < group.granted && group.granted <= count);
  const root = rootByPath(leafHash(leaf), receipt.place, count, receipt.path.map(bytes));
  assert.equal(root?.toString("hex"), group.root);
  return { index: group.first + receipt.place, count, group };
}

/** Whether the audit has the group that a receipt is of. */
export const isLogged = ({ groups }, { lane, sequence, first, granted, root }) =>
  groups.some((group) =>
    group.lane === lane && group.sequence === sequence && group.first === first &&
    group.granted === granted && group.root === root
  );

/** Checks an inclusion proof of the shopper `id` against the audit. */
export function assertProof(proof, audit, id) {
  assert.deepEqual(Object.keys(proof).sort(), ["group", "groupPath", "groups", "index", "leaf",
    "path", "place", "position", "root", "shopper"]);
  const { group } = proof;
  assert.deepEqual(Object.keys(group).sort(), ["count", "first", "granted", "lane", "number",
    "root", "sequence"]);
  assert.deepEqual([proof.shopper, proof.root, proof.groups], [id, audit.root,
    audit.groups.length]);
  const { hash, ...logged } = audit.groups[group.number];
  const { number, count, ...named } = group;
  assert.deepEqual(named, logged);
  assert.equal(proof.index, group.first + proof.place);
  assert.ok(proof.place < group.granted);
  const leaf = bytes(proof.leaf);
  assertEntryLeaf(leaf, audit.epoch, group, proof.place, id);
  assert.equal(
    rootByPath(leafHash(leaf), proof.place, count, proof.path.map(bytes))?.toString("hex"),
    group.root,
  );
  assert.equal(
    rootByPath(bytes(hash), number, proof.groups, proof.groupPath.map(bytes))?.toString("hex"),
    audit.root,
  );
}
