// Whether shoppers with disabilities find barriers, by axe-core in a real browser: on each page of
// waiting room and shop, at each moment, in light and dark.

import assert from "node:assert/strict";
import { before, suite, test } from "node:test";

import { openEntered, openShopper, roomOf, startBrowser } from "./support/browser.mjs";
import { PRODUCT, hold, openCalledUp, openLamp, openQueue,
  startShopWorld } from "./support/shop.mjs";

const world = await startShopWorld();
const browser = await startBrowser();

suite("no barriers by WCAG 2.2 AA", { concurrency: 2 }, () => {
  const options = { bears: /Failed to load resource/, reducedMotion: "reduce" };
  /** A page by its address. */
  const at = (path) => async () => {
    const shopper = await openShopper(browser, options);
    await shopper.page.goto(world.url + path);
    return shopper;
  };
  /** What follows on joining the shop's queue. */
  const join = async (shopper) => {
    await shopper.page.goto(roomOf(world.queue("demo")));
    await shopper.press("Join the queue");
    return shopper;
  };
  /** The room in line, once `change` has happened to the queue. */
  const inLine = (change) => async () => {
    const queue = await openQueue(world, { maxAdmissions: 1 });
    const end = await hold(queue);
    const waits = await queue.enter();
    await change(queue, end);
    return openEntered(browser, waits, options);
  };

  const pages = [
    ["the shop", "Light that comes", at("/")],
    ["the product", "The lamp in figures", at(PRODUCT.path)],
    ["the checkout without a token", "Please come through the line", at("/checkout")],
    ["the room before joining", "There is a queue for this", at("/queue/demo")],
    ["a queue that does not exist", "There is no such queue", at("/queue/unknown")],
    ["the order", "Your order", async () => join(await openShopper(browser, options))],
    ["the order, paid", "Your order is paid", async () => {
      const shopper = await join(await openShopper(browser, options));
      await shopper.press(/^Pay/);
      return shopper;
    }],
    ["in line", "You are in line",
      inLine((queue) =>
        queue.operate("PUT", "notice", { json: { level: "critical", text: "Soon." } })
      )],
    ["in line, paused", "Paused", inLine((queue) => queue.act("pause"))],
    ["sold out", "Sold out", inLine((_, end) => end("complete"))],
    ["closed", "This queue is closed", inLine((queue) => queue.act("close"))],
    ["called up", "among the next",
      async () => openEntered(browser, (await openCalledUp(world)).next, options)],
    ["called up, and paused", "Your turn is kept", async () => {
      const { queue, next } = await openCalledUp(world);
      await next.becomePresent();
      await queue.act("pause");
      return openEntered(browser, next, options);
    }],
    ["admitted", "Your checkout is ready", async () => {
      const shopper = await openShopper(browser, options);
      // As for those whom the checkout has just sent back: the page leaves the next step to them.
      await shopper.context.addInitScript(() =>
        sessionStorage.setItem("tidegate-demo", Date.now())
      );
      return join(shopper);
    }],
    ["admitted before", "Your turn is over", async () => {
      const buyer = await (await openQueue(world)).enter();
      await buyer.buy();
      return openEntered(browser, buyer, options);
    }],
  ];
  before(() => openLamp(world, { maxActive: 10 }));
  for (const [name, says, open] of pages) {
    test(name, async () => {
      const shopper = await open();
      await shopper.sees(says);
      const { page } = shopper;
      const structure = await page.evaluate(() =>
        ["h1", "main", "html[lang=en]"].map((part) => document.querySelectorAll(part).length)
      );
      assert.deepEqual(structure, [1, 1, 1]);
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await shopper.barriers(), [], colorScheme);
      }
    });
  }
});
