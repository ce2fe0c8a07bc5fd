// The page /verify as the platform serves it, beside the Worker: its headers, and that no other
// path is answered, or led elsewhere, by it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { openEntered, openShopper, startBrowser } from "./support/browser.mjs";
import { makeOpening, recordedBeacon } from "./support/opening.mjs";
import { startOrigin } from "./support/origin.mjs";
import { assertProblem } from "./support/problem.mjs";
import { Shopper, succeeded } from "./support/queue.mjs";
import { startWorld } from "./support/world.mjs";

const origin = await startOrigin();
const world = await startWorld({ originUrl: origin.url });
const browser = await startBrowser();
const later = () => Date.now() + 3_600_000;
// Before the opening the audit is refused, which a browser complains of.
const REFUSED = /Failed to load resource/;

/** The page to which the room's link leads, in a tab of its own. */
async function checkFromRoom(shopper) {
  const opened = shopper.context.waitForEvent("page");
  await shopper.page.getByRole("link", { name: /order was fair|what is promised/ }).click();
  return opened;
}

test("the page and its script come with headers that let nothing else in", async () => {
  for (const [path, type] of [
    ["/verify", /^text\/html/],
    ["/verify?queue=demo", /^text\/html/],
    ["/tidegate/verify/built/page.js", /^text\/javascript/],
    ["/tidegate/verify/built/worker.js", /^text\/javascript/],
    ["/tidegate/verify/page.css", /^text\/css/],
  ]) {
    const { status, headers, text } = await world.send(path);
    assert.equal(status, 200, path);
    assert.match(headers.get("content-type"), type);
    const policy = headers.get("content-security-policy");
    assert.match(policy, /^default-src 'none'; script-src 'self';/);
    assert.ok(!/unsafe|\*|data:|blob:/.test(policy), policy);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("referrer-policy"), "no-referrer");
    assert.match(headers.get("permissions-policy"), /camera=\(\)/);
    assert.match(headers.get("cache-control"), /must-revalidate/,
      "a deploy's page and script belong together");
    if (type.test("text/html")) {
      assert.doesNotMatch(text, /<script(?![^>]* src=)|<style| style=| on\w+=/);
    }
    const head = await world.send(path, { method: "HEAD" });
    assert.deepEqual([head.status, head.text], [200, ""], path);
  }
  assert.equal(origin.requests.length, 0);
});

test("the shop's own paths reach it as they were asked for", async () => {
  for (const [method, path] of [
    ["GET", "/"],
    ["GET", "/index.html"],
    ["GET", "/products/"],
    ["GET", "/products"],
    ["GET", "/_headers"],
    ["GET", "/verified"],
    ["GET", "/verify/me"],
    ["POST", "/cart/add/"],
    ["PUT", "/cart/add"],
    ["DELETE", "/cart/"],
  ]) {
    const before = origin.asked(path).length;
    const { status, text, headers } = await world.send(path, { method });
    assert.deepEqual([status, text, headers.get("location")], [200, `<p>${path}</p>`, null],
      `${method} ${path}`);
    assert.equal(origin.asked(path).length, before + 1);
    assert.equal(origin.asked(path).at(-1).method, method);
  }
});

test("what is not there, and Tidegate's other paths, are answered by the Worker", async () => {
  for (const path of ["/tidegate/verify/built/none.js", "/tidegate/verify/", "/tidegate/",
    "/v1/none", "/queue/none/none/none"]) {
    assertProblem(await world.send(path), "NOT_FOUND");
  }
  assert.equal((await world.send("/.well-known/jwks.json")).json.keys.length, 1);
});

test("a page of this site that is written to is refused", async () => {
  for (const method of ["POST", "PUT", "DELETE"]) {
    assert.equal((await world.send("/verify", { method })).status, 405, method);
  }
});

test("the page checks an opening as it is served, pairing and all", async () => {
  const drawn = makeOpening({ ...recordedBeacon(1001), entrants: 40, access: "draw" });
  const shopper = await openShopper(browser, { bears: REFUSED });
  const answering = (body) => (route) => route.fulfill({ contentType: "application/json", body });
  await shopper.context.route("**/audit?page=0", answering(JSON.stringify(drawn.audit)));
  await shopper.context.route("**/audit/proof", answering(JSON.stringify(drawn.proof(11))));
  await shopper.context.route("**/jwks.json", answering(drawn.jwks()));
  await shopper.page.goto(`${world.url}/verify?queue=demo`);
  await shopper.page.locator("#verdict.verified").waitFor();
  assert.equal(await shopper.page.locator("#checks .ok").count(), 10, "all but a receipt");
  assert.deepEqual(await shopper.barriers(), []);
});

test("a shopper checks their own place from the room, with their receipt", async () => {
  const queue = await world.createQueue({ maxActive: 1, lanes: 4, opensAt: later() });
  const enter = async () => {
    const { ticket, receipt } = succeeded(await queue.send("enter", { method: "POST", json: {} }));
    return Object.assign(new Shopper(queue, ticket), { receipt });
  };
  const entrants = await Promise.all(Array.from({ length: 40 }, enter));
  await queue.patch({ opensAt: null });
  const mine = entrants[7];
  const { position } = (await mine.status()).json;
  const shopper = await openEntered(browser, mine);
  const page = await checkFromRoom(shopper);
  await page.locator("#verdict.verified").waitFor();
  assert.equal(await page.textContent("#own b"), String(position));
  const buffer = Buffer.from(JSON.stringify(mine.receipt));
  await page.setInputFiles("#chosen", {
    name: "receipt.json",
    mimeType: "application/json",
    buffer,
  });
  await page.locator('#checks [data-name="receipt"].ok').waitFor();
  await page.locator("#verdict.verified").waitFor();
  // All but public randomness, which this queue does not use.
  assert.equal(await page.locator("#checks .ok").count(), 10);
});

test("the room keeps the receipt of who joins there, and the page checks it", async () => {
  const queue = await world.createQueue({ maxActive: 1, opensAt: later() });
  const shopper = await openShopper(browser, { bears: REFUSED });
  await shopper.page.goto(`${world.url}/queue/${queue.id}`);
  await shopper.page.getByRole("button", { name: "Join the queue" }).click();
  await shopper.page.locator("#state h2", { hasText: "You are in" }).waitFor();
  await queue.patch({ opensAt: null });
  await shopper.page.goto(`${world.url}/verify?queue=${queue.id}`);
  await shopper.page.locator('#checks [data-name="receipt"].ok').waitFor();
  await shopper.page.locator("#verdict.verified").waitFor();
});

test("before the opening the room leads to what was committed to", async () => {
  const queue = await world.createQueue({ maxActive: 1, opensAt: later() });
  const { shuffle } = await queue.snapshot();
  const shopper = await openEntered(browser, await queue.enter(), { bears: REFUSED });
  const page = await checkFromRoom(shopper);
  await page.getByRole("heading", { name: "Too early" }).waitFor();
  assert.equal(await page.textContent("#promised code"), shuffle.commitment);
});

test("a queue that was open from the start had nobody to shuffle", async () => {
  const queue = await world.createQueue();
  const shopper = await openShopper(browser, { bears: REFUSED });
  await shopper.page.goto(`${world.url}/verify?queue=${queue.id}`);
  await shopper.page.getByRole("heading", { name: "Nobody to shuffle" }).waitFor();
});
