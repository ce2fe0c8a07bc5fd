// scripts/load, which runs k6. Where k6 is not installed, the part that needs it is skipped: the
// script would bring it, but a test brings nothing.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, test } from "node:test";

import { ROOT } from "../scripts/lib/miniflare.mjs";
import { freshFolder, removeFolder, startWorld } from "./support/world.mjs";

/** Longer than any run here may take. */
const RUN_MS = 120_000;

const k6 = spawnSync("bash", ["-c", ". scripts/lib/common.sh && find_k6"], { cwd: ROOT });
const lacking = k6.status !== 0 && "k6 is not installed; scripts/load brings it on its first run";

/** Runs scripts/load to its end. */
async function load(args, variables = {}) {
  const child = spawn(path.join(ROOT, "scripts/load"), args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...variables },
    timeout: RUN_MS,
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => (said += text));
  }
  const code = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { code, said };
}

test("real k6 takes shoppers all the way, and leaves no queue behind", { skip: lacking },
  async () => {
    const world = await startWorld();
    const args = ["--url", world.url, "--stages", "1s:10,3s:10,1s:0"];
    const { code, said } = await load(args, { TIDEGATE_ADMIN_KEY: world.keys.admin });
    // 99 is a threshold that was missed: on a busy machine a time may miss one.
    assert.ok(code === 0 || code === 99, said);
    assert.match(said, /✓ 'rate<0\.01'/);
    const [, admitted] = /shoppers_admitted\.*: (\d+)/.exec(said) ?? assert.fail(said);
    assert.ok(Number(admitted) > 0, said);
    assert.deepEqual((await world.asOperator("/v1/admin/queues")).json.queues, []);
  });

// In place of k6 stands what says how it was called: nobody comes.
const folder = freshFolder();
after(() => removeFolder(folder));
const standIn = path.join(folder, "k6");
const { stdout: version } = spawnSync("bash", ["-c",
  ". scripts/lib/common.sh && printf %s $K6_VERSION"], { cwd: ROOT, encoding: "utf8" });
writeFileSync(standIn,
  `#!/bin/sh\n[ "$1" = version ] && echo "k6 v${version} (stand-in)" || echo "users: $STAGES"\n`);
chmodSync(standIn, 0o755);
const inPlace = { PATH: `${folder}:${process.env.PATH}` };

test("a thousand users come, then five thousand, then none; --vus scales that down", async () => {
  for (const [args, expected] of [
    [[], "10s:1000,30s:1000,30s:5000,30s:5000,20s:0"],
    [["--vus", "200"], "10s:40,30s:40,30s:200,30s:200,20s:0"],
    [["--stages", "5s:7"], "5s:7"],
  ]) {
    const { code, said } = await load(args, inPlace);
    assert.equal(code, 0, said);
    assert.match(said, new RegExp(`^users: ${expected}$`, "m"));
  }
});

test("what would change nothing or is not this machine is refused", async () => {
  for (const args of [["--vus", "200", "--stages", "5s:7"], ["--url", "https://shop.example"]]) {
    const { code, said } = await load(args, inPlace);
    assert.equal(code, 1, said);
    assert.match(said, /^error: /);
    assert.doesNotMatch(said, /^users: /m);
  }
});
