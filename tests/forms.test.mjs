// The way through without script: the waiting room's forms, and the example shop behind it.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { decodeJwt } from "jose";

import { freePort } from "../scripts/lib/miniflare.mjs";
import { startShop } from "../scripts/lib/shop.mjs";
import { assertProblem } from "./support/problem.mjs";
import { Shopper } from "./support/queue.mjs";
import { until } from "./support/until.mjs";
import { Visitor } from "./support/visitor.mjs";
import { startWorld } from "./support/world.mjs";

const SHOP_QUEUE = "shop";

const port = await freePort();
const edgeUrl = `http://127.0.0.1:${port}`;
const shop = await startShop({
  edgeUrl,
  originKey: "dev-origin-key",
  queue: SHOP_QUEUE,
  onLine: () => {},
});
after(() => shop.stop());
const world = await startWorld({ port, originUrl: shop.url });
const shopQueue = world.queue(SHOP_QUEUE);
await shopQueue.put({
  maxActive: 100,
  product: { name: "The Tide Lamp", path: "/products/tide-lamp" },
});

const room = (queue) => `/queue/${queue.id}`;

/** A visitor who has entered through the room's form. */
async function enterByForm(queue) {
  const visitor = new Visitor(world.url);
  await visitor.open(room(queue));
  await visitor.submit(`${room(queue)}/enter`);
  return visitor;
}

/** The place that a visitor's cookie says, 1-based. */
const placeOf = (visitor, queue) => decodeJwt(visitor.cookies[queue.cookieName]).position + 1;

test("the room offers to enter, and the form leads back to the room with a place", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  await (await queue.enter()).admit();
  const [next] = await queue.enterMany(2);
  await next.becomePresent();
  const visitor = new Visitor(world.url);
  const before = await visitor.open(room(queue));
  assert.equal(before.status, 200);
  assert.match(before.headers.get("content-type"), /^text\/html/);
  assert.deepEqual(visitor.forms().map(({ action }) => action), [`${room(queue)}/enter`]);
  await visitor.submit(`${room(queue)}/enter`);
  const posted = visitor.answers.at(-2);
  assert.equal(posted.status, 303);
  assert.equal(posted.headers.get("location"), room(queue));
  assert.equal(placeOf(visitor, queue), 4);
  const shown = await until("the room shows the place", async () => {
    const { text } = await visitor.open(room(queue));
    return /data-state="queued"/.test(text) && text;
  });
  assert.ok(shown.includes('<dd data-v="position">4</dd>'));
});

test("the room of a queue that does not exist is a page that says so", async () => {
  const reply = await world.send("/queue/nowhere", { accept: "text/html" });
  assert.equal(reply.status, 404);
  assert.match(reply.headers.get("content-type"), /^text\/html/);
});

test("entering by form twice is one entry, whether or not the first answer arrived", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  const visitor = new Visitor(world.url);
  await visitor.open(room(queue));
  const [form] = visitor.forms();
  const post = () =>
    world.send(form.action, { method: "POST", from: world.url, form: form.fields });
  const replies = [await post(), await post()];
  const places = replies.map((reply) => decodeJwt(reply.cookies[queue.cookieName].value).index);
  assert.deepEqual(places, [0, 0]);
  assert.equal((await queue.snapshot()).entered, 1);
});

test("a page gone before its form is answered costs nothing: the next finds it", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  const visitor = new Visitor(world.url);
  await visitor.open(room(queue));
  const [{ action, fields }] = visitor.forms();
  // The answer is lost, with the ticket that it brought.
  await world.send(action, {
    method: "POST",
    from: world.url,
    form: fields,
    cookies: visitor.cookies,
  });
  await queue.enter();
  await visitor.open(room(queue));
  await visitor.submit(`${room(queue)}/enter`);
  assert.equal(placeOf(visitor, queue), 1);
  assert.equal((await queue.snapshot()).entered, 2);
  const kept = visitor.answers[0].cookies[`__Host-tidegate-key.${queue.id}`];
  assert.ok(Number(kept.attributes["max-age"]) >= 29 * 86_400);
  assert.ok("httponly" in kept.attributes);
});

test("who may not leave any more reads why in the room", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  const visitor = await enterByForm(queue);
  const shopper = new Shopper(queue, visitor.cookies[queue.cookieName]);
  await shopper.checkOut();
  const reply = await world.send(`${room(queue)}/leave`, {
    method: "POST",
    from: world.url,
    form: {},
    cookies: visitor.cookies,
  });
  assert.equal(reply.status, 303);
  Object.assign(visitor.cookies,
    Object.fromEntries(Object.entries(reply.cookies).map(([name, { value }]) => [name, value])));
  const { text } = await visitor.open(room(queue));
  assert.match(text, /cancel your order there/);
  assert.ok(visitor.forms().some(({ action }) => action === "/checkout"));
});

test("who is called up claims by form, and gets one that carries the token on", async () => {
  const queue = await world.createQueue({ maxActive: 1, checkoutUrl: "/checkout" });
  const visitor = await enterByForm(queue);
  await until("the room calls up", async () => {
    await visitor.open(room(queue));
    return visitor.forms().some(({ action }) => action.endsWith("/claim"));
  });
  await visitor.submit(`${room(queue)}/claim`);
  const handoff = visitor.forms().find(({ action }) => action === "/checkout");
  assert.ok(handoff, visitor.page.text);
  assert.equal(handoff.method, "post");
  assert.deepEqual(Object.keys(handoff.fields), ["handoffToken"]);
  const claims = decodeJwt(handoff.fields.handoffToken);
  assert.equal(claims.queue, queue.id);
  assert.equal((await queue.redeem(handoff.fields.handoffToken)).status, 200);
});

test("a checkout elsewhere is where the form leads, and the page's policy allows it", async () => {
  const queue = await world.createQueue({
    maxActive: 1,
    checkoutUrl: "https://pay.example/checkout",
  });
  const visitor = await enterByForm(queue);
  await until("the room hands over", async () => {
    await visitor.open(room(queue));
    if (visitor.forms().some(({ action }) => action.endsWith("/claim"))) {
      await visitor.submit(`${room(queue)}/claim`);
    }
    return visitor.forms().some(({ action }) => action === "https://pay.example/checkout");
  });
  assert.match(visitor.page.headers.get("content-security-policy"),
    /form-action 'self' https:\/\/pay\.example;/);
});

test("leaving by form gives up the place, and the room offers to enter anew", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  await (await queue.enter()).admit();
  const visitor = await enterByForm(queue);
  await visitor.submit(`${room(queue)}/leave`);
  assert.equal(visitor.cookies[queue.cookieName], undefined);
  assert.ok(visitor.forms().some(({ action }) => action === `${room(queue)}/enter`));
  await visitor.submit(`${room(queue)}/enter`);
  assert.equal(placeOf(visitor, queue), 3);
});

test("a form from another site's page is refused, and changes nothing", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  const visitor = await enterByForm(queue);
  const { cookies } = visitor;
  for (const action of ["enter", "claim", "leave"]) {
    for (const from of ["https://evil.example", "null"]) {
      const path = `${room(queue)}/${action}`;
      assertProblem(await world.send(path, { method: "POST", cookies, from, form: {} }),
        "FORBIDDEN");
      const page = await world.send(path, {
        method: "POST",
        cookies,
        from,
        form: {},
        accept: "text/html",
      });
      assert.equal(page.status, 403);
      assert.match(page.headers.get("content-type"), /^text\/html/);
    }
  }
  const { entered, admitted, waiting } = await queue.snapshot();
  assert.deepEqual({ entered, admitted, waiting }, { entered: 1, admitted: 0, waiting: 1 });
});

test("a refused form leads back to the room, which says why, once", async () => {
  const queue = await world.createQueue({ maxActive: 1, maxParticipants: 1 });
  const visitor = new Visitor(world.url);
  await visitor.open(room(queue));
  await queue.enter();
  const said = /<p class="note" id="said" role="status">[^<]+<\/p>/;
  await visitor.submit(`${room(queue)}/enter`);
  assert.ok(said.test(visitor.page.text), "the room says that the queue is full");
  assert.equal(visitor.cookies[queue.cookieName], undefined);
  await visitor.open(room(queue));
  assert.ok(!said.test(visitor.page.text), "it says so once");
});

test("entering a queue that has closed meanwhile leads to a room that says so", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  const visitor = new Visitor(world.url);
  await visitor.open(room(queue));
  await queue.act("close");
  await visitor.submit(`${room(queue)}/enter`);
  assert.equal(visitor.page.status, 200);
  assert.ok(visitor.page.text.includes('data-state="closed"'));
  assert.deepEqual(visitor.forms(), []);
});

test("a room whose admission is over says so, and offers to enter anew", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  const visitor = await enterByForm(queue);
  await new Shopper(queue, visitor.cookies[queue.cookieName]).buy();
  await until("the room knows", async () => {
    const { text } = await visitor.open(room(queue));
    return text.includes('data-state="over"');
  });
  await visitor.submit(`${room(queue)}/enter`);
  assert.equal(placeOf(visitor, queue), 2);
});

test("claiming too early by form keeps the place, and the room says so", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  await (await queue.enter()).admit();
  const visitor = await enterByForm(queue);
  const { cookies } = visitor;
  const reply = await world.send(`${room(queue)}/claim`, {
    method: "POST",
    from: world.url,
    cookies,
    form: {},
  });
  assert.equal(reply.status, 303);
  assert.equal(reply.headers.get("location"), room(queue));
  assert.ok(reply.cookies[`__Host-tidegate-said.${queue.id}`].value);
  assert.equal((await visitor.open(room(queue))).status, 200);
  assert.equal(placeOf(visitor, queue), 2);
});

test("a room whose ticket is void says so, and offers to enter", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  const visitor = await enterByForm(queue);
  await queue.act("reset");
  await visitor.open(room(queue));
  assert.equal(visitor.page.status, 200);
  assert.equal(visitor.cookies[queue.cookieName], undefined);
  await visitor.submit(`${room(queue)}/enter`);
  assert.equal(placeOf(visitor, queue), 1);
});

test("what an operator writes is shown as text, never as markup", async () => {
  const text = '<img src=x onerror="alert(1)">';
  const queue = await world.createQueue({
    maxActive: 1,
    product: { name: text, path: "/products/<b>" },
  });
  await queue.operate("PUT", "notice", { json: { level: "warning", text } });
  const page = await world.send(room(queue));
  assert.equal(page.status, 200);
  assert.ok(!page.text.includes("<img src=x"));
  assert.ok(!page.text.includes('<b>"'));
  assert.match(page.headers.get("content-security-policy"), /default-src 'none'/);
});

test("the product page leads into the room", async () => {
  const visitor = new Visitor(world.url);
  await visitor.open("/products/tide-lamp");
  assert.equal(visitor.page.status, 200);
  assert.ok(visitor.page.text.includes(room(shopQueue)), "a way to the room");
});

test("the whole way without script: enter, claim, check out, pay", async () => {
  const visitor = await enterByForm(shopQueue);
  await until("the room calls up", async () => {
    await visitor.open(room(shopQueue));
    return visitor.forms().some(({ action }) => action.endsWith("/claim"));
  });
  await visitor.submit(`${room(shopQueue)}/claim`);
  const token = visitor.forms().find(({ action }) => action === "/checkout").fields.handoffToken;
  await visitor.submit("/checkout");
  assert.equal(visitor.page.path, "/checkout");
  assert.equal(visitor.page.status, 200, visitor.page.text);
  assert.match(visitor.page.text, /Your order/);
  assert.match(visitor.page.text, /Held for you until/);
  const { jti } = decodeJwt(token);
  const state = async () =>
    (await shopQueue.admissions()).find(({ admissionId }) => admissionId === jti).state;
  assert.equal(await state(), "redeemed");

  await visitor.submit("/checkout/pay");
  assert.match(visitor.page.path, /^\/orders\//);
  assert.equal(visitor.page.status, 200, visitor.page.text);
  assert.match(visitor.page.text, /Your order is paid/);
  assert.equal(await state(), "completed");

  for (const { headers } of visitor.answers) {
    assert.ok(!(headers.get("location") ?? "").includes(token), "no token in an address");
  }
});

test("a token opens one checkout: a second browser with it is turned away", async () => {
  const { handoffToken } = await (await shopQueue.enter()).admit();
  const post = () =>
    world.send("/checkout", { method: "POST", from: world.url, form: { handoffToken } });
  assert.equal((await post()).status, 303);
  assert.equal((await post()).status, 401);
});

test("the checkout takes the token as bearer from a script", async () => {
  const { handoffToken } = await (await shopQueue.enter()).admit();
  const reply = await world.send("/checkout", {
    method: "POST",
    bearer: handoffToken,
    from: world.url,
  });
  assert.equal(reply.status, 200, reply.text);
  assert.equal(reply.json.checkoutUrl, "/checkout");
  const session = Object.fromEntries(
    Object.entries(reply.cookies).map(([name, { value }]) => [name, value]),
  );
  assert.match((await world.send("/checkout", { cookies: session })).text, /Your order/);
});

test("without a token, or with one in the URL, the checkout stays closed", async () => {
  const { handoffToken } = await (await shopQueue.enter()).admit();
  for (const path of ["/checkout", `/checkout?handoffToken=${handoffToken}`]) {
    assert.equal((await world.send(path)).status, 401);
    assert.equal((await world.send(path, { method: "POST", from: world.url, form: {} })).status,
      401);
  }
});

test("cancelling an order gives the place to the next in line", async () => {
  const queue = shopQueue;
  const shoppers = await queue.enterMany(2);
  await until("both are called up",
    async () => (await queue.snapshot()).boarding > shoppers[1].index);
  const { active } = await queue.snapshot();
  await queue.patch({ maxActive: active + 1 });
  const { handoffToken, admissionId } = await shoppers[0].admit();
  await shoppers[1].becomePresent();
  const arrived = await world.send("/checkout", {
    method: "POST",
    from: world.url,
    form: { handoffToken },
  });
  const cookies = Object.fromEntries(
    Object.entries(arrived.cookies).map(([name, { value }]) => [name, value]),
  );
  const cancelled = await world.send("/checkout/cancel", {
    method: "POST",
    from: world.url,
    cookies,
    form: {},
  });
  assert.equal(cancelled.status, 303, cancelled.text);
  const ended = (await queue.admissions()).find((admission) =>
    admission.admissionId === admissionId
  );
  assert.equal(ended.state, "released");
  await shoppers[1].admit();
});
