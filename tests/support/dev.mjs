// scripts/dev as a developer runs it: a process of its own, in a process group of its own.

import { spawn } from "node:child_process";
import path from "node:path";
import { after } from "node:test";

import { ROOT } from "../../scripts/lib/miniflare.mjs";
import { descendants } from "../../scripts/lib/processes.mjs";

const READY = /^ready (http:\/\/127\.0\.0\.1:\d+)$/m;
/** Sources may have changed, and then it builds first. */
const START_MS = 240_000;

const launched = [];

// Here, and not where it is started: that may be inside a test which others follow.
after(async () => {
  for (const { child, ended } of launched) {
    signalGroup(child.pid, "SIGKILL");
    await ended;
  }
});

/**
 * Starts scripts/dev with these variables. Returns `{url, output, family, signal, ended}`:
 * `output()` is all that it has printed, `family()` the ids of it and all that it started, `ended`
 * a promise of `{code, signal}`.
 */
export async function startDev(variables) {
  const dev = launch(variables);
  const url = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not ready in time:\n${dev.output()}`)),
      START_MS);
    void dev.ended.then((how) =>
      reject(new Error(`it ended ${JSON.stringify(how)}:\n${dev.output()}`))
    );
    dev.onOutput(() => {
      const ready = READY.exec(dev.output());
      if (!ready) return;
      clearTimeout(timer);
      resolve(ready[1]);
    });
  });
  return { url, ...dev };
}

/** Starts scripts/dev where it is expected to fail: returns `{code, output}` once it has ended. */
export async function failingDev(variables) {
  const dev = launch(variables);
  const { code } = await dev.ended;
  return { code, output: dev.output() };
}

function launch(variables) {
  const { TIDEGATE_ORIGIN, TIDEGATE_LIMITS, TIDEGATE_STATE, PORT, ...environment } = process.env;
  const child = spawn(path.join(ROOT, "scripts/dev"), [], {
    cwd: ROOT,
    detached: true, // a group of its own, so that its end is not this test's
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...environment, ...variables },
  });
  let output = "";
  let heard = () => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
      heard();
    });
  }
  const ended = new Promise((resolve) =>
    child.once("close", (code, signal) => resolve({ code, signal }))
  );
  launched.push({ child, ended });
  return {
    output: () => output,
    onOutput: (listener) => (heard = listener),
    family: () => [child.pid, ...descendants(child.pid).map(({ pid }) => pid)],
    signal: (name) => process.kill(child.pid, name),
    signalGroup: (name) => signalGroup(child.pid, name),
    ended,
  };
}

function signalGroup(pid, name) {
  try {
    process.kill(-pid, name);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

/** Whether a process is there. */
export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
