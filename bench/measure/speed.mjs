// How fast the hot paths are, beside baselines that are loaded in turn with them.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { helloJs, helloRust, naive, tidegate } from "../lib/rooms.mjs";
import { PAGE, startShop } from "../lib/shop.mjs";
import { median } from "../lib/table.mjs";
import { CONNECTIONS, wrk } from "../lib/wrk.mjs";

const script = (name) => path.resolve(import.meta.dirname, `../wrk/${name}.lua`);
/** So many wait; the one who polls stands in the middle. */
const LINE = 10_000;
/** Before one who polls early in the naive room. */
const FEW = 200;
const AT_ONCE = 64;
/** Seconds of load before anything is measured: V8 compiles what is hot. */
const WARM_UP = 6;

export async function measureSpeed({ seconds, rounds }) {
  const shop = await startShop();
  // Where shoppers enter is another isolate than where they poll: objects live apart from the edge.
  const servers = {
    js: await helloJs(),
    rust: await helloRust(),
    naive: { polled: await naive(), entered: await naive() },
    tidegate: { polled: await tidegate({ originUrl: shop.url }), entered: await tidegate() },
  };
  const folder = mkdtempSync(path.join(tmpdir(), "tidegate-bench-"));
  try {
    const loads = await prepare(servers, path.join(folder, "tickets"), seconds * rounds + WARM_UP);
    for (const load of Object.values(loads)) await load(WARM_UP);
    const measured = {};
    for (let round = 1; round <= rounds; round += 1) {
      for (const [name, load] of Object.entries(loads)) {
        const result = await load(seconds);
        if (result.errors > 0) throw new Error(`${name}: ${result.errors} requests failed`);
        (measured[name] ??= []).push(result);
        console.log(`round ${round}  ${name.padEnd(20)} ${Math.round(result.perSecond).toString().padStart(6)}/s  ${Math.round(result.cpuMicros)} µs CPU`);
      }
    }
    if (shop.served() > rounds + 5) throw new Error(`the shop served its page ${shop.served()} times: it was not cached`);
    return rowsOf(measured);
  } finally {
    for (const server of Object.values(servers).flatMap((one) => (one.stop ? [one] : Object.values(one)))) await server.stop();
    await shop.stop();
    rmSync(folder, { recursive: true });
  }
}

async function prepare({ js, rust, naive: room, tidegate: tide }, tickets, claimSeconds) {
  await tide.polled.create("line", { maxActive: 1, lanes: 1 });
  await tide.entered.create("entry", { maxActive: 1, lanes: 1 });
  await tide.entered.create("claims", { maxActive: 100_000, lanes: 4 });
  const enter = () => tide.polled.call("POST", "/v1/queues/line/enter");
  await many(LINE / 2, enter);
  const { ticket, status } = await enter();
  if (status.status !== "QUEUED") throw new Error(`the polling shopper is ${status.status}`);
  await many(LINE / 2, enter);

  const join = async () => (await fetch(`${room.polled.url}/join`, { method: "POST" })).json();
  const poll = async ({ id }) => (await fetch(`${room.polled.url}/status?id=${id}`)).json();
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
  const joined = await after(LINE / 2, FEW + 1);
  await many(LINE / 2, join);

  // Each claim needs a ticket of its own: as many enter as will claim, and more.
  console.log(`entering shoppers who will claim, ${claimSeconds} s`);
  await wrk(tide.entered, "/v1/queues/claims/enter", { seconds: claimSeconds, script: script("keep-tickets"), env: { TICKETS: tickets } });
  let used = 0;
  const claim = async (time) => {
    const env = { TICKETS: tickets, FROM: String(used) };
    const result = await wrk(tide.entered, "/v1/queues/claims/claim", { seconds: time, script: script("each-ticket"), env });
    used += result.answers + CONNECTIONS;
    return result;
  };

  const bearer = { Authorization: `Bearer ${ticket}` };
  return {
    "JavaScript hello": (time) => wrk(js, "/", { seconds: time }),
    "worker hello": (time) => wrk(rust, "/", { seconds: time }),
    "naive join": (time) => wrk(room.entered, "/join", { seconds: time, script: script("post") }),
    "naive poll": (time) => wrk(room.polled, `/status?id=${joined.id}`, { seconds: time }),
    "naive poll, few ahead": (time) => wrk(room.polled, `/status?id=${early.id}`, { seconds: time }),
    status: (time) => wrk(tide.polled, "/v1/queues/line/status", { seconds: time, headers: bearer }),
    snapshot: (time) => wrk(tide.polled, "/v1/queues/line", { seconds: time }),
    enter: (time) => wrk(tide.entered, "/v1/queues/entry/enter", { seconds: time, script: script("post") }),
    claim,
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
    compared("claims/s ÷ naive joins/s", "claim", "naive join", 1),
    compared("snapshots/s ÷ bare JavaScript hello", "snapshot", "JavaScript hello"),
    compared("cached pages/s ÷ bare JavaScript hello", "cached page", "JavaScript hello"),
  ];
  for (const name of Object.keys(measured)) rows.push({ figure: `${name}, a second`, value: rate(name), unit: "/s" });
  for (const name of Object.keys(measured)) rows.push({ figure: `${name}, CPU of workerd`, value: cpu(name), unit: "µs" });
  return rows;
}
