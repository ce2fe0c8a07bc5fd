// The Worker's module, and JavaScript's half of the two drivers of the edge's calls. What a launch
// sends by the thousand takes the fast path: one text into Rust and one text out of it, for a
// request's objects cost more to hand over than all that is decided about it. Rust decides on both
// paths, by the same code. A call that needs what only the ordinary driver can fetch is handed over
// to it as it stands, and never begun anew.

import { DurableObject } from "cloudflare:workers";
import * as rust from "./index.js";

/** What may become of an admission. */
const SETTLE = "/admissions/[^/?#]+/(complete|release|extend)";
/**
 * Addresses whose calls may be answered by the fast path: reads from memory, and changes that ask
 * one object.
 */
const FAST = new RegExp(
  "^https?://[^/?#]+/v1/(?:" +
    `queues/[^/?#]+(?:/status|/(enter|claim)|${SETTLE})?|handoffs/(redeem))$`,
);
/** This machine's addresses: headers tell Rust whether something forwarded the request. */
const LOOPBACK = /^https?:\/\/(?:localhost|127\.|\[)/;
/** A longer body, or one that does not say how long it is, is the ordinary driver's to read. */
const BODY_MAX = 1024;
/** An object that has not replied by then never will: an object waits less long for another. */
const PATIENCE_MS = 12_000;

/** Reads text as it was sent: a byte order mark stays, and is refused with what is no JSON. */
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const ascii = new TextEncoder();
/** Keys as the platform takes them: a secret that changes makes a new isolate. */
const cryptoKeys = {};
/** The headers that answers begin with, by kind and scheme. */
const beginnings = {};
/** Which memory Rust runs in, and whether it is still good: its panic hook notes that here. */
const memory = rust.__worker_init_state();

addEventListener("error", ({ error }) => noteTrap(error));

export default {
  fetch(request, env, context) {
    const { url, method } = request; // each reading of it makes a new text
    const found = FAST.exec(url);
    if (found !== null) {
      const isChange = (found[1] ?? found[2] ?? found[3]) !== undefined;
      if (!isChange && method === "GET") {
        const answer = read(url, request.headers);
        if (answer !== "") return response(answer, url);
      } else if (isChange && method === "POST") {
        const length = Number(request.headers.get("content-length") ?? Infinity);
        if (request.body === null || length === 0) return change(url, request, "", env, context);
        if (length <= BODY_MAX) return withBody(url, request, env, context);
      }
    }
    return ordinary(request, env, context);
  },
};

/** Calls into Rust. A trap leaves memory that is no good: the next call begins with new memory. */
function inRust(call) {
  if (memory.criticalError) {
    memory.criticalError = false;
    rust.__wbg_reset_state();
  }
  try {
    return call();
  } catch (error) {
    noteTrap(error);
    throw error;
  }
}

function noteTrap(error) {
  if (error instanceof WebAssembly.RuntimeError) memory.criticalError = true;
}

function ordinary(request, env, context) {
  return inRust(() => rust.fetch(request, env, context));
}

/** Answers a read from memory, or with nothing. */
function read(url, headers) {
  try {
    return inRust(() => rust.fast_read(described(url, headers), Date.now()));
  } catch (error) {
    reportError(error); // the ordinary driver begins with fresh memory
    return "";
  }
}

async function withBody(url, request, env, context) {
  const bytes = await request.arrayBuffer();
  const text = textOf(bytes);
  if (text !== undefined) return change(url, request, text, env, context);
  const { method, headers } = request;
  return ordinary(new Request(url, { method, headers, body: bytes }), env, context);
}

/** Answers a call that changes something. */
async function change(url, request, body, env, context) {
  const { headers } = request;
  const line = (name) => headers.get(name) ?? "";
  const key = headers.get("idempotency-key");
  const lines = [described(url, headers), line("accept"), line("cf-ray"),
    key === null ? "" : `=${key}`, body];
  let begun = false;
  try {
    let step = inRust(() => rust.fast_begin(lines.join("\n"), Date.now()));
    begun = step !== "";
    while (step[0] in SUPPLIES) step = await next(step, env);
    if (step[0] === "!") {
      return await inRust(() => rust.fast_finish(Number(step.slice(1)), request, env, context));
    }
    if (begun) return response(step, url);
  } catch (error) {
    reportError(error);
  }
  if (!begun) {
    const anew = new Request(url, { method: "POST", headers, body: body || undefined });
    return ordinary(anew, env, context);
  }
  // What was asked for may have happened, so it is not begun again: the client hears that the call
  // was lost.
  return response(inRust(() => rust.fast_resume(0, undefined, Date.now())), url);
}

/** Meets a demand, and returns the call's next step. One that fails is met with nothing. */
async function next(step, env) {
  const [number, ...wanted] = step.slice(1).split("\n");
  const supply = await SUPPLIES[step[0]](wanted, env).catch((error) =>
    void console.error(`${wanted[1]}: ${error}`)
  );
  return inRust(() => rust.fast_resume(Number(number), supply, Date.now()));
}

/** What meets each demand that the fast path can meet. One that fails is met with nothing. */
const SUPPLIES = {
  /** An object's reply. */
  "?": async ([binding, name, call], env) => inTime(env[binding].getByName(name).ask(call)),
  /** A signature. */
  s: async ([x, input]) => {
    const key = await cryptoKey(`private ${x}`, "sign", () => JSON.parse(rust.fast_signer(x)));
    const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", key, ascii.encode(input)));
    return signature.toBase64({ alphabet: "base64url", omitPadding: true });
  },
  /** Whether a signature is good. */
  v: async ([x, input, signature]) => {
    const key = await cryptoKey(x, "verify", () => ({ kty: "OKP", crv: "Ed25519", x }));
    const bytes = Uint8Array.fromBase64(signature, { alphabet: "base64url" });
    return (await crypto.subtle.verify("Ed25519", key, bytes, ascii.encode(input))) ? "yes" : "no";
  },
};

/** The reply, or a refusal where it does not come in time. */
function inTime(reply) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no reply in time")), PATIENCE_MS);
    reply.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

async function cryptoKey(name, use, jwk) {
  const made = () => crypto.subtle.importKey("jwk", jwk(), "Ed25519", false, [use]);
  return (cryptoKeys[name] ??= await made());
}

/** What every call looks at. No header holds a line break, or U+0001. */
function described(url, headers) {
  const line = (name) => headers.get(name) ?? "";
  const all = LOOPBACK.test(url)
    ? [...headers].map((header) => header.join(":")).join("\u0001")
    : "";
  return `${url}\n${line("authorization")}\n${line("cookie")}\n${line("origin")}\n${all}`;
}

/** Bytes as text, or nothing where they are no UTF-8. */
function textOf(bytes) {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

/** A response from what Rust answers: see `FastPath::resume`. */
function response(answer, url) {
  const kind = answer[0];
  if (kind === "a") {
    const [head, body] = inTwo(answer.slice(1), "\n\n");
    const [status, ...lines] = head.split("\n");
    const headers = new Headers(lines.map((line) => inTwo(line, ": ")));
    return new Response(body === "" ? null : body, { status: Number(status), headers });
  }
  const [id, body] = inTwo(answer, "\n");
  const headers = beginning(kind, url);
  headers.set("x-request-id", id.slice(1)); // the response takes a copy
  return new Response(body, { headers });
}

function beginning(kind, url) {
  const https = url.startsWith("https:");
  return (beginnings[kind + https] ??= new Headers(
    rust
      .fast_headers(kind, https)
      .split("\n")
      .map((line) => inTwo(line, ": ")),
  ));
}

function inTwo(text, separator) {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + separator.length)];
}

/** An object of this name. `ask` calls it: the platform allows that to classes of its own kind. */
function object(name, ...handlers) {
  class Outer extends DurableObject {
    #inner;
    #memory;

    constructor(context, env) {
      super(context, env);
      inRust(() => this.inner());
    }

    /** The object in Rust. Where its memory is gone, it is made anew, and reads what is stored. */
    inner() {
      if (this.#memory !== memory.instanceId) {
        this.#inner = new rust[name](this.ctx, this.env);
        this.#memory = memory.instanceId;
      }
      return this.#inner;
    }
  }
  for (const handler of ["ask", "fetch", ...handlers]) {
    Outer.prototype[handler] = function(...given) {
      return inRust(() => this.inner()[handler](...given));
    };
  }
  return Outer;
}

export const Directory = object("Directory");
export const Queue = object("Queue", "alarm");
export const Lane = object("Lane", "alarm");
export const Relay = object("Relay", "alarm", "webSocketMessage", "webSocketClose",
  "webSocketError");
