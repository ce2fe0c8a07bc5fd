// The Worker's module. Most requests go to Rust whole. Those that a launch sends by the thousand (a
// status, a snapshot, an enter, a claim, and what the shop's checkout does with an admission) go the
// short way: one text in, one text out, for a request's objects cost more to hand over than all that
// is decided about it. Rust decides on both ways; what the short one cannot answer at once goes the
// long one, which answers the same.

import { DurableObject } from "cloudflare:workers";
import Tidegate, * as inRust from "./index.js";

const SHORT =
  /^https?:\/\/[^/?#]+\/v1\/(?:queues\/[^/?#]+(?:\/(status|enter|claim)|\/admissions\/[^/?#]+\/(complete|release|extend))?|handoffs\/(redeem))$/;
/** A longer body, or one that does not say how long it is, goes the long way. */
const BODY_MAX = 1024;

/** Reads text as it was sent: a byte order mark stays, and is refused with all else that is no JSON. */
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const ascii = new TextEncoder();
/** Keys as the platform takes them. */
const cryptoKeys = {};

/** Functions that share the long way's memory. */
const inBrief = Tidegate.prototype;
/** The headers that answers begin with, by kind and scheme. */
const beginnings = {};

/** What changes something: which object is asked, how the question is put, and what answers its reply. */
const CHANGES = {
  enter: {
    object: "LANE",
    question: (text) => inBrief.brief_enter(text, Date.now()),
    answer: (text, asked, reply) => inBrief.brief_entered(text, asked, reply, Date.now(), chance()),
  },
  claim: {
    object: "QUEUE",
    question: (text) => inBrief.brief_claim(text, Date.now()),
    answer: (text, asked, reply) => inBrief.brief_claimed(text, asked, reply, Date.now(), chance()),
  },
  redeem: {
    object: "QUEUE",
    question: (text, headers) => inBrief.brief_redeem(text, headers.get("idempotency-key") ?? undefined, Date.now()),
    answer: (text, asked, reply) => inBrief.brief_redeemed(reply),
  },
  settle: {
    object: "QUEUE",
    question: (text) => inBrief.brief_settle(text, Date.now()),
    answer: (text, asked, reply) => inBrief.brief_settled(reply),
  },
};

export default {
  fetch(request, env, context) {
    const { url } = request; // each reading of it makes a new text
    const called = SHORT.exec(url);
    if (called !== null) {
      try {
        const [, call, settling, redeem] = called;
        const answer = brief(call ?? redeem ?? (settling && "settle"), url, request, env, context);
        if (answer !== undefined) return answer;
      } catch (error) {
        reportError(error); // the long way begins by seeing to it
      }
    }
    return whole(request, env, context);
  },
};

function whole(request, env, context) {
  return new Tidegate(context, env).fetch(request);
}

/** Answers the short way; with nothing where only the long one will do. */
function brief(call, url, request, env, context) {
  const { method } = request;
  if (method === "GET" && call === "status") {
    const text = inBrief.brief_status(described(url, request.headers), Date.now(), chance());
    return text && new Response(text, { headers: beginning("private", url) });
  }
  if (method === "GET" && call === undefined) {
    const text = inBrief.brief_snapshot(described(url, request.headers), Date.now());
    return text && new Response(text, { headers: beginning("public", url) });
  }
  if (method === "POST" && call in CHANGES) {
    if (request.headers.get("accept")?.includes("text/html")) return undefined; // a refusal would be a page
    const length = Number(request.headers.get("content-length") ?? Infinity);
    if (request.body === null || length === 0) return change(call, url, request, undefined, env, context);
    if (length <= BODY_MAX) return request.arrayBuffer().then((body) => change(call, url, request, body, env, context));
  }
  return undefined;
}

/** Asks the object that Rust names, and answers what Rust makes of its reply. */
async function change(call, url, request, body, env, context) {
  const { method, headers } = request;
  let answer;
  try {
    const said = body === undefined ? "" : textOf(body);
    if (said !== undefined) answer = await changed(CHANGES[call], `${described(url, headers)}\n${said}`, headers, env);
  } catch (error) {
    reportError(error);
  }
  return answer === undefined ? whole(new Request(url, { method, headers, body }), env, context) : response(answer, url);
}

async function changed({ object, question, answer }, text, headers, env) {
  const put = question(text, headers);
  if (put === undefined) return undefined;
  const [name, rest] = inTwo(put, "\n");
  if (name === "") return rest; // there is nobody to ask
  const [asked, ...proof] = rest.split("\n");
  if (proof.length > 0 && !(await isSigned(...proof))) return undefined;
  // An object that is out of reach replies nothing.
  const reply = await env[object].getByName(name).ask(asked).catch((error) => console.error(`${name}: ${error}`));
  const answered = answer(text, asked, reply);
  return answered?.startsWith("sign ") ? withSignature(text, answered) : answered;
}

/** An answer with a token in it that lacks its signature; the first line says whose, and of what. */
async function withSignature(text, unsigned) {
  const [first, answer] = inTwo(unsigned, "\n");
  const [, x, input] = first.split(" ");
  const key = await cryptoKey(`private ${x}`, "sign", () => JSON.parse(inBrief.brief_signer(text, x, Date.now())));
  const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", key, ascii.encode(input)));
  return answer.replace(`${input}.`, `${input}.${signature.toBase64({ alphabet: "base64url", omitPadding: true })}`);
}

/** Whether a signature is good for what was signed, under a public key. */
async function isSigned(x, input, signature) {
  const key = await cryptoKey(x, "verify", () => ({ kty: "OKP", crv: "Ed25519", x }));
  const bytes = Uint8Array.fromBase64(signature, { alphabet: "base64url" });
  return crypto.subtle.verify("Ed25519", key, bytes, ascii.encode(input));
}

/** A key for the platform's own signatures: a secret that changes makes a new isolate. */
async function cryptoKey(name, use, jwk) {
  return (cryptoKeys[name] ??= await crypto.subtle.importKey("jwk", jwk(), "Ed25519", false, [use]));
}

/** What Rust needs to know of a request. No header holds a line break. */
function described(url, headers) {
  const authorization = headers.get("authorization");
  // A bearer wins over a cookie.
  const cookie = authorization === null ? headers.get("cookie") : null;
  return `${url}\n${authorization ?? ""}\n${cookie ?? ""}\n${headers.get("origin") ?? ""}`;
}

/** Bytes as text, or nothing where they are no UTF-8. */
function textOf(bytes) {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

/** A response from text: a line with the status, lines of headers, an empty line, the body. */
function response(text, url) {
  const [head, body] = inTwo(text, "\n\n");
  const [status, ...lines] = head.split("\n");
  let headers = beginning("private", url);
  if (lines.length > 0) headers = new Headers(headers);
  for (const line of lines) headers.set(...inTwo(line, ": "));
  return new Response(body, { status: Number(status), headers });
}

function beginning(kind, url) {
  const https = url.startsWith("https:");
  return (beginnings[kind + https] ??= new Headers(
    inBrief
      .brief_headers(kind, https)
      .split("\n")
      .map((line) => inTwo(line, ": ")),
  ));
}

function inTwo(text, separator) {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + separator.length)];
}

const chance = () => Math.floor(Math.random() * 2 ** 32);

/** Objects are called by `ask`, which the platform allows to classes of its own kind only. */
function object(InRust, ...handlers) {
  class Outer extends DurableObject {
    constructor(context, env) {
      super(context, env);
      this.inRust = new InRust(context, env);
    }
  }
  for (const name of ["ask", "fetch", ...handlers]) {
    Outer.prototype[name] = function (...given) {
      return this.inRust[name](...given);
    };
  }
  return Outer;
}

export const Directory = object(inRust.Directory);
export const Queue = object(inRust.Queue, "alarm");
export const Lane = object(inRust.Lane, "alarm");
export const Relay = object(inRust.Relay, "alarm", "webSocketMessage", "webSocketClose", "webSocketError");
