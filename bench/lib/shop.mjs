// A shop of one page, for pages that the edge keeps.

import { createServer } from "node:http";

export const PAGE = "/products/bench";
const TWO_KILOBYTES = "<p>Two kilobytes of a product page.</p>".repeat(50);
const HTML = `<!doctype html><title>Bench</title>${TWO_KILOBYTES}`;

/** Starts it. Returns `{url, served, stop}`; `served()` is how often the page was asked for. */
export async function startShop() {
  let served = 0;
  const server = createServer((request, response) => {
    served += 1;
    response.writeHead(200, { "content-type": "text/html", "cache-control": "public, max-age=300" })
      .end(HTML);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    served: () => served,
    stop: () => new Promise((closed) => server.close(closed)),
  };
}
