// Which processes belong to one, and how to end them all.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";

/** Every process: `{pid, parent, command}`; `command` is the whole command line. */
function processes() {
  // Slim Linux images have no `ps`; macOS has no /proc.
  return existsSync("/proc/self/stat") ? fromProc() : fromPs();
}

function fromProc() {
  const found = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      // After the name in parentheses, which may hold anything: state, parent.
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (state === "Z") continue;
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
      found.push({ pid: Number(name), parent: Number(parent), command });
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

function fromPs() {
  const lines = execFileSync("ps", ["-A", "-ww", "-o", "pid=,ppid=,command="], {
    encoding: "utf8",
  });
  return [...lines.matchAll(/^\s*(\d+)\s+(\d+)\s+(.*)$/gm)].map(([, pid, parent, command]) => ({
    pid: Number(pid),
    parent: Number(parent),
    command,
  }));
}

/** The processes that `pid` started, and those that they started. */
export function descendants(pid) {
  const all = processes();
  const family = [pid];
  for (const member of family) {
    family.push(...all.filter(({ parent }) => parent === member).map((child) => child.pid));
  }
  return all.filter((candidate) => candidate.pid !== pid && family.includes(candidate.pid));
}

export function signal(pids, name) {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch (error) {
      if (error.code !== "ESRCH") throw error;
    }
  }
}

/**
 * Ends all that this process started. Blocks until they are gone, at most `graceMs` and a kill,
 * so that a signal handler can end with it.
 */
export function endDescendants(graceMs = 1500) {
  const doomed = descendants(process.pid).map(({ pid }) => pid);
  const alive = () => processes().filter(({ pid }) => doomed.includes(pid)).map(({ pid }) => pid);
  signal(doomed, "SIGTERM");
  const clock = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; waited < graceMs && alive().length > 0; waited += 50) {
    Atomics.wait(clock, 0, 0, 50);
  }
  signal(alive(), "SIGKILL");
}
