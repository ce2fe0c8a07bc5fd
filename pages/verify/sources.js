// Where an audit and what belongs to it come from: the shop's calls, or files.

/** Invalid bytes become U+FFFD, which nobody signed; a byte order mark stays, and is refused. */
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

async function ask(path) {
  const response = await fetch(path, {
    credentials: "same-origin",
    cache: "no-store",
    headers: { accept: "application/json" },
  });
  return { status: response.status, text: utf8.decode(await response.arrayBuffer()) };
}

/** As `ask`; where no answer comes, of status 0. */
const tryTo = (path) => ask(path).catch(() => ({ status: 0, text: "" }));

/**
 * Fetches all that the shop says of a queue's opening: `{standing, given, late, snapshot}`.
 * `standing` is "ready" with `given` for the verifier, or "early", "unknown", "lost"; `late`: the
 * visitor entered after the opening; `snapshot`, when it is early: what is public of the queue.
 */
export async function fromShop(queue) {
  const path = `/v1/queues/${queue}`;
  const first = await tryTo(`${path}/audit?page=0`);
  if (first.status === 423) return { standing: "early", snapshot: read(await tryTo(path)) };
  if (first.status === 404) return { standing: "unknown" };
  if (first.status !== 200) return { standing: "lost" };
  const audit = [first.text];
  const pages = Number(read(first)?.pages) || 1;
  for (let page = 1; page < pages; page += 1) {
    const next = await tryTo(`${path}/audit?page=${page}`);
    if (next.status !== 200) return { standing: "lost" };
    audit.push(next.text);
  }
  const [jwks, proof] = await Promise.all([shopsKeys(), tryTo(`${path}/audit/proof`)]);
  // Without a ticket there is nothing of one's own to prove.
  const own = {
    proof: proof.status === 200 ? proof.text : undefined,
    receipt: keptReceipt(queue, read(first)?.epoch),
  };
  return { standing: "ready", given: { audit, jwks, ...own }, late: proof.status === 404 };
}

/** The receipt that the room kept when its visitor entered, if it is of this epoch. */
function keptReceipt(queue, epoch) {
  try {
    const text = localStorage.getItem(`tidegate-receipt-${queue}`);
    const [, payload] = JSON.parse(text).statement.split(".");
    const promised = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    return promised.epoch === epoch ? text : undefined;
  } catch {
    return undefined;
  }
}

async function shopsKeys() {
  const { status, text } = await tryTo("/.well-known/jwks.json");
  return status === 200 ? text : undefined;
}

/** Sorts files by what is in them, for the verifier; what is nothing else is taken for an audit. */
export async function fromFiles(files) {
  const given = { audit: [] };
  for (const file of files) {
    const text = utf8.decode(await file.arrayBuffer());
    const kind = kindOf(read({ status: 200, text }));
    if (kind === "audit") given.audit.push(text);
    else given[kind] = text;
  }
  return given;
}

/** `given` with the keys of the shop that this page came from, unless a file had some. */
export const withKeys = async (given) => ({ ...given, jwks: given.jwks ?? (await shopsKeys()) });

function kindOf(value) {
  if (value === undefined || value === null || typeof value !== "object") return "audit";
  if ("keys" in value) return "jwks";
  if (!("leaf" in value)) return "audit";
  return "groupPath" in value ? "proof" : "receipt";
}

function read({ status, text }) {
  if (status !== 200) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
