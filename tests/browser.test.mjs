// Shoppers with a real browser, on the real pages of waiting room and shop: what they see, what works
// without script, by keyboard and over a bad line, and what never leaves the room.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";

import { freePort } from "../scripts/lib/miniflare.mjs";
import { startShop } from "../scripts/lib/shop.mjs";
import { openShopper, startBrowser } from "./support/browser.mjs";
import { until } from "./support/until.mjs";
import { startWorld } from "./support/world.mjs";

const PRODUCT = { name: "The Tide Lamp", path: "/products/tide-lamp" };

const shopPort = await freePort();
const world = await startWorld({ originUrl: `http://127.0.0.1:${shopPort}` });
const shop = await startShop({ edgeUrl: world.url, originKey: world.keys.origin, port: shopPort, onLine: () => {} });
after(() => shop.stop());
const browser = await startBrowser();

/** The shop's own queue, begun anew. */
async function openLamp(config = { maxActive: 1 }) {
  const queue = world.queue("demo");
  await queue.put({ product: PRODUCT, ...config });
  await queue.act("reset");
  return queue;
}

/** A queue that leads to no shop. */
const openQueue = (config, where = world) => where.createQueue({ maxActive: 1, product: PRODUCT, ...config });

/** Somebody goes to the checkout and keeps the only slot; gives back how it is freed. */
async function hold(queue) {
  const { admissionId } = await (await queue.enter()).checkOut();
  return async (how = "release") => assert.equal((await queue.settle(how, admissionId)).status, 200);
}

const roomOf = (queue) => `${queue.world.url}/queue/${queue.id}`;

/** A shopper in the room of a queue, in line. */
async function openInLine(queue, options) {
  const shopper = await openShopper(browser, options);
  await shopper.page.goto(roomOf(queue));
  await shopper.press("Join the queue");
  await shopper.sees("You are in line");
  return shopper;
}

/** Fails if an address that the browser asked for holds a part of the ticket or of the token. */
function assertNotInAddresses(shopper, ...secrets) {
  for (const secret of secrets) {
    assert.match(secret ?? "", /^[\w-]+\.[\w-]+\.[\w-]+$/);
    for (const part of secret.split(".").slice(1)) {
      assert.deepEqual(shopper.requests.map(({ url }) => url).filter((url) => url.includes(part)), []);
    }
  }
}

test("with script, a shopper waits, goes on by themself when called up, and pays", async (t) => {
  const queue = await openLamp();
  const release = await hold(queue);
  await queue.enter();
  const shopper = await openShopper(browser);
  const { page } = shopper;
  await page.goto(world.url + PRODUCT.path);
  await page.getByRole("link", { name: "Get in line" }).click();
  await shopper.press("Join the queue");
  await shopper.sees("person ahead of you");
  assert.deepEqual(await shopper.figures(), { place: 3, ahead: 1 });
  await until("the page has polled", () => shopper.polls.length > 2);
  const ticket = await shopper.ticket(queue);
  const visible = await page.evaluate(() =>
    JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }, document.documentElement.outerHTML]),
  );

  await release();
  await page.waitForURL(`${world.url}/checkout`);
  await page.getByRole("heading", { name: "Your order" }).waitFor();
  await shopper.press(/^Pay/);
  await shopper.sees("Your order is paid");
  assert.equal((await queue.snapshot()).completed, 1);

  await t.test("the ticket and the token stand in no address", () => {
    assertNotInAddresses(shopper, ticket, shopper.handoffToken);
  });
  await t.test("the token went to the checkout once, by POST", () => {
    const arrivals = shopper.requests.filter(({ body }) => body?.includes(shopper.handoffToken));
    assert.deepEqual(arrivals.map(({ method, url }) => [method, url]), [["POST", `${world.url}/checkout`]]);
  });
  await t.test("no script can read the ticket or another cookie", async () => {
    assert.ok(!visible.includes(ticket.split(".")[2]));
    assert.equal(await page.evaluate(() => document.cookie), "");
    const cookies = await shopper.context.cookies();
    assert.deepEqual(cookies.filter(({ httpOnly }) => !httpOnly), []);
    assert.equal((await shopper.ticketCookie(queue)).secure, true);
  });
  await t.test("nothing is asked of another site", () => {
    assert.deepEqual(shopper.requests.map(({ url }) => new URL(url).origin).filter((origin) => origin !== world.url), []);
  });
  await t.test("the page polls no sooner than it was told to, and claims once", () => {
    for (const [number, { askedAt }] of shopper.polls.entries()) {
      if (number === 0) continue;
      const { answeredAt, pollAfterMs } = shopper.polls[number - 1];
      assert.ok(pollAfterMs >= 2000 && askedAt - answeredAt > pollAfterMs - 50, JSON.stringify(shopper.polls));
    }
    assert.equal(shopper.count(`POST ${queue.path}/claim`), 1);
  });
});

test("without script, the room reloads itself and forms lead to a paid order", async () => {
  const queue = await openLamp();
  const release = await hold(queue);
  await queue.enter();
  const shopper = await openShopper(browser, { javaScriptEnabled: false });
  const { page } = shopper;
  await page.goto(world.url + PRODUCT.path);
  await page.getByRole("link", { name: "Get in line" }).click();
  await shopper.press("Join the queue");
  await shopper.sees("person ahead of you");
  const loads = shopper.documents;
  await until("the room has reloaded", () => shopper.documents > loads);
  assert.deepEqual(await shopper.figures(), { place: 3, ahead: 1 });

  await release();
  await shopper.press("It is your turn: continue");
  await shopper.press("Go to checkout");
  await shopper.press(/^Pay/);
  await shopper.sees("Your order is paid");
  assert.equal((await queue.snapshot()).completed, 1);
  assertNotInAddresses(shopper, await shopper.ticket(queue), shopper.handoffToken);
  assert.equal(shopper.count(`GET ${queue.path}/status`), 0);
});

test("the checkout leads who has no token to the line", async () => {
  const queue = await openLamp();
  const shopper = await openShopper(browser, { bears: /status of 401/ });
  const answer = await shopper.page.goto(`${world.url}/checkout`);
  assert.equal(answer.status(), 401);
  await shopper.sees("Please come through the line");
  await shopper.page.getByRole("link", { name: "Go to the line" }).click();
  await shopper.page.waitForURL(roomOf(queue));
});

test("a token opens the checkout once: elsewhere it is refused kindly, and the order stays", async () => {
  const queue = await openLamp({ maxActive: 2 });
  const shopper = await openShopper(browser);
  await shopper.page.goto(roomOf(queue));
  await shopper.press("Join the queue");
  await shopper.sees("Your order");
  const copycat = await openShopper(browser, { bears: /status of 401/ });
  for (const [who, says] of [[copycat, "This pass was used already"], [shopper, "Your order"]]) {
    await who.page.goto(world.url + PRODUCT.path);
    await who.page.evaluate((token) => {
      const form = Object.assign(document.createElement("form"), { method: "post", action: "/checkout" });
      form.append(Object.assign(document.createElement("input"), { name: "handoffToken", value: token }));
      document.body.append(form);
      form.submit();
    }, shopper.handoffToken);
    await who.page.getByRole("heading", { name: says }).waitFor();
  }
  assert.equal(await copycat.page.getByRole("button", { name: /^Pay/ }).count(), 0);
  await copycat.page.getByRole("link", { name: "Go to the line" }).waitFor();
  assert.equal((await queue.snapshot()).active, 1);
});

test("by keyboard alone a shopper comes to a paid order, and sees at each step where they are", async () => {
  const queue = await openLamp();
  const release = await hold(queue);
  const shopper = await openShopper(browser);
  const { page } = shopper;
  const focused = () =>
    page.evaluate(() => {
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
      return [document.activeElement.innerText, outlineStyle !== "none" && parseFloat(outlineWidth) >= 2];
    });
  const tabTo = async (wanted) => {
    for (let presses = 0; presses < 20; presses++) {
      await page.keyboard.press("Tab");
      const [text, visible] = await focused();
      assert.ok(visible, `focus on "${text}" is not seen`);
      if (text.startsWith(wanted)) return page.keyboard.press("Enter");
    }
    assert.fail(`Tab does not lead to "${wanted}"`);
  };

  await page.goto(world.url + PRODUCT.path);
  await tabTo("Get in line");
  await page.waitForURL(roomOf(queue));
  await tabTo("Join the queue");
  await shopper.sees("You are in line");
  assert.equal((await focused())[0], "You are in line", "what changed has the focus");
  await tabTo("Leave the queue");
  await page.getByRole("button", { name: "Leave and give up my place" }).waitFor();
  await release();
  await page.waitForURL(`${world.url}/checkout`);
  await tabTo("Pay");
  await shopper.sees("Your order is paid");
});

test("the first load of the room takes less than 30 KB, unpacked", async () => {
  const queue = await openQueue();
  const shopper = await openShopper(browser);
  const answers = [];
  shopper.context.on("response", (response) => answers.push(response));
  await shopper.page.goto(roomOf(queue), { waitUntil: "networkidle" });
  const sizes = await Promise.all(answers.map(async (answer) => [answer.url(), (await answer.body()).length]));
  assert.ok(sizes.length >= 3, "page, style and script");
  assert.ok(sizes.reduce((sum, [, size]) => sum + size, 0) < 30_000, JSON.stringify(sizes));
});

// Mostly waiting for the next poll: so, some at a time.
suite("in the room", { concurrency: 4 }, () => {
  test("a closed tab keeps the place, and every tab shows the same", async () => {
    const queue = await openQueue();
    await hold(queue);
    const shopper = await openInLine(queue);
    assert.deepEqual(await shopper.figures(), { place: 2, ahead: 0 });
    await shopper.page.close();
    await queue.enter();
    for (let tabs = 0; tabs < 2; tabs++) {
      shopper.page = await shopper.context.newPage();
      await shopper.page.goto(roomOf(queue));
      assert.deepEqual(await shopper.figures(), { place: 2, ahead: 0 });
    }
    const { expires } = await shopper.ticketCookie(queue);
    assert.ok(expires > Date.now() / 1000 + 86_400, "a closed browser keeps it too");
  });

  test("offline, the page keeps the place and says so; online again, it goes on", async () => {
    const queue = await openQueue();
    const release = await hold(queue);
    const shopper = await openInLine(queue, { bears: /Failed to load resource/ });
    await shopper.context.setOffline(true);
    await shopper.sees("The connection is down. You are still in line");
    assert.deepEqual(await shopper.figures(), { place: 2, ahead: 0 });
    await shopper.context.setOffline(false);
    await shopper.page.locator("#lost").waitFor({ state: "hidden" });
    assert.equal(await shopper.page.textContent("#say"), "The connection is back. You are still in line.");
    await release();
    await shopper.page.waitForURL(`${world.url}/checkout`);
  });

  test("a server that ends and starts again finds the open page waiting, at the same place", async () => {
    const own = await startWorld({ port: await freePort() });
    const queue = await openQueue({}, own);
    await hold(queue);
    await queue.enter();
    const shopper = await openInLine(queue, { bears: /Failed to load resource/ });
    await own.end();
    await shopper.sees("You are still in line");
    assert.deepEqual(await shopper.figures(), { place: 3, ahead: 1 });
    await own.start();
    await shopper.page.locator("#lost").waitFor({ state: "hidden" });
    assert.deepEqual(await shopper.figures(), { place: 3, ahead: 1 });
    assert.equal(shopper.documents, 1, "without loading it anew");
  });

  test("who leaves gives the place up, and may start at the end", async () => {
    const queue = await openQueue();
    await hold(queue);
    const shopper = await openInLine(queue);
    await queue.enter();
    await shopper.page.getByText("Leave the queue").click();
    await shopper.press("Leave and give up my place");
    await shopper.sees("You have left the queue.");
    assert.equal(await shopper.ticket(queue), undefined);
    await shopper.press("Join the queue");
    await shopper.sees("You are in line");
    assert.equal((await shopper.figures()).place, 4);
  });

  test("a pause and its end appear on the open page", async () => {
    const queue = await openQueue();
    await hold(queue);
    const shopper = await openInLine(queue);
    await queue.act("pause");
    await shopper.sees("Paused: nobody is being let in just now.");
    await queue.act("resume");
    await shopper.page.getByText("Paused: nobody").waitFor({ state: "hidden" });
    assert.equal(shopper.documents, 1);
  });

  test("who comes back called up during a pause reads that their turn is kept, and goes on after it", async () => {
    const queue = await openQueue();
    const [first, next] = await queue.enterCalledUp(2, 1);
    const { admissionId } = await first.checkOut();
    await queue.act("pause");
    const shopper = await openShopper(browser, { bears: /status of 409/ });
    await shopper.keepTicket(queue, next.ticket);
    await shopper.page.goto(roomOf(queue));
    await shopper.page.getByText("Your turn is kept.").waitFor({ timeout: 15_000 });
    await queue.act("resume");
    await queue.settle("release", admissionId);
    await shopper.page.waitForURL(`${world.url}/checkout`);
  });

  test("a notice and its end appear on the open page", async () => {
    const queue = await openQueue();
    await hold(queue);
    const shopper = await openInLine(queue);
    await queue.operate("PUT", "notice", { json: { level: "warning", text: "Delivery takes a week longer." } });
    const notice = shopper.page.locator("main").getByText("Delivery takes a week longer.");
    await notice.waitFor({ timeout: 15_000 });
    await queue.operate("PUT", "notice", { json: null });
    await notice.waitFor({ state: "hidden", timeout: 15_000 });
    assert.equal(shopper.documents, 1);
  });

  test("the end of the queue appears on the open page, and there is nothing left to leave", async () => {
    const queue = await openQueue();
    await hold(queue);
    const shopper = await openInLine(queue);
    await queue.act("close");
    await shopper.sees("This queue is closed");
    assert.equal(await shopper.page.getByText("Leave the queue").isVisible(), false);
    assert.equal(shopper.documents, 1);
  });

  test("the last sale appears on the open page", async () => {
    const queue = await openQueue({ maxAdmissions: 1 });
    const end = await hold(queue);
    const shopper = await openInLine(queue);
    await end("complete");
    await shopper.sees("Sold out");
    assert.equal(shopper.documents, 1);
  });

  test("after a reset the open page says so and offers to join anew", async () => {
    const queue = await openQueue();
    await hold(queue);
    await queue.enter();
    const shopper = await openInLine(queue, { bears: /status of 401/ });
    assert.equal((await shopper.figures()).place, 3);
    await queue.act("reset");
    await hold(queue);
    await shopper.sees("The queue was started anew");
    await shopper.press("Join the queue");
    await shopper.sees("You are in line");
    assert.equal((await shopper.figures()).place, 2);
  });
});

suite("no barriers by WCAG 2.2 AA", { concurrency: 2 }, () => {
  /** A queue with somebody at the checkout and somebody who is called up after them. */
  const openCalledUp = async () => {
    const queue = await openQueue();
    const [first, next] = await queue.enterCalledUp(2, 1);
    await first.checkOut();
    return next;
  };
  /** The browser of somebody who has entered shows the room. */
  const come = async (shopper, { queue, ticket }) => {
    await shopper.keepTicket(queue, ticket);
    await shopper.page.goto(roomOf(queue));
  };
  const join = async (shopper, says) => {
    await shopper.page.goto(roomOf(world.queue("demo")));
    await shopper.press("Join the queue");
    await shopper.sees(says);
  };
  /** The room in line, once `change` has happened to the queue. */
  const inLine = (says, change) => async (shopper) => {
    const queue = await openQueue({ maxAdmissions: 1 });
    const end = await hold(queue);
    const waits = await queue.enter();
    await change(queue, end);
    await come(shopper, waits);
    await shopper.sees(says);
  };

  const pages = {
    "the shop": (shopper) => shopper.page.goto(world.url),
    "the product": (shopper) => shopper.page.goto(world.url + PRODUCT.path),
    "the checkout without a token": (shopper) => shopper.page.goto(`${world.url}/checkout`),
    "the order": (shopper) => join(shopper, "Your order"),
    "the order, paid": async (shopper) => {
      await join(shopper, "Your order");
      await shopper.press(/^Pay/);
      await shopper.sees("Your order is paid");
    },
    "the room before joining": async (shopper) => shopper.page.goto(roomOf(await openQueue())),
    "in line": inLine("You are in line", (queue) => queue.operate("PUT", "notice", { json: { level: "critical", text: "Soon." } })),
    "in line, paused": inLine("Paused", (queue) => queue.act("pause")),
    "called up, and next for a free place": async (shopper) => {
      await come(shopper, await openCalledUp());
      await shopper.sees("among the next");
    },
    "called up, and paused": async (shopper) => {
      const next = await openCalledUp();
      await next.becomePresent();
      await next.queue.act("pause");
      await come(shopper, next);
      await shopper.sees("Your turn is kept");
    },
    "admitted": async (shopper) => {
      // As for those whom the checkout has just sent back: the page leaves the next step to them.
      await shopper.context.addInitScript(() => sessionStorage.setItem("tidegate-demo", Date.now()));
      await join(shopper, "Your checkout is ready");
    },
    "admitted before": async (shopper) => {
      const buyer = await (await openQueue()).enter();
      await buyer.buy();
      await come(shopper, buyer);
      await shopper.sees("Your turn is over");
    },
    "sold out": inLine("Sold out", (_, end) => end("complete")),
    "closed": inLine("This queue is closed", (queue) => queue.act("close")),
    "a queue that does not exist": (shopper) => shopper.page.goto(roomOf(world.queue("unknown"))),
  };
  before(() => openLamp({ maxActive: 10 }));
  for (const [name, open] of Object.entries(pages)) {
    test(name, async () => {
      const shopper = await openShopper(browser, { bears: /Failed to load resource/, reducedMotion: "reduce" });
      await open(shopper);
      const { page } = shopper;
      const structure = await page.evaluate(() => ["h1", "main", "html[lang=en]"].map((part) => document.querySelectorAll(part).length));
      assert.deepEqual(structure, [1, 1, 1]);
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await shopper.barriers(), [], colorScheme);
      }
    });
  }
});
