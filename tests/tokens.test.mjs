// The handoff token, as a merchant sees it: verified offline with a stock library (jose).

import assert from "node:assert/strict";
import { test } from "node:test";

import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, errors, importJWK, jwtVerify,
  SignJWT } from "jose";

import { assertProblem } from "./support/problem.mjs";
import { altered, firstKey, unsigned } from "./support/tokens.mjs";
import { startWorld } from "./support/world.mjs";

const world = await startWorld();
const queue = await world.createQueue({ maxActive: 100, audience: "lamp-shop" });
const keySet = createRemoteJWKSet(new URL("/.well-known/jwks.json", world.url));
const expected = {
  issuer: world.url,
  audience: "lamp-shop",
  typ: "tidegate-handoff+jwt",
  algorithms: ["EdDSA"],
  requiredClaims: ["sub", "jti", "iat", "exp"],
};

/** The private half of the key that signs handoff tokens, from its seed. */
async function signingKey() {
  const { kid, bytes } = firstKey(world.keys.vars.HANDOFF_KEYS);
  const { keys } = (await world.send("/.well-known/jwks.json")).json;
  const jwk = keys.find((key) => key.kid === kid);
  return importJWK({ ...jwk, d: bytes.toString("base64url") }, "EdDSA");
}

test("a handoff token verifies against the published keys, and says what it must", async () => {
  const shopper = await queue.enter();
  const grant = await shopper.admit();
  const { payload, protectedHeader } = await jwtVerify(grant.handoffToken, keySet, expected);
  const { kid } = firstKey(world.keys.vars.HANDOFF_KEYS);
  assert.deepEqual(protectedHeader, { alg: "EdDSA", typ: "tidegate-handoff+jwt", kid });
  const { iat, exp, ...claims } = payload;
  const ticket = decodeJwt(shopper.ticket);
  assert.deepEqual(claims, {
    iss: world.url,
    aud: "lamp-shop",
    sub: ticket.sub,
    jti: grant.admissionId,
    queue: queue.id,
    epoch: ticket.epoch,
    position: shopper.index + 1,
    access: "queue",
  });
  assert.equal(exp, Math.floor(grant.expiresAt / 1000), "it ends with the admission");
});

test("the token says the issuer of the configuration, wherever the request came to", async () => {
  const own = await startWorld({ vars: { ISSUER: "https://gate.example" } });
  const other = await own.createQueue();
  const { handoffToken } = await (await other.enter()).admit();
  assert.equal(decodeJwt(handoffToken).iss, "https://gate.example");
  assert.equal((await other.redeem(handoffToken)).status, 200);
});

test("a token for another audience or issuer does not verify", async () => {
  const { handoffToken } = await (await queue.enter()).admit();
  const verify = (options) => jwtVerify(handoffToken, keySet, { ...expected, ...options });
  await assert.rejects(verify({ audience: "checkout" }), errors.JWTClaimValidationFailed);
  await assert.rejects(verify({ issuer: "https://evil.example" }), errors.JWTClaimValidationFailed);
});

test("a token of another queue redeems nothing, and stays good for its own", async () => {
  const [easy, hard] = [await world.createQueue({ maxActive: 9 }),
    await world.createQueue({ maxActive: 9 })];
  const { handoffToken } = await (await easy.enter()).admit();
  const redeem = (queueId) =>
    world.asOrigin("/v1/handoffs/redeem", { method: "POST", json: { handoffToken, queueId } });
  for (const other of [hard.id, "", "No queue", `${easy.id} `]) {
    assertProblem(await redeem(other), "UNAUTHORIZED", "queueId");
  }
  assertProblem(await redeem(7), "VALIDATION_ERROR", "queueId");
  const atTheHard = { ...expected, audience: hard.id };
  await assert.rejects(jwtVerify(handoffToken, keySet, atTheHard), errors.JWTClaimValidationFailed);
  assert.equal((await redeem(easy.id)).json.queueId, easy.id);
});

test("a statement is no queue's token by signature and audience alone", async () => {
  const opening = await world.createQueue({ maxActive: 1, opensAt: Date.now() + 3_600_000 });
  const { receipt } = (await opening.send("enter", { method: "POST" })).json;
  await opening.patch({ opensAt: Date.now() });
  const audit = (await opening.send("audit")).json;
  for (const [statement, aud] of [
    [receipt.statement, "urn:tidegate:receipt"],
    [audit.statement, "urn:tidegate:audit"],
  ]) {
    for (const audience of [opening.id, "checkout", queue.id]) {
      await assert.rejects(jwtVerify(statement, keySet, { audience }), {
        claim: "aud",
        reason: "check_failed",
      });
    }
    assert.equal(
      (await jwtVerify(statement, keySet, { audience: aud })).payload.queueId ?? opening.id,
      opening.id,
    );
    assertProblem(await opening.redeem(statement), "UNAUTHORIZED");
  }
  const { handoffToken } = await (await queue.enter()).admit();
  for (const audience of ["urn:tidegate:receipt", "urn:tidegate:audit"]) {
    await assert.rejects(jwtVerify(handoffToken, keySet, { audience }), { claim: "aud" });
  }
});

test("the key set holds public Ed25519 keys and no secret, and may be cached", async () => {
  const reply = await world.send("/.well-known/jwks.json");
  assert.equal(reply.status, 200);
  assert.match(reply.headers.get("cache-control"), /^public, max-age=\d+/);
  assert.equal(reply.json.keys.length, 1);
  for (const key of reply.json.keys) {
    const { kid, x, ...rest } = key;
    assert.deepEqual(rest, { kty: "OKP", crv: "Ed25519", use: "sig", alg: "EdDSA" });
    assert.equal(Buffer.from(x, "base64url").length, 32);
    assert.ok(kid);
  }
  const { bytes } = firstKey(world.keys.vars.HANDOFF_KEYS);
  for (const encoding of ["base64url", "base64", "hex"]) {
    assert.ok(!reply.text.includes(bytes.toString(encoding)));
  }
});

test("a token with a single character changed neither verifies nor redeems", async () => {
  const { handoffToken } = await (await queue.enter()).admit();
  for (const part of [0, 1, 2]) {
    const bad = altered(handoffToken, part);
    await assert.rejects(jwtVerify(bad, keySet, expected));
    assertProblem(await queue.redeem(bad), "UNAUTHORIZED");
  }
  assert.equal((await queue.redeem(handoffToken)).status, 200, "the real one still does");
});

test("what is no handoff token does not redeem, though we signed it", async () => {
  const shopper = await queue.enter();
  const { handoffToken } = await shopper.admit();
  const header = decodeProtectedHeader(handoffToken);
  const claims = decodeJwt(handoffToken);
  const key = await signingKey();
  const sign = (changes, head) =>
    new SignJWT({ ...claims, ...changes }).setProtectedHeader({ ...header, ...head }).sign(key);
  const { x } = (await world.send("/.well-known/jwks.json")).json.keys[0];
  const publicBytes = Buffer.from(x, "base64url");
  const byPublicKey = await new SignJWT(claims).setProtectedHeader({ ...header, alg: "HS256" })
    .sign(publicBytes);
  const bad = [
    "",
    "a.b.c",
    shopper.ticket,
    unsigned({ ...header, alg: "none" }, claims),
    unsigned(header, claims),
    byPublicKey,
    await sign({}, { typ: "JWT" }),
    await sign({}, { typ: "tidegate-ticket+jwt" }),
    await sign({}, { kid: "other" }),
    await sign({ exp: claims.iat - 1 }),
    await sign({ exp: undefined }),
    await sign({ nbf: claims.exp + 3600 }),
    await sign({ jti: undefined }),
    await sign({ jti: `${"0".repeat(32)}-${shopper.index}` }),
  ];
  for (const token of bad) assertProblem(await queue.redeem(token), "UNAUTHORIZED");
  assert.equal((await queue.redeem(await sign({}))).status, 200,
    "the same claims under the right key are good");
});

test("an admission of one queue redeems nothing at another", async () => {
  const other = await world.createQueue({ maxActive: 1 });
  const mine = await (await queue.enter()).admit();
  const key = await signingKey();
  const claims = { ...decodeJwt(mine.handoffToken), queue: other.id };
  const moved = await new SignJWT(claims).setProtectedHeader(
    decodeProtectedHeader(mine.handoffToken),
  ).sign(key);
  const reply = await other.redeem(moved);
  assertProblem(reply, "ADMISSION_EXPIRED");
});

test("neither ticket nor handoff token is ever part of an address", async () => {
  const secrets = [];
  const replies = [];
  const ask = async (path, options) => {
    const reply = await world.send(path, options);
    replies.push(reply);
    return reply;
  };
  const room = `/queue/${queue.id}`;
  const entered = await ask(`${room}/enter`, { method: "POST", from: world.url, form: {} });
  const cookies = { [queue.cookieName]: entered.cookies[queue.cookieName].value };
  secrets.push(cookies[queue.cookieName]);
  await ask(`${room}/claim`, { method: "POST", from: world.url, cookies, form: {} });
  const page = await ask(room, { cookies });
  const [, token] = /name="handoffToken" value="([^"]+)"/.exec(page.text);
  secrets.push(token);
  for (const action of ["enter", "claim"]) {
    await ask(`${queue.path}/${action}`, { method: "POST", cookies, from: world.url });
  }
  await ask(`${queue.path}/status`, { cookies });
  await ask(`${room}/leave`, { method: "POST", cookies, from: world.url, form: {} });

  for (const reply of replies) {
    for (const name of ["location", "content-location", "link", "refresh", "referrer-policy"]) {
      const value = reply.headers.get(name) ?? "";
      for (const secret of secrets) assert.ok(!value.includes(secret), `${name}: ${value}`);
    }
    assert.equal(reply.headers.get("cache-control"), "no-store");
    const addresses = [
      ...reply.text.matchAll(/\b(?:href|src|action|content|formaction)="([^"]*)"/g),
    ];
    for (const [, address] of addresses) {
      for (const secret of secrets) assert.ok(!address.includes(secret), address);
    }
  }
  assert.ok(replies.some((reply) => reply.headers.get("location")),
    "there was an address to look at");
});

test("a handoff token in the URL redeems nothing", async () => {
  const { handoffToken } = await (await queue.enter()).admit();
  for (const body of ["", "{}"]) {
    const path = `/v1/handoffs/redeem?handoffToken=${handoffToken}`;
    assertProblem(await world.asOrigin(path, { method: "POST", body }), "VALIDATION_ERROR");
  }
  assert.equal((await queue.redeem(handoffToken)).status, 200);
});
