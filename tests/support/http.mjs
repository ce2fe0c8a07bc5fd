// HTTP as the tests speak it: one call, no redirect followed, no cookie kept, the answer read
// whole.

import http from "node:http";

/**
 * Makes a call. Of `options`, `json` and `form` make a body; `bearer`, `cookies` (an object),
 * `from` (the `Origin`) and `accept` are headers by a shorter name. Returns `{status, headers,
 * text, json, cookies}`; `json` is undefined where the answer is none.
 */
export async function send(url, { method = "GET", signal, ...options } = {}) {
  const { headers, body } = prepare(options);
  const response = await fetch(url, {
    method,
    headers,
    body,
    redirect: "manual",
    signal: signal ?? AbortSignal.timeout(30_000),
    ...(body instanceof ReadableStream && { duplex: "half" }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: readJson(response.headers.get("content-type"), text),
    cookies: readCookies(response.headers.getSetCookie()),
  };
}

function prepare({ headers = {}, json, form, body, bearer, cookies, from, accept }) {
  const sent = new Headers(headers);
  if (bearer !== undefined) sent.set("authorization", `Bearer ${bearer}`);
  if (cookies !== undefined) {
    sent.set("cookie", Object.entries(cookies).map(([name, value]) =>
      `${name}=${value}`
    ).join("; "));
  }
  if (from !== undefined) sent.set("origin", from);
  if (accept !== undefined) sent.set("accept", accept);
  if (json !== undefined) {
    sent.set("content-type", "application/json");
    return { headers: sent, body: JSON.stringify(json) };
  }
  return { headers: sent, body: form === undefined ? body : new URLSearchParams(form) };
}

function readJson(contentType, text) {
  return text !== "" && /\bjson\b/.test(contentType ?? "") ? JSON.parse(text) : undefined;
}

/** The cookies that an answer sets: by name, `{value, attributes}`; attributes in lower case. */
function readCookies(lines) {
  return Object.fromEntries(
    lines.map((line) => {
      const [pair, ...rest] = line.split(";").map((part) => part.trim());
      const [name, ...value] = pair.split("=");
      const attributes = rest.map((part) => {
        const [key, ...said] = part.split("=");
        return [key.toLowerCase(), said.join("=")];
      });
      return [name, { value: value.join("="), attributes: Object.fromEntries(attributes) }];
    }),
  );
}

/**
 * A call with exactly these headers, `Host` included, and nothing decoded; returns what `send`
 * does.
 */
export async function sendRaw(url, { method = "GET", path, headers = {}, body } = {}) {
  const { hostname, port, pathname, search } = new URL(url);
  const response = await new Promise((resolve, reject) => {
    const request = http.request(
      {
        hostname,
        port,
        path: path ?? pathname + search,
        method,
        headers,
        agent: false,
        timeout: 30_000,
      },
      resolve,
    );
    request.once("error", reject);
    request.once("timeout", () => request.destroy(new Error(`no answer from ${url}`)));
    request.end(body);
  });
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return {
    status: response.statusCode,
    headers: new Headers(
      Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
    ),
    text,
    json: readJson(response.headers["content-type"], text),
  };
}
