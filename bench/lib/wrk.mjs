// Load by wrk: one thread, as many connections as a launch has at least, as many requests as are answered.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);
const CONNECTIONS = 256;

/**
 * Loads `server` at `path` for `seconds`, rounded up, for wrk takes whole ones. `headers` go with each request; `script` is a Lua script,
 * `env` what it reads. Returns `{perSecond, p99Ms, errors, answers, seconds, stdout, cpuMicros}`; answers other than
 * 2xx and 3xx count as errors, `stdout` is what wrk and the script said, and `cpuMicros` is the server's CPU time for each answer.
 */
export async function wrk(server, path, { seconds, connections = CONNECTIONS, headers = {}, script, env = {} }) {
  const flags = ["--threads", "1", "--connections", String(connections), "--duration", `${Math.ceil(seconds)}s`, "--timeout", "10s", "--latency"];
  for (const [name, value] of Object.entries(headers)) flags.push("--header", `${name}: ${value}`);
  if (script) flags.push("--script", script);
  const before = cpuSeconds(server.pid);
  const { stdout } = await run("wrk", [...flags, server.url + path], { env: { ...process.env, ...env } });
  const spent = cpuSeconds(server.pid) - before;
  const figure = (pattern) => Number(pattern.exec(stdout)?.[1] ?? 0);
  const [, p99 = "0", unit = "ms"] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? [];
  const answers = figure(/(\d+) requests in/);
  return {
    perSecond: figure(/Requests\/sec:\s+([\d.]+)/),
    answers,
    seconds: answers / figure(/Requests\/sec:\s+([\d.]+)/),
    stdout,
    cpuMicros: answers > 0 ? (spent * 1e6) / answers : NaN,
    p99Ms: Number(p99) * { us: 0.001, ms: 1, s: 1000 }[unit],
    errors:
      figure(/Non-2xx or 3xx responses: (\d+)/) +
      figure(/Socket errors: connect (\d+)/) +
      figure(/Socket errors:.* read (\d+)/) +
      figure(/Socket errors:.* timeout (\d+)/),
  };
}

/** The CPU time that a process has used, by Linux's account in hundredths of a second; NaN elsewhere. */
export function cpuSeconds(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13);
    return (Number(user) + Number(system)) / 100;
  } catch {
    return NaN;
  }
}
