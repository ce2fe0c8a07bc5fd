// Reading is free: polls are answered from what the edge keeps, fresh or, in an outage, stale.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertProblem } from "./support/problem.mjs";
import { forEachAtOnce, until } from "./support/until.mjs";
import { startWatchedWorld } from "./support/watched.mjs";

const OBJECTS = ["DIRECTORY", "QUEUE", "LANE", "RELAY"];
const PAGE = "https://shop.example";

const { world, calls, outage } = await startWatchedWorld();

/**
 * How often calls that go on for `elapsed` milliseconds may reach an object that is asked once a
 * second.
 */
const onceASecond = (elapsed) => Math.floor(elapsed / 1000) + 1;

/** The calls to a queue's objects since `begin`. */
const since = (begin, queue, binding) =>
  calls.slice(begin).filter((told) =>
    told.binding === binding && told.call.includes(`"${queue.id}"`)
  );

test("a thousand polls reach no object, but for the snapshot's refresh once a second", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  const shoppers = await queue.enterMany(20);
  await until("the edge has a snapshot",
    async () => (await shoppers[19].status()).json.position === 20);

  const begin = calls.length;
  const started = performance.now();
  let polls = 0;
  // Until refreshes were seen, so that "at most" is not "none at all".
  await until("three refreshes", async () => {
    await forEachAtOnce(shoppers, 20, async (shopper) => {
      const { json } = await shopper.status();
      assert.equal(json.position, shopper.index + 1);
      polls += 1;
    });
    return polls >= 1_000 && since(begin, queue, "RELAY").length >= 3;
  }, { withinMs: 30_000, everyMs: 1 });
  const most = onceASecond(performance.now() - started);

  const told = calls.slice(begin);
  assert.ok(since(begin, queue, "RELAY").length <= most, `${most} refreshes at most`);
  assert.ok(told.filter(({ binding }) => binding === "DIRECTORY").length <= most);
  assert.ok(
    told.filter(({ binding, call }) => binding === "QUEUE" && call.includes("View")).length <= most,
  );
  assert.deepEqual(told.filter(({ binding }) => binding === "LANE"), []);
});

test("however many edges ask a relay, it asks the queue once a second", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  await queue.enter();
  // What an edge asks, as it was heard.
  const heard = await until("an edge asks", async () => {
    await queue.send("");
    return since(0, queue, "RELAY")[0];
  });
  const relays = await world.objects("RELAY");
  const relay = relays.idFromString(heard.object);
  const ask = () => relays.get(relay).ask(heard.call);

  const begin = calls.length;
  const started = performance.now();
  const views = () =>
    calls.slice(begin).filter(({ binding, call }) => binding === "QUEUE" && call.includes("View"));
  let asked = 0;
  await until("three answers of the queue", async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, ask));
    asked += answers.length;
    // The view, each time.
    for (const answer of answers) assert.equal(answer.length, answers[0].length);
    return asked >= 100 && views().length >= 3;
  });
  const most = onceASecond(performance.now() - started);
  assert.ok(views().length <= most, `${views().length} views, ${most} at most`);
});

test("an outage leaves everybody their place, marked stale, and admits nobody", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  await (await queue.enter()).admit();
  await (await queue.enter()).becomePresent();
  const second = await queue.enter();
  const before = await until("the edge has a snapshot", async () => {
    const { json } = await second.status();
    return json.status === "QUEUED" && json.position === 3 && json;
  });
  assert.equal(before.stale, false);

  OBJECTS.forEach((binding) => outage.add(binding));
  try {
    const stale = await until("it is stale", async () => {
      const reply = await second.status();
      assert.equal(reply.status, 200, reply.text);
      assert.equal(reply.json.position, 3);
      return reply.json.stale && reply.json;
    });
    assert.equal(stale.status, "QUEUED");
    assert.equal((await queue.send("")).status, 200);
    const cookies = { [queue.cookieName]: second.ticket };
    assert.equal((await world.send(`/queue/${queue.id}`, { cookies })).status, 200);
    assertProblem(await second.claim(), "SERVICE_UNAVAILABLE");
    assertProblem(await second.leave(), "SERVICE_UNAVAILABLE");
    assertProblem(await queue.send("enter", { method: "POST" }), "SERVICE_UNAVAILABLE");
    assertProblem(await queue.operate("GET"), "SERVICE_UNAVAILABLE");
    assertProblem(await queue.settle("release", `${"0".repeat(32)}-0`), "SERVICE_UNAVAILABLE");
    assert.equal((await queue.send("status")).json.status, "NOT_QUEUED");
  } finally {
    outage.clear();
  }
  const after = await until("it is fresh again", async () => {
    const { json } = await second.status();
    return !json.stale && json.serverTime > before.serverTime && json;
  });
  assert.equal(after.position, 3);
  const { entered, admitted, active } = await queue.snapshot();
  assert.deepEqual({ entered, admitted, active }, { entered: 3, admitted: 1, active: 1 });
});

test("an edge that starts in an outage shows the last known state from the cache", async () => {
  const queue = await world.createSettledQueue({ maxActive: 1 });
  const [, second] = await queue.enterMany(2);
  await until("the cache has a snapshot", async () => (await queue.send("")).json.entered === 2);
  OBJECTS.forEach((binding) => outage.add(binding));
  try {
    await world.reload();
    const reply = await until("it is stale", async () => {
      const answer = await second.status();
      assert.equal(answer.status, 200, answer.text);
      return answer.json.stale && answer;
    });
    assert.equal(reply.json.position, 2);
  } finally {
    outage.clear();
  }
});

test("with the queue alone out of reach, those in line see it, and entering waits", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  const shopper = await queue.enter();
  await until("the edge has a snapshot", async () => (await queue.send("")).json.entered === 1);
  outage.add("QUEUE");
  try {
    assertProblem(await shopper.claim(), "SERVICE_UNAVAILABLE");
    assertProblem(await queue.send("enter", { method: "POST" }), "SERVICE_UNAVAILABLE");
    await until("it is stale", async () => {
      const { json } = await shopper.status();
      assert.equal(json.position, 1);
      return json.stale;
    });
  } finally {
    outage.clear();
  }
  await shopper.admit();
});

test("a retry after an outage in the middle of entering is the same entry", async () => {
  const queue = await world.createQueue({ maxActive: 1, lanes: 2 });
  const keys = Array.from({ length: 20 }, (_, number) => number.toString(16).padStart(32, "0"));
  const enter = (entryKey) => queue.send("enter", { method: "POST", json: { entryKey } });
  await enter(keys[0]);
  outage.add("QUEUE"); // the lanes write their groups down, and cannot lease for them
  try {
    for (const reply of await Promise.all(keys.slice(1).map(enter))) {
      assertProblem(reply, "SERVICE_UNAVAILABLE");
    }
  } finally {
    outage.clear();
  }
  await Promise.all(keys.map(enter));
  const indices = await Promise.all(
    keys.map(async (key) => (await queue.enter({ entryKey: key })).index),
  );
  assert.deepEqual(indices.toSorted((a, b) => a - b), keys.map((_, index) => index));
  assert.equal((await queue.snapshot()).entered, keys.length);
});

test("the snapshot may be shared for a second, and a while longer during its refresh", async () => {
  const queue = await world.createQueue();
  const reply = await queue.send("");
  assert.equal(reply.headers.get("cache-control"), "public, max-age=1, stale-while-revalidate=5");
  assert.equal(reply.headers.get("set-cookie"), null);
  const head = await queue.send("", { method: "HEAD" });
  assert.equal(head.status, 200);
  assert.equal(head.text, "");
  assert.equal(head.headers.get("cache-control"), reply.headers.get("cache-control"));
});

test("what is one shopper's own is stored nowhere", async () => {
  const queue = await world.createQueue();
  const shopper = await queue.enter();
  const cookies = { [queue.cookieName]: shopper.ticket };
  const replies = [
    await queue.send("enter", { method: "POST" }),
    await shopper.status(),
    await queue.send("status"),
    await queue.send("status", { cookies }),
    await shopper.claim(),
    await shopper.leave(),
    await shopper.claim(),
    await queue.operate("GET"),
    await world.send(`/queue/${queue.id}`),
    await world.send(`/queue/${queue.id}`, { cookies }),
  ];
  for (const reply of replies) {
    assert.equal(reply.headers.get("cache-control"), "no-store", reply.text);
  }
});

test("a page of an allowed origin may ask first, and then call with a bearer", async () => {
  const queue = await world.createQueue({ maxActive: 1, allowedOrigins: [PAGE] });
  const headers = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization, content-type",
  };
  const asked = await queue.send("enter", { method: "OPTIONS", from: PAGE, headers });
  assert.equal(asked.status, 204, asked.text);
  assert.equal(asked.headers.get("access-control-allow-origin"), PAGE);
  const listed = (name) => asked.headers.get(name).toLowerCase().split(/,\s*/);
  assert.deepEqual(listed("access-control-allow-methods").toSorted(), ["delete", "get", "post"]);
  assert.deepEqual(listed("access-control-allow-headers").toSorted(), ["authorization",
    "content-type"]);

  const entered = await queue.send("enter", { method: "POST", from: PAGE });
  assert.equal(entered.status, 200, entered.text);
  assert.deepEqual(entered.cookies, {}, "the page keeps the ticket itself");
  const bearer = entered.json.ticket;
  const replies = [
    asked,
    entered,
    await queue.send("", { from: PAGE }),
    await queue.send("status", { from: PAGE, bearer }),
    await queue.send("claim", { method: "POST", from: PAGE, bearer }),
    await queue.send("claim", { method: "POST", from: PAGE, bearer: "a.b.c" }),
    await queue.send("leave", { method: "DELETE", from: PAGE, bearer }),
  ];
  assert.deepEqual(replies.map(({ status }) => status), [204, 200, 200, 200, 200, 401, 204]);
  for (const reply of replies) {
    assert.equal(reply.headers.get("access-control-allow-origin"), PAGE);
    assert.equal(reply.headers.get("access-control-allow-credentials"), null);
    assert.match(reply.headers.get("vary"), /\bOrigin\b/i);
  }
});

test("a page of another origin learns nothing and changes nothing", async () => {
  const queue = await world.createQueue({ maxActive: 1, allowedOrigins: [PAGE] });
  const shopper = await queue.enter();
  const bearer = shopper.ticket;
  for (const from of ["https://evil.example", "null", `${PAGE}.evil.example`, "http://shop.example",
    `${PAGE}:8443`]) {
    const replies = [
      await queue.send("enter", { method: "OPTIONS", from }),
      await queue.send("enter", { method: "POST", from }),
      await queue.send("claim", { method: "POST", from, bearer }),
      await queue.send("leave", { method: "DELETE", from, bearer }),
      await queue.send("", { from }),
      await queue.send("status", { from, bearer }),
    ];
    for (const reply of replies) {
      for (const [name] of reply.headers) {
        assert.ok(!name.startsWith("access-control-"), `${from}: ${name}`);
      }
    }
    for (const reply of replies.slice(1, 4)) assertProblem(reply, "FORBIDDEN", "allowedOrigins");
  }
  const { entered, admitted } = await queue.snapshot();
  assert.deepEqual({ entered, admitted }, { entered: 1, admitted: 0 });
});

test("an allowed origin may not use the cookie", async () => {
  const queue = await world.createQueue({ maxActive: 1, allowedOrigins: [PAGE] });
  const shopper = await queue.enter();
  const cookies = { [queue.cookieName]: shopper.ticket };
  assertProblem(await queue.send("claim", { method: "POST", from: PAGE, cookies }), "FORBIDDEN");
});

test("polls carry a pause of their own, so that no crowd polls together", async () => {
  const queue = await world.createQueue({ maxActive: 1 });
  const shopper = await queue.enter();
  await shopper.admit();
  const waiting = await queue.enter();
  const pauses = new Set();
  await until("different pauses", async () => {
    const { json } = await waiting.status();
    assert.ok(json.pollAfterMs >= 2_000 && json.pollAfterMs <= 120_000, `${json.pollAfterMs}`);
    pauses.add(json.pollAfterMs);
    return pauses.size >= 3;
  }, { everyMs: 1 });
});
