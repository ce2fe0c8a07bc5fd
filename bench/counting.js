// Tidegate's Worker with every object counted: calls by object class, rows written, bytes stored.
// `GET /-/counts` tells. Only for figures that are counts; nothing is timed through this.

import { DurableObject } from "cloudflare:workers";
import worker, * as tidegate from "./entry.js";

const counts = { asks: {}, rowsWritten: {}, bytesStored: {}, alarms: {} };
const sizes = {};

export default {
  fetch(request, env, context) {
    if (new URL(request.url).pathname !== "/-/counts") return worker.fetch(request, env, context);
    counts.bytesStored = {};
    for (const [name, { type, bytes }] of Object.entries(sizes)) {
      void name;
      counts.bytesStored[type] = (counts.bytesStored[type] ?? 0) + bytes;
    }
    return Response.json(counts);
  },
};

const add = (kind, type, count) => (counts[kind][type] = (counts[kind][type] ?? 0) + count);

function counted(type, Inner) {
  return class extends DurableObject {
    #inner;
    #sql;

    constructor(context, env) {
      super(context, env);
      this.#sql = context.storage.sql;
      const exec = this.#sql.exec.bind(this.#sql);
      this.#sql.exec = (...statement) => {
        const cursor = exec(...statement);
        add("rowsWritten", type, cursor.rowsWritten);
        return cursor;
      };
      this.#inner = new Inner(context, env);
    }

    async ask(call) {
      add("asks", type, 1);
      add("asks", `${type}.${/^\w+/.exec(call)}`, 1);
      const answer = await this.#inner.ask(call);
      sizes[this.ctx.id.toString()] = { type, bytes: this.#sql.databaseSize };
      return answer;
    }

    fetch(request) {
      return this.#inner.fetch(request);
    }

    alarm() {
      add("alarms", type, 1);
      return this.#inner.alarm();
    }

    webSocketMessage(...event) {
      return this.#inner.webSocketMessage(...event);
    }

    webSocketClose(...event) {
      return this.#inner.webSocketClose(...event);
    }

    webSocketError(...event) {
      return this.#inner.webSocketError(...event);
    }
  };
}

export const Directory = counted("Directory", tidegate.Directory);
export const Queue = counted("Queue", tidegate.Queue);
export const Lane = counted("Lane", tidegate.Lane);
export const Relay = counted("Relay", tidegate.Relay);
