// A merchant's origin that counts: what it was asked, and what it answers is the test's choice.

import http from "node:http";
import { after } from "node:test";

/**
 * Starts an origin. `answers` maps a path to `(request) => {status, headers, body}`; other paths
 * get a plain page. Returns `{url, requests, answers, page, asked, stop}`.
 */
export async function startOrigin(answers = {}) {
  const requests = [];
  const server = http.createServer(async (incoming, outgoing) => {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const request = {
      method: incoming.method,
      url: incoming.url,
      path: incoming.url.split("?")[0],
      headers: incoming.headers,
      body: Buffer.concat(chunks),
    };
    requests.push(request);
    const answer = answers[request.path]?.(request) ?? { body: `<p>${request.path}</p>` };
    outgoing.writeHead(answer.status ?? 200, {
      "content-type": "text/html; charset=utf-8",
      ...answer.headers,
    });
    outgoing.end(request.method === "HEAD" ? undefined : (answer.body ?? ""));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));

  const stop = () =>
    new Promise((closed) => {
      server.close(closed);
      server.closeAllConnections();
    });
  after(stop);
  let pages = 0;
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    answers,
    /** The path of a page that no other test knows, with what it answers. */
    page(answer, prefix = "/page") {
      const path = `${prefix}-${++pages}`;
      answers[path] = typeof answer === "function" ? answer : () => answer;
      return path;
    },
    /** The requests for a path so far. */
    asked: (path) => requests.filter((request) => request.path === path),
    stop,
  };
}
