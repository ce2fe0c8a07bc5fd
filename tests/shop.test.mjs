// The merchant's shop behind the edge: what is cached, and for how long, and what is served while
// the shop is down.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { sendRaw } from "./support/http.mjs";
import { startOrigin } from "./support/origin.mjs";
import { assertProblem } from "./support/problem.mjs";
import { forEachAtOnce, until } from "./support/until.mjs";
import { startWorld } from "./support/world.mjs";

const HTML = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

const origin = await startOrigin();
const world = await startWorld({ originUrl: origin.url });

const { page } = origin;

/** Asks until the page comes from the cache: it is put there after the answer went out. */
const untilStored = (path) =>
  until(`${path} is stored`, async () =>
    (await world.send(path)).headers.get("x-tidegate-cache") === "HIT");

test("a product page is fetched once for many visitors", async () => {
  const path = page({ body: "<h1>Lamp</h1>" });
  const first = await world.send(path);
  assert.equal(first.text, "<h1>Lamp</h1>");
  assert.equal(first.headers.get("x-tidegate-cache"), "MISS");
  await untilStored(path);
  const asked = origin.asked(path).length;
  const replies = await forEachAtOnce(Array.from({ length: 100 }), 20, () => world.send(path));
  for (const reply of replies) {
    assert.equal(reply.text, "<h1>Lamp</h1>");
    assert.equal(reply.headers.get("content-type"), "text/html; charset=utf-8");
    assert.equal(reply.headers.get("x-tidegate-cache"), "HIT");
  }
  assert.equal(origin.asked(path).length, asked);
});

test("addresses that mean the same page share it, and others do not", async () => {
  const path = page((request) => ({
    body: `size ${new URLSearchParams(request.url.split("?")[1]).get("size")}`,
  }));
  await untilStored(`${path}?size=m&colour=red`);
  const asked = origin.asked(path).length;
  const same = [
    "colour=red&size=m",
    "utm_source=mail&size=m&utm_campaign=x&colour=red",
    "gclid=1&size=m&colour=red&fbclid=2",
  ];
  for (const query of same) {
    const reply = await world.send(`${path}?${query}`);
    assert.equal(reply.text, "size m");
    assert.equal(reply.headers.get("x-tidegate-cache"), "HIT", query);
  }
  assert.equal(origin.asked(path).length, asked);
  for (const [query, text] of [
    ["colour=red&size=l", "size l"],
    ["size=m", "size m"],
    ["", "size null"],
  ]) {
    assert.equal((await world.send(`${path}?${query}`)).text, text);
  }
  assert.equal(origin.asked(path).length, asked + 3);
});

test("what two visitors' links differ in reaches neither shop nor shared page", async () => {
  const path = page((request) => ({ body: `you asked for ${request.url}` }));
  const marked = await world.send(`${path}?size=m&utm_source=<script>&fbclid=somebody`);
  assert.equal(marked.text, `you asked for ${path}?size=m`);
  await untilStored(`${path}?size=m`);
  assert.equal((await world.send(`${path}?size=m`)).text, `you asked for ${path}?size=m`);
});

test("a page without a word about caching is kept five minutes, with an entity tag", async () => {
  const path = page({ body: "plain" });
  for (const reply of [await world.send(path),
    await untilStored(path).then(() => world.send(path))]) {
    assert.equal(reply.headers.get("cache-control"),
      "public, max-age=300, stale-while-revalidate=600");
    assert.match(reply.headers.get("etag"), /^"[^"]+"$/);
    assert.match(reply.headers.get("age"), /^\d+$/);
  }
});

test("the shop's own word about caching and its entity tag are passed on", async () => {
  const told = "public, max-age=60, s-maxage=600";
  const path = page({
    body: "mine",
    headers: { "cache-control": told, etag: '"v7"', "x-shop": "lamp" },
  });
  for (const reply of [await world.send(path),
    await untilStored(path).then(() => world.send(path))]) {
    assert.equal(reply.headers.get("cache-control"), told);
    assert.equal(reply.headers.get("etag"), '"v7"');
    assert.equal(reply.headers.get("x-shop"), "lamp");
  }
});

test("a browser that has the page already gets 304", async () => {
  const path = page({ body: "same" });
  await untilStored(path);
  const etag = (await world.send(path)).headers.get("etag");
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const reply = await world.send(path, { headers: { "if-none-match": known } });
    assert.equal(reply.status, 304, known);
    assert.equal(reply.text, "");
    assert.equal(reply.headers.get("etag"), etag);
  }
  assert.equal((await world.send(path, { headers: { "if-none-match": '"other"' } })).status, 200);
});

test("HEAD is answered from the cache, without a body", async () => {
  const path = page({ body: "head" });
  await untilStored(path);
  const asked = origin.asked(path).length;
  const reply = await world.send(path, { method: "HEAD" });
  assert.equal(reply.status, 200);
  assert.equal(reply.text, "");
  assert.equal(reply.headers.get("x-tidegate-cache"), "HIT");
  assert.equal(origin.asked(path).length, asked);
});

test("HEAD of a page that is not stored reaches the shop as HEAD, and stores nothing", async () => {
  const path = page({ body: "whole" });
  assert.equal((await world.send(path, { method: "HEAD" })).status, 200);
  assert.deepEqual(origin.asked(path).map(({ method }) => method), ["HEAD"]);
  assert.equal((await world.send(path)).text, "whole");
});

test("a page is fetched anew when its time is over", async () => {
  let count = 0;
  const path = page(() => ({
    body: `edition ${++count}`,
    headers: { "cache-control": "public, max-age=1" },
  }));
  await untilStored(path);
  const stored = count;
  const reply = await until("a new edition", async () => {
    const answer = await world.send(path);
    return answer.text !== `edition ${stored}` && answer;
  });
  assert.equal(reply.text, `edition ${stored + 1}`);
});

test("a page that the shop compresses arrives readable, from shop and cache", async () => {
  const body = gzipSync("<h1>Lamp</h1>".repeat(100));
  const answer = { body, headers: { "content-encoding": "gzip", vary: "Accept-Encoding" } };
  for (const path of [page(answer), page(answer, "/checkout")]) {
    for (let visit = 0; visit < 3; visit++) {
      const reply = await world.send(path);
      assert.equal(reply.text, "<h1>Lamp</h1>".repeat(100));
    }
  }
});

test("two addresses of the edge never share a page, not even two ports of one host", async () => {
  const path = page((request) => ({ body: `at ${request.headers["x-forwarded-host"]}` }));
  await untilStored(path);
  for (const host of ["shop.example", "other.example", "shop.example:8443", "shop.example:2053"]) {
    for (let visit = 0; visit < 2; visit++) {
      assert.equal((await sendRaw(world.url + path, { headers: { host } })).text, `at ${host}`);
    }
  }
});

test("every answer has the security headers, the shop's too", async () => {
  const path = page({ body: "safe" });
  const said = { "x-frame-options": "SAMEORIGIN", "content-security-policy": "default-src 'self'" };
  const own = page({ body: "own", headers: said });
  const queue = await world.createQueue();
  const replies = [
    await world.send(path),
    await untilStored(path).then(() => world.send(path)),
    await world.send(path, { headers: { "if-none-match": "*" } }),
    await world.send(page({ status: 404, body: "none" })),
    await world.send(page({ body: "basket" }, "/cart")),
    await world.send("/v1/nothing"),
    await world.send(`/queue/${queue.id}`),
    await world.send("/.well-known/jwks.json"),
  ];
  for (const { headers } of replies) {
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("x-frame-options"), "DENY");
    assert.ok(headers.get("content-security-policy").includes("frame-ancestors 'none'"));
    // These say what a document may do.
    const isJson = /json/.test(headers.get("content-type"));
    for (const name of ["referrer-policy", "permissions-policy"]) {
      assert.equal(headers.has(name), !isJson, name);
    }
    assert.ok(headers.get("x-request-id"));
  }
  // One answer for everybody: it names no request.
  const { headers: public_ } = await queue.send("");
  for (const name of ["x-content-type-options", "x-frame-options", "content-security-policy"]) {
    assert.ok(public_.get(name));
  }
  const kept = await world.send(own);
  for (const [name, value] of Object.entries(said)) assert.equal(kept.headers.get(name), value);
});

const NEVER_STORED = {
  "sets a cookie": { headers: { "set-cookie": "cart=1" } },
  "is private": { headers: { "cache-control": "private, max-age=60" } },
  "is no-store": { headers: { "cache-control": "no-store" } },
  "is no-cache": { headers: { "cache-control": "public, no-cache" } },
  "is fresh for no time": { headers: { "cache-control": "max-age=0" } },
  "varies by cookie": { headers: { vary: "Accept-Encoding, Cookie" } },
  "varies by everything": { headers: { vary: "*" } },
  "varies by language": { headers: { vary: "Accept-Language" } },
  "is not found": { status: 404 },
  "is an error": { status: 500 },
  "is a redirect": { status: 302, headers: { location: "/elsewhere" } },
};

for (const [what, answer] of Object.entries(NEVER_STORED)) {
  test(`a page that ${what} is never stored`, async () => {
    let count = 0;
    const path = page(() => ({ ...answer, body: `visit ${++count}` }));
    for (let visit = 1; visit <= 3; visit++) {
      const reply = await world.send(path);
      assert.equal(reply.status, answer.status ?? 200);
      assert.equal(reply.text, `visit ${visit}`);
      assert.notEqual(reply.headers.get("x-tidegate-cache"), "HIT");
    }
    assert.equal(origin.asked(path).length, 3);
  });
}

test("a large answer arrives whole, and is not kept", async () => {
  const body = randomBytes(3 * 1024 * 1024).toString("hex");
  const streamed = page({ body, headers: { "transfer-encoding": "chunked" } });
  const announced = page({ body, headers: { "content-length": String(body.length) } });
  for (const path of [streamed, announced]) {
    for (let visit = 0; visit < 2; visit++) {
      const reply = await world.send(path);
      assert.equal(reply.status, 200);
      assert.ok(reply.text === body, "the body differs");
    }
    assert.equal(origin.asked(path).length, 2);
  }
});

test("with the shop down, a stored page is still served, and the rest can be retried", async () => {
  const shop = await startOrigin();
  const own = await startWorld({ originUrl: shop.url });
  await until("the page is stored",
    async () => (await own.send("/lamp")).headers.get("x-tidegate-cache") === "HIT");
  await shop.stop();
  assert.equal((await own.send("/lamp")).text, "<p>/lamp</p>");
  assertProblem(await own.send("/other"), "SERVICE_UNAVAILABLE", "shop");
  assertProblem(await own.send("/checkout", { method: "POST", body: "x" }), "SERVICE_UNAVAILABLE",
    "shop");
  const shown = await own.send("/other", { accept: HTML });
  assert.equal(shown.status, 503);
  assert.match(shown.headers.get("content-type"), /^text\/html/);
  assert.match(shown.headers.get("retry-after"), /^\d+$/);
  assert.equal(shown.headers.get("cache-control"), "no-store");
  assert.ok(shown.text.includes(shown.headers.get("x-request-id")));
  const queue = await own.createQueue();
  assert.equal((await queue.enter()).index, 0, "the line goes on");
});

test("an origin that is no address is named", async () => {
  const own = await startWorld({ originUrl: "shop" });
  assertProblem(await own.send("/lamp"), "SERVICE_UNAVAILABLE", "ORIGIN_URL");
});
