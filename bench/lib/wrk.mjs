// Load by wrk: one thread, as many connections as a launch has at least, as many requests as are
// answered.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const CONNECTIONS = 256;
/**
 * What requests are sent to, as far as they say: on a developer's own machine the Worker looks
 * closer at each.
 */
const HOST = "shop.example";

/** The Lua script of that name, for `wrk`'s option `script`. */
export const luaScript = (name) => path.resolve(import.meta.dirname, `../wrk/${name}.lua`);

/**
 * Loads `server` at `where` for `seconds` (whole ones), and waits until the server rests again.
 * `headers` go with each request; `script` is a Lua script, `env` what it reads. Returns
 * `{perSecond, errors, answers, stdout, cpuMicros}`; answers other than 2xx and 3xx count as
 * errors, `stdout` is what wrk and the script said, and `cpuMicros` is the server's CPU time for
 * each answer, what it did after the last one included.
 *
 * Where hundreds write at once, answers come in bursts, and a short load may end just before one.
 * `done()` resolves with how much was done so far, once all is done that was sent: then that is
 * counted, over the time until it was done, and not the answers that wrk still saw.
 */
export async function wrk(
  server,
  where,
  { seconds, connections = CONNECTIONS, headers = {}, script, env = {}, done },
) {
  const flags = ["--threads", "1", "--connections", String(connections), "--duration",
    `${seconds}s`, "--timeout", "10s"];
  for (const [name, value] of Object.entries({ Host: HOST, ...headers })) {
    flags.push("--header", `${name}: ${value}`);
  }
  if (script) flags.push("--script", script);
  const doneBefore = await done?.();
  const [spentBefore, began] = [cpuSeconds(server.pid), performance.now()];
  const { stdout } = await run("wrk", [...flags, server.url + where], {
    env: { ...process.env, ...env },
  });
  const doneAfter = await done?.();
  const took = (performance.now() - began) / 1000;
  await rest(server.pid);
  const spent = cpuSeconds(server.pid) - spentBefore;

  const figure = (pattern) => Number(pattern.exec(stdout)?.[1] ?? 0);
  const answers = figure(/(\d+) requests in/);
  const counted = done ? doneAfter - doneBefore : answers;
  return {
    perSecond: done ? counted / took : figure(/Requests\/sec:\s+([\d.]+)/),
    answers,
    stdout,
    cpuMicros: (spent * 1e6) / counted,
    errors: figure(/Non-2xx or 3xx responses: (\d+)/) +
      figure(/Socket errors: connect (\d+)/) +
      figure(/Socket errors:.* read (\d+)/) +
      figure(/Socket errors:.* timeout (\d+)/),
  };
}

/**
 * Waits until a process takes next to no CPU time, so that it takes none from what is measured
 * next; at most half a second.
 */
async function rest(pid) {
  for (let [last, turn] = [cpuSeconds(pid), 0]; turn < 10; turn += 1) {
    await pause(50);
    const now = cpuSeconds(pid);
    if (!(now - last > 0.01)) return;
    last = now;
  }
}

/**
 * The CPU time that a process has used, by Linux's account in hundredths of a second; NaN
 * elsewhere.
 */
function cpuSeconds(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13);
    return (Number(user) + Number(system)) / 100;
  } catch {
    return NaN;
  }
}
