// Sockets and pushes, by `tidegate load`: 5,000 at once and a notice to all, and a storm of changes
// to 1,000. The client runs on the same machine.

import { tidegate } from "../lib/rooms.mjs";
import { tidegateCommand } from "../lib/command.mjs";

export async function measureSockets() {
  const many = await load(["--shoppers", "0", "--sockets", "5000", "--notices", "5"]);
  const storm = await load(["--shoppers", "0", "--sockets", "1000", "--notices", "0",
    "--changes-per-second", "100", "--changes-seconds", "10"]);
  const step = ({ steps }, wanted) => steps.find(({ name }) => name === wanted);
  const [push, connect] = [step(many, "push"), step(storm, "socket connect")];
  const { changes } = storm;
  return [
    {
      figure: "sockets connected, of 5,000",
      value: (many.sockets.connected / many.sockets.wanted) * 100,
      unit: "%",
      atLeast: 99.9,
    },
    { figure: "a notice reaches all of them", value: push.success * 100, unit: "%", atLeast: 99.9 },
    {
      figure: "a notice to all of them, p99",
      value: push.p99Ms,
      unit: "ms",
      atMost: 500,
      note: `p50 ${Math.round(push.p50Ms)} ms, from the operator's call on`,
    },
    { figure: "1,000 sockets connect, p99", value: connect.p99Ms, unit: "ms", atMost: 100 },
    {
      figure: "changes made a second, of 100",
      value: changes.made / changes.seconds,
      unit: "/s",
      atLeast: 99,
      note: `${changes.made} in ${changes.seconds.toFixed(1)} s`,
    },
    {
      figure: "1,000 sockets that hold the last of them within 500 ms",
      value: (changes.heldLastInTime / changes.sockets) * 100,
      unit: "%",
      atLeast: 99,
    },
  ];
}

async function load(words) {
  const server = await tidegate();
  try {
    console.log(`tidegate load ${words.join(" ")}`);
    const { stdout } = await tidegateCommand(["load", "--url", server.url, ...words, "--json", "-"],
      { TIDEGATE_ADMIN_KEY: server.adminKey });
    return JSON.parse(stdout);
  } finally {
    await server.stop();
  }
}
