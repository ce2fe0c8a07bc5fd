// What clients saw: every call with when it was sent and when it was answered, and what an auditor
// saw between them. `tidegate judge` says whether the promises were kept; docs/histories.md
// describes the lines.

import assert from "node:assert/strict";

import { decodeJwt } from "jose";

import { tidegate } from "./command.mjs";

/**
 * A journal of a queue with these `limits`, all the while. `alone`: nobody but these calls used it.
 * `calls` and `audits` are lines of a history. A call's `entry` is the client's own name of the
 * entry that it is about; entering anew after leaving makes a new one.
 */
export class Journal {
  calls = [];
  audits = [];
  #queue;
  #last = 0;

  constructor({ maxActive, maxAdmissions, admitRatePerMinute }, { alone = true } = {}) {
    this.#queue = {
      type: "queue",
      alone,
      limits: { maxActive, maxAdmissions, admitRatePerMinute },
    };
  }

  /** One clock, which never shows a time twice. */
  #now() {
    const read = performance.timeOrigin + performance.now();
    this.#last = Math.max(read, this.#last + 0.001);
    return this.#last;
  }

  /**
   * Makes a call and notes it as `noted`. Returns the reply, or undefined where the connection
   * broke.
   */
  async call(noted, make) {
    const call = { type: "call", ...noted, sent: this.#now() };
    this.calls.push(call);
    const reply = await make().catch(() => undefined);
    if (reply !== undefined) {
      Object.assign(call, { answered: this.#now(), status: reply.status }, said(reply));
    }
    return reply;
  }

  /** Looks at all that the operator of `queue` can see. */
  async audit(queue) {
    const sent = this.#now();
    const before = await queue.snapshot();
    const admissions = await queue.admissions();
    const after = await queue.snapshot();
    this.audits.push({ type: "audit", sent, before, admissions, after });
  }

  /** Fails where the history shows a promise broken. */
  async assertKept() {
    assert.ok(this.audits.length > 0, "a journal without an audit proves nothing");
    const lines = [this.#queue, ...this.calls, ...this.audits];
    const input = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    const { code, stdout, stderr } = await tidegate(["judge", "-"], { input });
    assert.equal(code, 0, `${stdout}${stderr}`);
  }
}

function said({ status, json }) {
  if (status >= 300) return {};
  const { ticket, admissionId, expiresAt, state, serverTime } = json ?? {};
  const { epoch, index, position } = ticket ? decodeJwt(ticket) : {};
  return {
    epoch,
    index,
    position,
    admissionId,
    expiresAt,
    state,
    ...(status === 202 && { serverTime }),
  };
}
