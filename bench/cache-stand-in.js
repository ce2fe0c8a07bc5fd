// A stand-in for a data centre's cache, for a bare workerd, which brings none. It keeps what it is
// given in memory, for as long as `max-age` says, and knows nothing of ranges or conditions.

const kept = new Map();

export default {
  async fetch(request) {
    switch (request.method) {
      case "PUT":
        kept.set(request.url, readResponse(new Uint8Array(await request.arrayBuffer())));
        return new Response(null, { status: 204 });
      case "PURGE":
        return new Response(null, { status: kept.delete(request.url) ? 200 : 404 });
      default: {
        const found = kept.get(request.url);
        if (found && Date.now() < found.until) {
          return new Response(found.body, {
            status: found.status,
            headers: [...found.headers, ["cf-cache-status", "HIT"]],
          });
        }
        return new Response(null, { status: 504, headers: { "cf-cache-status": "MISS" } });
      }
    }
  },
};

/** What workerd puts is a whole response as it travels: status line, headers, empty line, body. */
function readResponse(bytes) {
  const head = new TextDecoder("latin1").decode(bytes);
  const end = head.indexOf("\r\n\r\n");
  const [first, ...lines] = head.slice(0, end).split("\r\n");
  const headers = lines
    .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()])
    .filter(([name]) => !/^(transfer-encoding|content-length)$/i.test(name));
  const age = /max-age=(\d+)/.exec(
    headers.find(([name]) => /^cache-control$/i.test(name))?.[1] ?? "",
  );
  let body = bytes.subarray(end + 4);
  if (/^transfer-encoding: *chunked/im.test(head.slice(0, end))) body = unchunk(body);
  return {
    status: Number(first.split(" ")[1]),
    headers,
    body,
    until: Date.now() + Number(age?.[1] ?? 0) * 1000,
  };
}

function unchunk(bytes) {
  const parts = [];
  let at = 0;
  for (;;) {
    const line = bytes.indexOf(10, at);
    const size = parseInt(new TextDecoder().decode(bytes.subarray(at, line)), 16);
    if (!(size > 0)) return concat(parts);
    parts.push(bytes.subarray(line + 1, line + 1 + size));
    at = line + 1 + size + 2;
  }
}

function concat(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
