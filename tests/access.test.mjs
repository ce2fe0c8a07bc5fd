// Who may call as operator or origin, and from where.

import assert from "node:assert/strict";
import { test } from "node:test";

import { sendRaw } from "./support/http.mjs";
import { assertProblem } from "./support/problem.mjs";
import { startWorld } from "./support/world.mjs";

const LAMPS_KEY = "dev-lamps-key";
const keys = (name, key) =>
  JSON.stringify([
    { name, key },
    { name: "lamps", key: LAMPS_KEY, queues: ["lamp-*", "exact"] },
  ]);

const world = await startWorld({
  vars: { ADMIN_KEYS: keys("ops", "dev-admin-key"), ORIGIN_KEYS: keys("shop", "dev-origin-key") },
});
const queue = await world.createSettledQueue({ maxActive: 100 });
const shopper = await queue.enter();

test("an operator's call without a good key is 401, whatever is there", async () => {
  const paths = ["", "/", "/queues", "/x", "/routes", `/queues/${queue.id}`, "/queues/nowhere",
    "/queues/NO!"];
  paths.push(
    ...["pause", "notice", "admissions", "x"].map((action) => `/queues/${queue.id}/${action}`),
  );
  const bad = [undefined, "", "wrong", world.keys.origin, `${world.keys.admin}x`, shopper.ticket];
  for (const path of paths) {
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      const reply = await world.send(`/v1/admin${path}`, { method });
      assertProblem(reply, "UNAUTHORIZED");
    }
  }
  for (const bearer of bad) {
    assertProblem(await world.send("/v1/admin/queues", { bearer }), "UNAUTHORIZED");
    assertProblem(await queue.operate("DELETE", "", { bearer }), "UNAUTHORIZED");
  }
  assert.equal((await queue.operate("GET")).status, 200);
});

test("an origin's call without a good key is 401, whatever is there", async () => {
  const { admissionId } = await (await queue.enter()).admit();
  const paths = [
    "/v1/handoffs/redeem",
    `${queue.path}/admissions/${admissionId}/complete`,
    `${queue.path}/admissions/${admissionId}/refund`,
    `${queue.path}/admissions/x/release`,
    `/v1/queues/nowhere/admissions/${admissionId}/extend`,
    `/v1/queues/NO!/admissions/${admissionId}/extend`,
  ];
  for (const path of paths) {
    for (const bearer of [undefined, "", "wrong", world.keys.admin, shopper.ticket]) {
      assertProblem(await world.send(path, { method: "POST", bearer }), "UNAUTHORIZED");
    }
    for (const method of ["GET", "PUT", "DELETE"]) {
      const reply = await world.send(path, { method });
      assertProblem(reply, "UNAUTHORIZED");
    }
  }
  const [admission] = await queue.admissions("admitted");
  assert.ok(admission, "the admission is untouched");
});

test("an operator's key is good for its own queues only", async () => {
  const lamp = world.queue("lamp-1");
  await lamp.put({ maxActive: 1 });
  const bearer = LAMPS_KEY;
  assert.equal((await lamp.operate("PATCH", "", { bearer, json: { maxActive: 2 } })).status, 200);
  for (const [method, action] of [
    ["GET", ""],
    ["DELETE", ""],
    ["POST", "reset"],
    ["GET", "admissions"],
  ]) {
    assertProblem(await queue.operate(method, action, { bearer }), "FORBIDDEN", "lamps");
  }
  assertProblem(await world.queue("exact-not").operate("PUT", "", { bearer, json: {} }),
    "FORBIDDEN");
  const { queues } = (await world.asOperator("/v1/admin/queues", { bearer })).json;
  assert.deepEqual(queues.map(({ id }) => id), ["lamp-1"]);
});

test("an origin's key is good for its own queues only", async () => {
  const grant = await (await queue.enter()).admit();
  const options = { method: "POST", bearer: LAMPS_KEY };
  const redeem = { ...options, json: { handoffToken: grant.handoffToken } };
  assertProblem(await world.send("/v1/handoffs/redeem", redeem), "FORBIDDEN", "lamps");
  const path = `${queue.path}/admissions/${grant.admissionId}/release`;
  assertProblem(await world.send(path, options), "FORBIDDEN", "lamps");
  assert.equal((await queue.redeem(grant.handoffToken)).status, 200);
});

test("an admission of one queue is none of another's", async () => {
  const other = await world.createQueue();
  const { admissionId } = await (await queue.enter()).checkOut();
  assertProblem(await other.settle("complete", admissionId), "ADMISSION_EXPIRED");
  assert.equal((await queue.settle("complete", admissionId)).status, 200);
});

test("off loopback, development keys do not exist", async () => {
  const headers = { host: "shop.example" };
  const authorized = (key) => ({ headers: { ...headers, authorization: `Bearer ${key}` } });
  const at = (path, options) => sendRaw(world.url + path, options);
  assertProblem(await at("/v1/admin/queues", authorized(world.keys.admin)), "UNAUTHORIZED");
  const redeem = {
    ...authorized(world.keys.origin),
    method: "POST",
    body: '{"handoffToken":"a.b.c"}',
  };
  assertProblem(await at("/v1/handoffs/redeem", redeem), "UNAUTHORIZED");
  assertProblem(await at(`${queue.path}/status`, authorized(shopper.ticket)), "SERVICE_UNAVAILABLE",
    "TICKET_KEYS");
  const enter = { headers, method: "POST", body: "" };
  assertProblem(await at(`${queue.path}/enter`, enter), "SERVICE_UNAVAILABLE", "TICKET_KEYS");
  assertProblem(await at("/.well-known/jwks.json", { headers }), "SERVICE_UNAVAILABLE",
    "HANDOFF_KEYS");
});

test("no host name passes for loopback", async () => {
  const authorization = `Bearer ${world.keys.admin}`;
  for (const host of ["localhost.example", "127.0.0.1.example", "10.0.0.1", "[::2]",
    "localhosts"]) {
    const reply = await sendRaw(`${world.url}/v1/admin/queues`, {
      headers: { host, authorization },
    });
    assertProblem(reply, "UNAUTHORIZED");
  }
  for (const host of ["localhost", "127.0.0.1", "127.1.2.3", "[::1]:8787"]) {
    const reply = await sendRaw(`${world.url}/v1/admin/queues`, {
      headers: { host, authorization },
    });
    assert.equal(reply.status, 200, host);
  }
});

test("what a client says of where it is makes it no loopback", async () => {
  const host = "shop.example";
  // The last is taken by miniflare for the request's own address.
  const claims = {
    "x-forwarded-host": "localhost",
    "x-forwarded-for": "127.0.0.1",
    forwarded: "host=localhost",
    "mf-original-url": `${world.url}/v1/admin/queues`,
  };
  for (const [name, value] of Object.entries(claims)) await isPublic({ host, [name]: value });
  await isPublic({ host, ...claims });
});

test("a request that was forwarded is not of this machine, whatever its host", async () => {
  for (const [name, value] of Object.entries({
    forwarded: "for=192.0.2.1",
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-host": "localhost",
    "x-forwarded-proto": "http",
    "x-real-ip": "127.0.0.1",
    via: "1.1 proxy",
    "cf-connecting-ip": "192.0.2.1",
  })) await isPublic({ host: "localhost:8787", [name]: value });
});

/** Development keys do not exist for requests with these headers, whichever driver takes them. */
async function isPublic(headers) {
  const authorized = (key) => ({ headers: { ...headers, authorization: `Bearer ${key}` } });
  assertProblem(await sendRaw(`${world.url}/v1/admin/queues`, authorized(world.keys.admin)),
    "UNAUTHORIZED");
  // By the address that such a header names, it is another call.
  if (headers["mf-original-url"]) return;
  const status = await sendRaw(`${world.url}${queue.path}/status`, authorized(shopper.ticket));
  assertProblem(status, "SERVICE_UNAVAILABLE", "TICKET_KEYS");
  const redeem = {
    ...authorized(world.keys.origin),
    method: "POST",
    body: '{"handoffToken":"a.b.c"}',
  };
  assertProblem(await sendRaw(`${world.url}/v1/handoffs/redeem`, redeem), "UNAUTHORIZED");
}

test("a signing secret that is missing or bad is named, and nothing is signed", async () => {
  const { TICKET_KEYS, HANDOFF_KEYS } = world.keys.vars;
  const calls = {
    TICKET_KEYS: () => queue.send("enter", { method: "POST" }),
    SHOPPER_KEY: () => queue.send("enter", { method: "POST", json: { entryKey: "0".repeat(32) } }),
    IDENTITY_KEYS: () => queue.send("enter", { method: "POST", json: { identityToken: "a.b.c" } }),
    HANDOFF_KEYS: () => world.send("/.well-known/jwks.json"),
    ADMIN_KEYS: () => queue.operate("GET"),
    ORIGIN_KEYS: () => queue.redeem("a.b.c"),
  };
  const bad = {
    TICKET_KEYS: ["", "[]", "x", '[{"kid":"a","key":"c2hvcnQ"}]',
      TICKET_KEYS.replace("]", `,${TICKET_KEYS.slice(1)}`)],
    SHOPPER_KEY: ["", "c2hvcnQ", "A".repeat(43)],
    IDENTITY_KEYS: ["[]"],
    HANDOFF_KEYS: ["[]", HANDOFF_KEYS.replace("kid", "id")],
    ADMIN_KEYS: ["", "{}"],
    ORIGIN_KEYS: ["", "dev-origin-key"],
  };
  for (const [name, values] of Object.entries(bad)) {
    for (const value of [undefined, ...values]) {
      const { [name]: _, ...others } = { ...world.keys.vars, ISSUER: world.url };
      await world.reload({
        worker: { bindings: value === undefined ? others : { ...others, [name]: value } },
      });
      const reply = await calls[name]();
      assertProblem(reply, "SERVICE_UNAVAILABLE", name);
      if (value) assert.ok(!reply.text.includes(value), "no secret is shown");
    }
  }
});
