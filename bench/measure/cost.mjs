// What a million shoppers cost, reckoned from what was counted and measured here and the platform's
// prices of November 2026. Nothing here was billed.

/** Dollars: for each Worker request, millisecond of its CPU, object request, GB-second, row written. */
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

const MILLION = 1_000_000;
const SCENARIO = { waitMinutes: 60, admittedShare: 0.05, lanes: 64, edges: 300, pageRequests: 2 };

export function computeCost(_options, rows) {
  const of = (figure, otherwise) => rows.find((row) => row.figure.startsWith(figure))?.value ?? otherwise;
  const measured = {
    enterCpuMs: of("enter, CPU", NaN) / 1000,
    statusCpuMs: of("status, CPU", NaN) / 1000,
    claimCpuMs: of("claim, CPU", NaN) / 1000,
    objectRequests: of("object requests per shopper to enter", NaN),
    rows: of("rows written per shopper", NaN),
  };
  const missing = Object.entries(measured).filter(([, value]) => !Number.isFinite(value)).map(([name]) => name);
  if (missing.length > 0) {
    console.log(`cost is reckoned from the speed and the objects measures, which did not run (${missing.join(", ")})`);
    return [];
  }
  const seconds = SCENARIO.waitMinutes * 60;
  const admitted = MILLION * SCENARIO.admittedShare;
  const both =
    // Entering: page, script, enter.
    MILLION * (1 + SCENARIO.pageRequests) * PRICE.request +
    MILLION * measured.enterCpuMs * PRICE.cpuMs +
    MILLION * measured.objectRequests * PRICE.objectRequest +
    MILLION * measured.rows * PRICE.rowWritten +
    // Admission: claim, redeem, complete; each a request and an object request, and three rows with indices.
    admitted * 3 * (PRICE.request + PRICE.objectRequest + measured.claimCpuMs * PRICE.cpuMs + 4 * PRICE.rowWritten) +
    // The Queue object is awake all the time, the lanes while shoppers enter (ten minutes).
    (seconds + SCENARIO.lanes * 600) * OBJECT_GB * PRICE.gbSecond;
  // One relay for 2,000 sockets; it wakes once a second to send, for about a tenth of it.
  const relays = Math.ceil(MILLION / 2_000);
  const sockets =
    MILLION * PRICE.request + MILLION * PRICE.objectRequest +
    // One message a shopper besides pings, which the platform answers by itself.
    (MILLION / MESSAGES_A_REQUEST) * PRICE.objectRequest +
    // A push to each relay every two seconds.
    relays * (seconds / 2) * PRICE.objectRequest +
    relays * seconds * 0.1 * OBJECT_GB * PRICE.gbSecond;
  const polls = averagePolls(seconds);
  const polling =
    MILLION * polls * (PRICE.request + measured.statusCpuMs * PRICE.cpuMs) +
    // Each edge isolate asks a relay once a second.
    SCENARIO.edges * seconds * PRICE.objectRequest;
  const assumed = `${SCENARIO.waitMinutes} min wait, ${SCENARIO.admittedShare * 100} % admitted, ${SCENARIO.lanes} lanes`;
  return [
    { figure: "cost of a million shoppers, sockets", value: both + sockets, unit: "$", atMost: 4, note: `${assumed}, ${relays} relays awake a tenth of the time` },
    { figure: "cost of a million shoppers, polls", value: both + polling, unit: "$", atMost: 15, note: `${assumed}, ${polls} polls each, ${SCENARIO.edges} isolates` },
  ];
}

/** How often a shopper polls who waits so long: each pause is a quarter of what is left, 2 to 120 s. */
function averagePolls(seconds) {
  let polls = 0;
  for (let left = seconds; left > 0; polls += 1) left -= Math.min(120, Math.max(2, left / 4));
  return polls;
}
