// The beacon: an opening waits for a drand round that nobody could know when the entrants were
// fixed, and takes it from whichever endpoint has it, for it verifies the signature. The rounds are
// real; that half a minute passes between opening and round is, too, and two deployments spend it
// at the same time.

import assert from "node:assert/strict";
import { test } from "node:test";

import { freePort } from "../scripts/lib/miniflare.mjs";
import { assertAudit, wholeAudit } from "./support/audit.mjs";
import { ROUNDS, chainWith, startEndpoint } from "./support/drand.mjs";
import { assertProblem } from "./support/problem.mjs";
import { Shopper } from "./support/queue.mjs";
import { shuffledPosition } from "./support/shuffle.mjs";
import { forEachAtOnce, until } from "./support/until.mjs";
import { startWorld } from "./support/world.mjs";

/**
 * How long the two deployments may take to start, and everybody to enter: other tests run beside
 * this one.
 */
const SETUP_MS = 30_000;
const NOTICE_MS = 30_000;
const HOUR_MS = 3_600_000;
const ROUND = 1_000;
const MADE_AT = Date.now() + SETUP_MS + NOTICE_MS;
const chain = chainWith(ROUND, MADE_AT);
const truth = ROUNDS[ROUND];
/**
 * A lie that only a check of the signature could find out: another round's, under this one's
 * number.
 */
const lie = { ...ROUNDS[1_001], round: ROUND };

/** Whether endpoints were asked, and none had it. */
const hasWaited = ({ log }) =>
  log.some((text) => text.includes(`beacon: round ${ROUND} is not known yet`));
const startWith = (endpoints) =>
  startWorld({
    vars: { DRAND_ENDPOINTS: endpoints.join(", "), DRAND_CHAIN: JSON.stringify(chain) },
  });
const phaseOf = async (queue) => (await queue.snapshot()).phase;
const opened = (queue) =>
  until("the opening", async () => (await phaseOf(queue)) === "open", {
    withinMs: 90_000,
    everyMs: 200,
  });

/** A queue that waits for the beacon, with so many entrants: opened just now. */
async function sealing(world, count, config = {}) {
  const queue = await world.createQueue({
    maxActive: 5,
    lanes: 2,
    beacon: "drand",
    opensAt: Date.now() + HOUR_MS,
    ...config,
  });
  const shoppers = await forEachAtOnce(Array.from({ length: count }), 10, () => queue.enter());
  const { commitment } = (await queue.snapshot()).shuffle;
  const { snapshot } = await queue.patch({ opensAt: Date.now() });
  return { queue, shoppers, commitment, snapshot };
}

const silent = await startEndpoint(() => "silence");
const liar = await startEndpoint(() => lie);
const late = await startEndpoint(() => (hasWaited(first) ? truth : { status: 404, body: "{}" }));
const nowhere = `http://127.0.0.1:${await freePort()}`;
const first = await startWith([silent.url, liar.url, nowhere, `${late.url}/`]);
const line = await sealing(first, 12);
const draw = await sealing(first, 5, {
  access: "draw",
  maxAdmissions: 2,
  closesAt: Date.now() + 2 * HOUR_MS,
});
const again = await sealing(first, 3);

/**
 * What the one endpoint that is no liar answers, attempt by attempt, until it has the round; none
 * of it is one.
 */
const NO_ROUNDS = {
  "another round": [() => ROUNDS[1_001], "another round"],
  "a forged one": [() => lie, "a signature that is not the chain's"],
  "no JSON": [() => "<html>", "no answer of drand's"],
  "a list": [() => JSON.stringify([truth]), "no answer of drand's"],
  "five megabytes": [() => ({ body: JSON.stringify({ ...truth, more: "x".repeat(5_000_000) }) }),
    "a body that is too long"],
  "a redirect": [
    () => ({
      status: 302,
      headers: { location: `${second.elsewhere.url}${second.elsewhere.path}` },
    }),
    "status 302",
  ],
  "an error that looks like a round": [() => ({ status: 500, body: JSON.stringify(truth) }),
    "status 500"],
  "too late an answer": [() => ({ body: JSON.stringify(truth), afterMs: 6_000 }),
    "no answer in time"],
  "no answer": [() => "hang up"],
};
const attempts = Object.values(NO_ROUNDS);
const second = { elsewhere: await startEndpoint(() => truth) };
second.elsewhere.path = `/${chain.chain}/public/${ROUND}`;
second.waverer = await startEndpoint((number) => (attempts[number]?.[0] ?? (() => truth))());
second.liars = [await startEndpoint(() => lie), await startEndpoint(() => lie)];
second.world = await startWith(
  [...second.liars, second.waverer].map(({ url }) => url).concat("http://drand.example"),
);
second.line = await sealing(second.world, 4);
assert.ok(Date.now() < MADE_AT - NOTICE_MS,
  "all of this took longer than SETUP_MS: the queues wait for a later round");

const waitsFor = async (queue) => (await queue.operate("GET")).json.waitsFor;

test("a queue without entrants has nothing to wait for", async () => {
  const { queue, snapshot } = await sealing(first, 0);
  const { phase, shuffle } = snapshot;
  assert.deepEqual([phase, shuffle.entrants, shuffle.beaconRound], ["open", 0, null]);
  const audit = await wholeAudit(queue);
  await assertAudit(audit, (await first.send("/.well-known/jwks.json")).json);
  assert.equal(audit.beacon, null);
});

test("while it is sealed, root and round are public, and no entrant has a place", async () => {
  const { queue, shoppers, commitment, snapshot } = line;
  assert.equal(snapshot.phase, "sealing");
  const { root, ...shuffle } = snapshot.shuffle;
  assert.match(root, /^[0-9a-f]{64}$/);
  assert.deepEqual(shuffle, {
    commitment,
    trust: "beacon",
    beaconRound: ROUND,
    seed: null,
    entrants: 12,
  });
  for (const shopper of shoppers) {
    const { status, phase, position } = (await shopper.status()).json;
    assert.deepEqual([status, phase, position], ["WAITING", "sealing", undefined]);
  }
  const { waitsSinceAt, ...waited } = await waitsFor(queue);
  assert.ok(Math.abs(Date.now() - waitsSinceAt) < NOTICE_MS);
  assert.deepEqual(waited, {
    network: "drand",
    chain: chain.chain,
    round: ROUND,
    madeAt: MADE_AT,
    askedNextAt: MADE_AT,
    attempts: 0,
    endpoints: [],
  });
  assertProblem(await shoppers[0].claim(), "NOT_YET_SERVED");
  assertProblem(await queue.send("audit"), "NOT_OPEN");
  assertProblem(await queue.send("audit/proof", { bearer: shoppers[0].ticket }), "NOT_OPEN");
  assertProblem(await queue.operate("PATCH", "", { json: { opensAt: Date.now() + HOUR_MS } }),
    "CONFLICT", "opensAt");
  assertProblem(await queue.operate("PATCH", "", { json: { beacon: null } }), "CONFLICT", "beacon");
});

test("who enters a queue while it is sealed stands behind; a draw takes nobody", async () => {
  const entered = await line.queue.send("enter", { method: "POST" });
  const { receipt, status, ticket } = entered.json;
  assert.deepEqual([receipt, status.status, status.position, status.phase], [null, "QUEUED", 13,
    "sealing"]);
  line.shoppers.push(new Shopper(line.queue, ticket));
  assertProblem(await draw.queue.send("enter", { method: "POST" }), "QUEUE_CLOSED");
});

test("a reset while it is sealed ends that epoch, and the audit tells of it", async () => {
  assert.equal(again.snapshot.phase, "sealing");
  await again.queue.act("reset");
  const { epochs } = await wholeAudit(again.queue);
  assert.deepEqual(epochs.map(({ entered, opened: wasOpened }) => [entered, wasOpened]), [[3,
    true]]);
});

test("workerd killed while it waits goes on, and asks nobody before the round is", async () => {
  await first.crash();
  const { shuffle } = await line.queue.snapshot();
  assert.deepEqual(shuffle, line.snapshot.shuffle);
  assert.ok(Date.now() < MADE_AT, "the round is still to come");
  const asked = () => [silent, liar, late].flatMap(({ requests }) => requests);
  await until("the endpoints are asked", () => asked().length > 0, { withinMs: 90_000 });
  await until("none of them has it", () => hasWaited(first), { withinMs: 60_000 });
  await first.crash();
  await Promise.all([opened(line.queue), opened(draw.queue)]);
  assert.equal(await waitsFor(line.queue), null);
  for (const { at, path } of asked()) {
    assert.ok(at >= MADE_AT, `${MADE_AT - at} ms too early`);
    assert.equal(path, `/${chain.chain}/public/${ROUND}`);
  }
  for (const { requests } of [silent, liar, late]) assert.ok(requests.length > 0);
  await until("what was not answered is given up", () => silent.requests.every(({ gone }) => gone));
});

test("what the one honest endpoint of four said decides, and can be recomputed", async () => {
  const jwks = (await first.send("/.well-known/jwks.json")).json;
  for (const { queue, shoppers, commitment, snapshot: before } of [line, draw]) {
    const audit = await wholeAudit(queue);
    await assertAudit(audit, jwks);
    const { signature, randomness } = truth;
    assert.deepEqual(audit.beacon, {
      network: "drand",
      ...chain,
      round: ROUND,
      signature,
      randomness,
    });
    const { shuffle } = await queue.snapshot();
    assert.deepEqual(shuffle, { ...before.shuffle, seed: audit.seed });
    assert.deepEqual([audit.trust, audit.commitment, audit.root], ["beacon", commitment,
      before.shuffle.root]);
    for (const shopper of shoppers) {
      const { index } = shopper;
      const place = index < audit.entrants
        ? shuffledPosition(index, audit.entrants, audit.seed)
        : index;
      const reply = await until("a place", async () => {
        const { json } = await shopper.status();
        return json.status !== "WAITING" && json;
      });
      assert.equal(reply.position, place + 1);
    }
  }
});

test("only the round counts, from any one endpoint, and the operator reads the rest", async () => {
  const { world, elsewhere, liars, waverer, line: waiting } = second;
  await until("all but the last of the answers", () => waverer.requests.length >= attempts.length, {
    withinMs: 150_000,
  });
  assert.equal(await phaseOf(waiting.queue), "sealing");
  const told = await waitsFor(waiting.queue);
  const saidBy = Object.fromEntries(told.endpoints.map(({ endpoint, said }) => [endpoint, said]));
  assert.deepEqual(Object.keys(saidBy).sort(),
    [...liars, waverer].map(({ url }) => url).concat("http://drand.example").sort());
  for (const { url } of liars) assert.equal(saidBy[url], "a signature that is not the chain's");
  assert.equal(saidBy["http://drand.example"], "only https is asked");
  assert.ok(
    told.attempts >= attempts.length && told.endpoints.every(({ heardAt }) => heardAt >= MADE_AT),
  );
  await opened(waiting.queue);

  const lines = world.log.filter((text) => text.includes("beacon:"));
  const of = ({ url }) =>
    lines.filter((text) => text.includes(`${url}: `)).map((text) =>
      text.slice(text.indexOf(`${url}: `) + url.length + 2)
    );
  const expected = attempts.map(([, said]) => said).slice(0, -1);
  assert.deepEqual(of(waverer).slice(0, expected.length), expected);
  assert.equal(waverer.requests.length, attempts.length + 1,
    "once an attempt, and not after it had the round");
  assert.equal(lines.filter((text) => text.includes("none of 4 endpoints gave it")).length,
    attempts.length);
  assert.equal(elsewhere.requests.length, 0, "nobody was sent there");
  const audit = await wholeAudit(waiting.queue);
  await assertAudit(audit, (await world.send("/.well-known/jwks.json")).json);
  assert.equal(audit.beacon.signature, truth.signature);
});

test("a chain that is none is found out when a queue is made", async () => {
  for (const bad of ["{}", "quicknet", JSON.stringify({ ...chain, periodSeconds: 0 }),
    JSON.stringify({ ...chain, chain: "x" }),
    JSON.stringify({ ...chain, publicKey: "ab".repeat(96) })]) {
    await first.reload({ vars: { DRAND_CHAIN: bad } });
    const json = { maxActive: 1, beacon: "drand" };
    assertProblem(await first.queue("another").operate("PUT", "", { json }), "SERVICE_UNAVAILABLE",
      "DRAND_CHAIN");
  }
});
