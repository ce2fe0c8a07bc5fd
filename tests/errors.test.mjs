// What is wrong with a request itself: its form, its address, its method, its size.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertProblem } from "./support/problem.mjs";
import { newEntryKey } from "./support/queue.mjs";
import { startWorld } from "./support/world.mjs";

const BODY_MAX = 16 * 1024;

const world = await startWorld();
const queue = await world.createQueue();
const entered = await queue.enter();

test("every problem has an id of its own", async () => {
  const [one, other] = [await world.send("/v1/nothing"), await world.send("/v1/nothing")];
  assertProblem(one, "NOT_FOUND");
  assert.notEqual(one.json.requestId, other.json.requestId);
});

test("a body that is not JSON is refused", async () => {
  const bad = { method: "POST", body: "{" };
  assertProblem(await queue.send("enter", bad), "VALIDATION_ERROR", "not JSON");
  assertProblem(await world.asOrigin("/v1/handoffs/redeem", bad), "VALIDATION_ERROR", "not JSON");
  const body = '{"entryKey":"00000000000000000000000000000000"}';
  assert.equal((await queue.send("enter", { method: "POST", body })).status, 200);
  for (const bytes of [`\u{feff}${body}`,
    new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])]) {
    assertProblem(await queue.send("enter", { method: "POST", body: bytes }), "VALIDATION_ERROR",
      "not JSON");
  }
  assertProblem(await queue.operate("PUT", "", { body: "{" }), "VALIDATION_ERROR", "not JSON");
  assertProblem(await queue.operate("PATCH", "", { body: "" }), "VALIDATION_ERROR", "not JSON");
});

test("a body of the wrong shape is refused", async () => {
  for (const json of ["x", 7, null, []]) {
    assertProblem(await queue.operate("PUT", "", { json }), "VALIDATION_ERROR");
    assertProblem(await queue.operate("PATCH", "", { json }), "VALIDATION_ERROR");
    assertProblem(await queue.send("enter", { method: "POST", json }), "VALIDATION_ERROR");
  }
  const positional = { method: "POST", json: [newEntryKey()] };
  assertProblem(await queue.send("enter", positional), "VALIDATION_ERROR");
  const notice = { json: ["info", "Hello"] };
  assertProblem(await queue.operate("PUT", "notice", notice), "VALIDATION_ERROR");
});

test("an unknown field is refused by name", async () => {
  const json = { colour: "red" };
  assertProblem(await queue.send("enter", { method: "POST", json }), "VALIDATION_ERROR", "colour");
  const redeem = { method: "POST", json: { handoffToken: "a.b.c", ...json } };
  assertProblem(await world.asOrigin("/v1/handoffs/redeem", redeem), "VALIDATION_ERROR", "colour");
  const config = { json: { maxActive: 1, ...json } };
  assertProblem(await queue.operate("PUT", "", config), "VALIDATION_ERROR", "colour");
  assertProblem(await queue.operate("PATCH", "", { json }), "VALIDATION_ERROR", "colour");
  const product = { json: { product: { name: "Lamp", path: "/lamp", ...json } } };
  assertProblem(await queue.operate("PATCH", "", product), "VALIDATION_ERROR", "colour");
});

test("an entryKey is 32 lowercase hex digits, and nothing else", async () => {
  const good = newEntryKey();
  for (const entryKey of ["", good.slice(1), `${good}0`, good.toUpperCase().replace(/^./, "A"),
    `${good.slice(1)}g`]) {
    const reply = await queue.send("enter", { method: "POST", json: { entryKey } });
    assertProblem(reply, "VALIDATION_ERROR", "entryKey");
  }
  const number = await queue.send("enter", { method: "POST", json: { entryKey: 7 } });
  assertProblem(number, "VALIDATION_ERROR", "entryKey");
});

test("a configuration's value of the wrong type or out of range is refused by name", async () => {
  const bad = {
    maxActive: [0, -1, 1.5, "50", 100_001, true],
    admitRatePerMinute: [0, 1_000_001, "60"],
    maxAdmissions: [0, -1, 2 ** 53 + 2],
    maxParticipants: [0, "1000"],
    handoffSeconds: [0, 86_401],
    sessionSeconds: [0, 3601],
    maxSessionSeconds: [0, 604_801],
    claimWindowSeconds: [0, 2_592_001],
    lanes: [0, 257, "4"],
    closesAt: [-1, 2 ** 54, "tomorrow"],
    access: ["lottery", 1],
    checkoutUrl: ["", "checkout", "//evil.example", "/a?token=", "https://shop.example/?q",
      "javascript:alert(1)", "/../x", "http://shop.example/checkout"],
    audience: ["", "x".repeat(201), "urn:tidegate:receipt"],
    allowedOrigins: [
      ["*"],
      ["http://shop.example"],
      ["https://shop.example/"],
      ["shop.example"],
      ["null"],
      "https://shop.example",
    ],
    product: [{ name: "Lamp" }, { name: "", path: "/lamp" }, { name: "Lamp", path: "lamp" },
      "Lamp"],
    uniqueBy: ["email"],
    requires: ["turnstile", ["captcha"]],
    beacon: ["coin"],
  };
  for (const [field, values] of Object.entries(bad)) {
    for (const value of values) {
      const reply = await queue.operate("PATCH", "", { json: { [field]: value } });
      assertProblem(reply, "VALIDATION_ERROR", field);
    }
  }
});

test("a refused configuration creates no queue and changes none", async () => {
  const fresh = world.queue("never-made");
  assertProblem(await fresh.operate("PUT", "", { json: { maxActive: 0 } }), "VALIDATION_ERROR");
  assertProblem(await fresh.operate("GET"), "QUEUE_NOT_FOUND");
  const before = (await queue.operate("GET")).json.config;
  assertProblem(await queue.operate("PUT", "", { json: { maxActive: 9, lanes: 0 } }),
    "VALIDATION_ERROR");
  assert.deepEqual((await queue.operate("GET")).json.config, before);
});

test("a queue that would hold nobody back is refused", async () => {
  const says = "admitRatePerMinute or maxActive";
  assertProblem(await world.queue("unlimited").operate("PUT", "", { json: {} }), "VALIDATION_ERROR",
    says);
  assertProblem(await queue.operate("PATCH", "", { json: { maxActive: null } }), "VALIDATION_ERROR",
    says);
});

test("a closing before the opening is refused", async () => {
  const json = { maxActive: 1, opensAt: 2_000, closesAt: 1_000 };
  assertProblem(await world.queue("backwards").operate("PUT", "", { json }), "VALIDATION_ERROR",
    "closesAt");
});

test("what this version does not serve is refused by name, not ignored", async () => {
  const unserved = [
    [{ requires: ["turnstile"] }, "requires"],
    [{ requires: ["proofOfWork"] }, "requires"],
    [{ requires: ["invite"] }, "requires"],
  ];
  for (const [config, field] of unserved) {
    const reply = await world.queue("tomorrow").operate("PUT", "", {
      json: { maxActive: 1, ...config },
    });
    assertProblem(reply, "VALIDATION_ERROR", field);
    assert.match(reply.json.detail, /not served by this version/);
  }
});

test("an impossible queue id is named to the operator, and no queue to a shopper", async () => {
  for (const id of ["Demo", "-x", "a_b", "x".repeat(64)]) {
    const put = await world.asOperator(`/v1/admin/queues/${id}`, {
      method: "PUT",
      json: { maxActive: 1 },
    });
    assertProblem(put, "VALIDATION_ERROR", "queue id");
    assertProblem(await world.send(`/v1/queues/${id}`), "QUEUE_NOT_FOUND");
  }
});

test("a bad notice is refused", async () => {
  const bad = [
    {},
    { level: "info" },
    { level: "loud", text: "Hello" },
    { level: "info", text: "" },
    { level: "info", text: "x".repeat(501) },
    { level: "info", text: "Hello", colour: "red" },
    "Hello",
  ];
  for (const json of bad) {
    assertProblem(await queue.operate("PUT", "notice", { json }), "VALIDATION_ERROR");
  }
  assert.equal((await queue.snapshot()).notice, null);
});

test("a bad filter or page of admissions is refused", async () => {
  assertProblem(await queue.operate("GET", "admissions?state=paid"), "VALIDATION_ERROR", "state");
  assertProblem(await queue.operate("GET", "admissions?after=-1"), "VALIDATION_ERROR", "after");
  assertProblem(await queue.operate("GET", "admissions?after=x"), "VALIDATION_ERROR", "after");
});

test("an Idempotency-Key has 1 to 255 bytes", async () => {
  for (const key of ["", "x".repeat(256)]) {
    assertProblem(await queue.redeem("a.b.c", key), "VALIDATION_ERROR", "Idempotency-Key");
  }
  assertProblem(await queue.redeem("a.b.c", "x".repeat(255)), "UNAUTHORIZED");
});

test("a redemption without a token is refused", async () => {
  const reply = await world.asOrigin("/v1/handoffs/redeem", { method: "POST", json: {} });
  assertProblem(reply, "VALIDATION_ERROR", "handoffToken");
});

test("what nobody answers is not found", async () => {
  for (const path of ["/v1", "/v1/", "/v1/x", "/v1/queues", `${queue.path}/x`,
    `${queue.path}/enter/x`, "/tidegate/x"]) {
    assertProblem(await world.send(path), "NOT_FOUND");
  }
  for (const path of ["/v1/admin", "/v1/admin/x", `/v1/admin/queues/${queue.id}/x`]) {
    assertProblem(await world.asOperator(path), "NOT_FOUND");
  }
});

test("an admission that was never given is not found", async () => {
  const { epoch } = await queue.snapshot();
  for (const id of ["x", `${epoch}-999`, `${epoch}-+0`, `${epoch.toUpperCase()}-0`,
    `${epoch}-${entered.index}`]) {
    assertProblem(await queue.settle("complete", id), "NOT_FOUND", id);
  }
  assertProblem(await queue.settle("refund", `${epoch}-0`), "NOT_FOUND");
});

test("a queue that does not exist is not found, by any call", async () => {
  const nowhere = world.queue("nowhere");
  const replies = [
    await nowhere.send(""),
    await nowhere.send("enter", { method: "POST" }),
    await nowhere.send("status"),
    await nowhere.send("claim", { method: "POST" }),
    await nowhere.send("leave", { method: "DELETE" }),
    await nowhere.operate("GET"),
    await nowhere.operate("PATCH", "", { json: { maxActive: 2 } }),
    await nowhere.operate("DELETE"),
    await nowhere.operate("POST", "pause"),
    await nowhere.operate("GET", "admissions"),
    await nowhere.settle("complete", `${"0".repeat(32)}-0`),
    await world.send("/queue/nowhere"),
  ];
  for (const reply of replies) assertProblem(reply, "QUEUE_NOT_FOUND", "nowhere");
});

test("a method that is not allowed is refused, and the answer names those that are", async () => {
  const cases = [
    ["POST", queue.path, "GET, HEAD"],
    ["GET", `${queue.path}/enter`, "POST"],
    ["POST", `${queue.path}/status`, "GET, HEAD"],
    ["GET", `${queue.path}/claim`, "POST"],
    ["POST", `${queue.path}/leave`, "DELETE"],
    ["OPTIONS", `${queue.path}/enter`, "POST"],
    ["POST", "/.well-known/jwks.json", "GET, HEAD"],
    ["POST", `/queue/${queue.id}`, "GET, HEAD"],
    ["GET", `/queue/${queue.id}/enter`, "POST"],
  ];
  for (const [method, path, allow] of cases) {
    const reply = await world.send(path, { method });
    assertProblem(reply, "METHOD_NOT_ALLOWED");
    assert.equal(reply.headers.get("allow"), allow, `${method} ${path}`);
  }
});

test("to operator and origin, a refused method's answer names those that are allowed", async () => {
  const own = `/v1/admin/queues/${queue.id}`;
  const cases = [
    ["POST", "/v1/admin/queues", "GET, HEAD"],
    ["POST", own, "GET, HEAD, PUT, PATCH, DELETE"],
    ["GET", `${own}/pause`, "POST"],
    ["POST", `${own}/notice`, "PUT"],
    ["POST", `${own}/admissions`, "GET, HEAD"],
  ];
  for (const [method, path, allow] of cases) {
    const reply = await world.asOperator(path, { method, ...(method === "POST" && { json: {} }) });
    assertProblem(reply, "METHOD_NOT_ALLOWED");
    assert.equal(reply.headers.get("allow"), allow, `${method} ${path}`);
  }
  for (const path of ["/v1/handoffs/redeem", `${queue.path}/admissions/x/complete`]) {
    const reply = await world.asOrigin(path);
    assertProblem(reply, "METHOD_NOT_ALLOWED");
    assert.equal(reply.headers.get("allow"), "POST", path);
  }
});

test("a body over 16 KiB is refused, whether or not it says its length", async () => {
  const large = JSON.stringify({ entryKey: newEntryKey(), invite: "x".repeat(BODY_MAX) });
  const streamed = () => new Blob([large]).stream();
  for (const body of [large, streamed()]) {
    assertProblem(await queue.send("enter", { method: "POST", body }), "PAYLOAD_TOO_LARGE");
  }
  for (const body of [large, streamed()]) {
    assertProblem(await world.asOrigin("/v1/handoffs/redeem", { method: "POST", body }),
      "PAYLOAD_TOO_LARGE");
  }
  for (const body of [large, streamed()]) {
    assertProblem(await queue.operate("PATCH", "", { body }), "PAYLOAD_TOO_LARGE");
  }
  for (const body of [large, streamed()]) {
    const form = await world.send(`/queue/${queue.id}/enter`, { method: "POST", body });
    assertProblem(form, "PAYLOAD_TOO_LARGE");
  }
});

test("a body of exactly 16 KiB is taken", async () => {
  const rest = JSON.stringify({ entryKey: newEntryKey(), invite: "" }).length;
  const body = JSON.stringify({ entryKey: newEntryKey(), invite: "x".repeat(BODY_MAX - rest) });
  assert.equal(body.length, BODY_MAX);
  assert.equal((await queue.send("enter", { method: "POST", body })).status, 200);
});
