// What a million shoppers cost: their requests and rows as a simulated hour counts them, the CPU
// time that was measured here, and the platform's prices of November 2026. Nothing here was billed.

import { tidegateCommand } from "../lib/command.mjs";

/**
 * Dollars: for each Worker request, millisecond of its CPU, object request, GB-second, row written.
 */
const PRICE = {
  request: 0.3e-6,
  cpuMs: 0.02e-6,
  objectRequest: 0.15e-6,
  gbSecond: 12.5e-6,
  rowWritten: 1e-6,
};
const OBJECT_GB = 0.128;
/** Inbound socket messages count as requests, 20 to one; automatic pongs are free. */
const MESSAGES_A_REQUEST = 20;

const SHOPPERS = 1_000_000;
const SECONDS = 3_600;
/** Nobody waits less than the hour but those who are admitted in it: 5 %. */
const HOUR = { lanes: 64, edges: 300, relays: 4, admitted: 50_000 };
const SIMULATED =
  `--shoppers ${SHOPPERS} --within 20 --curve flat --lanes ${HOUR.lanes} --edges ${HOUR.edges} ` +
  `--relays ${HOUR.relays} ` +
  `--rate ${Math.ceil(HOUR.admitted / 60)} --stock ${HOUR.admitted} --faults none ` +
  "--hours 1 --seed 42";
/** What the edge answers to each shopper besides: the room's page, and its script. */
const PAGE_REQUESTS = 2;
/** Lanes sleep again ten seconds after the last of twenty in which shoppers enter. */
const LANE_SECONDS = 30;
/**
 * With sockets: how many a relay holds, how often it pushes, and which share of the time it is
 * awake for it. An object that may hibernate is not billed while it idles (Cloudflare's pricing of
 * objects).
 */
const SOCKETS = { aRelay: 4_000, secondsBetweenPushes: 2, awake: 0.1 };

export async function computeCost(_options, rows) {
  const cpuMs = (name) =>
    rows.find(({ figure }) => figure === `${name}, CPU of workerd`)?.value / 1000;
  const cpu = { enter: cpuMs("enter"), status: cpuMs("status"), claim: cpuMs("claim") };
  if (Object.values(cpu).some(Number.isNaN)) {
    console.log("cost is reckoned from the speed measure too, which did not run");
    return [];
  }
  console.log(`tidegate simulate ${SIMULATED}`);
  const hour = JSON.parse(
    (await tidegateCommand(["simulate", ...SIMULATED.split(" "), "--json"])).stdout,
  );
  // Claim, redeem, complete.
  const atCheckout = hour.admitted * 3;
  const both = (hour.entered * (1 + PAGE_REQUESTS) + atCheckout) * PRICE.request +
    (hour.entered * cpu.enter + atCheckout * cpu.claim) * PRICE.cpuMs +
    (hour.laneRequests.total + hour.leases.total + atCheckout) * PRICE.objectRequest +
    hour.rowsWrittenPerShopper * hour.shoppers * PRICE.rowWritten +
    (SECONDS + HOUR.lanes * LANE_SECONDS) * OBJECT_GB * PRICE.gbSecond;
  const polling = hour.polls * (PRICE.request + cpu.status * PRICE.cpuMs) +
    hour.relayRequests * PRICE.objectRequest +
    HOUR.relays * SECONDS * OBJECT_GB * PRICE.gbSecond;
  const relays = Math.ceil(SHOPPERS / SOCKETS.aRelay);
  const sockets =
    // The upgrade, and one message of the shopper's own besides pings.
    hour.entered *
      (PRICE.request + PRICE.objectRequest + PRICE.objectRequest / MESSAGES_A_REQUEST) +
    relays * (SECONDS / SOCKETS.secondsBetweenPushes) * PRICE.objectRequest +
    relays * SECONDS * SOCKETS.awake * OBJECT_GB * PRICE.gbSecond;
  const polls = (hour.polls / hour.shoppers).toFixed(1);
  const counted = `counted by tidegate simulate ${SIMULATED}`;
  return [
    {
      figure: "cost of a million shoppers, sockets",
      value: both + sockets,
      unit: "$",
      atMost: 4,
      note: `${counted}; ${relays} relays awake ${SOCKETS.awake * 100} % of the time`,
    },
    {
      figure: "cost of a million shoppers, polls",
      value: both + polling,
      unit: "$",
      atMost: 15,
      note: `${counted}; ${polls} polls each`,
    },
  ];
}
