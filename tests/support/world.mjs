// A Tidegate of a test's own: fresh state, fresh keys, its own port. It ends with the test or the
// file that started it.

import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after } from "node:test";

import { startTidegate } from "../../scripts/lib/miniflare.mjs";
import { send } from "./http.mjs";
import { Queue } from "./queue.mjs";
import { until } from "./until.mjs";

/** A folder for a test's own state. */
export const freshFolder = () => mkdtempSync(path.join(os.tmpdir(), "tidegate-test-"));

export const removeFolder = (folder) => rmSync(folder, { recursive: true, force: true });

/** Starts a world; `options` are those of `startTidegate`. */
export async function startWorld(options = {}) {
  const world = new World({ state: freshFolder(), ...options });
  after(async () => {
    await world.end();
    removeFolder(world.state);
  });
  await world.start();
  return world;
}

class World {
  /** What the Worker logged. */
  log = [];
  #options;
  #tidegate;
  #queues = 0;

  constructor(options) {
    this.#options = { onLog: ({ message }) => this.log.push(message), ...options };
  }

  get url() {
    return this.#tidegate.url;
  }

  get keys() {
    return this.#tidegate.keys;
  }

  get state() {
    return this.#options.state;
  }

  /** Starts, or starts again from the same state; `changes` replace options. */
  async start(changes = {}) {
    this.#options = { ...this.#options, ...changes };
    this.#tidegate = await startTidegate(this.#options);
  }

  async end() {
    await this.#tidegate?.dispose();
    this.#tidegate = undefined;
  }

  async restart(changes) {
    await this.end();
    await this.start(changes);
  }

  /** Takes the Worker anew with other options; what only memory held is gone. */
  reload(changes) {
    return this.#tidegate.reload(changes);
  }

  crash() {
    return this.#tidegate.crash();
  }

  /** A Durable Object namespace by binding, for what no call reaches. */
  objects(binding) {
    return this.#tidegate.mf.getDurableObjectNamespace(binding);
  }

  send(path, options) {
    return send(this.url + path, options);
  }

  /** A call with the operator's key. */
  asOperator(path, options) {
    return this.send(path, { bearer: this.keys.admin, ...options });
  }

  /** A call with the merchant's origin's key. */
  asOrigin(path, options) {
    return this.send(path, { bearer: this.keys.origin, ...options });
  }

  /** Creates a queue that no other test knows. Without `config` it holds one shopper at a time. */
  async createQueue(config = { maxActive: 1 }) {
    const queue = this.queue(`test-${++this.#queues}`);
    await queue.put(config);
    return queue;
  }

  /**
   * Creates a queue, and waits until an edge that starts anew knows it, too: its list of queues may
   * be a second old. For tests in which edges start anew.
   */
  async createSettledQueue(config) {
    const queue = await this.createQueue(config);
    await this.reload();
    await until("the queue is known", async () => (await queue.send("")).status === 200);
    return queue;
  }

  /** A queue by id, whether or not it exists. */
  queue(id) {
    return new Queue(this, id);
  }
}
