// Lines of shoppers, made before anything is measured: Tidegate's, the naive room's, and tickets to
// claim with.

import { readFileSync, writeFileSync } from "node:fs";

import { naive, tidegate } from "./rooms.mjs";
import { luaScript, wrk } from "./wrk.mjs";

/** So many wait. All of them poll in turn; in the naive room, the one in the middle does. */
const LINE = 10_000;
/** Before the one who polls early in the naive room. */
export const FEW = 200;
const AT_ONCE = 64;

/** A line of Tidegate's in `state`. Returns a file of all its tickets, one a line. */
export async function fillTidegate(state) {
  const room = await tidegate({ state });
  try {
    await room.create("line", { maxActive: 1, lanes: 1 });
    const tickets = [];
    await many(LINE, async () => {
      const { ticket } = await room.call("POST", "/v1/queues/line/enter");
      tickets.push(ticket);
    });
    const file = `${state}-tickets`;
    writeFileSync(file, tickets.join("\n"));
    return file;
  } finally {
    await room.stop();
  }
}

/**
 * A line of the naive room's in `state`; returns two who wait there, behind few and in the middle.
 */
export async function fillNaive(state) {
  const room = await naive({ state });
  try {
    const join = async () => (await fetch(`${room.url}/join`, { method: "POST" })).json();
    const poll = async ({ id }) => (await fetch(`${room.url}/status?id=${id}`)).json();
    const first = await poll(await join());
    if (first.status !== "admitted") {
      throw new Error(`the naive room's first shopper is ${first.status}`);
    }
    const after = async (ahead, since) => {
      await many(ahead - since, join);
      const joined = await join();
      const waiting = await poll(joined);
      if (waiting.status !== "waiting" || waiting.ahead !== ahead) {
        throw new Error(`the naive room's poller is ${JSON.stringify(waiting)}`);
      }
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

/** Makes so many calls, some at once. */
async function many(count, call) {
  let left = count;
  const caller = async () => {
    while (left-- > 0) await call();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, caller));
}

/**
 * Tickets of shoppers who really entered `queue`, kept in `file`, one a line, each to be used once.
 * `reserve(count)` resolves once so many unused ones are there; `env()` tells a script of bench/wrk
 * where they begin; `use(count)` counts what it took.
 */
export function ticketsOf(server, queue, file) {
  let [made, used] = [0, 0];
  return {
    async reserve(count) {
      while (made - used < count) {
        const where = `/v1/queues/${queue}/enter`;
        await wrk(server, where, {
          seconds: 3,
          script: luaScript("keep-tickets"),
          env: { TICKETS: file },
        });
        made = readFileSync(file, "latin1").split("\n").length - 1;
      }
    },
    env: () => ({ TICKETS: file, FROM: String(used) }),
    use(count) {
      used += count;
    },
  };
}
