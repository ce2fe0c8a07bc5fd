// A trap in WebAssembly leaves memory that is no good. The call that met it is refused; the next
// one, of whichever object or driver, begins with fresh memory and what is stored.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { ROOT } from "../scripts/lib/miniflare.mjs";
import { assertProblem } from "./support/problem.mjs";
import { startWorld } from "./support/world.mjs";

const module = (type, file) => ({ type, path: path.join(ROOT, file) });
const world = await startWorld({
  worker: {
    modulesRoot: ROOT,
    modules: [
      module("ESModule", "tests/support/trapping_worker.mjs"),
      module("ESModule", "build/entry.js"),
      module("ESModule", "build/index.js"),
      module("CompiledWasm", "build/index_bg.wasm"),
    ],
  },
});

test("after a trap everything goes on from what is stored", async () => {
  const queue = await world.createQueue({ maxActive: 2 });
  const [first, second] = await queue.enterMany(2);
  const grant = await first.admit();
  for (let time = 1; time <= 3; time += 1) {
    await world.send("/-/trap");
    assertProblem(await second.claim(), "SERVICE_UNAVAILABLE");
    assert.ok(world.log.some((message) => /memory access out of bounds/.test(message)),
      "it was a trap");
    world.log.length = 0;
    assert.equal((await first.status()).json.position, 1, "a read, from memory that was lost");
    assert.equal((await first.admit()).admissionId, grant.admissionId, "the same admission");
    const entered = await queue.enter();
    assert.equal(entered.index, 1 + time, "the next index, and none twice");
  }
  await second.admit();
  await queue.redeem(grant.handoffToken);
  await queue.settle("complete", grant.admissionId);
});

test("an object that is called just after its trap is made anew first", async () => {
  const queue = await world.createQueue();
  const [first, second] = (await world.send(`/-/trap?queue=${queue.id}`)).json;
  assert.match(first, /memory access out of bounds/);
  assert.match(second, /version/, "it read what it was asked, and refused it");
  assert.equal((await queue.enter()).index, 0);
});
