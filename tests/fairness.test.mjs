// The fairness report of queues whose every shopper this test sent: its numbers are those that the
// test counted. And the page /fairness as the platform serves it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeJwt } from "jose";

import { openShopper, startBrowser } from "./support/browser.mjs";
import { makeDraw, openDraw } from "./support/draw.mjs";
import { startOrigin } from "./support/origin.mjs";
import { assertProblem } from "./support/problem.mjs";
import { succeeded } from "./support/queue.mjs";
import { shuffledPosition } from "./support/shuffle.mjs";
import { forEachAtOnce, until } from "./support/until.mjs";
import { startWorld } from "./support/world.mjs";

const FAR = 32_503_680_000_000; // the year 3000
const FIELDS = [
  ...["format", "queueId", "access", "epoch", "phase", "createdAt", "openedAt", "winners",
    "maxAdmissions", "claimWindowSeconds", "entered", "entrants", "calledUp", "came", "noShows"],
  ...["admitted", "completed", "complete", "inversions", "overtaken", "tenths", "lanes", "chance"],
];

const origin = await startOrigin();
const world = await startWorld({ originUrl: origin.url });

const sum = (numbers) => numbers.reduce((total, one) => total + one, 0);
const pick = (from, ...names) => Object.fromEntries(names.map((name) => [name, from[name]]));

/** The report, once the edge knows that the queue is over. */
const reportOf = (queue) =>
  until("the report", async () => {
    const reply = await queue.send("fairness");
    // Not over yet, as far as the edge knows; or over, and the report is being made.
    if (reply.status !== 200) {assertProblem(reply,
        reply.status === 503 ? "SERVICE_UNAVAILABLE" : "CONFLICT");}
    return reply.status === 200 && reply.json;
  });

/** Lets shoppers who are present and wait be admitted, one after the other, and each go again. */
async function serve(queue, waiting) {
  for (const shopper of waiting) {
    const grant = await until("an admission", async () => {
      const { status, json } = await shopper.claim();
      return status === 200 && json;
    });
    succeeded(await queue.redeem(grant.handoffToken));
    succeeded(await queue.settle("complete", grant.admissionId));
  }
}

/** What holds of the tenths of any whole report. */
function checkTenths({ tenths, calledUp, came, admitted }) {
  assert.equal(tenths.length, 10);
  assert.deepEqual(
    ["calledUp", "came", "admitted"].map((name) => sum(tenths.map((tenth) => tenth[name]))),
    [calledUp, came, admitted],
  );
  assert.deepEqual([tenths[0].fromPosition, tenths[9].toPosition], [1, calledUp]);
  for (const [at, { fromPosition, toPosition, calledUp: called }] of tenths.entries()) {
    assert.equal(toPosition - fromPosition + 1, called);
    if (at > 0) assert.equal(fromPosition, tenths[at - 1].toPosition + 1);
  }
}

/** The waits of admissions in each tenth, as the report must tell them: `[median, 90 %]`. */
function waitsOf(tenths, admissions, since) {
  const ranked = (waits, percent) => waits[Math.ceil((waits.length * percent) / 100) - 1] ?? null;
  return tenths.map(({ fromPosition, toPosition }) => {
    const own = admissions.filter(({ position }) =>
      position >= fromPosition && position <= toPosition && position <= since.entrants
    );
    const waits = own.map(({ admittedAt }) => admittedAt - since.openedAt).toSorted((a, b) =>
      a - b
    );
    return [ranked(waits, 50), ranked(waits, 90)];
  });
}

test("a queue's report says what came of each shopper, from opening to end", async () => {
  const queue = await world.createQueue({ maxActive: 100, lanes: 4, opensAt: FAR });
  const early = await forEachAtOnce(Array.from({ length: 40 }), 10, () => queue.enter());
  assertProblem(await queue.send("fairness"), "CONFLICT", "when the queue is over");
  // Two leave before there are places.
  for (const shopper of early.slice(0, 2)) assert.equal((await shopper.leave()).status, 204);
  const places = await openDraw(queue, early);
  const { openedAt } = await auditOf(queue);
  assertProblem(await queue.send("fairness"), "CONFLICT");
  // Ten come so much later that a wait from the opening would be another than one from entering.
  await until("seconds to pass", () => Date.now() > openedAt + 2_500);
  const beforeLate = Date.now();
  const late = await queue.enterMany(10);
  await queue.calledUp(50);
  await queue.patch({ maxActive: 1 });

  const called = [...places, ...late];
  const stands = called.filter((shopper) => !early.slice(0, 2).includes(shopper));
  // Five stay away, three leave without claiming, four leave while they wait; the others are let
  // in.
  const absent = stands.filter((_, at) => at % 9 === 4).slice(0, 5);
  const leavers = stands.filter((_, at) => at % 9 === 5).slice(0, 3);
  const comers = stands.filter((shopper) =>
    !absent.includes(shopper) && !leavers.includes(shopper)
  );
  for (const shopper of leavers) assert.equal((await shopper.leave()).status, 204);
  // The last comes first and is let in; everybody else waits, and is let in by place.
  const first = comers.at(-1);
  await first.becomePresent();
  const grant = await first.admitInTurn();
  const others = comers.slice(0, -1);
  for (const shopper of others.toReversed()) await shopper.becomePresent();
  const impatient = others.filter((_, at) => at % 9 === 2).slice(0, 4);
  for (const shopper of impatient) assert.equal((await shopper.leave()).status, 204);
  succeeded(await queue.settle("release", grant.admissionId));
  const served = others.filter((shopper) => !impatient.includes(shopper));
  await serve(queue, served.slice(0, -1));
  // The last of them is admitted, and holds the admission when the queue ends.
  await until("the last admission", async () => (await served.at(-1).claim()).status === 200);
  await queue.act("close");

  const report = await reportOf(queue);
  assert.deepEqual(Object.keys(report).toSorted(), FIELDS.toSorted());
  const admitted = served.length + 1;
  assert.deepEqual(
    pick(report, "format", "queueId", "access", "phase", "openedAt", "complete", "inversions"),
    {
      ...{
        format: 1,
        queueId: queue.id,
        access: "queue",
        phase: "closed",
        openedAt,
        complete: true,
        inversions: 0,
      },
    },
  );
  assert.deepEqual(
    pick(report, "entered", "entrants", "calledUp", "came", "noShows", "admitted", "completed"),
    {
      ...{
        entered: 50,
        entrants: 40,
        calledUp: 50,
        came: comers.length,
        noShows: absent.length,
        admitted,
        completed: served.length - 1,
      },
    },
  );
  assert.equal(report.epoch, decodeJwt(late[0].ticket).epoch);
  checkTenths(report);
  for (const { fromPosition, toPosition, came } of report.tenths) {
    assert.equal(came, called.slice(fromPosition - 1, toPosition).filter((shopper) =>
      comers.includes(shopper)
    ).length);
  }

  const admissions = (await queue.admissions()).filter(({ admittedAt }) => admittedAt !== null);
  assert.equal(admissions.length, admitted);
  const expected = waitsOf(report.tenths, admissions, { openedAt, entrants: 40 });
  const told = report.tenths.map(({ medianWaitMs, p90WaitMs }) => [medianWaitMs, p90WaitMs]);
  assert.deepEqual(told.slice(0, 8), expected.slice(0, 8));
  // Of those who entered later it is known to the second: they entered after this, and well after
  // the opening.
  const lastAt = Math.max(...admissions.map(({ admittedAt }) => admittedAt));
  for (const [, p90] of told.slice(8)) {
    assert.ok(p90 <= lastAt - beforeLate + 1_000, `${p90} of ${lastAt - beforeLate}`);
  }

  assert.equal(sum(report.lanes.map(({ entries }) => entries)), 50);
  const numbers = report.lanes.map(({ lane }) => lane);
  assert.deepEqual(numbers, numbers.toSorted((a, b) => a - b));
  assert.ok(
    numbers.every((lane) => lane >= 0 && lane < 4) && new Set(numbers).size === numbers.length,
  );
});

const auditOf = async (queue) =>
  (await until("the audit", async () => {
    const reply = await queue.send("audit");
    return reply.status === 200 && reply;
  })).json;

test("arrival beside place is counted as anybody can count it", async () => {
  const queue = await world.createQueue({ maxActive: 1, lanes: 2, opensAt: FAR });
  await forEachAtOnce(Array.from({ length: 33 }), 10, () => queue.enter());
  const { snapshot } = await queue.patch({ opensAt: Date.now() });
  await queue.act("close");
  const { chance } = await reportOf(queue);
  const table = Array.from({ length: 10 }, () => new Array(10).fill(0));
  for (let index = 0; index < 33; index++) {
    table[Math.floor((index * 10) / 33)][
      Math.floor((shuffledPosition(index, 33, snapshot.shuffle.seed) * 10) / 33)
    ]++;
  }
  assert.deepEqual(chance.table, table);
  assert.equal(sum(chance.table.flat()), chance.sampled);
  assert.deepEqual(pick(chance, "sampled", "chiSquared", "degreesOfFreedom", "deviations"), {
    sampled: 33,
    chiSquared: null,
    degreesOfFreedom: 81,
    deviations: null,
  });
});

test("the report of a draw tells winners who stayed away from those who left", async () => {
  const queue = await makeDraw(world, { maxAdmissions: 5 });
  const shoppers = await queue.enterMany(20);
  const gone = shoppers.slice(0, 6);
  for (const shopper of gone) assert.equal((await shopper.leave()).status, 204);
  const places = await openDraw(queue, shoppers);
  const standing = places.filter((shopper) => !gone.includes(shopper));
  await queue.calledUp(boarded(places, gone, standing[4]));
  // The first five win; one gives the place back, and the sixth is called up for it.
  assert.equal((await standing[1].leave()).status, 204);
  const { boarding } = await queue.calledUp(boarded(places, gone, standing[5]));
  for (const place of [5, 0]) await standing[place].buy();
  await standing[2].admit();
  await queue.act("close");
  const report = await reportOf(queue);
  assert.deepEqual(
    pick(report, "access", "entered", "entrants", "calledUp", "came", "noShows", "admitted",
      "completed", "inversions"),
    {
      ...{
        access: "draw",
        entered: 20,
        entrants: 20,
        calledUp: boarding,
        came: 3,
        noShows: 2,
        admitted: 3,
        completed: 2,
        inversions: 0,
      },
    },
  );
  checkTenths(report);
});

/** How far is called up where `last` is: past those behind them who left. */
function boarded(places, gone, last) {
  let end = places.indexOf(last) + 1;
  while (gone.includes(places[end])) end++;
  return end;
}

test("a queue that was open from the start shuffled nobody", async () => {
  const queue = await world.createQueue({ maxActive: 3, maxAdmissions: 2 });
  for (const shopper of await queue.enterMany(2)) {
    await until("a sale", () => shopper.buy().catch(() => undefined));
  }
  const report = await reportOf(queue);
  assert.deepEqual(
    pick(report, "phase", "entered", "entrants", "calledUp", "admitted", "completed", "inversions",
      "chance"),
    {
      ...{
        phase: "soldOut",
        entered: 2,
        entrants: 0,
        calledUp: 2,
        admitted: 2,
        completed: 2,
        inversions: 0,
        chance: null,
      },
    },
  );
  checkTenths(report);
});

test("a queue that nobody entered has a report, too", async () => {
  const queue = await world.createQueue({ maxActive: 1, opensAt: FAR });
  await queue.act("close");
  const report = await reportOf(queue);
  assert.deepEqual(
    pick(report, "openedAt", "entered", "calledUp", "noShows", "inversions", "lanes", "chance"),
    {
      ...{
        openedAt: null,
        entered: 0,
        calledUp: 0,
        noShows: 0,
        inversions: 0,
        lanes: [],
        chance: null,
      },
    },
  );
  checkTenths(report);
});

test("a queue that ended by itself has its report, also when its object starts anew", async () => {
  const own = await startWorld();
  const closesAt = Date.now() + 3_000;
  const queue = await own.createQueue({ maxActive: 1, closesAt });
  await (await queue.enter()).admit();
  await until("the end", async () => (await queue.send("")).json.phase === "closed");
  await own.crash();
  // What the edge knows to be over, its object does not deny.
  await until("the edge", async () => (await queue.send("")).json?.phase === "closed");
  assert.equal((await reportOf(queue)).admitted, 1);
});

test("a report is kept for a while, and belongs to one epoch of the queue", async () => {
  const queue = await world.createQueue();
  const grant = await (await queue.enter()).checkOut();
  await queue.act("close");
  const { epoch, completed } = await reportOf(queue);
  assert.equal(completed, 0);
  // Live admissions run on after the end; what was kept does not know.
  succeeded(await queue.settle("complete", grant.admissionId));
  const again = await queue.send("fairness");
  assert.deepEqual([again.json.completed, again.headers.get("cache-control")], [0,
    "public, max-age=60"]);
  assert.match(again.headers.get("content-type"), /^application\/json/);
  const { snapshot } = await queue.act("reset");
  assert.notEqual(snapshot.epoch, epoch);
  await until("the new epoch", async () => (await queue.send("fairness")).status === 409);
  await queue.act("close");
  assert.deepEqual(pick(await reportOf(queue), "epoch", "entered"), {
    epoch: snapshot.epoch,
    entered: 0,
  });
});

test("a report is read by GET and HEAD, of a queue that there is", async () => {
  const queue = await world.createQueue();
  await queue.act("close");
  await reportOf(queue);
  const head = await queue.send("fairness", { method: "HEAD" });
  assert.deepEqual([head.status, head.text], [200, ""]);
  for (const method of ["POST", "PUT", "DELETE"]) {
    const reply = await queue.send("fairness", { method });
    assertProblem(reply, "METHOD_NOT_ALLOWED");
    assert.equal(reply.headers.get("allow"), "GET, HEAD");
  }
  assertProblem(await world.queue("never-made").send("fairness"), "QUEUE_NOT_FOUND");
  assertProblem(await queue.send("fairness/more"), "NOT_FOUND");
});

test("the page shows the report of a queue that is over, as it is served", async () => {
  const queue = await world.createQueue({ maxActive: 5 });
  await (await queue.enter()).admit();
  const shopper = await openShopper(await startBrowser(), { bears: /Failed to load resource/ });
  await shopper.page.goto(`${world.url}/fairness?queue=${queue.id}`);
  await shopper.page.getByRole("heading", { name: "Not over yet" }).waitFor();
  await queue.act("close");
  await reportOf(queue);
  await shopper.press("Look again");
  await shopper.sees("Nobody was let in ahead of somebody with a lower place who was there");
  await shopper.sees("1 person entered. 1 was called up: 1 came, 0 did not come. 1 was let in.");
  await shopper.page.locator("#waits .drawn svg").waitFor();
  assert.deepEqual(await shopper.barriers(), []);
});

test("the page's files let nothing else in by their headers, and own no other path", async () => {
  for (const path of ["/fairness", "/fairness?queue=demo", "/tidegate/fairness/built/page.js",
    "/tidegate/fairness/page.css"]) {
    const { status, headers, text } = await world.send(path);
    assert.equal(status, 200, path);
    assert.match(headers.get("content-security-policy"),
      /^default-src 'none'; script-src 'self'; style-src 'self';/);
    assert.match(headers.get("cache-control"), /must-revalidate/);
    if (headers.get("content-type").startsWith("text/html")) {
      assert.doesNotMatch(text, /<script(?![^>]* src=)|<style| style=| on\w+=/);
    }
  }
  assert.equal(origin.requests.length, 0);
  for (const path of ["/fairness/me", "/fairnesses"]) {
    assert.equal((await world.send(path)).text, `<p>${path}</p>`);
  }
  assertProblem(await world.send("/tidegate/fairness/none.js"), "NOT_FOUND");
  assert.equal((await world.send("/fairness", { method: "POST" })).status, 405);
});
