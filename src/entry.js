// The Worker's module. Most requests go to Rust whole. Those that a launch sends by the thousand (a
// status, a snapshot, an enter, a claim) go the short way: one text in, one text out, for a request's
// objects cost more to hand over than all that is decided about it. Rust decides on both ways; what
// the short one cannot answer at once goes the long one, which answers the same.

import { DurableObject } from "cloudflare:workers";
import Tidegate, * as inRust from "./index.js";

const SHORT = /^https?:\/\/[^/?#]+\/v1\/queues\/[^/?#]+(?:\/(status|enter|claim))?$/;
/** A longer body, or one that does not say how long it is, goes the long way. */
const BODY_MAX = 1024;

/** Reads text as it was sent: a byte order mark stays, and is refused with all else that is no JSON. */
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Functions that share the long way's memory. */
const inBrief = Tidegate.prototype;
/** The headers that answers begin with, by kind and scheme. */
const beginnings = {};

export default {
  fetch(request, env, context) {
    const { url } = request; // each reading of it makes a new text
    const called = SHORT.exec(url);
    if (called !== null) {
      try {
        const answer = brief(called[1], url, request, env, context);
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
  if (method === "POST" && (call === "claim" || call === "enter")) {
    if (request.headers.get("accept")?.includes("text/html")) return undefined; // a refusal would be a page
    const length = Number(request.headers.get("content-length"));
    if (request.body === null) return change(call, url, request, undefined, env, context);
    if (length > 0 && length <= BODY_MAX) return request.arrayBuffer().then((body) => change(call, url, request, body, env, context));
  }
  return undefined;
}

/** Enters or claims: asks the object that Rust names, and answers what Rust makes of its reply. */
async function change(call, url, request, body, env, context) {
  const { method, headers } = request;
  let answer;
  try {
    const said = body === undefined ? "" : textOf(body);
    const text = `${described(url, headers)}\n${said}`;
    const question = said === undefined ? undefined : inBrief[`brief_${call}`](text, Date.now());
    if (question !== undefined) {
      const [name, asked] = inTwo(question, "\n");
      if (name === "") return response(asked, url); // there is nobody to ask
      const object = (call === "enter" ? env.LANE : env.QUEUE).getByName(name);
      // An object that is out of reach replies nothing.
      const reply = await object.ask(asked).catch((error) => console.error(`${call}: ${error}`));
      answer = inBrief[call === "enter" ? "brief_entered" : "brief_claimed"](text, asked, reply, Date.now(), chance());
    }
  } catch (error) {
    reportError(error);
  }
  return answer === undefined ? whole(new Request(url, { method, headers, body }), env, context) : response(answer, url);
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
