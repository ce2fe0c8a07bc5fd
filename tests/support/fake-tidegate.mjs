// Not Tidegate: a fake that answers as Tidegate does and breaks one of its promises, to see that
// `tidegate load` notices. It holds one queue, of any name, in memory.

import http from "node:http";
import { after } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { WebSocketServer } from "ws";

const EPOCH = "01".repeat(16);
const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/**
 * Starts the fake. `maxActive` is the limit that it names and does not keep; `indexOf(count)` the
 * index that somebody who enters after `count` others is given; `redeemed(times)` the status of a
 * token's redemption after so many of it; `fails(request)` whether a request is answered with 503;
 * `takesMs` how long each answer takes; `hears(number)` whether a socket is told of notices, by the
 * order in which they came.
 */
export async function startFakeTidegate({
  maxActive = 1_000,
  indexOf = (count) => count,
  redeemed = (times) => (times === 0 ? 200 : 409),
  fails = () => false,
  takesMs = 0,
  hears = () => true,
} = {}) {
  const config = { maxActive, handoffSeconds: 120, sessionSeconds: 600 };
  const entries = new Map();
  const redemptions = new Map();
  const [admitted, redeemedAt, completed] = [new Map(), new Map(), new Map()];
  const listeners = [];

  const snapshot = () => ({
    id: "fake",
    access: "queue",
    phase: "open",
    entryOpensAt: null,
    opensAt: null,
    closesAt: null,
    epoch: EPOCH,
    entered: entries.size,
    waiting: 0,
    present: 0,
    admitted: admitted.size,
    active: 0,
    completed: completed.size,
    remaining: null,
    boarding: 1_000_000,
    admittedBelow: 1_000_000,
    ratePerSecond: null,
    estimatedWaitSeconds: null,
    waitKnown: false,
    shuffle: {
      commitment: null,
      trust: null,
      root: null,
      beaconRound: null,
      seed: null,
      entrants: 0,
    },
    relays: 1,
    notice: null,
    checkoutUrl: "/checkout",
    version: 1,
    serverTime: Date.now(),
  });
  const status = (index) => ({
    status: "READY",
    position: index + 1,
    collect: false,
    pollAfterMs: 2_000,
    serverTime: Date.now(),
  });
  const ticketOf = (index) => `${encode({})}.${encode({ epoch: EPOCH, index, position: index })}.x`;
  const indexIn = (request) =>
    JSON.parse(Buffer.from(request.headers.authorization.split(".")[1], "base64url")).index;

  const answers = {
    enter(request, { entryKey }) {
      if (!entries.has(entryKey)) entries.set(entryKey, indexOf(entries.size));
      const index = entries.get(entryKey);
      return [200, {
        queueId: "fake",
        ticket: ticketOf(index),
        receipt: null,
        status: status(index),
      }];
    },
    status: (request) => [200, status(indexIn(request))],
    claim(request) {
      const admissionId = `${EPOCH}-${indexIn(request)}`;
      if (!admitted.has(admissionId)) admitted.set(admissionId, Date.now());
      return [200, {
        status: "GRANTED",
        admissionId,
        handoffToken: admissionId,
        expiresAt: 0,
        checkoutUrl: "/checkout",
      }];
    },
    redeem(request, { handoffToken }) {
      const times = redemptions.get(handoffToken) ?? 0;
      redemptions.set(handoffToken, times + 1);
      if (times === 0) redeemedAt.set(handoffToken, Date.now());
      return [redeemed(times), {}];
    },
    complete(request) {
      const admissionId = request.url.split("/").at(-2);
      completed.set(admissionId, completed.get(admissionId) ?? Date.now());
      return [200, { admissionId, state: "completed" }];
    },
    admissions: () => [200, {
      admissions: [...admitted].map(([admissionId, admittedAt]) => ({
        admissionId,
        state: completed.has(admissionId) ? "completed" : "admitted",
        admittedAt,
        redeemedAt: redeemedAt.get(admissionId) ?? null,
        expiresAt: completed.get(admissionId) ?? admittedAt + 1,
      })),
      next: null,
    }],
    notice(request, notice) {
      const frame = JSON.stringify({ type: "notice", notice, version: 1, serverTime: Date.now() });
      for (const [number, socket] of listeners.entries()) if (hears(number)) socket.send(frame);
      return [200, {}];
    },
  };

  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    if (takesMs > 0) await pause(takesMs);
    const text = Buffer.concat(chunks).toString();
    const { pathname } = new URL(request.url, "http://fake");
    const last = pathname.split("/").at(-1);
    const body = text.startsWith("{") ? JSON.parse(text) : {};
    const isQueue = /^\/v1\/(admin\/)?queues\/[^/]+$/.test(pathname);
    const report = pathname.startsWith("/v1/admin/")
      ? { config, snapshot: snapshot() }
      : snapshot();
    const known = () => (isQueue ? [200, report] : (answers[last]?.(request, body) ?? [200, {}]));
    const [code, value] = fails(request) ? [503, {}] : known();
    response.writeHead(code, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => {
    socket.on("message", (said) => String(said) === "ping" && socket.send("pong"));
    socket.send(JSON.stringify({ type: "snapshot", ...snapshot() }));
    listeners.push(socket);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  after(() =>
    new Promise((closed) => {
      for (const socket of listeners) socket.terminate();
      server.close(closed);
      server.closeAllConnections();
    })
  );
  return { url: `http://127.0.0.1:${server.address().port}` };
}
