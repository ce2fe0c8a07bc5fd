// A crowd of shoppers and their checkout, who try again as real clients do: the same entryKey and
// Idempotency-Key, a pause that grows, and no second try of what was refused. Everything goes into
// a journal.

import { setTimeout as pause } from "node:timers/promises";

import { Shopper, newEntryKey } from "./queue.mjs";

const TRIES_MAX = 60;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
/** Calls under way at once: what one machine's clients can hold open. */
const CALLS_MAX = 200;

/** What shoppers do, and how many of a hundred do it. */
const BEHAVIOURS = {
  buy: 55,
  replay: 10, // buys, and the handoff token is redeemed twice at once
  giveBack: 8, // the checkout releases
  giveUp: 7, // leaves with an admission
  leave: 5, // leaves the line
  comeBack: 5, // leaves the line, enters anew, and buys
  vanish: 4, // never redeems
  stayAway: 6, // never claims
};

export class Crowd {
  /** How each visit ended: counts by outcome. */
  outcomes = {};
  /** Those who entered and never claim: `{entry, entryKey}`. Their place must stay. */
  absent = [];
  #callsUnderWay = new Gate(CALLS_MAX);

  /** `news` is the public state as a shopper's page follows it. */
  constructor(queue, journal, news, random) {
    Object.assign(this, { queue, journal, news, random });
  }

  /**
   * One shopper, from entering to the end of their visit. `entered` is called once they have a
   * place.
   */
  async visit(number, entered) {
    const behaviour = this.#behaviour();
    const entryKey = newEntryKey();
    let entry = `${number}`;
    let shopper = await this.enter(entry, entryKey);
    entered();
    if (shopper === undefined) return this.#over("refused");
    if (behaviour === "stayAway") {
      this.absent.push({ entry, entryKey });
      return this.#over(behaviour);
    }
    if (behaviour === "leave" || behaviour === "comeBack") {
      await this.#leave(entry, shopper);
      if (behaviour === "leave") return this.#over(behaviour);
      entry = `${number} again`;
      shopper = await this.enter(entry, entryKey);
      if (shopper === undefined) return this.#over("refused");
    }
    const grant = await this.#admission(entry, shopper);
    return this.#over(grant ? await this.#use(behaviour, entry, shopper, grant) : "tooLate");
  }

  /** Enters, or finds the entry again: a shopper, or undefined when everything is sold. */
  async enter(entry, entryKey) {
    const enter = () => this.queue.send("enter", { method: "POST", json: { entryKey } });
    const reply = await this.#persist({ verb: "enter", entry }, enter, [200, "SOLD_OUT"]);
    return reply.status === 200 ? new Shopper(this.queue, reply.json.ticket) : undefined;
  }

  /**
   * Claims once called up, and again once an admission is there to collect; undefined when it is
   * too late.
   */
  async #admission(entry, shopper) {
    const { index } = shopper;
    await this.news.until(({ boarding }) => boarding > index);
    for (;;) {
      const wanted = [200, 202, "SOLD_OUT", "ADMISSION_EXPIRED"];
      const { status, json } = await this.#persist({ verb: "claim", entry }, () => shopper.claim(),
        wanted);
      if (status === 200) return json;
      if (status !== 202) return undefined;
      const isNext = ({ serverTime, admittedBelow }) =>
        serverTime > json.serverTime && admittedBelow > index;
      await Promise.race([this.news.until(isNext),
        pause(json.retryAfterMs, undefined, { ref: false })]);
    }
  }

  async #use(behaviour, entry, shopper, { handoffToken, admissionId }) {
    if (behaviour === "vanish") return behaviour;
    if (behaviour === "giveUp") {
      await this.#leave(entry, shopper);
      return behaviour;
    }
    const keys = behaviour === "replay"
      ? [`first ${entry}`, `second ${entry}`]
      : [`order ${entry}`];
    const redeem = (key) => {
      const wanted = [200, "ALREADY_REDEEMED", "ADMISSION_EXPIRED", "UNAUTHORIZED"];
      return this.#persist({ verb: "redeem", entry, key },
        () => this.queue.redeem(handoffToken, key), wanted);
    };
    const replies = await Promise.all(keys.map(redeem));
    // A token that ran out is refused as such, also where an unanswered redemption was done in
    // time: the checkout gives back what it may hold.
    const isRedeemed = replies.some(({ status }) => status === 200);
    const action = isRedeemed && behaviour !== "giveBack" ? "complete" : "release";
    await this.#persist({ verb: action, entry }, () => this.queue.settle(action, admissionId), [
      200,
    ]);
    if (!isRedeemed) return "redeemedTooLate";
    return behaviour;
  }

  async #leave(entry, shopper) {
    await this.#persist({ verb: "leave", entry }, () => shopper.leave(), [204]);
  }

  /**
   * Makes a call until its answer is final: one of `wanted`, statuses or codes. Any other answer
   * than "try again" is a fault.
   */
  async #persist(noted, make, wanted) {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const reply = await this.#callsUnderWay.pass(() => this.journal.call(noted, make));
      if (reply && reply.status !== 429 && reply.status < 500) {
        if (wanted.includes(reply.status) || wanted.includes(reply.json?.code)) return reply;
        throw new Error(`${noted.verb} of ${noted.entry}: ${reply.status} ${reply.text}`);
      }
      await pause(this.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries));
    }
    throw new Error(`${noted.verb} of ${noted.entry}: no final answer in ${TRIES_MAX} tries`);
  }

  #behaviour() {
    let left = this.random() * 100;
    return Object.entries(BEHAVIOURS).find(([, share]) => (left -= share) < 0)[0];
  }

  #over(outcome) {
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
  }
}

/** The public state, asked for again and again, for everybody who waits for something in it. */
export class News {
  #waiting = new Set();
  #over = false;

  constructor(queue) {
    this.queue = queue;
  }

  /** Waits until a snapshot is as `isSo` says, or the queue is over. */
  until(isSo) {
    return new Promise((resolve) => this.#waiting.add({ isSo, resolve }));
  }

  /** Follows the queue until `stop`. */
  async follow() {
    while (!this.#over) {
      const reply = await this.queue.send("").catch(() => undefined);
      if (reply?.status === 200) this.#tell(reply.json);
      await pause(100);
    }
  }

  stop() {
    this.#over = true;
  }

  #tell(snapshot) {
    const isOver = snapshot.phase === "soldOut" || snapshot.phase === "closed";
    for (const waiting of this.#waiting) {
      if (!isOver && !waiting.isSo(snapshot)) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }
}

/** Lets at most so many through at once; the others wait their turn. */
class Gate {
  #waiting = [];

  constructor(free) {
    this.free = free;
  }

  async pass(work) {
    if (this.free > 0) this.free--;
    else await new Promise((resume) => this.#waiting.push(resume));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.free++;
    }
  }
}
