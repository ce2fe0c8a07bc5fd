// What clients saw: every call with when it was sent and when it was answered, and what an auditor saw
// between them. `support/invariants.mjs` judges it. Plain data, so that another client's can be judged, too.

import { decodeJwt } from "jose";

/**
 * A journal holds `limits` (`maxActive`, `maxAdmissions`, `admitRatePerMinute`, as the queue has them
 * all the while), `calls` and `audits`.
 *
 * A call: `verb` (enter, claim, redeem, complete, release, leave), `entry` (the client's own name of the
 * entry that it is about; whoever enters anew after leaving has a new one), `key` (a redemption's
 * Idempotency-Key), `sent`; once there was an answer `answered` and `status`; and what it said: `index`,
 * `admissionId`, `expiresAt`, `state`, `presentAt` (the queue's time of an answer 202), `code`.
 *
 * An audit: `sent`, `answered`, `before` and `after` (the operator's snapshots around it), and every
 * one of the `admissions` there are.
 *
 * All times are Unix milliseconds; `sent` and `answered` are of one clock that never shows a time twice.
 */
export class Journal {
  calls = [];
  audits = [];
  #last = 0;

  constructor(limits) {
    this.limits = limits;
  }

  #now() {
    const read = performance.timeOrigin + performance.now();
    this.#last = Math.max(read, this.#last + 0.001);
    return this.#last;
  }

  /** Makes a call and notes it as `noted`. Returns the reply, or undefined where the connection broke. */
  async call(noted, make) {
    const call = { ...noted, sent: this.#now() };
    this.calls.push(call);
    const reply = await make().catch(() => undefined);
    if (reply !== undefined) Object.assign(call, { answered: this.#now(), status: reply.status }, said(reply));
    return reply;
  }

  /** Looks at all that the operator of `queue` can see. */
  async audit(queue) {
    const sent = this.#now();
    const before = await queue.snapshot();
    const admissions = await queue.admissions();
    const after = await queue.snapshot();
    this.audits.push({ sent, before, admissions, after, answered: this.#now() });
  }
}

function said({ status, json }) {
  if (status === 202) return { presentAt: json.serverTime };
  const { ticket, admissionId, expiresAt, state, code } = json ?? {};
  const told = { index: ticket && decodeJwt(ticket).index, admissionId, expiresAt, state, code };
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined));
}
