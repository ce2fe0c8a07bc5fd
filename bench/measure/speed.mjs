// How fast the hot paths are, beside baselines that are loaded in turn with them.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { syncedWrites } from "../lib/disk.mjs";
import { FEW, fillNaive, fillTidegate, ticketsOf } from "../lib/lines.mjs";
import { alternate, ratios, spread } from "../lib/pairs.mjs";
import { helloJs, helloRust, naive, tidegate } from "../lib/rooms.mjs";
import { PAGE, startShop } from "../lib/shop.mjs";
import { luaScript, wrk } from "../lib/wrk.mjs";

/** Connections of those who enter, join or claim: they come in a surge, while polls are spread. */
const SURGE = 512;
/** Seconds of load on each path before anything is measured: V8 compiles what is hot. */
const WARM_UP = 3;
/**
 * About as many as claim, and as are admitted, in a second. Each needs a ticket that was made
 * before.
 */
const [CLAIMS, ADMISSIONS] = [2_000, 800];
/** Milliseconds; objects are evicted when nobody asked them for ten seconds. */
const KEEP_AWAKE = 3_000;

export async function measureSpeed({ seconds, slices, rounds }) {
  const measured = {};
  // Each round in processes of its own: V8 compiles the same code now better, now worse.
  for (let round = 1; round <= rounds; round += 1) {
    for (const [name, results] of Object.entries(await measureRound(seconds, slices))) {
      (measured[name] ??= []).push(...results);
      const [rate, cpu] = [spread(results.map(perSecond)), spread(results.map(cpuMicros))];
      const time = Number.isFinite(cpu.value) ? `${Math.round(cpu.value)} µs CPU` : "";
      const answers = Math.round(rate.value).toString().padStart(6);
      console.log(`round ${round}  ${name.padEnd(22)} ${answers}/s  ${time}`.trimEnd());
    }
  }
  return rowsOf(measured, `${slices * rounds} pairs`);
}

async function measureRound(seconds, slices) {
  const shop = await startShop();
  const folder = mkdtempSync(path.join(tmpdir(), "tidegate-bench-"));
  const servers = [];
  const started = async (server) => servers[servers.push(await server) - 1];
  let awake;
  try {
    const [tideLine, naiveLine] = [path.join(folder, "tidegate"), path.join(folder, "naive")];
    const tickets = await fillTidegate(tideLine);
    const waiting = await fillNaive(naiveLine);
    const js = await started(helloJs());
    const rust = await started(helloRust());
    // Polled where nobody entered: at the edge, objects do not share an isolate with those who
    // poll, and what entering leaves behind would be swept in their time.
    const polled = {
      naive: await started(naive({ state: naiveLine })),
      tide: await started(tidegate({ state: tideLine, originUrl: shop.url })),
    };
    const entered = { naive: await started(naive()), tide: await started(tidegate()) };

    const polls = pollLoads({ js, rust, polled, tickets, waiting, seconds });
    const results = await measureLoads(polls, slices);
    // Twice as long: what is under way when a slice ends is lost to it, and here that is much.
    const surges = await surgeLoads({ entered, folder, seconds: seconds * 2, slices });
    awake = setInterval(() => keepAwake(entered), KEEP_AWAKE);
    Object.assign(results, await measureLoads(surges, slices));

    if (shop.served() > 5) {
      throw new Error(`the shop served its page ${shop.served()} times: it was not cached`);
    }
    return results;
  } finally {
    clearInterval(awake);
    for (const server of servers) await server.stop();
    await shop.stop();
    rmSync(folder, { recursive: true });
  }
}

/**
 * Warms up, then alternates. `loads` is `{name: load}`; `load()` is one slice, `load(seconds)` a
 * longer one.
 */
async function measureLoads(loads, slices) {
  const checked = ([name, load]) => [
    name,
    async (time) => {
      const result = await load(time);
      if (result.errors > 0) throw new Error(`${name}: ${result.errors} requests failed`);
      return result;
    },
  ];
  const all = Object.fromEntries(Object.entries(loads).map(checked));
  for (const load of Object.values(all)) await load(WARM_UP);
  return alternate(all, slices);
}

/** What reads: hellos, polls, a cached page. */
function pollLoads({ js, rust, polled, tickets, waiting, seconds }) {
  const inTurn = { script: luaScript("tickets-in-turn"), env: { TICKETS: tickets } };
  const load = (server, where, options) => (time = seconds) =>
    wrk(server, where, { seconds: time, ...options });
  return {
    "JavaScript hello": load(js, "/"),
    "worker hello": load(rust, "/"),
    status: load(polled.tide, "/v1/queues/line/status", inTurn),
    snapshot: load(polled.tide, "/v1/queues/line"),
    "cached page": load(polled.tide, PAGE),
    "naive poll": load(polled.naive, `/status?id=${waiting.middle.id}`),
    "naive poll, few ahead": load(polled.naive, `/status?id=${waiting.early.id}`),
  };
}

/** What writes: shoppers who join, enter, claim, and are admitted. */
async function surgeLoads({ entered: { naive: room, tide }, folder, seconds, slices }) {
  const surge = (server, where, script, options) =>
    wrk(server, where, { connections: SURGE, script: luaScript(script), ...options });
  const enter = (queue) => (time = seconds) =>
    surge(tide, `/v1/queues/${queue}/enter`, "post", {
      seconds: time,
      done: () => entries(tide, queue),
    });
  await tide.create("entry", { maxActive: 1, lanes: 1 });
  // Before the opening, entries are logged, and answered with signed receipts.
  await tide.create("early", { maxActive: 1, lanes: 1, opensAt: Date.now() + 86_400_000 });
  const loaded = WARM_UP + slices * seconds;
  const claims = await claimers(tide, "claims", folder, CLAIMS * loaded);
  const whole = await claimers(tide, "whole", folder, ADMISSIONS * loaded);
  return {
    "synced write": () => syncedWrites(folder),
    "naive join": (time = seconds) =>
      surge(room, "/join", "post", { seconds: time, done: () => joins(room) }),
    enter: enter("entry"),
    "enter early": enter("early"),
    async claim(time = seconds) {
      await claims.reserve(CLAIMS * time * 3);
      const done = async () => (await view(tide, "claims")).admitted;
      const result = await surge(tide, "/v1/queues/claims/claim", "each-ticket", {
        seconds: time,
        env: claims.env(),
        done,
      });
      // Those under way when the load ended have used theirs too.
      claims.use(result.answers + SURGE);
      return result;
    },
    async "whole admission"(time = seconds) {
      await whole.reserve(ADMISSIONS * time * 3);
      // Who is under way when a slice ends came half of the way in the mean.
      const done = async () => half(await view(tide, "whole"));
      const half = ({ admitted, completed }) => (admitted + completed) / 2;
      const env = { ...whole.env(), QUEUE: "whole", ORIGIN_KEY: tide.originKey };
      const result = await surge(tide, "/", "whole-admissions", { seconds: time, env, done });
      const [, claimed, completed] = /claimed (\d+) completed (\d+)/.exec(result.stdout).map(
        Number,
      );
      const refused = /^refused:.*$/m.exec(result.stdout);
      if (refused || completed === 0) {
        throw new Error(`whole admissions: ${refused?.[0] ?? "none was completed"}`);
      }
      whole.use(claimed);
      return result;
    },
  };
}

/** A queue that admits all who enter it, and tickets of `count` of them. */
async function claimers(tide, queue, folder, count) {
  await tide.create(queue, { maxActive: 100_000, lanes: 4 });
  const tickets = ticketsOf(tide, queue, path.join(folder, queue));
  await tickets.reserve(count);
  return tickets;
}

/** How many entered `queue`, once those are through who entered before this call. */
async function entries(tide, queue) {
  await tide.call("POST", `/v1/queues/${queue}/enter`);
  return (await view(tide, queue)).entered;
}

/** The same of the naive room. */
async function joins(room) {
  const answer = await fetch(`${room.url}/join`, { method: "POST" });
  return (await answer.json()).position;
}

/**
 * Straight from the queue's object, behind what it was sent before; the public snapshot may be a
 * second old.
 */
const view = async (tide, queue) =>
  (await tide.call("GET", `/v1/admin/queues/${queue}`, undefined, tide.adminKey)).snapshot;

/** An object that sleeps comes back more slowly than it answers at a launch. */
function keepAwake({ naive: room, tide }) {
  for (const queue of ["entry", "early", "claims", "whole"]) {
    view(tide, queue).catch(() => {});
  }
  // An id that there is not: one look into an index.
  fetch(`${room.url}/status?id=nobody`).then((answer) => answer.arrayBuffer()).catch(() => {});
}

const perSecond = (result) => result.perSecond;
const cpuMicros = (result) => result.cpuMicros;

function rowsOf(measured, pairs) {
  const note = `the median of ${pairs}; the spread holds the middle 80 %`;
  // In CPU time as in throughput, more is better: how many answers the CPU time of one of the
  // base's would make.
  const compared = (figure, name, base, atLeast) => ({
    figure,
    ...spread(ratios(measured[name], measured[base], perSecond)),
    unit: "×",
    atLeast,
    cpu: spread(ratios(measured[base], measured[name], cpuMicros)),
  });
  const rows = [
    {
      ...compared("status polls/s ÷ bare worker hello, 10,000 tickets in turn", "status",
        "worker hello", 0.9),
      note,
    },
    compared("status polls/s ÷ bare JavaScript hello", "status", "JavaScript hello", 0.62),
    compared("status polls/s ÷ naive room's", "status", "naive poll", 3),
    compared(`status polls/s ÷ naive room's, ${FEW} ahead`, "status", "naive poll, few ahead"),
    compared("snapshots/s ÷ bare JavaScript hello", "snapshot", "JavaScript hello", 0.7),
    compared("enters/s ÷ naive room's joins/s, one lane", "enter", "naive join", 2.1),
    compared("enters/s before the opening, with receipts ÷ naive joins/s, one lane", "enter early",
      "naive join"),
    compared("claims/s ÷ naive joins/s", "claim", "naive join", 1.1),
    compared("whole admissions/s (claim, redeem, complete) ÷ naive joins/s", "whole admission",
      "naive join", 0.45),
    compared("cached pages/s ÷ bare JavaScript hello", "cached page", "JavaScript hello"),
  ];
  for (const [name, results] of Object.entries(measured)) {
    rows.push({ figure: `${name}, a second`, ...spread(results.map(perSecond)), unit: "/s" });
  }
  const ofWorkerd = Object.entries(measured).filter(([, results]) =>
    results.every((result) => Number.isFinite(result.cpuMicros))
  );
  for (const [name, results] of ofWorkerd) {
    rows.push({ figure: `${name}, CPU of workerd`, ...spread(results.map(cpuMicros)), unit: "µs" });
  }
  return rows;
}
