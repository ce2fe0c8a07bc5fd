// The built Worker whose Queue objects can be made to trap: after a request to /-/trap, the next
// call to one reads far beyond Rust's memory, as a fault of ours might. Runs inside workerd;
// tests/traps.test.mjs is its other half.

import worker, * as tidegate from "../../build/entry.js";
import * as rust from "../../build/index.js";

let armed = false;

export default {
  async fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== "/-/trap") return worker.fetch(request, env, context);
    armed = true;
    const queue = searchParams.get("queue");
    if (queue === null) return new Response(null, { status: 204 });
    // Both calls meet the object, and nothing of the edge's is between them.
    const ask = () => env.QUEUE.getByName(queue).ask("no call").then(() => "answered", String);
    return Response.json([await ask(), await ask()]);
  },
};

export class Queue extends tidegate.Queue {
  inner() {
    if (!armed) return super.inner();
    armed = false;
    return Object.assign(Object.create(rust.Queue.prototype), { __wbg_ptr: 0x7fff_fff0 });
  }
}

export const { Directory, Lane, Relay } = tidegate;
