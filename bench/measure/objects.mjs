// What objects are asked, write and keep, by count: through bench/counting.js, untimed.

import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { ROOT } from "../../scripts/lib/miniflare.mjs";
import { tidegate } from "../lib/rooms.mjs";
import { luaScript, wrk } from "../lib/wrk.mjs";

const LANES = 4;
/** Saturation: more enter at once than the lanes take. */
const CONNECTIONS = 1_000;
const ENTER_SECONDS = 15;
const POLL_SECONDS = 5;

export async function measureObjects() {
  const folder = mkdtempSync(path.join(tmpdir(), "tidegate-bench-"));
  cpSync(path.join(ROOT, "build"), path.join(folder, "build"), { recursive: true });
  cpSync(path.join(ROOT, "bench/counting.js"), path.join(folder, "build/counting.js"));
  const tide = await tidegate({ folder: path.join(folder, "build"), main: "counting.js" });
  try {
    await tide.create("line", { maxActive: 1, lanes: LANES });
    const tickets = path.join(folder, "tickets");

    const empty = await counts(tide);
    await wrk(tide, "/v1/queues/line/enter", {
      seconds: ENTER_SECONDS,
      connections: CONNECTIONS,
      script: luaScript("keep-tickets"),
      env: { TICKETS: tickets },
    });
    const entered = await settled(tide);
    // Straight from the queue: the public snapshot may be a second old.
    const { snapshot } = await tide.call("GET", "/v1/admin/queues/line", undefined, tide.adminKey);
    const shoppers = snapshot.entered;
    const grown = (kind, type) => (entered[kind][type] ?? 0) - (empty[kind][type] ?? 0);
    const leases = grown("asks", "Queue.Lease");
    const rows = grown("rowsWritten", "Lane") + grown("rowsWritten", "Queue");
    const bytes = grown("bytesStored", "Lane") + grown("bytesStored", "Queue");

    const polled = await pollAll(tide, readFileSync(tickets, "utf8").trim().split("\n"),
      POLL_SECONDS);
    const note = `${shoppers.toLocaleString("en")} shoppers over ${LANES} lanes`;
    return [
      {
        figure: "requests to relays while 10,000 poll, per isolate and second",
        value: polled.relays,
        unit: "/s",
        atMost: 1,
        note: polled.note,
      },
      {
        figure: "requests of a relay to the Queue object a second, while they poll",
        value: polled.views,
        unit: "/s",
        atMost: 1,
      },
      {
        figure: "object requests per shopper to enter, at saturation",
        value: (grown("asks", "Lane") + leases) / shoppers,
        unit: "",
        atMost: 1.05,
        note,
      },
      { figure: "leases per shopper", value: leases / shoppers, unit: "" },
      {
        figure: "rows written per shopper who only waits",
        value: rows / shoppers,
        unit: "",
        atMost: 1.1,
      },
      {
        figure: "bytes stored per waiting shopper",
        value: bytes / shoppers,
        unit: "B",
        atMost: 96,
      },
    ];
  } finally {
    await tide.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Every one of 10,000 tickets (or of as many as there are) polls, again and again. */
async function pollAll(tide, tickets, seconds) {
  const some = tickets.slice(0, 10_000);
  const before = await counts(tide);
  const began = performance.now();
  let polls = 0;
  const end = began + seconds * 1000;
  const poller = async (first) => {
    for (let at = first; performance.now() < end; at = (at + 64) % some.length) {
      const answer = await fetch(`${tide.url}/v1/queues/line/status`, {
        headers: { authorization: `Bearer ${some[at]}` },
      });
      if (answer.status !== 200) throw new Error(`a poll: ${answer.status}`);
      await answer.arrayBuffer();
      polls += 1;
    }
  };
  await Promise.all(Array.from({ length: 64 }, (_, first) => poller(first)));
  const took = (performance.now() - began) / 1000;
  const after = await counts(tide);
  const grown = (type) => ((after.asks[type] ?? 0) - (before.asks[type] ?? 0)) / took;
  return {
    relays: grown("Relay"),
    views: grown("Queue.View"),
    note: `${polls.toLocaleString("en")} polls of ${some.length.toLocaleString("en")} tickets`,
  };
}

/**
 * The counts once they stand still: requests that were under way when the load ended are through.
 */
async function settled(tide) {
  for (let before = await counts(tide);;) {
    await pause(500);
    const now = await counts(tide);
    if (now.asks.Lane === before.asks.Lane && now.rowsWritten.Lane === before.rowsWritten.Lane) {
      return now;
    }
    before = now;
  }
}

const counts = (tide) => tide.call("GET", "/-/counts");
