// Shoppers with a real browser. Each has a profile of their own, and all that their browser asks
// for and complains of is kept for the test to look at.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after } from "node:test";

import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox", // as root it has none
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", // nothing but this machine
];
const PHONE = { width: 390, height: 844 };
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** The address of a queue's room. */
export const roomOf = (queue) => `${queue.world.url}/queue/${queue.id}`;

/** Starts Chromium; it ends with the file that started it. */
export async function startBrowser() {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: FLAGS,
  });
  after(() => browser.close());
  return browser;
}

/**
 * A shopper with a fresh profile and a phone. `bears` matches what their console may complain of;
 * all else fails the test. Further options are those of a Playwright context.
 */
export async function openShopper(browser, { bears, ...options } = {}) {
  const context = await browser.newContext({
    viewport: PHONE,
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    ...options,
  });
  context.setDefaultTimeout(30_000);
  const shopper = new Shopper(context);
  shopper.page = await context.newPage();
  after(async () => {
    await context.close();
    assert.deepEqual(shopper.complaints.filter((text) => !bears?.test(text)), []);
  });
  return shopper;
}

/** Somebody who has entered by `entrant`, and now comes to the room with a browser. */
export async function openEntered(browser, entrant, options) {
  const shopper = await openShopper(browser, options);
  await shopper.keepTicket(entrant.queue, entrant.ticket);
  await shopper.page.goto(roomOf(entrant.queue));
  return shopper;
}

class Shopper {
  /**
   * What the browser asked for: `{method, url, body, document}`; `document`: for a page to show.
   */
  requests = [];
  /** The console's errors and warnings, and uncaught errors. */
  complaints = [];
  /** Each status that the page got: `{askedAt, answeredAt, pollAfterMs, collect}`. */
  polls = [];

  constructor(context) {
    this.context = context;
    context.on("request", (request) => {
      const document = request.isNavigationRequest();
      this.requests.push({
        method: request.method(),
        url: request.url(),
        body: request.postData(),
        document,
      });
    });
    context.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complaints.push(message.text());
    });
    context.on("weberror", (error) => this.complaints.push(String(error.error())));
    context.on("requestfinished", (request) => void this.#notePoll(request));
  }

  async #notePoll(request) {
    if (!/\/v1\/queues\/[^/]+\/(status|enter)$/.test(request.url())) return;
    const timing = request.timing();
    const poll = { askedAt: timing.startTime, answeredAt: timing.startTime + timing.responseEnd };
    this.polls.push(poll);
    // An answer that is gone with its page told nothing to ask again after.
    const answer = await request.response().then((response) => response.json()).catch(() => ({}));
    const { pollAfterMs, collect } = answer.status?.pollAfterMs ? answer.status : answer;
    Object.assign(poll, { pollAfterMs, collect });
  }

  /** How often the browser asked for this, such as `"GET /queue/demo"`. */
  count(call) {
    return this.requests.filter(({ method, url }) => `${method} ${new URL(url).pathname}` === call)
      .length;
  }

  /** How many documents were loaded. */
  get documents() {
    return this.requests.filter(({ document }) => document).length;
  }

  /** The ticket, from where no script sees it. */
  async ticket(queue) {
    return (await this.ticketCookie(queue))?.value;
  }

  async ticketCookie(queue) {
    return (await this.context.cookies()).find(({ name }) => name === queue.cookieName);
  }

  /** Gives the browser a ticket that somebody has. */
  async keepTicket(queue, value) {
    // As over https, or the name's prefix is refused.
    const url = queue.world.url.replace("http:", "https:");
    const cookie = {
      name: queue.cookieName,
      value,
      url,
      httpOnly: true,
      secure: true,
      sameSite: "Lax",
    };
    await this.context.addCookies([cookie]);
  }

  /** The token that the browser brought to the checkout. */
  get handoffToken() {
    const arrival = this.requests.find(({ method, body }) =>
      method === "POST" && body?.startsWith("handoffToken=")
    );
    return arrival && new URLSearchParams(arrival.body).get("handoffToken");
  }

  /** Fails if an address that the browser asked for holds a part of one of these tokens. */
  assertNotInAddresses(...tokens) {
    for (const token of tokens) {
      assert.match(token ?? "", /^[\w-]+\.[\w-]+\.[\w-]+$/);
      const [, ...telling] = token.split(".");
      const holds = ({ url }) => telling.some((part) => url.includes(part));
      assert.deepEqual(this.requests.filter(holds), []);
    }
  }

  /** Waits until the page's content says `text`. */
  async sees(text) {
    await this.page.locator("main").getByText(text).first().waitFor();
  }

  async press(name) {
    await this.page.getByRole("button", { name }).click();
  }

  /** The figures that the room shows: `{ahead, place}`. */
  async figures() {
    const text = async (name) => Number(await this.page.locator(`[data-v=${name}]`).textContent());
    return { ahead: await text("ahead"), place: await text("position") };
  }

  /** What axe-core finds wrong on the page by WCAG 2.2 AA, one line each. */
  async barriers() {
    await this.page.evaluate(AXE);
    const { violations } = await this.page.evaluate(
      (tags) => globalThis.axe.run(document, { runOnly: tags }),
      WCAG,
    );
    return violations.flatMap(({ id, nodes }) =>
      nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`)
    );
  }
}
