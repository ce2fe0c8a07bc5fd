// Endpoints of the drand network as a test wants them: each answers what the test says, true or
// not.

import { readFileSync } from "node:fs";
import http from "node:http";
import { after } from "node:test";

const RECORDED = JSON.parse(
  readFileSync(new URL("../vectors/drand-quicknet.json", import.meta.url), "utf8"),
);

/** Rounds as the network made them, by number: `{round, signature, randomness}`. */
export const ROUNDS = Object.fromEntries(RECORDED.rounds.map((round) => [round.round, round]));

/**
 * The network's chain, but for its times: `round` is made at `madeAt`, and no other for a long
 * while.
 */
export function chainWith(round, madeAt, periodSeconds = 600) {
  const { chain, publicKey } = RECORDED;
  return {
    chain,
    publicKey,
    genesisAt: madeAt - (round - 1) * periodSeconds * 1_000,
    periodSeconds,
  };
}

/**
 * Starts an endpoint. `answer(number)` says what the request of that number, from 0, is answered
 * with: an object as JSON, a text, `{status, headers, body}`, those with `afterMs`, `"silence"` or
 * `"hang up"`. Returns `{url, requests, answer}`: of each request, `path`, `at` and, once its
 * connection is gone, `gone`; `answer` may be replaced.
 */
export async function startEndpoint(answer) {
  const endpoint = { requests: [], answer };
  const server = http.createServer((incoming, outgoing) => {
    const request = { path: incoming.url, at: Date.now(), gone: false };
    const said = endpoint.answer(endpoint.requests.push(request) - 1);
    incoming.socket.once("close", () => (request.gone = true));
    if (said === "silence") return;
    if (said === "hang up") return void incoming.socket.destroy();
    const { status = 200, headers = {}, body, afterMs = 0 } = typeof said === "string"
      ? { body: said }
      : "round" in said
      ? { body: JSON.stringify(said) }
      : said;
    const timer = setTimeout(() => {
      outgoing.writeHead(status, { "content-type": "application/json", ...headers });
      outgoing.end(body);
    }, afterMs);
    incoming.socket.once("close", () => clearTimeout(timer));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  endpoint.url = `http://127.0.0.1:${server.address().port}`;
  return endpoint;
}
