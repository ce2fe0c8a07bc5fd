// The verifier of openings that browsers run, as a module: what is genuine passes, and each lie is
// named.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { bls12_381 } from "@noble/curves/bls12-381.js";

import { makeOpening, QUICKNET, recordedBeacon, signingKey } from "../../tests/support/opening.mjs";
import { shuffledPosition } from "../../tests/support/shuffle.mjs";
import { firstThatShares } from "../verify/places.js";
import { allPositions, entryAt, positionOf } from "../verify/shuffle.js";
import { verify } from "../verify/verify.js";
import { assertFails, drawn, look, opening, outcome } from "./verifying.mjs";

const NAMES = ["format", "statement", "key", "commitment", "groups", "root", "beacon", "seed",
  "places", "receipt", "proof"];

test("a genuine opening is verified, whatever its size, with every check made", async () => {
  for (const entrants of [1, 2, 3, 16, 17, 255, 256, 257, 1000]) {
    for (const options of [
      { lanes: 1, groupSize: 1 },
      { lanes: 5, groupSize: 3 },
      { lanes: 4, groupSize: 60, access: "draw" },
    ]) {
      const made = makeOpening({ entrants, ...options });
      const index = entrants - 1;
      const given = { receipt: made.receipt(index), proof: made.proof(index), jwks: made.jwks() };
      const result = await look(made.audit, given);
      assert.equal(result.verdict, "VERIFIED", JSON.stringify(result.checks));
      assert.deepEqual(result.checks.map(({ name }) => name), NAMES);
      const open = result.checks.filter((check) => check.outcome !== "ok");
      const unchecked = open.map(({ name }) => name);
      assert.deepEqual(unchecked, ["beacon"], "an operator alone has no beacon");
      assert.deepEqual(result.own, { index, position: made.position(index) });
    }
  }
});

test("an opening of nobody is verified", async () => {
  const { verdict, audit } = await look(makeOpening({ entrants: 0, earlier: 0 }).audit);
  assert.deepEqual([verdict, audit.entrants], ["VERIFIED", 0]);
});

test("each recorded round of drand's quicknet is taken for what it is", async () => {
  for (const { round } of QUICKNET.rounds) {
    const made = makeOpening({ ...recordedBeacon(round), entrants: 5 });
    const result = await look(made.audit);
    assert.deepEqual([result.verdict, outcome(result, "beacon").outcome], ["VERIFIED", "ok"]);
  }
});

test("every place is computed as the specification has it, and found back", () => {
  const seed = createHash("sha256").update("places").digest("hex");
  for (const count of [1, 2, 3, 255, 256, 257, 511, 513, 1000]) {
    const expected = Array.from({ length: count }, (_, index) =>
      shuffledPosition(index, count, seed));
    assert.deepEqual([...allPositions(count, seed)], expected);
    assert.deepEqual(expected.map((position) => entryAt(position, count, seed)),
      Array.from(expected.keys()));
  }
  const many = 2 ** 40 - 7;
  assert.equal(positionOf(many - 1, many, seed), shuffledPosition(many - 1, many, seed));
  assert.equal(entryAt(shuffledPosition(12_345, many, seed), many, seed), 12_345);
});

test("a position that two have would be noticed", () => {
  assert.equal(firstThatShares(Uint32Array.of(3, 1, 0, 1, 3)), 3);
  assert.equal(firstThatShares(Uint32Array.of(3, 1, 0, 2)), -1);
});

test("a position that is asked for names the entry there, and where the log has it", async () => {
  const { looked } = await look(opening.audit, { positions: [1, 20, 21, 0] });
  for (const position of [1, 20]) {
    const { index, group, lane, place } = looked.find((one) => one.position === position);
    assert.equal(opening.position(index), position);
    assert.deepEqual([group, place], opening.whereIs(index));
    assert.equal(lane, opening.audit.groups[group].lane);
  }
  assert.deepEqual(looked.slice(2), [{ position: 21 }, { position: 0 }]);
});

test("more than a million entrants are computed only when asked for", async () => {
  const many = opening.with({ entrants: 1_000_001 });
  assert.equal(outcome(await look(many, { positions: [7] }), "places").outcome, "not checked");
  const { checks } = await look(many, { allPlaces: true });
  assert.equal(outcome({ checks }, "places").outcome, "ok");
});

test("long work tells how far it has come", async () => {
  const shares = [];
  const names = [];
  await verify(
    { audit: JSON.stringify(opening.audit) },
    {
      onProgress: (name, share) => shares.push([name, share]),
      onCheck: ({ name }) => names.push(name),
    },
  );
  assert.deepEqual(shares.at(-1), ["places", 1]);
  assert.equal(shares.length, 90);
  assert.deepEqual(names, NAMES);
});

test("pages are one audit, in whatever order they come, and joined in one file", async () => {
  const pages = opening.pages(2);
  assert.equal(pages.length, 3);
  assert.equal((await look(pages)).verdict, "VERIFIED");
  assert.equal((await look(pages.toReversed())).verdict, "VERIFIED");
  const joined = { ...pages[0], groups: pages.flatMap(({ groups }) => groups) };
  assert.equal((await look(joined)).verdict, "VERIFIED");
});

test("pages may be signed each at its own moment and key, and every signature counts", async () => {
  const rotated = signingKey("rotated", Buffer.alloc(32, 7));
  const pages = opening.pages(2);
  const { groups, key, statement, ...said } = pages[1];
  const signed = (body) => ({
    ...pages[1],
    key: rotated.jwk,
    statement: rotated.sign("tidegate-audit+jwt", body),
  });
  const other = [pages[0], signed({ iat: 7, ...said }), pages[2]];
  const both = opening.jwks(opening.key.jwk, rotated.jwk);
  assert.equal((await look(other, { jwks: both })).verdict, "VERIFIED");
  await assertFails(look(other, { jwks: opening.jwks() }), ["key"], /key\.kid rotated is none/);
  const fewer = signed({ iat: 7, ...said, entrants: 7 });
  await assertFails(look([pages[0], fewer, pages[2]]), ["statement"], /^entrants differs/);
  await assertFails(look([pages[0], { ...pages[1], key: rotated.jwk }, pages[2]]), ["statement"],
    /^key\.kid is rotated/);
});

test("a page that is missing, twice there or of another audit is noticed", async () => {
  const pages = opening.pages(2);
  await assertFails(look(pages[0]), ["groups", "root"], /are all pages here/);
  await assertFails(look(pages.slice(1)), ["format"], /pages is 3, and there are 2 files/);
  await assertFails(look([pages[0], pages[1], pages[1]]), ["groups", "root"], /groups\[4\]\.first/);
  const other = makeOpening({ name: "another" }).pages(2)[2];
  await assertFails(look([pages[0], pages[1], other]), ["format"],
    /secret differs from page to page/);
});

test("what is no audit is no audit", async () => {
  const { groups, ...rest } = opening.audit;
  for (const [text, said] of [
    ["", /neither a plain whole number nor another value/],
    ["[]", /not an object/],
    ['{"format":1', /without a comma/],
    [`${JSON.stringify(opening.audit)}x`, /something after its end/],
    ["[".repeat(1000), /inside each other/],
    [JSON.stringify(opening.audit).replace('"format":1', '"format":1,"format":1'),
      /^format has the same field twice \(at character 21\)/],
    [JSON.stringify(opening.audit).replace('"format":1', '"format":1e0'),
      /^format has neither a plain whole number/],
    [JSON.stringify(opening.audit).replace('"format":1', '"format":1.0'), /^format has neither/],
    [JSON.stringify(opening.audit).replace('"format":1', '"format":2'), /format is not 1/],
    [JSON.stringify(opening.audit).replace('"entrants":20', '"entrants":9007199254740993'),
      /entrants has a number of 2\^53/],
    [JSON.stringify(rest), /groups is missing/],
    [JSON.stringify({ ...opening.audit, note: 1 }), /note is not a field of this format/],
    [JSON.stringify({ ...opening.audit, groups: [{ ...groups[0], lane: 65_536 }] }),
      /groups\[0\]\.lane is not/],
  ]) {
    const result = await verify({ audit: text });
    assert.deepEqual([result.verdict, result.failed, result.audit], ["FAILED", ["format"],
      undefined]);
    assert.match(outcome(result, "format").text, said);
    assert.ok(result.checks.slice(1).every((check) => check.outcome === "not checked"));
  }
});

test("fields that cannot stand beside each other are named", async () => {
  await assertFails(look(opening.with({ winners: 3 })), ["format"], /^winners /);
  await assertFails(look(opening.with({ pages: 0 })), ["format"], /^pages /);
  await assertFails(look(opening.with({ earlierEpochs: 0 })), ["format"], /^earlierEpochs /);
  await assertFails(look(opening.with({ earlierEpochs: 2 })), ["format"], /^earlierEpochs /);
  assert.equal((await look(makeOpening({ earlier: 1001 }).audit)).verdict, "VERIFIED",
    "older epochs are only counted");
});

test("a statement of another form, key or content is refused, and says where", async () => {
  const { groups, key, statement, ...said } = opening.audit;
  const payload = { iat: 1, ...said };
  const { kid, ...rest } = key;
  const stated = (type, body, header) =>
    look({ ...opening.audit, statement: opening.key.sign(type, body, header) });
  const typ = "tidegate-audit+jwt";
  assert.equal((await stated(typ, payload)).verdict, "VERIFIED", "as an older version states it");
  assert.equal((await stated(typ, { ...payload, aud: "urn:tidegate:audit" })).verdict, "VERIFIED");
  for (const [looking, text] of [
    [stated("tidegate-receipt+jwt", payload),
      /statement\.header\.typ is not "tidegate-audit\+jwt"/],
    [stated(typ, payload, { alg: "none" }), /statement\.header\.alg is not "EdDSA"/],
    [stated(typ, payload, { crit: [] }), /statement\.header\.crit is not a field/],
    [stated(typ, payload, { kid: "other" }),
      /key\.kid is key-of-opening, and statement\.header\.kid is other/],
    [stated(typ, { ...payload, entrants: 21 }), /^entrants differs/],
    [stated(typ, { ...payload, epochs: [] }), /^epochs\[0\] differs/],
    [stated(typ, { ...payload, note: 1 }), /^note differs/],
    [stated(typ, { ...payload, aud: "lamp" }),
      /statement\.payload\.aud is not "urn:tidegate:audit"/],
    [stated(typ, said), /statement\.payload\.iat/],
    [stated(typ, { ...payload, root: undefined }), /^root differs/],
    [stated(typ, JSON.stringify(payload).replace("{", '{"iat":2,')),
      /statement\.payload\.iat has the same field twice/],
    [stated(typ, "7"), /format differs/],
    [
      look({
        ...opening.audit,
        statement: statement.replace(/.$/, (last) => (last === "A" ? "B" : "A")),
      }),
      /statement\.signature/,
    ],
    [look({ ...opening.audit, key: { ...rest, kid: "other" } }), /key\.kid is other/],
    [look({ ...opening.audit, key: { ...key, x: drawn.audit.key.x } }),
      /statement\.signature is not made with key\.x/],
  ]) {
    await assertFails(looking, ["statement"], text);
  }
});

test("the key is held against those that the shop publishes", async () => {
  const { key } = opening.audit;
  const foreign = drawn.audit.key;
  const said = async (jwks) => outcome(await look(opening.audit, { jwks }), "key");
  assert.equal((await said(opening.jwks(foreign, key))).outcome, "ok");
  assert.equal((await said(undefined)).outcome, "not checked");
  assert.equal((await said("<title>not here</title>")).outcome, "not checked");
  assert.match((await said("{}")).text, /no key set/);
  await assertFails(look(opening.audit, { jwks: opening.jwks(foreign) }), ["key"],
    /key\.kid key-of-opening is none of the keys/);
  await assertFails(look(opening.audit, { jwks: opening.jwks({ ...key, x: foreign.x }) }), ["key"],
    /key\.x is not what the shop publishes/);
});

test("signatures are verified as strictly where the browser has no Ed25519", async () => {
  const { crypto } = globalThis;
  Object.defineProperty(globalThis, "crypto", { value: {}, configurable: true });
  try {
    assert.equal((await look(opening.audit)).verdict, "VERIFIED");
    const { x } = drawn.audit.key;
    await assertFails(look({ ...opening.audit, key: { ...opening.audit.key, x } }), ["statement"],
      /statement\.signature/);
    // The neutral point as key and as R, and S = 0, fit any message where such points are let in.
    const neutral = Buffer.concat([Buffer.of(1), Buffer.alloc(31)]);
    const statement = opening.audit.statement.replace(/[^.]+$/,
      Buffer.concat([neutral, Buffer.alloc(32)]).toString("base64url"));
    const key = { ...opening.audit.key, x: neutral.toString("base64url") };
    await assertFails(look({ ...opening.audit, key, statement }), ["statement"],
      /statement\.signature/);
  } finally {
    Object.defineProperty(globalThis, "crypto", { value: crypto, configurable: true });
  }
});

test("a shop that signs another secret, root or seed is found out", async () => {
  const other = "ab".repeat(32);
  await assertFails(look(opening.with({ secret: other })), ["commitment", "seed"],
    /SHA-256 of secret is not commitment/);
  await assertFails(look(opening.with({ commitment: other })), ["commitment"], /commitment/);
  await assertFails(look(opening.with({ root: other })), ["root", "seed"],
    /root is not the Merkle root/);
  await assertFails(look(opening.with({ seed: other })), ["seed"], /seed does not follow/);
  await assertFails(look(opening.with({ epoch: other.slice(32) })), ["groups", "root"],
    /groups\[0\]\.hash/);
});

test("groups that leave out, repeat or reorder entries are named", async () => {
  const { groups } = opening.audit;
  const changed = (number, change) =>
    opening.with({
      groups: groups.map((group, at) => (at === number ? { ...group, ...change } : group)),
    });
  await assertFails(look(changed(2, { first: 9 })), ["groups", "root"],
    /^groups\[2\]\.first is 9, and the groups before end at 8; groups\[2\]\.hash/);
  await assertFails(look(changed(2, { granted: 3 })), ["groups", "root"],
    /^groups\[2\]\.hash .*; groups\[3\]\.first/);
  await assertFails(look(changed(2, { granted: 0 })), ["groups", "root"],
    /^groups\[2\]\.granted is 0/);
  await assertFails(look(changed(3, { sequence: 0 })), ["groups", "root"],
    /^groups\[3\]\.sequence is 0, and lane 0/);
  await assertFails(look(changed(1, { root: groups[0].root })), ["groups", "root"],
    /^groups\[1\]\.hash/);
  await assertFails(look(changed(1, { hash: groups[0].hash })), ["groups"], /^groups\[1\]\.hash/);
  await assertFails(look(opening.with({ groups: groups.slice(0, -1) })), ["groups", "root"],
    /^groups have 16 indices, and entrants is 20/);
  await assertFails(look(opening.with({ entrants: 19 })), ["groups"], /entrants is 19/);
});

test("a beacon that the operator could have chosen is none", async () => {
  const { beacon, openedAt } = drawn.audit;
  const changed = (change) => look(drawn.with({ beacon: { ...beacon, ...change } }));
  const other = recordedBeacon(1001).beacon;
  await assertFails(changed({ chain: "ab".repeat(32) }), ["beacon"],
    /beacon\.chain is not drand's quicknet/);
  await assertFails(changed({ publicKey: "ab".repeat(96) }), ["beacon"],
    /beacon\.publicKey is not that chain's/);
  await assertFails(changed({ genesisAt: beacon.genesisAt - 3000 }), ["beacon"],
    /beacon\.genesisAt is not/);
  await assertFails(changed({ periodSeconds: 30 }), ["beacon"], /beacon\.periodSeconds is not/);
  await assertFails(changed({ signature: other.signature }), ["beacon"],
    /beacon\.randomness is not the SHA-256/);
  await assertFails(changed({ randomness: other.randomness }), ["beacon", "seed"],
    /beacon\.randomness is not/);
  const { signature, randomness } = other;
  await assertFails(changed({ signature, randomness }), ["beacon", "seed"],
    /beacon\.signature is not the chain's over beacon\.round 1000/);
  const noPoint = "ab".repeat(48);
  const hashed = createHash("sha256").update(Buffer.from(noPoint, "hex")).digest("hex");
  await assertFails(changed({ signature: noPoint, randomness: hashed }), ["beacon", "seed"],
    /beacon\.signature/);
  await assertFails(look(drawn.with({ beacon: null })), ["beacon", "seed"],
    /trust is beacon, and beacon is null/);
  await assertFails(look(drawn.with({ trust: "operator" })), ["beacon"],
    /trust is operator, and beacon is set/);
  // The round is the first that is made 30 s after the opening: not one sooner, not one later.
  const opened = (later) => look(drawn.with({ openedAt: openedAt + later }));
  assert.equal((await opened(-1765)).verdict, "VERIFIED", "made 32.999 s after it");
  assert.equal((await opened(1234)).verdict, "VERIFIED", "made 30 s after it");
  await assertFails(opened(-1766), ["beacon"], /beacon\.round is 1000, and 999 is/);
  await assertFails(opened(1235), ["beacon"], /beacon\.round is 1000, and 1001 is/);
});

test("another chain is trusted where it is given, not where only the audit names it", async () => {
  const { shortSignatures: bls } = bls12_381;
  const { secretKey, publicKey } = bls.keygen(
    createHash("sha512").update("a chain").digest().subarray(0, 48),
  );
  const chain = {
    chain: "cd".repeat(32),
    publicKey: publicKey.toHex(),
    genesisAt: 1_700_000_000_000,
    periodSeconds: 30,
  };
  const message = Buffer.alloc(8);
  message.writeBigUInt64BE(77n);
  const signature = bls.sign(bls.hash(createHash("sha256").update(message).digest()), secretKey)
    .toHex();
  const randomness = createHash("sha256").update(Buffer.from(signature, "hex")).digest("hex");
  const { audit } = makeOpening(
    recordedBeacon(77, { ...chain, rounds: [{ round: 77, signature, randomness }] }),
  );
  assert.equal((await look(audit, { chain })).verdict, "VERIFIED");
  await assertFails(look(audit), ["beacon"], /beacon\.chain/);
  await assertFails(look(audit, { chain: { ...chain, publicKey: QUICKNET.publicKey } }), ["beacon"],
    /beacon\.publicKey/);
});
