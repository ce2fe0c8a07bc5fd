// The waiting room's pages in a real browser, and a stand-in for the Worker that answers what a
// test tells it to. A test file that imports this has one shopper's `page` for each of its tests.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test as declare } from "node:test";
import { chromium } from "playwright-core";

const LIMIT = { timeout: 30_000 };
export const test = (name, body, limit = LIMIT) => declare(name, limit, body);

export const NOW = Date.UTC(2026, 10, 21, 14, 5, 9);
export const POLL = { pollAfterMs: 1000, phase: "open", serverTime: NOW, stale: false };
export const QUEUED = {
  ...POLL,
  status: "QUEUED",
  position: 10000,
  ahead: 312,
  boarding: 9677,
  estimatedWaitSeconds: 300,
  waitKnown: true,
  waitRange: { atLeastSeconds: 240, atMostSeconds: 360 },
};
export const READY = { ...POLL, status: "READY", position: 10000, collect: false };
export const SEALING = { ...POLL, status: "WAITING", phase: "sealing" };
export const RESERVE = { ...POLL, status: "RESERVE", position: 1704, rank: 1204 };
export const GRANTED = {
  status: "GRANTED",
  admissionId: "a-1",
  handoffToken: "secret-token",
  expiresAt: NOW,
  checkoutUrl: "/checkout",
};
export const unavailable = { code: 503, body: { code: "SERVICE_UNAVAILABLE" } };
export const refusal = (code, name) => ({ code, body: { code: name } });

export let folder, browser, base, page;
export let answers; // by call: a list, of which the last stays
export let calls; // what was asked: {at, call, body, type}
export let complaints; // what the browser's console says is wrong
let server, context;
let room; // which state's page the room is

export const count = (call) => calls.filter((one) => one.call === call).length;
export const only = (call) => calls.find((one) => one.call === call);

function serve(request, response) {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", async () => {
    const path = request.url;
    const headers = {
      "cache-control": "no-store",
      "content-security-policy": readFileSync(join(folder, "policy.txt"), "utf8"),
    };
    if (path.startsWith("/tidegate/")) {
      const type =
        { css: "text/css", js: "text/javascript", svg: "image/svg+xml" }[path.split(".").pop()];
      return response.writeHead(200, { "content-type": type }).end(
        readFileSync(join(folder, path)),
      );
    }
    const call = `${request.method} ${path.replace("/v1/queues/demo/", "")}`;
    calls.push({ at: Date.now(), call, body, type: request.headers["content-type"] });
    if (path === "/queue/demo" && request.method === "GET") {
      const html = readFileSync(join(folder, `${room}.html`), "utf8").replace(/poll-after-ms="\d+"/,
        'poll-after-ms="20"');
      return response.writeHead(200, { ...headers, "content-type": "text/html" }).end(html);
    }
    if (!path.startsWith("/v1/")) {
      return response.writeHead(200, { "content-type": "text/html" }).end(
        "<title>elsewhere</title>",
      );
    }
    const list = answers[call] ?? [unavailable];
    let answer = list.length > 1 ? list.shift() : list[0];
    if (typeof answer === "function") answer = await answer();
    if (answer === "hang up") return request.socket.destroy();
    const { code = 200, after: retry, body: reply = answer } = answer;
    response.writeHead(code, {
      ...headers,
      "content-type": "application/json",
      ...(retry && { "retry-after": retry }),
    });
    response.end(JSON.stringify(reply));
  });
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "tidegate-pages-"));
  execFileSync("cargo", ["run", "--quiet", "--package", "tidegate-pages", "--example", "preview",
    "--", folder]);
  server = createServer(serve).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  base = `http://127.0.0.1:${server.address().port}`;
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox"],
  });
});

after(async () => {
  await browser?.close();
  server?.close();
  rmSync(folder, { recursive: true });
});

beforeEach(async () => {
  [answers, calls, complaints] = [{}, [], []];
  context = await browser.newContext({
    viewport: { width: 390, height: 844 },
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
  });
  page = await context.newPage();
  page.setDefaultTimeout(8000);
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // A refused or broken request is part of many tests.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      complaints.push(message.text());
    }
  });
});

afterEach(async () => {
  await context.close();
  assert.deepEqual(complaints, []);
}, LIMIT);

/** From now on the room is the page of this state, and `calls` counts anew. */
export function become(state) {
  [room, calls] = [state, []];
}

export async function visit(state, told) {
  [room, answers] = [state, told];
  await page.goto(`${base}/queue/demo`);
}

// A page that goes on to another is let finish: closing it half-way can hang the browser.
export const reaches = async (path, times = 1) => {
  await until(() => count(`POST ${path}`) === times);
  await page.waitForURL(base + path);
};
export const sees = (text) => page.locator("main").getByText(text).first().waitFor();
export const until = async (condition) => {
  for (let tries = 0; tries < 400; tries += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(`in 8 s not: ${condition}`);
};
