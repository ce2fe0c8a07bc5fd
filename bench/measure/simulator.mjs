// Simulated events a second with every invariant checked, and the claims that only a simulated
// deployment can show: a million shoppers, and slots in use though half stay away.

import { tidegateCommand } from "../lib/command.mjs";

const MILLION =
  "--shoppers 1000000 --within 20 --curve flat --lanes 64 --rate 600 --stock 5000 --faults none " +
  "--seed 42";
const ABSENT = "--shoppers 5000 --max-active 50 --absent 0.5 --checkout 60 --seed 42";

export async function measureSimulator() {
  const million = await simulate(MILLION);
  const absent = await simulate(ABSENT);
  return [
    {
      figure: "simulated events/s, invariants on",
      value: million.eventsPerSecond,
      unit: "/s",
      atLeast: 1_000_000,
      note: `tidegate simulate ${MILLION}`,
    },
    {
      figure: "simulated: a million enter at 50,000/s over 64 lanes",
      value: million.entered,
      unit: "entered",
      atLeast: 1_000_000,
    },
    {
      figure: "simulated: calls that a Queue object of 300 transactions/s had to refuse",
      value: million.queueRefused,
      unit: "",
      atMost: 0,
      note: "sim/tests/steering.rs asserts less than 300 transactions/s while they enter",
    },
    {
      figure: "simulated: object requests per entry",
      value: million.objectRequestsPerEntry,
      unit: "",
      atMost: 1.05,
    },
    { figure: "simulated: leases a second, mean", value: million.leases.mean, unit: "/s" },
    {
      figure: "simulated: slots in use while anyone waits, half absent",
      value: absent.slotsInUse * 100,
      unit: "%",
      atLeast: 98.5,
      note: `tidegate simulate ${ABSENT}`,
    },
    { figure: "simulated: present and waiting, at most", value: absent.presentMax, unit: "" },
  ];
}

async function simulate(words) {
  console.log(`tidegate simulate ${words}`);
  const { stdout } = await tidegateCommand(["simulate", ...words.split(" "), "--json"]);
  const { figures, ...report } = JSON.parse(stdout);
  return { ...report, ...figures };
}
