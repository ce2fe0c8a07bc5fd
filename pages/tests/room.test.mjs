// The waiting room in a real browser: `CHROMIUM=/path/to/chromium node --test
// pages/tests/room.test.mjs`.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { GRANTED, NOW, POLL, QUEUED, READY, RESERVE, SEALING, answers, base, become, browser, calls,
  complaints, count, folder, only, page, reaches, refusal, sees, test, unavailable, until,
  visit } from "./stand_in.mjs";

test("script and server write the same page for the same status", async () => {
  for (const [state, status] of [
    ["queued", QUEUED],
    ["queued-unknown", {
      ...QUEUED,
      position: 2,
      ahead: 1,
      boarding: 0,
      estimatedWaitSeconds: null,
      waitKnown: false,
      waitRange: { atLeastSeconds: 0, atMostSeconds: 735 },
    }],
    ["paused", { ...QUEUED, phase: "paused" }],
    ["stale", { ...QUEUED, stale: true }],
    ["waiting", { ...POLL, status: "WAITING", phase: "entry" }],
    ["sealing", SEALING],
    ["sealing-late", SEALING],
    ["draw-sealing", SEALING],
    ["queued-sealing", {
      ...QUEUED,
      phase: "sealing",
      boarding: 0,
      estimatedWaitSeconds: null,
      waitKnown: false,
      waitRange: { atLeastSeconds: 0, atMostSeconds: null },
    }],
    ["draw-waiting", { ...POLL, status: "WAITING", phase: "entry" }],
    ["draw-won", READY],
    ["draw-won-paused", { ...READY, phase: "paused" }],
    ["reserve", RESERVE],
    ["reserve-next", { ...RESERVE, position: 501, rank: 1 }],
    ["reserve-paused", { ...RESERVE, phase: "paused" }],
    ["reserve-stale", { ...RESERVE, stale: true }],
    ["not-selected", { ...POLL, status: "NOT_SELECTED", phase: "closed" }],
  ]) {
    await visit(state, { "GET status": ["hang up", status] });
    const served = await page.evaluate(async () => {
      const parsed = new DOMParser().parseFromString(await (await fetch(location.href)).text(),
        "text/html");
      for (const time of parsed.querySelectorAll("time")) {
        time.textContent = new Date(time.dateTime).toLocaleString([], {
          dateStyle: "medium",
          timeStyle: "short",
        });
      }
      return [parsed.title, parsed.querySelector("#state").innerHTML,
        parsed.querySelector("#lost").hidden];
    });
    await until(() => count("GET status") >= 3);
    // A third request may be out before the second one's answer is on the page.
    await page.waitForFunction((hidden) => document.querySelector("#lost").hidden === hidden,
      served[2]);
    const shown = await page.evaluate(() => {
      const [now, lost] = ["#state", "#lost"].map((name) => document.querySelector(name));
      return [document.title, now.innerHTML, lost.hidden];
    });
    assert.deepEqual(shown, served, state);
  }
});

test("a poll renews the place and the title, and a screen reader hears large steps", async () => {
  const near = {
    ...QUEUED,
    ahead: 150,
    estimatedWaitSeconds: 150,
    waitRange: { atLeastSeconds: 120, atMostSeconds: 180 },
  };
  await visit("queued", { "GET status": [{ ...QUEUED, ahead: 311 }, near] });
  await page.waitForFunction(() => document.title === "311 ahead – Tide Lamp");
  assert.equal(await page.textContent("#say"), "");
  await page.waitForFunction(() => document.title === "150 ahead – Tide Lamp");
  await sees("between 2 and 3 minutes");
  assert.equal(await page.textContent("#say"),
    "You are in line. 150 people ahead of you. Expected wait: between 2 and 3 minutes.");
  assert.match(await page.textContent("footer time"), /15:05:09/);
});

test("what the operator says appears, changes and goes with the status", async () => {
  const says = (level, text) => ({ ...QUEUED, notice: { level, text } });
  const hostile = "Payments are <b>down</b>.";
  await visit("queued", {
    "GET status": [says("info", "Hello."), says("critical", hostile), QUEUED],
  });
  await page.waitForFunction(() =>
    document.querySelector("#notice").textContent.trim() === "From the shop: Hello."
  );
  await page.waitForFunction(
    (text) => document.querySelector("#notice.critical span")?.textContent === text,
    hostile,
  );
  assert.equal(await page.textContent("#say"), `Important: ${hostile}`);
  await page.locator("#notice").waitFor({ state: "hidden" });
});

test("waits read as the server writes them", async () => {
  const table = JSON.parse(readFileSync(new URL("waits.json", import.meta.url)));
  await visit("queued", { "GET status": [QUEUED] });
  // The page itself is asked, by what it does on coming back to a tab: no second is lost for each
  // row.
  await page.clock.install();
  await page.reload();
  for (const [atLeastSeconds, atMostSeconds, text] of table) {
    answers["GET status"] = [{ ...QUEUED, waitRange: { atLeastSeconds, atMostSeconds } }];
    const before = count("GET status");
    await page.clock.runFor(1100);
    await until(() => count("GET status") > before);
    await page.waitForFunction(
      (text) => document.querySelector("[data-v=wait]").textContent === text,
      text,
    );
  }
});

test("the page claims by itself, and posts the token to the checkout alone", async () => {
  await visit("queued", { "GET status": [READY], "POST claim": [GRANTED] });
  await reaches("/checkout");
  assert.equal(only("POST /checkout").body, "handoffToken=secret-token");
  assert.equal(count("POST claim"), 1);
  assert.ok(calls.every(({ call }) => !call.includes("secret-token")));
  const kept = await page.evaluate(() =>
    JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])
  );
  assert.ok(!kept.includes("secret-token"), kept);
});

test("who is present is not asked for again until there is something to collect", async () => {
  const boarding = { code: 202, body: { status: "BOARDING", retryAfterMs: 2000 } };
  await visit("ready", {
    "GET status": [READY, READY, READY, { ...READY, collect: true }],
    "POST claim": [boarding, GRANTED],
  });
  await sees("among the next for a free place");
  assert.equal(await page.title(), "It is your turn – Tide Lamp");
  assert.equal(await page.isVisible("#state button"), false);
  await reaches("/checkout");
  const order = calls.map(({ call }) => call).filter((call) => /claim|status/.test(call));
  assert.deepEqual(order, ["GET status", "POST claim", "GET status", "GET status", "GET status",
    "POST claim"]);
});

test("a claim that the status never answers is repeated, but not within ten seconds", async () => {
  await page.clock.install();
  await page.addInitScript(() => {
    const fetched = window.fetch;
    window.claimedAt = [];
    window.fetch = (url, options) => {
      if (String(url).endsWith("/claim")) window.claimedAt.push(Date.now());
      return fetched(url, options);
    };
  });
  await visit("queued", {
    "GET status": [READY],
    "POST claim": [{ code: 202, body: { status: "BOARDING", retryAfterMs: 500 } }],
  });
  for (let second = 0; second < 20 && count("POST claim") < 2; second += 1) {
    const before = count("GET status");
    await page.clock.runFor(1000);
    await until(() => count("GET status") > before);
  }
  const [first, second] = await page.evaluate(() => window.claimedAt);
  assert.ok(second - first >= 10_000, `after ${second - first} ms of the page's clock`);
});

test("while the queue is paused nobody claims", async () => {
  // To one who has not claimed, "collect" says nothing.
  const paused = { ...READY, phase: "paused", collect: true };
  await visit("ready-paused", { "GET status": [paused], "POST claim": [GRANTED] });
  await until(() => count("GET status") >= 3);
  await sees("Your turn is kept");
  assert.equal(count("POST claim"), 0);
  answers["GET status"] = [READY];
  await reaches("/checkout");
});

test("who is present collects what a status after their claim has, in a pause too", async () => {
  const older = { ...READY, collect: true };
  const paused = { ...READY, phase: "paused", serverTime: NOW + 1 };
  const boarding = { code: 202, body: { status: "BOARDING", retryAfterMs: 2000, serverTime: NOW } };
  await visit("queued", {
    "GET status": [READY, older, paused],
    "POST claim": [boarding, GRANTED],
  });
  await until(() => count("GET status") >= 4);
  assert.equal(count("POST claim"), 1, "neither the older status nor the pause is one to claim at");
  answers["GET status"] = [{ ...paused, collect: true }];
  await reaches("/checkout");
  assert.equal(count("POST claim"), 2);
});

test("with the connection down the place stays, and the page says so and comes back", async () => {
  await visit("queued", { "GET status": ["hang up"] });
  await sees("You are still in line; we will try again.");
  assert.equal(await page.textContent("[data-v=ahead]"), "312");
  assert.equal(await page.textContent("[data-v=wait]"), "not known yet");
  answers["GET status"] = [QUEUED];
  await sees("between 4 and 6 minutes");
  assert.equal(await page.isVisible("#lost"), false);
  assert.equal(await page.textContent("#say"), "The connection is back. You are still in line.");
});

test("an answer that is not the Worker's is no news", async () => {
  await visit("queued", { "GET status": [{ code: 200, body: { login: "please" } }] });
  await sees("You are still in line");
  assert.equal(await page.textContent("[data-v=ahead]"), "312");
});

test("a refused poll is repeated no sooner than the server asks", async () => {
  for (const code of [429, 503]) {
    become("ready");
    await visit("queued", { "GET status": [{ code, after: 2, body: {} }, QUEUED] });
    await until(() => count("GET status") === 2);
    const [first, second] = calls.filter(({ call }) => call === "GET status");
    assert.ok(second.at - first.at >= 2900, `${second.at - first.at} ms`);
  }
});

for (const [chance, seconds] of [
  [0.999999, [1, 2, 4, 8, 16, 30, 30]],
  [0.4, [1, 1, 1.6, 3.2, 6.4, 12, 12]],
  [0, [1, 1, 1, 1, 1, 1, 1]],
]) {
  test(`pauses grow while nothing answers, within 1 and 30 s, by chance ${chance}`, async () => {
    await page.addInitScript((chance) => {
      Math.random = () => chance;
      const wait = setTimeout;
      window.pauses = [];
      window.setTimeout = (then, ms) => wait(then, pauses.push(ms) && 10);
    }, chance);
    await visit("queued", { "GET status": [unavailable] });
    await page.waitForFunction(() => pauses.length > 7);
    assert.deepEqual(
      await page.evaluate(() => pauses.slice(1, 8).map((ms) => Math.round(ms / 100) / 10)),
      seconds,
    );
  });
}

test("the script is small on the wire", () => {
  const files = readdirSync(join(folder, "tidegate")).map((name) =>
    readFileSync(join(folder, "tidegate", name))
  );
  const [script] = files.filter((file) => file.includes("querySelector"));
  assert.ok(gzipSync(script).length <= 4700, `${gzipSync(script).length} bytes`);
});

test("a ticket that means nothing any more leads to a page that can be joined", async () => {
  await visit("queued", { "GET status": [{ ...POLL, status: "NOT_QUEUED" }] });
  become("join");
  await page.getByRole("button", { name: "Join the queue" }).waitFor();
});

test("each end has its own words, and polls rest", async () => {
  for (const [name, words] of [["ADMISSION_EXPIRED", "Your turn is over"], ["SOLD_OUT", "Sold out"],
    ["QUEUE_CLOSED", "This queue is closed"]]) {
    become("ready");
    await visit("ready", { "GET status": [READY], "POST claim": [refusal(410, name)] });
    await sees(words);
    assert.equal(await page.title(), `${words} – Tide Lamp`);
    assert.equal(await page.isVisible("#leave"), false);
    assert.equal(count("GET status"), 1);
  }
  await visit("queued", { "GET status": [{ ...POLL, status: "CLOSED", phase: "soldOut" }] });
  await sees("Sold out");
});

test("a claim refused out of order leaves the shopper the button", async () => {
  await visit("ready", { "GET status": [READY], "POST claim": [refusal(403, "FORBIDDEN")] });
  await page.getByRole("button", { name: "It is your turn: continue" }).click();
  await reaches("/queue/demo/claim");
});

test("joining is repeated with the same key until it succeeds, on the same page", async () => {
  const entered = () => {
    answers["GET status"] = [QUEUED];
    return { queueId: "demo", ticket: "t", receipt: "r", status: QUEUED };
  };
  await visit("join", {
    "GET status": [{ ...POLL, status: "NOT_QUEUED" }],
    "POST enter": [unavailable, entered],
  });
  await page.getByRole("button", { name: "Join the queue" }).dblclick();
  await sees("The queue is out of reach just now. We will try again.");
  await sees("people ahead of you");
  assert.equal(await page.isVisible("#lost"), false);
  const sent = calls.filter(({ call }) => call === "POST enter");
  const key = { entryKey: "07".repeat(16) };
  assert.deepEqual(sent.map(({ body }) => JSON.parse(body)), [key, key]);
  assert.equal(count("GET /queue/demo"), 1);
  assert.equal(count("POST /queue/demo/enter"), 0);
});

test("a poll from before joining that comes back late is not heard", async () => {
  let entered;
  const late = new Promise((resolve) => (entered = resolve));
  const enter = () => {
    answers["GET status"] = [QUEUED];
    setTimeout(() => entered({ ...POLL, status: "NOT_QUEUED" }), 300);
    return { queueId: "demo", ticket: "t", receipt: "r", status: QUEUED };
  };
  await visit("join", { "GET status": [() => late], "POST enter": [enter] });
  await until(() => count("GET status") === 1);
  await page.getByRole("button", { name: "Join the queue" }).click();
  await sees("people ahead of you");
  await until(() => count("GET status") === 3);
  assert.equal(count("GET /queue/demo"), 1);
});

test("a refused entry goes by the plain form, whose answer says why", async () => {
  await visit("join", {
    "GET status": [{ ...POLL, status: "NOT_QUEUED" }],
    "POST enter": [refusal(410, "QUEUE_CLOSED")],
  });
  await page.getByRole("button", { name: "Join the queue" }).click();
  await reaches("/queue/demo/enter");
});

test("who is done joins again with a new key", async () => {
  await visit("over", {
    "POST enter": [{ queueId: "demo", ticket: "t", receipt: "r", status: QUEUED }],
    "GET status": [QUEUED],
  });
  await page.getByRole("button", { name: "Join again" }).click();
  await sees("people ahead of you");
  assert.match(JSON.parse(only("POST enter").body).entryKey, /^[0-9a-f]{32}$/);
  assert.notEqual(JSON.parse(only("POST enter").body).entryKey, "07".repeat(16));
  await until(() => count("GET status"));
});

test("a checkout that moved to another site is left to a page of now", async () => {
  const granted = () => {
    become("join");
    answers["GET status"] = [{ ...POLL, status: "NOT_QUEUED" }];
    return { ...GRANTED, checkoutUrl: "http://localhost:9/checkout" };
  };
  await visit("ready", { "GET status": [READY], "POST claim": [granted] });
  await page.getByRole("button", { name: "Join the queue" }).waitFor();
  assert.equal(complaints.length, 1);
  assert.match(complaints.pop(), /form-action/);
});

test("a checkout that sends shoppers back does not send them round and round", async () => {
  await visit("granted", {});
  await reaches("/checkout");
  await visit("granted", {});
  await page.getByRole("button", { name: "Go to checkout" }).click();
  await reaches("/checkout", 2);
});

test("who may not leave any more is told so, and is not sent on to the checkout", async () => {
  await visit("granted-kept", {});
  await page.getByText("cancel your order there").waitFor();
  await page.getByRole("button", { name: "Go to checkout" }).click();
  await reaches("/checkout", 1);
});

test("without script, forms do everything and waiting pages reload", async () => {
  const plain = await browser.newContext({ javaScriptEnabled: false });
  const visitor = await plain.newPage();
  for (const [state, button, path, body] of [
    ["join", "Join the queue", "/queue/demo/enter", `entryKey=${"07".repeat(16)}`],
    ["ready", "It is your turn: continue", "/queue/demo/claim", ""],
    ["over", "Join again", "/queue/demo/enter", ""],
    ["granted", "Go to checkout", "/checkout", "handoffToken=header.claims.signature"],
  ]) {
    become(state);
    await visitor.goto(`${base}/queue/demo`);
    await visitor.getByRole("button", { name: button }).click();
    await until(() => count(`POST ${path}`) === 1);
    await visitor.waitForURL(base + path);
    assert.equal(only(`POST ${path}`).body, body);
  }
  become("queued");
  await visitor.goto(`${base}/queue/demo`);
  await visitor.getByText("Leave the queue").click();
  await visitor.getByRole("button", { name: "Leave and give up my place" }).click();
  await until(() => count("POST /queue/demo/leave") === 1);
  await visitor.waitForURL(`${base}/queue/demo/leave`);
  await visitor.goto(`${base}/queue/demo`);
  await until(() => count("GET /queue/demo") >= 3);
  await plain.close();
});
