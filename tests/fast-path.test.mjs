// The checkout's calls have two drivers in the Worker. Each request here goes to both: to the fast
// one, and to the ordinary one, which has longer bodies. Their answers are the same.

import assert from "node:assert/strict";
import { before, test } from "node:test";

import { altered } from "./support/tokens.mjs";
import { startWatchedWorld } from "./support/watched.mjs";

const { world, outage } = await startWatchedWorld();
const queue = await world.createQueue({
  maxActive: 20,
  handoffSeconds: 300,
  sessionSeconds: 300,
  maxSessionSeconds: 300,
});
const other = await world.createQueue({ maxActive: 1 });

const origin = { authorization: `Bearer ${world.keys.origin}` };
/** Makes a body longer than the fast path takes, and says the same with it. */
const longer = (body) => body + " ".repeat(1100);

/** An answer, without what names the request. */
async function told(
  path,
  { json, body = json === undefined ? "" : JSON.stringify(json), headers, ...options },
  spell,
) {
  const sent = {
    method: "POST",
    headers: { ...origin, ...headers },
    body: spell(body),
    ...options,
  };
  const reply = await world.send(path, sent);
  assert.ok(reply.headers.get("x-request-id"), "each request has a name");
  const { requestId, ...said } = reply.json;
  const named = [...reply.headers.keys()].filter((name) =>
    !["x-request-id", "date"].includes(name)
  );
  return {
    status: reply.status,
    said,
    headers: named.map((name) => [name, reply.headers.get(name)]),
  };
}

/** Sends a request to both drivers; `status` is what both answer. */
async function bothWays(path, status, options = {}) {
  const fast = await told(path, options, (body) => body);
  const ordinary = await told(path, options, longer);
  assert.deepEqual(fast, ordinary);
  assert.equal(fast.status, status, JSON.stringify(fast.said));
}

const redeem = (token, more = {}) => ({
  json: { handoffToken: token, ...more },
  headers: { "idempotency-key": "order-1" },
});
const admitted = async () => (await queue.enter()).admit();

/**
 * A letter that stands for the same two bits as a signature's last one, and has an idle bit set.
 */
function otherIdleBits(letter) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return letters[letters.indexOf(letter) | 1];
}

// What the isolate has not read yet, the ordinary driver reads.
before(async () => queue.settle("complete", (await (await queue.enter()).checkOut()).admissionId));

test("an exchange is answered the same by both drivers", async () => {
  const { handoffToken } = await admitted();
  await bothWays("/v1/handoffs/redeem", 200, redeem(handoffToken));
  await bothWays("/v1/handoffs/redeem", 200, redeem(handoffToken, { queueId: queue.id }));
  await bothWays("/v1/handoffs/redeem", 409, { json: { handoffToken } });
  await bothWays("/v1/handoffs/redeem", 409, {
    ...redeem(handoffToken),
    headers: { "idempotency-key": "order-2" },
  });
});

test("a refused exchange is refused the same by both drivers, and takes nothing", async () => {
  const { handoffToken } = await admitted();
  const json = { handoffToken };
  const refused = [
    [401, redeem(handoffToken, { queueId: other.id })],
    [400, redeem(handoffToken, { queue: queue.id })],
    [400, redeem(handoffToken, { queueId: 7 })],
    [400, { body: JSON.stringify([handoffToken]) }],
    [400, { body: `{"handoffToken":"${handoffToken}","handoffToken":7}` }],
    [400, { json, headers: { "idempotency-key": "" } }],
    [400, { json, headers: { "idempotency-key": "k".repeat(256) } }],
    [401, { json, headers: { authorization: "Bearer nobody" } }],
    [401, { json, headers: { authorization: "" } }],
    ...[0, 1, 2].map((part) => [401, redeem(altered(handoffToken, part))]),
    // One token has one spelling, whatever the platform's base64 puts up with.
    ...["=", "==", " ", "AAAA"].map((more) => [401, redeem(`${handoffToken}${more}`)]),
    [401, redeem(`${handoffToken.slice(0, -5)} ${handoffToken.slice(-5)}`)],
    [401, redeem(`${handoffToken.slice(0, -1)}${otherIdleBits(handoffToken.at(-1))}`)],
    [401, redeem(handoffToken.slice(0, -2))],
  ];
  for (const [status, options] of refused) await bothWays("/v1/handoffs/redeem", status, options);
  assert.equal((await queue.redeem(handoffToken)).status, 200);
});

test("what becomes of an admission is answered the same by both drivers", async () => {
  const path = (id, action, of = queue) => `${of.path}/admissions/${id}/${action}`;
  const granted = await admitted();
  await bothWays(path(granted.admissionId, "complete"), 409);
  await queue.redeem(granted.handoffToken);
  // At its longest already, so by both drivers extend it to the same moment.
  await bothWays(path(granted.admissionId, "extend"), 200);
  await bothWays(path(granted.admissionId, "complete"), 200);
  await bothWays(path(granted.admissionId, "release"), 409);
  const left = await admitted();
  await bothWays(path(left.admissionId, "release"), 200);
  await bothWays(path(left.admissionId, "complete"), 410);
  const nobody = granted.admissionId.replace(/\d+$/, "99");
  await bothWays(path(nobody, "complete"), 404);
  await bothWays(path("what", "complete"), 404);
  await bothWays(path(granted.admissionId, "finish"), 404);
  await bothWays(path(granted.admissionId, "complete", { path: "/v1/queues/none" }), 404);
  await bothWays(path(granted.admissionId, "complete", other), 410);
  await bothWays(path(granted.admissionId, "complete"), 401, {
    headers: { authorization: `Bearer ${world.keys.admin}` },
  });
});

test("a token that the platform signed verifies outside of it", async () => {
  const { handoffToken } = await admitted();
  const [{ kty, crv, x }] = (await world.send("/.well-known/jwks.json")).json.keys;
  const key = await crypto.subtle.importKey("jwk", { kty, crv, x }, "Ed25519", false, ["verify"]);
  const [header, claims, signature] = handoffToken.split(".");
  const input = new TextEncoder().encode(`${header}.${claims}`);
  assert.equal(
    await crypto.subtle.verify("Ed25519", key, Buffer.from(signature, "base64url"), input),
    true,
  );
});

test("each driver takes the calls that are its own", async () => {
  // An object out of reach is logged by the driver that asked it, each in words of its own.
  const takes = async (method, path, options) => {
    world.log.length = 0;
    const replies = [];
    for (const spell of [(body) => body, longer]) {
      replies.push(
        await world.send(path, {
          method,
          headers: origin,
          ...options,
          body: spell(options?.body ?? ""),
        }),
      );
    }
    assert.deepEqual(replies.map(({ status }) => status), [503, 503],
      `${path}: ${replies[0].text}`);
    const logged = world.log.filter((message) => message.includes("out of reach"));
    const fast = logged.map((message) => !/^(LANE|QUEUE) /.test(message));
    assert.deepEqual(fast, [true, false], `${path}: ${logged.join("; ")}`);
  };
  const { handoffToken, admissionId } = await admitted();
  const waiting = await queue.enter();
  outage.add("LANE").add("QUEUE");
  await takes("POST", `${queue.path}/enter`, { headers: {} });
  await takes("POST", `${queue.path}/claim`, {
    headers: { authorization: `Bearer ${waiting.ticket}` },
  });
  await takes("POST", "/v1/handoffs/redeem", { body: JSON.stringify({ handoffToken }) });
  for (const action of ["complete", "release", "extend"]) {
    await takes("POST", `${queue.path}/admissions/${admissionId}/${action}`);
  }
  outage.clear();
});
