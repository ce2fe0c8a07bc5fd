// What k6 runs for scripts/load: each virtual user is one shopper after another, who enters, polls
// at the pace the waiting room asks for, claims when called up, and leaves. The thresholds are
// those that the requirements name.

import { check, sleep } from "k6";
import exec from "k6/execution";
import http from "k6/http";
import { Counter } from "k6/metrics";
import { randomBytes } from "k6/crypto";

const EDGE = __ENV.TIDEGATE_URL;
/** A queue that was named stays; the run's own is made before and deleted after. */
const OWN = __ENV.TIDEGATE_QUEUE === "";
const CLAIM = __ENV.CLAIM === "true";
/** A shopper who waits longer goes away; the next one comes. */
const PATIENCE_MS = 60_000;

const stages = __ENV.STAGES.split(",").map((stage) => {
  const [duration, target] = stage.split(":");
  return { duration, target: Number(target) };
});

export const options = {
  scenarios: {
    shoppers: {
      executor: "ramping-vus",
      startVUs: 0,
      stages,
      gracefulRampDown: "10s",
      gracefulStop: "10s",
    },
  },
  thresholds: {
    http_req_failed: ["rate<0.01"],
    http_req_duration: ["p(95)<500", "p(99)<1000"],
  },
  summaryTrendStats: ["avg", "min", "med", "p(95)", "p(99)", "max"],
};

const admitted = new Counter("shoppers_admitted");
const wentAway = new Counter("shoppers_went_away");

// A claim that comes too early, in a pause or after the end is refused, and no fault.
const claimed = http.expectedStatuses(200, 202, 409, 410);

export function setup() {
  const queue = OWN ? `k6-${hex(4)}` : __ENV.TIDEGATE_QUEUE;
  if (OWN) {
    const most = Math.max(...stages.map(({ target }) => target));
    const made = operate("PUT", queue, { maxActive: Math.max(50, Math.ceil(most / 10)), lanes: 8 });
    if (made.status !== 201) {
      stop(`the queue was not made: ${made.status} ${made.body || made.error}`);
    }
    sleep(2); // an edge's list of queues may be a second old
  }
  const answer = http.get(`${EDGE}/v1/queues/${queue}`);
  if (answer.status !== 200) {
    const said = answer.status || answer.error;
    stop(`${queue} answered ${said}: is the Worker up, and is there such a queue?`);
  }
  return queue;
}

export function teardown(queue) {
  if (OWN) operate("DELETE", queue);
}

function operate(method, queue, config) {
  return http.request(method, `${EDGE}/v1/admin/queues/${queue}`,
    config ? JSON.stringify(config) : null, {
    headers: {
      authorization: `Bearer ${__ENV.TIDEGATE_ADMIN_KEY}`,
      "content-type": "application/json",
    },
  });
}

function stop(why) {
  exec.test.abort(why);
}

export default function shopper(queue) {
  const base = `${EDGE}/v1/queues/${queue}`;
  const entered = http.post(`${base}/enter`, JSON.stringify({ entryKey: hex(16) }), {
    headers: { "content-type": "application/json" },
    tags: { name: "enter" },
  });
  if (!check(entered, { "entered": ({ status }) => status === 200 })) {
    sleep(1 + Math.random());
    return;
  }
  const { ticket, status } = entered.json();
  wait(base, ticket, status);
  // Nobody redeems here: the slot or the place is given up, so that the line moves on.
  const left = http.del(`${base}/leave`, null, {
    headers: bearing(ticket),
    tags: { name: "leave" },
  });
  check(left, { "left": ({ status: code }) => code === 204 });
}

const RENEW_MS = 30000;
const bearing = (ticket) => ({ authorization: `Bearer ${ticket}` });

function wait(base, ticket, first) {
  const headers = bearing(ticket);
  const until = Date.now() + PATIENCE_MS;
  // Who is present claims again now and then, so that the queue knows that somebody is here.
  let [status, presentSince, renewsAt] = [first, undefined, 0];
  while (Date.now() < until) {
    if (status.status === "CLOSED") return;
    const mayClaim = Date.now() >= renewsAt || (status.collect && status.serverTime > presentSince);
    if (CLAIM && status.status === "READY" && mayClaim) {
      const claim = http.post(`${base}/claim`, null, {
        headers,
        tags: { name: "claim" },
        responseCallback: claimed,
      });
      if (claim.status === 200) {
        admitted.add(1);
        return;
      }
      if (claim.status === 410) return;
      if (claim.status === 202) {
        presentSince = claim.json("serverTime");
        renewsAt = Date.now() + RENEW_MS;
      }
    }
    if (!CLAIM && status.status === "READY") return;
    sleep(status.pollAfterMs / 1000);
    const poll = http.get(`${base}/status`, { headers, tags: { name: "status" } });
    if (check(poll, { "status told": ({ status: code }) => code === 200 })) status = poll.json();
  }
  wentAway.add(1);
}

function hex(length) {
  return Array.from(new Uint8Array(randomBytes(length)),
    (byte) => byte.toString(16).padStart(2, "0")).join("");
}
