// What passes through the edge to the merchant's shop as it was sent, what never reaches the shop,
// and what of its answers reaches one shopper alone.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";

import { sendRaw } from "./support/http.mjs";
import { startOrigin } from "./support/origin.mjs";
import { assertProblem } from "./support/problem.mjs";
import { startWorld } from "./support/world.mjs";

const origin = await startOrigin();
const world = await startWorld({ originUrl: origin.url });
const { page } = origin;

test("a page that everybody may see is fetched without anybody's cookies", async () => {
  const path = page({ body: "public" });
  const headers = { "x-forwarded-for": "192.0.2.1", "accept-language": "de" };
  const reply = await world.send(path, { cookies: { session: "secret", cart: "3" }, headers });
  assert.equal(reply.text, "public");
  for (const { headers } of origin.asked(path)) {
    assert.equal(headers.cookie, undefined);
    assert.equal(headers["accept-language"], undefined, "what would make it somebody's own page");
  }
});

test("a personal page reaches the shop with the cookies of who asks", async () => {
  const path = page((request) => ({
    body: `Hello ${request.headers.cookie ?? "stranger"}`,
    headers: { "cache-control": "private" },
  }));
  for (const name of ["ann", "bob", "ann"]) {
    assert.equal((await world.send(path, { cookies: { session: name } })).text,
      `Hello session=${name}`);
  }
  assert.equal((await world.send(path)).text, "Hello stranger");
});

test("the cookies that a personal page sets reach who asked, and nobody else", async () => {
  const path = page((request) => ({
    body: "cart",
    headers: { "set-cookie": [`seen=${request.headers.cookie ?? "nobody"}; Path=/`, "second=2"] },
  }));
  const reply = await world.send(path, { cookies: { session: "ann" } });
  assert.equal(reply.cookies.seen.value, "session=ann");
  assert.equal(reply.cookies.second.value, "2");
  assert.equal((await world.send(path)).cookies.seen.value, "nobody");
});

test("a request with Authorization passes through, and its answer is never shared", async () => {
  const path = page((request) => ({ body: `for ${request.headers.authorization ?? "all"}` }));
  for (const key of ["Basic YTpi", "Bearer x"]) {
    const reply = await world.send(path, { headers: { authorization: key } });
    assert.equal(reply.text, `for ${key}`);
    assert.equal(reply.headers.get("x-tidegate-cache"), "PASS");
  }
  assert.equal((await world.send(path)).text, "for all");
});

test("a request for a range passes through", async () => {
  const path = page((request) => ({ status: 206, body: `range ${request.headers.range}` }));
  const reply = await world.send(path, { headers: { range: "bytes=0-3" } });
  assert.equal(reply.text, "range bytes=0-3");
  assert.equal(reply.status, 206);
});

test("Tidegate's own cookies and headers never reach the shop", async () => {
  const cookies = {
    "__Host-tidegate-demo": "a.b.c",
    session: "ann",
    "__Host-tidegate-pass-demo": "d.e.f",
    cart: "3",
  };
  const headers = { "x-tidegate-admission": "forged", "X-Tidegate-Anything": "1" };
  const paths = [
    page({ body: "public" }),
    page({ body: "mine", headers: { "cache-control": "private" } }),
    page({ body: "pay" }, "/checkout"),
  ];
  for (const path of paths) {
    assert.equal((await world.send(path, { cookies, headers })).status, 200);
    for (const { headers: seen } of origin.asked(path)) {
      assert.deepEqual(Object.keys(seen).filter((name) => name.startsWith("x-tidegate")), []);
      assert.ok([undefined, "session=ann; cart=3"].includes(seen.cookie), seen.cookie);
    }
  }
  assert.equal(origin.asked(paths[2])[0].headers.cookie, "session=ann; cart=3");
});

test("a checkout passes as it was sent: method, body, cookies, headers, query", async () => {
  const answer = {
    status: 201,
    body: "ordered",
    headers: { "set-cookie": "order=7; Path=/", "x-shop": "lamp" },
  };
  const path = page(answer, "/checkout");
  const body = randomBytes(50_000);
  for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
    const reply = await world.send(`${path}?step=2&utm_source=x`, {
      method,
      body,
      cookies: { session: "ann" },
      from: world.url,
      headers: { "content-type": "application/octet-stream", "x-client": "sdk" },
    });
    assert.equal(reply.status, 201);
    assert.equal(reply.text, "ordered");
    assert.equal(reply.cookies.order.value, "7");
    assert.equal(reply.headers.get("x-shop"), "lamp");
    const seen = origin.asked(path).at(-1);
    assert.equal(seen.method, method);
    assert.equal(seen.url, `${path}?step=2&utm_source=x`);
    assert.ok(seen.body.equals(body));
    assert.equal(seen.headers.cookie, "session=ann");
    assert.equal(seen.headers.origin, world.url);
    assert.equal(seen.headers["content-type"], "application/octet-stream");
    assert.equal(seen.headers["x-client"], "sdk");
    assert.equal(seen.headers["x-forwarded-host"], new URL(world.url).host);
    assert.equal(seen.headers["x-forwarded-proto"], "http");
  }
});

test("no spelling of the checkout's path gets into the cache", async () => {
  const plain = ["/checkout", "/Checkout", "/CHECKOUT/step", "/%63heckout"];
  const odd = ["//checkout", "/checkout%2Fx", "/./checkout", "/x/../checkout", "/checkout;x=1",
    "/\\checkout"];
  for (const path of [...plain, ...odd]) {
    for (let visit = 0; visit < 2; visit++) {
      const reply = await sendRaw(world.url, { path });
      assert.equal(reply.headers.get("x-tidegate-cache"), "PASS", path);
    }
  }
});

test("posts of any path reach the shop and are never stored", async () => {
  const path = page((request) => ({ body: `${request.method} ${request.body}` }));
  for (const body of ["a", "b"]) {
    assert.equal((await world.send(path, { method: "POST", body })).text, `POST ${body}`);
  }
  assert.equal((await world.send(path)).text, "GET ");
});

test("a redirect to the shop's own address leads through the edge", async () => {
  const cases = [
    [`${origin.url}/orders/7?x=1#top`, "/orders/7?x=1#top"],
    ["/relative", "/relative"],
    ["next", "next"],
    ["https://pay.example/7", "https://pay.example/7"],
    [`${origin.url}1/x`, `${origin.url}1/x`],
  ];
  for (const prefix of ["/page", "/checkout"]) {
    for (const [location, expected] of cases) {
      const reply = await world.send(page({ status: 303, headers: { location } }, prefix));
      assert.equal(reply.status, 303);
      assert.equal(reply.headers.get("location"), expected);
    }
  }
});

test("an address that only ends like one of Tidegate's calls is the shop's", async () => {
  const queue = await world.createQueue();
  const call = `/v1/queues/${queue.id}`;
  // Once everything that these calls need is in memory.
  const shopper = await queue.enter();
  await shopper.admit();
  const { entered } = await queue.snapshot();
  const mine = { cookies: { [queue.cookieName]: shopper.ticket } };

  for (const path of [`/search?next=${call}`, `/products${call}`, `/account?back=${call}/status`,
    `/x${call}/status`]) {
    const reply = await world.send(path, mine);
    assert.ok(reply.headers.get("x-tidegate-cache"),
      `${path} is not answered by the shop: ${reply.text.slice(0, 200)}`);
  }
  for (const path of [`/cart?back=${call}/enter`, `/basket${call}/enter`,
    `/checkout?next=${call}/claim`]) {
    const [plain] = path.split("?");
    const before = origin.asked(plain).length;
    const reply = await world.send(path, {
      method: "POST",
      from: world.url,
      bearer: path.endsWith("claim") ? shopper.ticket : undefined,
    });
    assert.equal(reply.cookies[queue.cookieName], undefined, path);
    assert.equal(reply.json?.handoffToken, undefined, path);
    assert.equal(origin.asked(plain).length, before + 1, path);
  }
  assertProblem(await world.send(`/v1/admin/queues?x=${call}`), "UNAUTHORIZED");
  assertProblem(await world.send(`${call}/leave?x=${call}/enter`, { method: "POST" }),
    "METHOD_NOT_ALLOWED");
  assert.equal((await queue.snapshot()).entered, entered);
});
