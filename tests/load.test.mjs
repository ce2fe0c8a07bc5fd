// `tidegate load` against a real Tidegate, and against a fake that breaks its promises. Only how
// things ended is looked at here, never how long they took.

import assert from "node:assert/strict";
import path from "node:path";
import { after, test } from "node:test";

import { tidegate } from "./support/command.mjs";
import { startFakeTidegate } from "./support/fake-tidegate.mjs";
import { runLoad } from "./support/load.mjs";
import { until } from "./support/until.mjs";
import { freshFolder, removeFolder, startWorld } from "./support/world.mjs";

const said = ({ code, stdout, stderr }) => `exit code ${code}\n${stdout}\n${stderr}`;
const counts = (report) => Object.fromEntries(report.steps.map(({ name, count }) => [name, count]));
const broken = (report) =>
  report.invariants.filter(({ violations }) => violations > 0).map(({ invariant }) => invariant);

const world = await startWorld();
const keys = { admin: world.keys.admin, origin: world.keys.origin };

test("two hundred whole shoppers are served, and every promise is kept", async () => {
  const ran = await runLoad(world.url, ["--shoppers", "200", "--duration", "2s", "--checkout",
    "200ms", "--set", "maxActive=12", "lanes=8"], keys);
  const { code, report } = ran;
  assert.equal(code, 0, said(ran));
  assert.equal(report.passed, true);
  assert.deepEqual(
    report.shoppers,
    {
      came: 200,
      entered: 200,
      admitted: 200,
      served: 200,
      turnedAway: 0,
      gaveUp: 0,
      stillInLine: 0,
    },
  );
  const { page, enter, redeem, complete, claim, status } = counts(report);
  assert.deepEqual({ page, enter, redeem, complete }, {
    page: 200,
    enter: 200,
    redeem: 200,
    complete: 200,
  });
  assert.ok(claim >= 200 && status > 0, "a line forms, and is polled");
  const seen = report.invariants.filter(({ observations }) => observations > 0).map(
    ({ invariant }) => invariant,
  );
  const judged = ["uniqueAndDense", "realTimeOrder", "inOrder", "neverOverAdmitted", "oneEach",
    "durable", "recomputable"];
  for (const promise of judged) assert.ok(seen.includes(promise), `${promise} was not seen`);
  assert.deepEqual(report.violations, []);
  assert.deepEqual((await world.asOperator("/v1/admin/queues")).json.queues, []);
});

test("the history that a run writes is judged as the run was", async () => {
  const folder = freshFolder();
  after(() => removeFolder(folder));
  const fake = await startFakeTidegate({ redeemed: () => 200 });
  for (const [url, expected] of [[world.url, []], [fake.url, ["oneEach"]]]) {
    const file = path.join(folder, "history.jsonl");
    const ran = await runLoad(url, ["--shoppers", "40", "--duration", "500ms", "--checkout", "0s",
      "--history", file], keys);
    const { stdout } = await tidegate(["judge", "--json", file]);
    assert.deepEqual(broken(JSON.parse(stdout)), expected, said(ran));
    assert.deepEqual(broken(ran.report), expected);
  }
});

test("an operator's queue is loaded within its limits and left as it was", async () => {
  const queue = await world.createQueue({ admitRatePerMinute: 20 });
  await queue.enterMany(5);
  const ran = await runLoad(world.url, ["--queue", queue.id, "--shoppers", "40", "--duration", "1s",
    "--drain", "3s"], keys);
  assert.equal(ran.code, 0, said(ran));
  assert.equal(ran.report.queue.own, false);
  assert.ok(ran.report.shoppers.admitted <= 20, "no more than the rate allows");
  const { entered, notice } = await queue.snapshot();
  assert.deepEqual({ entered, notice }, { entered: 45, notice: null });
  await queue.operate("DELETE");
});

test("admissions given before a limit was lowered break no promise", async () => {
  for (const [limit, drain, admits] of [
    [{ maxActive: 2 }, "8s", true],
    [{ admitRatePerMinute: 4 }, "2s", false],
  ]) {
    const queue = await world.createQueue({ maxActive: 20 });
    const grants = [];
    for (const shopper of await queue.enterMany(6)) grants.push(await shopper.checkOut());
    await queue.patch(limit);
    const run = runLoad(world.url, ["--queue", queue.id, "--shoppers", "20", "--duration", "1s",
      "--drain", drain], keys);
    await until("the crowd is there", async () => (await queue.snapshot()).entered === 26);
    for (const { admissionId } of grants.slice(1)) await queue.settle("release", admissionId);
    const ran = await run;
    assert.equal(ran.code, 0, said(ran));
    assert.deepEqual(broken(ran.report), []);
    assert.equal(ran.report.shoppers.admitted > 0, admits, said(ran));
    await queue.operate("DELETE");
  }
});

test("without an origin key nothing is redeemed, and shoppers make room by leaving", async () => {
  const ran = await runLoad(world.url, ["--shoppers", "60", "--duration", "1s", "--checkout", "0s"],
    { ...keys, origin: "" });
  assert.equal(ran.code, 0, said(ran));
  assert.equal(counts(ran.report).leave, 60);
  assert.equal(counts(ran.report).redeem, undefined);
  assert.match(ran.report.notes.join(), /no origin key/);
});

test("a ramp names the rate to plan with", async () => {
  const ran = await runLoad(world.url, ["--ramp", "--rps", "20", "--max-rps", "20", "--duration",
    "1s"], keys);
  // On a machine that is busy even this rate may be missed; what is told must fit.
  const { steps, knee, planWith } = ran.report.ramp;
  assert.deepEqual(steps.map(({ rate }) => rate), [20]);
  assert.equal(knee, steps[0].met ? 20 : null);
  assert.equal(planWith, steps[0].met ? 16 : null);
  assert.equal(ran.code, steps[0].met ? 0 : 1, said(ran));
});

test("a ramp that the load generator could not keep says so", async () => {
  // One at a time, and 20 ms each: at most 50 a second, however quick the server could be.
  const fake = await startFakeTidegate({ takesMs: 20 });
  for (const [places, limited] of [[["--concurrency", "1"], true], [[], false]]) {
    const ran = await runLoad(fake.url, ["--ramp", "--rps", "100", "--max-rps", "100", "--duration",
      "1s", ...places]);
    assert.equal(ran.report.ramp.clientLimited, limited, said(ran));
    assert.equal(/load generator's limit/.test(ran.stdout), limited, said(ran));
  }
});

test("shoppers whom the load generator held back are not the server's fault", async () => {
  const fake = await startFakeTidegate({ takesMs: 20 });
  for (const [places, limited] of [["1", true], ["64", false]]) {
    const options = ["--shoppers", "60", "--duration", "500ms", "--checkout", "0s", "--p95", "1s",
      "--concurrency", places];
    const ran = await runLoad(fake.url, options);
    assert.equal(/raise --concurrency/.test(ran.report.notes.join()), limited, said(ran));
  }
});

test("a key that is refused ends the run before anybody comes, and is not shown", async () => {
  const ran = await runLoad(world.url, [], { admin: "some-wrong-key" });
  assert.equal(ran.code, 1);
  assert.match(ran.stderr, /UNAUTHORIZED/);
  assert.doesNotMatch(ran.stdout + ran.stderr, /some-wrong-key/);
});

test("wrong use is told apart from failure", async () => {
  for (const wrong of [
    ["--shoppers", "0"],
    ["--ramp", "--notices", "5"],
    ["--shoppers", "0", "--sockets", "5", "--rps", "5"],
    ["--url", "https://shop.example"],
    ["--url", "http://shop.example", "--yes"],
    ["--url", `${world.url}/queue`],
  ]) {
    const ran = await runLoad(world.url, wrong, keys);
    assert.equal(ran.code, 2, said(ran));
  }
});

test("a fake that keeps its promises passes", async () => {
  const fake = await startFakeTidegate();
  const ran = await runLoad(fake.url, ["--shoppers", "40", "--duration", "500ms", "--checkout",
    "0s"]);
  assert.equal(ran.code, 0, said(ran));
});

test("a fake that gives an index twice is found out", async () => {
  const fake = await startFakeTidegate({ indexOf: (count) => (count === 21 ? 20 : count) });
  const ran = await runLoad(fake.url, ["--shoppers", "40", "--duration", "500ms", "--checkout",
    "0s"]);
  assert.equal(ran.code, 1, said(ran));
  assert.ok(broken(ran.report).includes("uniqueAndDense"), said(ran));
  assert.match(ran.stdout, /both hold index 20/);
});

test("a fake that redeems a token twice is found out", async () => {
  const fake = await startFakeTidegate({ redeemed: () => 200 });
  const ran = await runLoad(fake.url, ["--shoppers", "40", "--duration", "500ms", "--checkout",
    "0s"]);
  assert.equal(ran.code, 1, said(ran));
  assert.deepEqual(broken(ran.report), ["oneEach"]);
});

test("a report outlives operator's calls that fail, and says what they leave undone", async () => {
  const fake = await startFakeTidegate({
    fails: ({ method, url }) => url.includes("/admin/") && method !== "PUT",
  });
  const ran = await runLoad(fake.url, ["--shoppers", "40", "--duration", "500ms", "--checkout",
    "0s"]);
  assert.equal(ran.code, 1, said(ran));
  assert.equal(ran.report.passed, false);
  assert.equal(ran.report.shoppers.served, 40);
  assert.match(ran.stdout, /^enter +40 /m);
  const undone = [/how the queue stands was not read/, /account of admissions was not read/,
    /was not deleted .*tidegate queue delete load-/];
  assert.equal(ran.report.undone.length, undone.length, said(ran));
  for (const [at, what] of undone.entries()) assert.match(ran.report.undone[at], what);
  assert.match(ran.stdout, /^undone: queue load-/m);
  assert.match(ran.stderr, /left undone: 3/);
});

test("a fake that passes its limit is found out, unless the limit may have changed", async () => {
  for (const [reports, expected] of [[2, ["neverOverAdmitted"]], [1, []]]) {
    let asked = 0;
    const fails = ({ method, url }) =>
      method === "GET" && /\/admin\/queues\/[^/]+$/.test(url) && ++asked > reports;
    const fake = await startFakeTidegate({ fails, maxActive: 1 });
    const ran = await runLoad(fake.url, ["--queue", "fake", "--shoppers", "40", "--duration",
      "500ms", "--checkout", "200ms"]);
    assert.equal(ran.code, 1, said(ran));
    assert.deepEqual(broken(ran.report), expected, said(ran));
    assert.equal(ran.report.undone.length, 2 - reports);
  }
});
