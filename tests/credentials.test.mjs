// What passes for a ticket, and what a ticket in a cookie may do.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";

import { decodeJwt, decodeProtectedHeader } from "jose";

import { assertProblem } from "./support/problem.mjs";
import { altered, firstKey, remake, unsigned } from "./support/tokens.mjs";
import { startWorld } from "./support/world.mjs";

const world = await startWorld();
const queue = await world.createQueue({ maxActive: 100 });
const shopper = await queue.enter();
const ticketKey = firstKey(world.keys.vars.TICKET_KEYS);

/** Every call that needs a ticket, with this one. */
const withTicket = async (bearer, of = queue) => [
  await of.send("status", { bearer }),
  await of.send("claim", { method: "POST", bearer }),
  await of.send("leave", { method: "DELETE", bearer }),
  await of.send("enter", { method: "POST", bearer }),
];

test("a ticket that was signed as Tidegate signs is good", async () => {
  const same = await remake(shopper.ticket, { key: ticketKey.bytes });
  assert.equal((await queue.send("status", { bearer: same })).json.position, 1);
});

test("claiming and leaving without a ticket is refused", async () => {
  assertProblem(await queue.send("claim", { method: "POST" }), "UNAUTHORIZED");
  assertProblem(await queue.send("leave", { method: "DELETE" }), "UNAUTHORIZED");
});

test("a malformed ticket is refused everywhere", async () => {
  const long = `${shopper.ticket}${"a".repeat(3_000)}`;
  for (const bad of ["", "x", "a.b", "a.b.c", "..", `${shopper.ticket}.`,
    shopper.ticket.slice(0, -1), long]) {
    for (const reply of await withTicket(bad)) assertProblem(reply, "UNAUTHORIZED");
  }
});

test("a credential of another scheme is refused, not overlooked", async () => {
  for (const authorization of [`Basic ${btoa("a:b")}`, "Bearer", shopper.ticket,
    `Token ${shopper.ticket}`]) {
    const headers = { authorization };
    assertProblem(await queue.send("enter", { method: "POST", headers }), "UNAUTHORIZED");
    assertProblem(await queue.send("status", { headers }), "UNAUTHORIZED");
  }
});

test("a ticket with a single character changed is refused, in whichever part", async () => {
  for (const part of [0, 1, 2]) {
    for (const reply of await withTicket(altered(shopper.ticket, part))) {
      assertProblem(reply, "UNAUTHORIZED");
    }
  }
});

test("a ticket signed with another key is refused, under whichever key id", async () => {
  const other = Buffer.alloc(32, 7);
  for (const kid of [ticketKey.kid, "other", "", undefined]) {
    const forged = await remake(shopper.ticket, { key: other, header: { kid } });
    for (const reply of await withTicket(forged)) assertProblem(reply, "UNAUTHORIZED");
  }
});

test("a ticket without a signature is refused", async () => {
  const header = decodeProtectedHeader(shopper.ticket);
  const claims = decodeJwt(shopper.ticket);
  for (const alg of ["none", "None", "HS256"]) {
    for (const reply of await withTicket(unsigned({ ...header, alg }, claims))) {
      assertProblem(reply, "UNAUTHORIZED");
    }
  }
});

test("a token of another type or algorithm is no ticket, even with the right key", async () => {
  const key = ticketKey.bytes;
  const wrong = [
    await remake(shopper.ticket, { key, header: { typ: "JWT" } }),
    await remake(shopper.ticket, { key, header: { typ: "tidegate-handoff+jwt" } }),
    await remake(shopper.ticket, { key, header: { typ: undefined } }),
    await remake(shopper.ticket, { key: Buffer.concat([key, key]), header: { alg: "HS512" } }),
    await remake(shopper.ticket, {
      key: generateKeyPairSync("ed25519").privateKey,
      header: { alg: "EdDSA" },
    }),
    (await (await queue.enter()).admit()).handoffToken,
  ];
  for (const token of wrong) {
    for (const reply of await withTicket(token)) assertProblem(reply, "UNAUTHORIZED");
  }
});

test("an expired ticket is refused, and one that never expires too", async () => {
  const now = Math.floor(Date.now() / 1000);
  for (const exp of [now - 3600, now, undefined]) {
    const expired = await remake(shopper.ticket, {
      key: ticketKey.bytes,
      claims: { iat: now - 7200, exp },
    });
    for (const reply of await withTicket(expired)) assertProblem(reply, "UNAUTHORIZED");
  }
});

test("another queue's ticket is refused", async () => {
  const other = await world.createQueue();
  for (const reply of await withTicket(shopper.ticket, other)) assertProblem(reply, "UNAUTHORIZED");
  const both = await remake(shopper.ticket, {
    key: ticketKey.bytes,
    claims: { aud: [queue.id, other.id] },
  });
  for (const reply of await withTicket(both, other)) assertProblem(reply, "UNAUTHORIZED");
});

test("a signed ticket for a place that was never given admits nobody", async () => {
  const claims = { index: 999, position: 0 };
  const invented = await remake(shopper.ticket, { key: ticketKey.bytes, claims });
  assertProblem(await queue.send("claim", { method: "POST", bearer: invented }), "UNAUTHORIZED");
  assertProblem(await queue.send("leave", { method: "DELETE", bearer: invented }), "UNAUTHORIZED");
});

test("a ticket from before a reset is void, and says so", async () => {
  const reset = await world.createQueue();
  const { ticket } = await reset.enter();
  await reset.act("reset");
  for (const reply of await withTicket(ticket, reset)) assertProblem(reply, "TICKET_VOID");
});

test("after a reset, an old cookie keeps nobody out", async () => {
  const reset = await world.createQueue();
  const old = await reset.enter();
  await reset.act("reset");
  const cookies = { [reset.cookieName]: old.ticket };
  const reply = await reset.send("enter", { method: "POST", cookies, from: world.url });
  assert.equal(reply.status, 200, reply.text);
  assert.equal(decodeJwt(reply.json.ticket).index, 0);
  assert.notEqual(decodeJwt(reply.json.ticket).epoch, decodeJwt(old.ticket).epoch);
});

test("a changing call by cookie needs this site's own Origin", async () => {
  const victim = await queue.enter();
  const cookies = { [queue.cookieName]: victim.ticket };
  const foreign = ["https://evil.example", "null", world.url.replace("http:", "https:"),
    `${world.url}1`, ""];
  for (const from of [undefined, ...foreign]) {
    assertProblem(await queue.send("claim", { method: "POST", cookies, from }), "FORBIDDEN");
    assertProblem(await queue.send("enter", { method: "POST", cookies, from }), "FORBIDDEN");
    assertProblem(await queue.send("leave", { method: "DELETE", cookies, from }), "FORBIDDEN");
  }
  const own = await queue.send("claim", { method: "POST", cookies, from: world.url });
  assert.ok([200, 202].includes(own.status), own.text);
});

test("a bearer wins over the cookie", async () => {
  const [mine, theirs] = await queue.enterMany(2);
  const cookies = { [queue.cookieName]: theirs.ticket };
  const reply = await queue.send("status", { bearer: mine.ticket, cookies });
  assert.equal(reply.json.position, mine.index + 1);
  assertProblem(await queue.send("status", { bearer: "a.b.c", cookies }), "UNAUTHORIZED");
});

test("a queue's cookie says nothing to another queue", async () => {
  const other = await world.createQueue();
  const reply = await other.send("status", { cookies: { [queue.cookieName]: shopper.ticket } });
  assert.equal(reply.json.status, "NOT_QUEUED");
});

test("a ticket in the URL is no ticket", async () => {
  for (const name of ["ticket", "token", "access_token", queue.cookieName]) {
    const query = `${name}=${shopper.ticket}`;
    assert.equal((await queue.send(`status?${query}`)).json.status, "NOT_QUEUED");
    assertProblem(await queue.send(`claim?${query}`, { method: "POST" }), "UNAUTHORIZED");
  }
});
