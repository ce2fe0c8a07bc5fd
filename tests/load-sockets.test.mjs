// `tidegate load --sockets` against a real Tidegate, and against a fake whose sockets do not all
// hear what they should.

import assert from "node:assert/strict";
import { test } from "node:test";

import { startFakeTidegate } from "./support/fake-tidegate.mjs";
import { runLoad } from "./support/load.mjs";
import { startWorld } from "./support/world.mjs";

const said = ({ code, stdout, stderr }) => `exit code ${code}\n${stdout}\n${stderr}`;
const step = ({ report }, wanted) => report.steps.find(({ name }) => name === wanted);
const missed = ({ report }) => report.marks.filter(({ met }) => !met).map(({ name }) => name);

const world = await startWorld();
const keys = { admin: world.keys.admin, origin: world.keys.origin };

test("every socket hears every notice, and holds the last of a storm of changes", async () => {
  const storm = ["--changes-per-second", "20", "--changes-seconds", "2"];
  const ran = await runLoad(world.url, ["--shoppers", "0", "--sockets", "50", "--notices", "3",
    ...storm], keys);
  assert.equal(ran.code, 0, said(ran));
  assert.equal(ran.report.sockets.connected, 50);
  assert.equal(step(ran, "push").count, 150);
  assert.equal(step(ran, "push").success, 1);
  assert.match(ran.stdout, /^push +150 +100\.00 % .* met$/m);
  const { wanted, made, sockets, heldLastInTime } = ran.report.changes;
  assert.deepEqual({ wanted, made, sockets, heldLastInTime }, {
    wanted: 40,
    made: 40,
    sockets: 50,
    heldLastInTime: 50,
  });
  assert.deepEqual((await world.asOperator("/v1/admin/queues")).json.queues, []);
});

test("shoppers who listen are served as those who poll, while a notice goes to all", async () => {
  const options = ["--shoppers", "40", "--duration", "1s", "--checkout", "100ms", "--sockets", "20",
    "--notices", "1"];
  const ran = await runLoad(world.url, options, keys);
  assert.equal(ran.code, 0, said(ran));
  assert.equal(ran.report.shoppers.served, 40);
  assert.equal(step(ran, "push").count, 20);
});

test("a fake whose sockets all hear passes", async () => {
  const fake = await startFakeTidegate();
  const ran = await runLoad(fake.url, ["--shoppers", "0", "--sockets", "20", "--notices", "2"]);
  assert.equal(ran.code, 0, said(ran));
  assert.equal(step(ran, "push").count, 40);
});

test("a fake with one socket that hears nothing is found out", async () => {
  const fake = await startFakeTidegate({ hears: (number) => number !== 7 });
  const ran = await runLoad(fake.url, ["--shoppers", "0", "--sockets", "20", "--notices", "1"]);
  assert.equal(ran.code, 1, said(ran));
  assert.equal(step(ran, "push").success, 0.95);
  assert.deepEqual(missed(ran), ["push delivered"]);
  assert.match(ran.stdout, /^push delivered +95\.00 % .* MISSED$/m);
});

test("a notice that the queue does not take is a push that nobody gets", async () => {
  const fake = await startFakeTidegate({ fails: ({ url }) => url.endsWith("/notice") });
  const ran = await runLoad(fake.url, ["--shoppers", "0", "--sockets", "20", "--notices", "1"]);
  assert.equal(ran.code, 1, said(ran));
  assert.deepEqual(missed(ran), ["push delivered"]);
  assert.match(ran.report.notes.join(), /a notice was not taken/);
});
