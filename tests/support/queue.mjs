// A queue and its shoppers, with a verb for each call. The verbs that a test is not about (`put`,
// `enter`, `admit` …) check that they succeed; `send`, `operate`, `settle` and the shopper's verbs
// hand the answer back as it came.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";

import { decodeJwt } from "jose";

import { until } from "./until.mjs";

/** 16 random bytes of a client's, as `entryKey`. */
export const newEntryKey = () => randomBytes(16).toString("hex");

export class Queue {
  constructor(world, id) {
    this.world = world;
    this.id = id;
  }

  get path() {
    return `/v1/queues/${this.id}`;
  }

  get cookieName() {
    return `__Host-tidegate-${this.id}`;
  }

  /** A shopper's call. */
  send(action, options) {
    return this.world.send(action === "" ? this.path : `${this.path}/${action}`, options);
  }

  /** An operator's call, below the queue's own path. */
  operate(method, action = "", options = {}) {
    const below = action === "" ? "" : `/${action}`;
    return this.world.asOperator(`/v1/admin/queues/${this.id}${below}`, { method, ...options });
  }

  async put(config) {
    return succeeded(await this.operate("PUT", "", { json: config }));
  }

  async patch(changes) {
    return succeeded(await this.operate("PATCH", "", { json: changes }));
  }

  /** `pause`, `resume`, `close` or `reset`. */
  async act(action) {
    return succeeded(await this.operate("POST", action));
  }

  /** The public state, straight from the queue's object. */
  async snapshot() {
    return succeeded(await this.operate("GET")).snapshot;
  }

  /**
   * Waits until so many are called up and no more, by the object, and then by what the edge has
   * heard of it, which may be a second older: claims are judged by that first. Returns the object's
   * snapshot.
   */
  async calledUp(boarding, options) {
    const says = (read) => async () => {
      const snapshot = await read();
      if (snapshot.boarding > boarding) {
        throw new Error(`${snapshot.boarding} are called up, and not ${boarding}`);
      }
      return snapshot.boarding === boarding && snapshot;
    };
    const snapshot = await until(`${boarding} are called up`, says(() => this.snapshot()), options);
    await until(`the edge hears that ${boarding} are called up`,
      says(async () => succeeded(await this.send(""))));
    return snapshot;
  }

  /** Every admission there is, page by page. */
  async admissions(state) {
    const found = [];
    for (let next = ""; next !== null;) {
      const query = new URLSearchParams({ after: next, ...(state && { state }) });
      const page = succeeded(await this.operate("GET", `admissions?${query}`));
      found.push(...page.admissions);
      next = page.next;
    }
    return found;
  }

  /** A new shopper who has entered. */
  async enter(body) {
    const reply = await this.send("enter", { method: "POST", ...(body && { json: body }) });
    return new Shopper(this, succeeded(reply).ticket);
  }

  /** That many shoppers, one after the other: the first has the lowest place. */
  async enterMany(count) {
    const shoppers = [];
    for (let number = 0; number < count; number++) shoppers.push(await this.enter());
    return shoppers;
  }

  /**
   * That many called-up shoppers, none of whom has claimed, in a queue that then holds `maxActive`.
   */
  async enterCalledUp(count, maxActive) {
    await this.patch({ maxActive: count + maxActive });
    const shoppers = await this.enterMany(count);
    await this.calledUp(count);
    await this.patch({ maxActive });
    return shoppers;
  }

  redeem(handoffToken, idempotencyKey) {
    return this.world.asOrigin("/v1/handoffs/redeem", {
      method: "POST",
      json: { handoffToken },
      headers: idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey },
    });
  }

  /** `complete`, `release` or `extend`. */
  settle(action, admissionId) {
    return this.world.asOrigin(`${this.path}/admissions/${admissionId}/${action}`, {
      method: "POST",
    });
  }
}

export class Shopper {
  constructor(queue, ticket) {
    this.queue = queue;
    this.ticket = ticket;
  }

  /** The entry's number, 0-based, as the ticket says. */
  get index() {
    return decodeJwt(this.ticket).index;
  }

  status() {
    return this.queue.send("status", { bearer: this.ticket });
  }

  claim() {
    return this.queue.send("claim", { method: "POST", bearer: this.ticket });
  }

  leave() {
    return this.queue.send("leave", { method: "DELETE", bearer: this.ticket });
  }

  enterAgain() {
    return this.queue.send("enter", { method: "POST", bearer: this.ticket });
  }

  /**
   * Claims, and must be admitted at once: `{admissionId, handoffToken, expiresAt, checkoutUrl}`.
   */
  async admit() {
    const reply = await this.claim();
    assert.equal(reply.status, 200, reply.text);
    assert.equal(reply.json.status, "GRANTED");
    return reply.json;
  }

  /** Claims, and must be present without an admission. */
  async becomePresent() {
    const reply = await this.claim();
    assert.equal(reply.status, 202, reply.text);
    assert.equal(reply.json.status, "BOARDING");
  }

  /**
   * Claims while others before them may not have heard that they are called up, and is admitted
   * after that.
   */
  async admitInTurn() {
    return until("those before had time to hear of their call", async () => {
      const reply = await this.claim();
      return reply.status === 200 && reply.json;
    });
  }

  /** Claims and redeems; returns the grant. */
  async checkOut() {
    const grant = await this.admit();
    succeeded(await this.queue.redeem(grant.handoffToken));
    return grant;
  }

  /** Claims, redeems and completes; returns the grant. */
  async buy() {
    const grant = await this.checkOut();
    succeeded(await this.queue.settle("complete", grant.admissionId));
    return grant;
  }
}

/** What a call that must succeed answered. */
export function succeeded(reply) {
  assert.ok(reply.status >= 200 && reply.status < 300, `${reply.status} ${reply.text}`);
  return reply.json;
}
