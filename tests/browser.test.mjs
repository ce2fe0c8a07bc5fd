// Shoppers with a real browser, on the real pages of waiting room and shop: what they see, what
// works without script, by keyboard and over a bad line, and what never leaves the room.

import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { freePort } from "../scripts/lib/miniflare.mjs";
import { openEntered, openShopper, roomOf, startBrowser } from "./support/browser.mjs";
import { PRODUCT, hold, openCalledUp, openLamp, openQueue,
  startShopWorld } from "./support/shop.mjs";
import { until } from "./support/until.mjs";
import { startWorld } from "./support/world.mjs";

const world = await startShopWorld();
const browser = await startBrowser();

/** A shopper who joins in the room, and is in line. */
async function openInLine(queue, options) {
  const shopper = await openShopper(browser, options);
  await shopper.page.goto(roomOf(queue));
  await shopper.press("Join the queue");
  await shopper.sees("You are in line");
  return shopper;
}

test("with script, a shopper waits, goes on by themself when called up, and pays", async (t) => {
  const queue = await openLamp(world);
  const release = await hold(queue);
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
    JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage },
      document.documentElement.outerHTML])
  );

  await release();
  await page.waitForURL(`${world.url}/checkout`);
  await page.getByRole("heading", { name: "Your order" }).waitFor();
  await shopper.press(/^Pay/);
  await shopper.sees("Your order is paid");
  assert.equal((await queue.snapshot()).completed, 1);

  await t.test("the ticket and the token stand in no address", () => {
    shopper.assertNotInAddresses(ticket, shopper.handoffToken);
  });
  await t.test("the token went to the checkout once, by POST", () => {
    const arrivals = shopper.requests.filter(({ body }) => body?.includes(shopper.handoffToken));
    assert.deepEqual(arrivals.map(({ method, url }) => [method, url]), [["POST",
      `${world.url}/checkout`]]);
  });
  await t.test("no script can read the ticket or another cookie", async () => {
    assert.ok(!visible.includes(ticket.split(".")[2]));
    assert.equal(await page.evaluate(() => document.cookie), "");
    const cookies = await shopper.context.cookies();
    assert.deepEqual(cookies.filter(({ httpOnly }) => !httpOnly), []);
    assert.equal((await shopper.ticketCookie(queue)).secure, true);
  });
  await t.test("nothing is asked of another site", () => {
    assert.deepEqual(
      shopper.requests.map(({ url }) => new URL(url).origin).filter((origin) =>
        origin !== world.url
      ),
      [],
    );
  });
  await t.test("the page polls no sooner than it was told to, and claims once", () => {
    for (const [number, { askedAt }] of shopper.polls.entries()) {
      if (number === 0) continue;
      const { answeredAt, pollAfterMs } = shopper.polls[number - 1];
      assert.ok(pollAfterMs >= 2000 && askedAt - answeredAt > pollAfterMs - 50,
        JSON.stringify(shopper.polls));
    }
    assert.equal(shopper.count(`POST ${queue.path}/claim`), 1);
  });
});

test("without script, the room reloads itself and forms lead to a paid order", async () => {
  const queue = await openLamp(world);
  const release = await hold(queue);
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
  shopper.assertNotInAddresses(await shopper.ticket(queue), shopper.handoffToken);
  assert.equal(shopper.count(`GET ${queue.path}/status`), 0);
});

test("the checkout leads who has no token to the line", async () => {
  const queue = await openLamp(world);
  const shopper = await openShopper(browser, { bears: /status of 401/ });
  const answer = await shopper.page.goto(`${world.url}/checkout`);
  assert.equal(answer.status(), 401);
  await shopper.sees("Please come through the line");
  await shopper.page.getByRole("link", { name: "Go to the line" }).click();
  await shopper.page.waitForURL(roomOf(queue));
});

test("a token opens the checkout once: a second is refused kindly, the order stays", async () => {
  const queue = await openLamp(world, { maxActive: 2 });
  const shopper = await openShopper(browser);
  await shopper.page.goto(roomOf(queue));
  await shopper.press("Join the queue");
  await shopper.sees("Your order");
  const copycat = await openShopper(browser, { bears: /status of 401/ });
  for (const [who, says] of [[copycat, "This pass was used already"], [shopper, "Your order"]]) {
    await who.page.goto(world.url + PRODUCT.path);
    await who.page.evaluate((token) => {
      const form = Object.assign(document.createElement("form"), {
        method: "post",
        action: "/checkout",
      });
      form.append(
        Object.assign(document.createElement("input"), { name: "handoffToken", value: token }),
      );
      document.body.append(form);
      form.submit();
    }, shopper.handoffToken);
    await who.page.getByRole("heading", { name: says }).waitFor();
  }
  assert.equal(await copycat.page.getByRole("button", { name: /^Pay/ }).count(), 0);
  await copycat.page.getByRole("link", { name: "Go to the line" }).waitFor();
  assert.equal((await queue.snapshot()).active, 1);
});

test("by keyboard alone a shopper comes to a paid order, and sees where they are", async () => {
  const queue = await openLamp(world);
  const release = await hold(queue);
  const shopper = await openShopper(browser);
  const { page } = shopper;
  const focused = () =>
    page.evaluate(() => {
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
      return [document.activeElement.innerText,
        outlineStyle !== "none" && parseFloat(outlineWidth) >= 2];
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
  const queue = await openQueue(world);
  const shopper = await openShopper(browser);
  const answers = [];
  shopper.context.on("response", (response) => answers.push(response));
  await shopper.page.goto(roomOf(queue), { waitUntil: "networkidle" });
  const sizes = await Promise.all(
    answers.map(async (answer) => [answer.url(), (await answer.body()).length]),
  );
  assert.ok(sizes.length >= 3, "page, style and script");
  assert.ok(sizes.reduce((sum, [, size]) => sum + size, 0) < 30_000, JSON.stringify(sizes));
});

// Mostly waiting for the next poll: so, some at a time.
suite("in the room", { concurrency: 4 }, () => {
  test("a closed tab keeps the place, and every tab shows the same", async () => {
    const queue = await openQueue(world);
    await hold(queue);
    const shopper = await openInLine(queue);
    assert.deepEqual(await shopper.figures(), { place: 3, ahead: 1 });
    await shopper.page.close();
    await queue.enter();
    for (let tabs = 0; tabs < 2; tabs++) {
      shopper.page = await shopper.context.newPage();
      await shopper.page.goto(roomOf(queue));
      assert.deepEqual(await shopper.figures(), { place: 3, ahead: 1 });
    }
    const { expires } = await shopper.ticketCookie(queue);
    assert.ok(expires > Date.now() / 1000 + 86_400, "a closed browser keeps it too");
  });

  test("offline, the page keeps the place and says so; online again, it goes on", async () => {
    const queue = await openQueue(world);
    const release = await hold(queue);
    const shopper = await openInLine(queue, { bears: /Failed to load resource/ });
    await shopper.context.setOffline(true);
    await shopper.sees("The connection is down. You are still in line");
    assert.deepEqual(await shopper.figures(), { place: 3, ahead: 1 });
    await shopper.context.setOffline(false);
    await shopper.page.locator("#lost").waitFor({ state: "hidden" });
    assert.equal(await shopper.page.textContent("#say"),
      "The connection is back. You are still in line.");
    await release();
    await shopper.page.waitForURL(`${world.url}/checkout`);
  });

  test("a server that ends and starts again finds the open page at the same place", async () => {
    const own = await startWorld({ port: await freePort() });
    const queue = await openQueue(own);
    await hold(queue);
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
    const queue = await openQueue(world);
    await hold(queue);
    const shopper = await openInLine(queue);
    await queue.enter();
    await shopper.page.getByText("Leave the queue").click();
    await shopper.press("Leave and give up my place");
    await shopper.sees("You have left the queue.");
    assert.equal(await shopper.ticket(queue), undefined);
    await shopper.press("Join the queue");
    await shopper.sees("You are in line");
    assert.equal((await shopper.figures()).place, 5);
  });

  test("a pause and its end appear on the open page", async () => {
    const queue = await openQueue(world);
    await hold(queue);
    const shopper = await openInLine(queue);
    await queue.act("pause");
    await shopper.sees("Paused: nobody is being let in just now.");
    await queue.act("resume");
    await shopper.page.getByText("Paused: nobody").waitFor({ state: "hidden" });
    assert.equal(shopper.documents, 1);
  });

  for (const javaScriptEnabled of [true, false]) {
    const how = javaScriptEnabled ? "with" : "without";
    test(`who comes back called up in a pause reads that it is kept, ${how} script`, async () => {
      const { queue, next } = await openCalledUp(world);
      await queue.act("pause");
      const { page } = await openEntered(browser, next, {
        javaScriptEnabled,
        bears: /status of 409/,
      });
      await page.getByText("Your turn is kept.").waitFor({ timeout: 15_000 });
    });
  }

  test("without script, who claims early is told to stay, and a reload lets them in", async () => {
    const { next, release } = await openCalledUp(world);
    const shopper = await openEntered(browser, next, { javaScriptEnabled: false });
    await shopper.press("It is your turn: continue");
    await shopper.page.getByText("among the next for a free place").waitFor({ timeout: 15_000 });
    await release();
    await shopper.page.getByRole("button", { name: "Go to checkout" }).waitFor();
  });

  test("who is present goes on at the first status that has a place for them", async () => {
    const { next, release } = await openCalledUp(world);
    const { page, polls } = await openEntered(browser, next, { bears: /status of 401/ });
    await page.getByText("among the next for a free place").waitFor();
    await until("the status knows that they are present", () => polls.at(-1)?.collect === false);
    await release();
    await page.waitForURL(`${world.url}/checkout`);
    const since = polls.slice(polls.findIndex(({ collect }) => collect === false));
    assert.deepEqual(since.slice(0, -1).filter(({ collect }) => collect), [],
      JSON.stringify(polls));
  });

  test("a notice and its end appear on the open page", async () => {
    const queue = await openQueue(world);
    await hold(queue);
    const shopper = await openInLine(queue);
    await queue.operate("PUT", "notice", {
      json: { level: "warning", text: "Delivery takes a week longer." },
    });
    const notice = shopper.page.locator("main").getByText("Delivery takes a week longer.");
    await notice.waitFor({ timeout: 15_000 });
    await queue.operate("PUT", "notice", { json: null });
    await notice.waitFor({ state: "hidden", timeout: 15_000 });
    assert.equal(shopper.documents, 1);
  });

  test("the end of the queue appears on the open page, with nothing left to leave", async () => {
    const queue = await openQueue(world);
    await hold(queue);
    const shopper = await openInLine(queue);
    await queue.act("close");
    await shopper.sees("This queue is closed");
    assert.equal(await shopper.page.getByText("Leave the queue").isVisible(), false);
    assert.equal(shopper.documents, 1);
  });

  test("the last sale appears on the open page", async () => {
    const queue = await openQueue(world, { maxAdmissions: 1 });
    const end = await hold(queue);
    const shopper = await openInLine(queue);
    await end("complete");
    await shopper.sees("Sold out");
    assert.equal(shopper.documents, 1);
  });

  test("after a reset the open page says so and offers to join anew", async () => {
    const queue = await openQueue(world);
    await hold(queue);
    const shopper = await openInLine(queue, { bears: /status of 401/ });
    assert.equal((await shopper.figures()).place, 3);
    await queue.act("reset");
    await hold(queue);
    await shopper.sees("The queue was started anew");
    await shopper.press("Join the queue");
    await shopper.sees("You are in line");
    assert.equal((await shopper.figures()).place, 3);
  });
});
