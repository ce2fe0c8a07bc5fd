// Somebody who listens at a queue's WebSocket, and remembers what they were told.

import { once } from "node:events";
import http from "node:http";

import WebSocket from "ws";

import { until } from "./until.mjs";

export class Listener {
  messages = [];
  /** `{code, reason}` once the socket is closed. */
  closed;

  constructor(socket) {
    this.socket = socket;
    socket.on("message", (data) => this.messages.push(String(data)));
    socket.on("close", (code, reason) => (this.closed = { code, reason: String(reason) }));
    socket.on("error", () => {}); // a close follows
  }

  /** Every message of a type, in order. */
  told(type) {
    return this.messages.filter((text) => text !== "pong").map((text) => JSON.parse(text)).filter(
      (told) => told.type === type,
    );
  }

  get snapshot() {
    return this.told("snapshot").at(-1);
  }

  /** The notice as last told, by whichever message. */
  get notice() {
    return [...this.told("snapshot"), ...this.told("notice")].sort((a, b) => a.version - b.version)
      .at(-1)?.notice;
  }

  /** Waits for the first snapshot. */
  greeting() {
    return until("a snapshot", () => this.told("snapshot")[0]);
  }

  hangUp() {
    this.socket.close();
    return until("the socket is closed", () => this.closed);
  }
}

/**
 * Connects to a queue; `options` are `relay` (its number), `from` (the `Origin`) and `headers`.
 * Returns `{listener}`, or `{refused}`: the answer, as `send` returns it.
 */
export async function connect(queue, { relay, from, headers = {} } = {}) {
  const url = new URL(`${queue.world.url}${queue.path}/live`);
  url.protocol = "ws:";
  if (relay !== undefined) url.searchParams.set("relay", relay);
  const socket = new WebSocket(url, {
    headers: { ...headers, ...(from && { origin: from }) },
    perMessageDeflate: false,
  });
  const listener = new Listener(socket);
  const outcome = await Promise.race([
    once(socket, "open").then(() => ({ listener })),
    once(socket, "unexpected-response").then(([, response]) => refusal(response)),
  ]);
  return outcome;
}

async function refusal(response) {
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const headers = new Headers(
    Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
  );
  return { refused: { status: response.statusCode, headers, text, json: JSON.parse(text) } };
}

/** Connects, and must succeed. */
export async function listen(queue, options) {
  const { listener, refused } = await connect(queue, options);
  if (refused) throw new Error(`refused: ${refused.status} ${refused.text}`);
  return listener;
}

/** Connects a client that never answers a close, and keeps its connection. */
export async function connectUnclosing(queue, { relay }) {
  const request = http.get(`${queue.world.url}${queue.path}/live?relay=${relay}`, {
    agent: false,
    headers: {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    },
  });
  const [, socket] = await once(request, "upgrade");
  const client = {
    wasClosed: false,
    isGone: false,
    /** Sends a short text in one frame. (Its mask is zero, which changes nothing.) */
    say: (text) =>
      socket.write(
        Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]),
      ),
    hangUp: () => socket.destroy(),
  };
  // Frames may arrive in parts; none but a close begins with this byte, and JSON has none.
  socket.on("data", (data) => (client.wasClosed ||= data.includes(0x88)));
  socket.on("close", () => (client.isGone = true));
  return client;
}
