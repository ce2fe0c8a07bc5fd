// An opening by lot and a draw in a real browser: what follows on what, who hears of it, and who
// acts.

import assert from "node:assert/strict";
import { GRANTED, NOW, POLL, QUEUED, READY, RESERVE, SEALING, answers, base, become, browser, calls,
  count, only, page, reaches, refusal, sees, test, unavailable, until,
  visit } from "./stand_in.mjs";

const WAITING = { ...POLL, status: "WAITING", phase: "entry" };
const LAPSED = { ...POLL, status: "LAPSED", position: 10000, collect: false };
const SNAPSHOT = "GET /v1/queues/demo";
const LIST = "5e".repeat(32);
const sealed = { shuffle: { root: LIST, beaconRound: 31415926, seed: null } };
const boarding = { code: 202, body: { status: "BOARDING", retryAfterMs: 2000, serverTime: NOW } };

const becomes = (text) =>
  page.waitForFunction((text) => document.querySelector("#state h2").textContent === text, text);
const hears = (text, where = "#say") =>
  page.waitForFunction(([text, where]) => document.querySelector(where).textContent === text, [text,
    where]);
const shows = (name, text) =>
  page.waitForFunction(
    ([name, text]) => document.querySelector(`[data-v=${name}]`).textContent === text,
    [name, text],
  );
const recordPauses = () => {
  const wait = setTimeout;
  window.pauses = [];
  window.setTimeout = (then, ms) => wait(then, pauses.push(ms) && ms);
};
const mayCheck = () =>
  page.getByRole("link", { name: "Check that the order was fair" }).isVisible();

test("who waits sees what decides the order, and once it is drawn their place", async () => {
  const early = { shuffle: { root: null, beaconRound: null, seed: null } };
  await visit("waiting", {
    "GET status": [WAITING, SEALING],
    [SNAPSHOT]: [unavailable, early, sealed],
  });
  await hears("The order is being drawn");
  assert.equal(await page.title(), "The order is being drawn – Tide Lamp");
  assert.equal(await page.isVisible("#state dl"), false, "nothing is named that is not known");
  await sees("drand, round 31415926");
  assert.equal(await page.textContent("[data-v=root]"), LIST);
  assert.equal(await mayCheck(), false);
  const polls = count("GET status");
  await until(() => count("GET status") > polls + 1);
  assert.equal(count(SNAPSHOT), 3, "what is known is not asked for again");
  assert.ok(await page.isVisible("#state dl"));
  answers["GET status"] = [QUEUED];
  await sees("people ahead of you");
  assert.ok(await mayCheck());
});

test("a round that keeps everybody waiting is not called half a minute for ever", async () => {
  await visit("sealing", { "GET status": [{ ...SEALING, serverTime: NOW + 60_000 }] });
  await until(() => count("GET status") >= 2);
  assert.equal(await page.isVisible("[data-if=late]"), false);
  answers["GET status"] = [{ ...SEALING, serverTime: NOW + 100_000 }];
  await sees("It is taking longer than usual.");
});

test("who joins while the order of the others is drawn can check it afterwards", async () => {
  const queued = { ...QUEUED, phase: "sealing" };
  await visit("queued-sealing", { "GET status": [queued] });
  await until(() => count("GET status") >= 2);
  assert.ok(await page.isVisible("#state [data-if=sealing]"));
  assert.equal(await mayCheck(), false);
  answers["GET status"] = [QUEUED];
  await page.locator("#state [data-if=sealing]").waitFor({ state: "hidden" });
  assert.ok(await mayCheck());
});

test("an order that needed no waiting for can be checked too", async () => {
  await visit("waiting", { "GET status": [WAITING, QUEUED] });
  await sees("people ahead of you");
  assert.ok(await mayCheck());
});

test("where nobody was shuffled there is nothing to check", async () => {
  await visit("queued", { "GET status": [{ ...QUEUED, ahead: 311 }] });
  await shows("ahead", "311");
  assert.equal(await mayCheck(), false);
});

test("who is outside has nothing to check until they are in line", async () => {
  const outside = { ...POLL, status: "NOT_QUEUED" };
  for (const state of ["draw-entry-closed", "join-shuffled"]) {
    await visit(state, { "GET status": [unavailable] });
    await sees("is out of reach just now");
    answers["GET status"] = [outside];
    await page.locator("#lost").waitFor({ state: "hidden" });
    assert.equal(await mayCheck(), false, state);
  }
  answers["GET status"] = [QUEUED];
  answers["POST enter"] = [{ queueId: "demo", ticket: "t", receipt: "r", status: QUEUED }];
  await page.getByRole("button", { name: "Join the queue" }).click();
  await sees("people ahead of you");
  assert.ok(await mayCheck());
});

test("a queue that ends before its order is drawn leaves nothing to check", async () => {
  await visit("sealing", { "GET status": [{ ...POLL, status: "CLOSED", phase: "closed" }] });
  await becomes("This queue is closed");
  assert.equal(await mayCheck(), false);
});

test("a winner is told so aloud, and takes the place when they choose to", async () => {
  await visit("draw-waiting", { "GET status": [WAITING, SEALING, READY], "POST claim": [GRANTED] });
  await hears("The draw is being held");
  await hears("You won a place", "#call");
  assert.equal(await page.title(), "You won a place – Tide Lamp");
  await sees("kept for a limited time only");
  assert.ok(await mayCheck());
  await until(() => count("GET status") >= 4);
  assert.equal(count("POST claim"), 0, "nobody may be looking");
  await page.getByRole("button", { name: "Take my place" }).click();
  await reaches("/queue/demo/claim");
});

test("who took their place is admitted without a further word", async () => {
  const collect = { ...READY, collect: true, serverTime: NOW + 1 };
  await visit("draw-boarding", {
    "GET status": [READY, READY, collect],
    "POST claim": [boarding, GRANTED],
  });
  await reaches("/checkout");
  const order = calls.map(({ call }) => call).filter((call) => /claim|status/.test(call));
  assert.deepEqual(order, ["GET status", "POST claim", "GET status", "GET status", "POST claim"]);
});

test("an admission of a draw that ran out cannot be had again", async () => {
  await visit("draw-boarding", {
    "GET status": [READY],
    "POST claim": [refusal(410, "ADMISSION_EXPIRED")],
  });
  await becomes("Your turn is over");
  assert.equal(await page.locator("#state button").count(), 0);
  assert.ok(await mayCheck());
  assert.equal(count("GET status"), 1);
});

test("a place that nobody took is gone with the draw, and is not claimed", async () => {
  await visit("draw-won", { "GET status": [READY, { ...READY, phase: "closed", collect: true }] });
  await becomes("This draw is over");
  assert.equal(count("POST claim"), 0);
  await visit("draw-won", { "GET status": [{ ...READY, phase: "soldOut" }] });
  await becomes("Sold out");
});

test("who took their place collects it after the end", async () => {
  const ended = { ...READY, phase: "closed", collect: true, serverTime: NOW + 1 };
  await visit("draw-boarding", { "GET status": [ended], "POST claim": [GRANTED] });
  await reaches("/checkout");
});

test("a winner reads until when, that it is too late, and when a place is free", async () => {
  await page.addInitScript(recordPauses);
  await visit("draw-won", { "GET status": [{ ...READY, claimBy: NOW + 7_200_000 }] });
  await sees(
    "It is kept for you until 21 Nov 2026, 17:05. After that, it goes to the next person in order.",
  );
  assert.equal(await page.isVisible("[data-if=kept]"), false);
  assert.ok(await page.evaluate(() => !pauses.includes(4000)),
    "what the server asks for is by the time left already");
  answers["GET status"] = [LAPSED];
  await becomes("The time for your place ran out");
  assert.equal(await page.locator("#state button").count(), 0);
  await page.waitForFunction(() => pauses.includes(4000));
  answers["GET status"] = [READY];
  await becomes("You won a place");
  await sees("kept for a limited time only");
  assert.equal(await page.isVisible("[data-if=until]"), false);
  assert.equal(count("POST claim"), 0);
});

test("who took their place in time is not told that it lapsed, and collects it", async () => {
  const collect = { ...LAPSED, collect: true, serverTime: NOW + 1 };
  await visit("draw-boarding", {
    "GET status": [LAPSED, LAPSED, collect],
    "POST claim": [boarding, GRANTED],
  });
  await reaches("/checkout");
  assert.equal(count("POST claim"), 2);
});

test("a draw that was closed and is opened again takes its winner back in", async () => {
  await visit("draw-boarding", {
    "GET status": [READY],
    "POST claim": [refusal(410, "QUEUE_CLOSED")],
  });
  await becomes("This draw is over");
  await becomes("You won a place");
});

test("on the reserve list the number falls, and a screen reader hears what matters", async () => {
  await visit("draw-sealing", { "GET status": [SEALING, RESERVE] });
  await hears("You are on the reserve list. Your number is 1,204.");
  assert.equal(await page.title(), "Number 1,204 on the reserve list – Tide Lamp");
  await sees("As soon as 1,204 places come free, one is yours.");
  assert.ok(await mayCheck());
  for (const [rank, heard] of [
    [700, "1,204"],
    [602, "602"],
    [11, "11"],
    [10, "11"],
    [9, "9"],
    [8, "8"],
  ]) {
    answers["GET status"] = [{ ...RESERVE, rank }];
    await shows("rank", String(rank));
    assert.equal(await page.textContent("#say"),
      `You are on the reserve list. Your number is ${heard}.`);
  }
  answers["GET status"] = [{ ...RESERVE, rank: 1 }];
  await sees("You are next: the first place that comes free is yours.");
  assert.equal(await page.textContent("#call"), "");
  answers["GET status"] = [READY];
  await hears("You won a place", "#call");
  assert.ok(await page.getByRole("button", { name: "Take my place" }).isVisible());
  assert.equal(count("POST claim"), 0);
});

for (const [state, told] of [
  ["reserve", [RESERVE]],
  ["draw-sealing", [SEALING]],
]) {
  test(`who was not drawn is told so once and for all, from ${state}`, async () => {
    await page.addInitScript(recordPauses);
    await visit(state, {
      "GET status": [...told, { ...POLL, status: "NOT_SELECTED", phase: "closed" }],
    });
    await hears("You were not drawn this time");
    await sees("It was chance alone");
    assert.equal(await page.title(), "You were not drawn this time – Tide Lamp");
    assert.equal(await page.isVisible("#leave"), false);
    assert.ok(await mayCheck());
    await page.waitForFunction(() => pauses.includes(4000));
  });
}

test("a draw is joined without leaving the page", async () => {
  const entered = { queueId: "demo", ticket: "t", receipt: "r", status: WAITING };
  const enter = () => {
    answers["GET status"] = [WAITING];
    return entered;
  };
  await visit("draw-join", {
    "GET status": [{ ...WAITING, status: "NOT_QUEUED" }],
    "POST enter": [enter],
  });
  await page.getByRole("button", { name: "Join the draw" }).click();
  await hears("You are in the draw");
  await sees("Do come back after the draw");
  assert.equal(await mayCheck(), false);
  assert.equal(count("GET /queue/demo"), 1);
});

test("who is too late for a draw is sent to the page that says so", async () => {
  const outside = { ...WAITING, status: "NOT_QUEUED" };
  await visit("draw-join", {
    "GET status": [outside],
    "POST enter": [refusal(410, "QUEUE_CLOSED")],
  });
  await page.getByRole("button", { name: "Join the draw" }).click();
  await reaches("/queue/demo/enter");
});

test("the button to join goes when entry closes", async () => {
  const closed = { ...SEALING, status: "NOT_QUEUED" };
  const turn = () => {
    become("draw-entry-closed");
    return closed;
  };
  await visit("draw-join", { "GET status": [turn, closed] });
  await becomes("Entry to this draw has closed");
  assert.equal(await page.locator("#state button").count(), 0);
});

test("with the connection down, nobody in a draw is told of a line", async () => {
  await visit("reserve", { "GET status": ["hang up"] });
  await sees("You are still in the draw; we will try again.");
  assert.equal(await page.textContent("[data-v=rank]"), "1,204");
  answers["GET status"] = [RESERVE];
  await hears("The connection is back. You are still in the draw.");
});

test("a winner's page is worked by keyboard, in the order in which it reads", async () => {
  await visit("draw-won", { "GET status": [READY] });
  const stops = [];
  for (let stop = 0; stop < 4; stop += 1) {
    await page.keyboard.press("Tab");
    stops.push(await page.evaluate(() => document.activeElement.textContent.trim()));
  }
  assert.deepEqual(stops, ["Take my place", "Check that the order was fair (opens another page)",
    "Leave the draw", "Check now"]);
  await page.focus("#state button");
  await page.keyboard.press("Enter");
  await reaches("/queue/demo/claim");
});

test("the boat rocks while the order is drawn, but not where no motion is wanted", async () => {
  const motion = () =>
    page.evaluate(() => getComputedStyle(document.querySelector("#state .boat")).animationName);
  await visit("sealing", { "GET status": [SEALING] });
  assert.equal(await motion(), "rock");
  await page.emulateMedia({ reducedMotion: "reduce" });
  assert.equal(await motion(), "none");
});

test("without script a drawing page reloads until there is a place to take", async () => {
  const plain = await browser.newContext({ javaScriptEnabled: false });
  const visitor = await plain.newPage();
  become("draw-sealing");
  await visitor.goto(`${base}/queue/demo`);
  await visitor.getByText("drand, round 24681357").waitFor();
  become("draw-won");
  await visitor.getByRole("button", { name: "Take my place" }).click();
  await visitor.waitForURL(`${base}/queue/demo/claim`);
  assert.equal(only("POST /queue/demo/claim").body, "");
  await plain.close();
});
