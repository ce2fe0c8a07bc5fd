// The pages that are files, /verify and /fairness, in a real browser, beside a shop that answers
// what a test tells it to. A test file that imports this has one visitor's `page` for each of its
// tests.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { after, afterEach, before, beforeEach, test as declare } from "node:test";
import { chromium } from "playwright-core";

const LIMIT = { timeout: 60_000 };
export const test = (name, body) => declare(name, LIMIT, body);

const STATIC = join(import.meta.dirname, "../static");
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css",
  ".js": "text/javascript",
  ".svg": "image/svg+xml",
};
const HEADERS = Object.fromEntries(
  readFileSync(join(STATIC, "_headers"), "utf8").split("\n").flatMap(
    (line) => (line.startsWith("  ") ? [line.trim().split(/: (.*)/).slice(0, 2)] : []),
  ),
);
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

export let page;
export let calls; // the paths that were asked for
let browser, server, base, context;
let complaints; // what the browser's console says is wrong
let answerOf; // what the shop answers, by path and query

/** The file that answers a path, as the platform finds it. */
function fileOf(url) {
  const [, name] = /^\/(verify|fairness)\b/.exec(url) ?? [];
  return join(STATIC, name ? `${name}.html` : url);
}

function serve({ url }, response) {
  calls.push(url);
  if (/^\/(verify|fairness|tidegate)\b/.test(url)) {
    const type = TYPES[extname(fileOf(url))];
    response.writeHead(200, { ...HEADERS, "content-type": type }).end(readFileSync(fileOf(url)));
    return;
  }
  const answer = answerOf(url);
  if (answer === "hang up") return response.destroy();
  const { status = 200, body = answer } = typeof answer === "number"
    ? { status: answer, body: { status: answer } }
    : answer;
  response.writeHead(status, { "content-type": "application/json" }).end(
    typeof body === "string" ? body : JSON.stringify(body),
  );
}

before(async () => {
  execFileSync(join(import.meta.dirname, "../../scripts/build-pages"));
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
});

beforeEach(() => visitor());

/** Somebody comes with a fresh profile: `page` is theirs from now on. */
export async function visitor(options = {}) {
  await context?.close();
  [answerOf, calls, complaints] = [() => 404, [], []];
  context = await browser.newContext({
    viewport: { width: 390, height: 844 },
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    ...options,
  });
  page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // A refused call is part of many tests.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      complaints.push(message.text());
    }
  });
}

afterEach(() => assert.deepEqual(complaints, []), LIMIT);

/**
 * From now on the shop answers what `answer(url)` returns: a status, `{status, body}`, a body that
 * comes with 200 (a text as it is, all else as JSON), or "hang up".
 */
export function tell(answer) {
  answerOf = answer;
}

export const open = (path) => page.goto(base + path);

/** A file for the page's field of files. */
export const asFile = (name, value) => ({
  name,
  mimeType: "application/json",
  buffer: Buffer.from(typeof value === "string" ? value : JSON.stringify(value)),
});

/** Drags a file of this text over the page's field, and drops it there. */
export async function drop(text) {
  const dataTransfer = await page.evaluateHandle((text) => {
    const held = new DataTransfer();
    held.items.add(new File([text], "dropped.json"));
    return held;
  }, text);
  await page.dispatchEvent("#files", "dragover", { dataTransfer });
  assert.match(await page.getAttribute("#files", "class"), /over/);
  await page.dispatchEvent("#files", "drop", { dataTransfer });
}

/** What the page has loaded of its own: `{bytes, files}`, gzipped. */
export function loaded() {
  const files = calls.filter((call) =>
    /^\/(verify|fairness)\b|^\/tidegate\/.*\.(js|css)$/.test(call)
  ).map(fileOf);
  const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0);
  return { bytes, files: files.length };
}

export const openDetails = () =>
  page.evaluate(() =>
    document.querySelectorAll("details").forEach((details) => (details.open = true))
  );

/** Sees that the page has no barrier by WCAG 2.2 AA, one title, and nothing too small to press. */
export async function assertNoBarriers(state) {
  await openDetails();
  // Not by the page's own means: its policy lets no foreign script in.
  const client = await context.newCDPSession(page);
  await client.send("Runtime.evaluate", { expression: AXE });
  const barriers = await page.evaluate(async (tags) => {
    const { violations } = await globalThis.axe.run(document, { runOnly: tags });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`)
    );
  }, WCAG);
  assert.deepEqual(barriers, [], state);
  const [headings, small] = await page.evaluate(() => {
    const pressed = document.querySelectorAll("a, button, summary, .button, input[type=text]");
    const isSmall = (one) => one.checkVisibility() && one.getBoundingClientRect().height < 24;
    return [
      document.querySelectorAll("h1").length,
      [...pressed].filter(isSmall).map((one) => one.outerHTML),
    ];
  });
  assert.deepEqual([headings, small], [1, []], state);
}

/** Goes through the page by the Tab key, up to `last`. Returns what it reached, each outlined. */
export async function tabUpTo(last) {
  const reached = [];
  while (reached.at(-1) !== last) {
    await page.keyboard.press("Tab");
    const [name, outline] = await page.evaluate(() => {
      const { activeElement: focused } = document;
      // What is seen of the field for files is its label.
      const seen = focused.id === "chosen" ? document.querySelector("label[for=chosen]") : focused;
      const text = focused.matches("input") ? focused.id : focused.textContent.trim();
      return [focused.ariaLabel ?? text, getComputedStyle(seen).outlineStyle];
    });
    reached.push(name);
    assert.equal(outline, "solid", reached.join());
  }
  return reached;
}
