// How fast the hot paths are, beside baselines that are loaded in turn with them.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { helloJs, helloRust, naive, tidegate } from "../lib/rooms.mjs";
import { PAGE, startShop } from "../lib/shop.mjs";
import { median } from "../lib/table.mjs";
import { wrk } from "../lib/wrk.mjs";

const script = (name) => path.resolve(import.meta.dirname, `../wrk/${name}.lua`);
/** So many wait; the one who polls stands in the middle. */
const LINE = 10_000;
/** Before one who polls early in the naive room. */
const FEW = 200;
const AT_ONCE = 64;
/** Connections of those who enter, join or claim: they come in a surge, while polls are spread. */
const SURGE = 512;
/** Seconds of load before anything is measured: V8 compiles what is hot. */
const WARM_UP = 6;

export async function measureSpeed({ seconds, rounds }) {
  const measured = {};
  // Each round in processes of its own: V8 compiles the same code now better, now worse.
  for (let round = 1; round <= rounds; round += 1) {
    for (const [name, result] of Object.entries(await measureRound(seconds))) {
      (measured[name] ??= []).push(result);
      console.log(`round ${round}  ${name.padEnd(22)} ${Math.round(result.perSecond).toString().padStart(6)}/s  ${Math.round(result.cpuMicros)} µs CPU`);
    }
  }
  return rowsOf(measured);
}

async function measureRound(seconds) {
  const shop = await startShop();
  const folder = mkdtempSync(path.join(tmpdir(), "tidegate-bench-"));
  const servers = [];
  const started = async (server) => servers[servers.push(await server) - 1];
  try {
    const [tideLine, naiveLine] = [path.join(folder, "tidegate"), path.join(folder, "naive")];
    const ticket = await fillTidegate(tideLine);
    const { early, middle } = await fillNaive(naiveLine);
    const loads = await prepare({
      js: await started(helloJs()),
      rust: await started(helloRust()),
      // Polled where nobody entered: at the edge, objects do not share an isolate with those who poll,
      // and what entering leaves behind would be swept in their time.
      naive: { early, middle, polled: await started(naive({ state: naiveLine })), entered: await started(naive()) },
      tidegate: { ticket, polled: await started(tidegate({ state: tideLine, originUrl: shop.url })), entered: await started(tidegate()) },
      tickets: path.join(folder, "tickets"),
      claimSeconds: seconds + WARM_UP,
    });
    for (const load of Object.values(loads)) await load(WARM_UP);
    const results = {};
    for (const [name, load] of Object.entries(loads)) {
      results[name] = await load(seconds);
      if (results[name].errors > 0) throw new Error(`${name}: ${results[name].errors} requests failed`);
    }
    if (shop.served() > 5) throw new Error(`the shop served its page ${shop.served()} times: it was not cached`);
    return results;
  } finally {
    for (const server of servers) await server.stop();
    await shop.stop();
    rmSync(folder, { recursive: true });
  }
}

/** A line of Tidegate's in `state`; returns the ticket of the one in the middle. */
async function fillTidegate(state) {
  const room = await tidegate({ state });
  try {
    await room.create("line", { maxActive: 1, lanes: 1 });
    const enter = () => room.call("POST", "/v1/queues/line/enter");
    await many(LINE / 2, enter);
    const { ticket, status } = await enter();
    if (status.status !== "QUEUED") throw new Error(`the polling shopper is ${status.status}`);
    await many(LINE / 2, enter);
    return ticket;
  } finally {
    await room.stop();
  }
}

/** A line of the naive room's in `state`; returns two who wait there, behind few and in the middle. */
async function fillNaive(state) {
  const room = await naive({ state });
  try {
    const join = async () => (await fetch(`${room.url}/join`, { method: "POST" })).json();
    const poll = async ({ id }) => (await fetch(`${room.url}/status?id=${id}`)).json();
    const first = await poll(await join());
    if (first.status !== "admitted") throw new Error(`the naive room's first shopper is ${first.status}`);
    const after = async (ahead, since) => {
      await many(ahead - since, join);
      const joined = await join();
      const waiting = await poll(joined);
      if (waiting.status !== "waiting" || waiting.ahead !== ahead) throw new Error(`the naive room's poller is ${JSON.stringify(waiting)}`);
      return joined;
    };
    const early = await after(FEW, 0);
    const middle = await after(LINE / 2, FEW + 1);
    await many(LINE / 2, join);
    return { early, middle };
  } finally {
    await room.stop();
  }
}

async function prepare({ js, rust, naive: room, tidegate: tide, tickets, claimSeconds }) {
  await tide.entered.create("entry", { maxActive: 1, lanes: 1 });
  // Before the opening, entries are logged, and answered with signed receipts.
  await tide.entered.create("early", { maxActive: 1, lanes: 1, opensAt: Date.now() + 86_400_000 });
  await tide.entered.create("claims", { maxActive: 100_000, lanes: 4 });
  await tide.entered.create("whole", { maxActive: 100_000, lanes: 4 });
  // Each claim needs a ticket of its own: as many enter as will claim, and more.
  console.log(`entering shoppers who will claim, ${claimSeconds * 1.5} s`);
  await wrk(tide.entered, "/v1/queues/claims/enter", { seconds: claimSeconds * 1.5, script: script("keep-tickets"), env: { TICKETS: tickets } });
  let used = 0;
  const claim = async (time) => {
    const env = { TICKETS: tickets, FROM: String(used) };
    const result = await wrk(tide.entered, "/v1/queues/claims/claim", { seconds: time, connections: SURGE, script: script("each-ticket"), env });
    used += result.answers + SURGE;
    return result;
  };

  // Whole admissions: a third of the requests claim, so a third as many shoppers would do.
  const wholeTickets = `${tickets}-whole`;
  await wrk(tide.entered, "/v1/queues/whole/enter", { seconds: claimSeconds / 2, script: script("keep-tickets"), env: { TICKETS: wholeTickets } });
  let claimed = 0;
  const admit = async (time) => {
    const env = { TICKETS: wholeTickets, FROM: String(claimed), QUEUE: "whole", ORIGIN_KEY: tide.entered.originKey };
    const result = await wrk(tide.entered, "/", { seconds: time, connections: SURGE, script: script("whole-admissions"), env });
    const [, claims, completed] = /claimed (\d+) completed (\d+)/.exec(result.stdout).map(Number);
    const refused = /^refused:.*$/m.exec(result.stdout);
    if (refused) throw new Error(`a whole admission: ${refused[0]}`);
    claimed += claims;
    return { ...result, perSecond: completed / result.seconds, cpuMicros: (result.cpuMicros * result.answers) / completed };
  };

  const bearer = { Authorization: `Bearer ${tide.ticket}` };
  return {
    "JavaScript hello": (time) => wrk(js, "/", { seconds: time }),
    "worker hello": (time) => wrk(rust, "/", { seconds: time }),
    "naive join": (time) => wrk(room.entered, "/join", { seconds: time, connections: SURGE, script: script("post") }),
    "naive poll": (time) => wrk(room.polled, `/status?id=${room.middle.id}`, { seconds: time }),
    "naive poll, few ahead": (time) => wrk(room.polled, `/status?id=${room.early.id}`, { seconds: time }),
    status: (time) => wrk(tide.polled, "/v1/queues/line/status", { seconds: time, headers: bearer }),
    snapshot: (time) => wrk(tide.polled, "/v1/queues/line", { seconds: time }),
    enter: (time) => wrk(tide.entered, "/v1/queues/entry/enter", { seconds: time, connections: SURGE, script: script("post") }),
    "enter early": (time) => wrk(tide.entered, "/v1/queues/early/enter", { seconds: time, connections: SURGE, script: script("post") }),
    claim,
    "whole admission": admit,
    "cached page": (time) => wrk(tide.polled, PAGE, { seconds: time }),
  };
}

/** Makes so many calls, some at once. */
async function many(count, call) {
  let left = count;
  const caller = async () => {
    while (left-- > 0) await call();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, caller));
}

function rowsOf(measured) {
  const rate = (name) => median(measured[name].map(({ perSecond }) => perSecond));
  const cpu = (name) => median(measured[name].map(({ cpuMicros }) => cpuMicros));
  // Each round's ratio by itself: what disturbs the machine for a while disturbs both.
  const ratio = (name, base) => median(measured[name].map(({ perSecond }, round) => perSecond / measured[base][round].perSecond));
  const compared = (figure, name, base, atLeast) => ({ figure, value: ratio(name, base), unit: "×", atLeast });
  const rows = [
    compared("status polls/s ÷ bare worker hello, ticket with a position", "status", "worker hello", 0.85),
    compared("status polls/s ÷ bare JavaScript hello", "status", "JavaScript hello", 0.6),
    compared("status polls/s ÷ naive room's", "status", "naive poll", 3),
    compared(`status polls/s ÷ naive room's, ${FEW} ahead`, "status", "naive poll, few ahead"),
    compared("enters/s ÷ naive room's joins/s, one lane", "enter", "naive join", 2),
    compared("enters/s before the opening, with receipts ÷ naive joins/s, one lane", "enter early", "naive join"),
    compared("claims/s ÷ naive joins/s", "claim", "naive join", 1),
    compared("whole admissions/s (claim, redeem, complete) ÷ naive joins/s", "whole admission", "naive join", 0.45),
    compared("snapshots/s ÷ bare JavaScript hello", "snapshot", "JavaScript hello"),
    compared("cached pages/s ÷ bare JavaScript hello", "cached page", "JavaScript hello"),
  ];
  for (const name of Object.keys(measured)) rows.push({ figure: `${name}, a second`, value: rate(name), unit: "/s" });
  for (const name of Object.keys(measured)) rows.push({ figure: `${name}, CPU of workerd`, value: cpu(name), unit: "µs" });
  return rows;
}
