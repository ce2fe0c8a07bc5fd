// The built Worker with a watchman before each of its objects: every call to an object is told to
// the test first, which may let it pass or say that the object is out of reach. Runs inside
// workerd; `support/watched.mjs` is its other half.

import { DurableObject } from "cloudflare:workers";
import worker, * as tidegate from "../../build/entry.js";

export default worker;

function watched(binding, Inner) {
  return class extends DurableObject {
    #inner;
    /** Names this life of the object: after an eviction or a crash it has a new one. */
    #life = crypto.randomUUID();

    constructor(context, env) {
      super(context, env);
      this.#inner = new Inner(context, env);
    }

    async ask(call) {
      await this.#tell(call);
      return this.#inner.ask(call);
    }

    async fetch(request) {
      await this.#tell(request.headers.get("tidegate-call"));
      return this.#inner.fetch(request);
    }

    async alarm() {
      await this.#tell("alarm");
      return this.#inner.alarm();
    }

    async webSocketMessage(socket, message) {
      await this.#tell("message");
      return this.#inner.webSocketMessage(socket, message);
    }

    webSocketClose(...event) {
      return this.#inner.webSocketClose(...event);
    }

    webSocketError(...event) {
      return this.#inner.webSocketError(...event);
    }

    async #tell(call) {
      const told = { binding, object: this.ctx.id.toString(), life: this.#life, call };
      const answer = await this.env.WATCHMAN.fetch("http://watchman/", {
        method: "POST",
        body: JSON.stringify(told),
      });
      if (!answer.ok) throw new Error(`outage stand-in: ${binding} is out of reach`);
    }
  };
}

export const Directory = watched("DIRECTORY", tidegate.Directory);
export const Queue = watched("QUEUE", tidegate.Queue);
export const Lane = watched("LANE", tidegate.Lane);
export const Relay = watched("RELAY", tidegate.Relay);
