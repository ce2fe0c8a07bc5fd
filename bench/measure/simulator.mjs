// Simulated events a second with every invariant checked, and the claims that only a simulated
// deployment can show: a million shoppers, and slots in use though half stay away.

import { tidegateCommand } from "../lib/command.mjs";

const MILLION = "--shoppers 1000000 --within 20 --curve flat --lanes 64 --rate 1800 --stock 20000 --faults none --seed 42";
const ABSENT = "--shoppers 5000 --max-active 50 --absent 0.5 --checkout 60 --seed 42";

export async function measureSimulator() {
  const million = await simulate(MILLION);
  const absent = await simulate(ABSENT);
  const events = million.events / million.seconds;
  return [
    { figure: "simulated events/s, invariants on", value: events, unit: "/s", atLeast: 1_000_000, note: `tidegate simulate ${MILLION}` },
    { figure: "simulated: a million enter at 50,000/s over 64 lanes", value: million.entered, unit: "entered", atLeast: 1_000_000 },
    { figure: "simulated: writes of the Queue object a second, at most", value: million.queueWrites.peak, unit: "/s", atMost: 300 },
    { figure: "simulated: leases a second, mean", value: million.leases.mean, unit: "/s" },
    { figure: "simulated: slots in use while anyone waits, half absent", value: absent.slotsInUse * 100, unit: "%", atLeast: 98.5, note: `tidegate simulate ${ABSENT}` },
    { figure: "simulated: present and waiting, at most", value: absent.presentMax, unit: "" },
  ];
}

async function simulate(words) {
  console.log(`tidegate simulate ${words}`);
  const { stdout, seconds } = await tidegateCommand(["simulate", ...words.split(" "), "--json"]);
  const report = JSON.parse(stdout);
  return { ...(report.figures ?? report), seconds };
}
