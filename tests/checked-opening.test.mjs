// An opening, checked by both verifiers, which share no code: the command `tidegate verify`, and
// the script of the page /verify. They agree with each other and with the tickets, and both say
// where an audit was altered.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, test } from "node:test";

import { wholeAudit } from "./support/audit.mjs";
import { Shopper, newEntryKey, succeeded } from "./support/queue.mjs";
import { seededRandom } from "./support/random.mjs";
import { forEachAtOnce, until } from "./support/until.mjs";
import { byCommand, byScript } from "./support/verifiers.mjs";
import { freshFolder, removeFolder, startWorld } from "./support/world.mjs";

const ENTRANTS = 240;
const ALTERATIONS = 120;

const folder = freshFolder();
after(() => removeFolder(folder));
const world = await startWorld();
const queue = await world.createQueue({ maxActive: 1, lanes: 8, opensAt: Date.now() + 3_600_000 });
const shoppers = await forEachAtOnce(Array.from({ length: ENTRANTS }), 24, async () => {
  const { ticket, receipt } = succeeded(
    await queue.send("enter", { method: "POST", json: { entryKey: newEntryKey() } }),
  );
  return Object.assign(new Shopper(queue, ticket), { receipt });
});
await queue.patch({ opensAt: null });
await until("the opening", async () => (await queue.send("")).json.phase === "open", {
  withinMs: 20_000,
});
const audit = await wholeAudit(queue);
const jwks = JSON.stringify((await world.send("/.well-known/jwks.json")).json);
// A value a line, so that a line says where one is.
const lines = JSON.stringify(audit, null, 1).split("\n");

const file = (name, text) => {
  const at = path.join(folder, name);
  writeFileSync(at, text);
  return at;
};

test("both verifiers come to the same places, which are those of the tickets", async () => {
  const places = path.join(folder, "places.json");
  const shown = await forEachAtOnce(shoppers.slice(0, 12), 6, async (shopper) => ({
    receipt: JSON.stringify(shopper.receipt),
    proof: JSON.stringify(succeeded(await queue.send("audit/proof", { bearer: shopper.ticket }))),
  }));
  const evidence = shown.flatMap(({ receipt, proof }, number) => [
    "--receipt",
    file(`receipt-${number}`, receipt),
    "--proof",
    file(`proof-${number}`, proof),
  ]);
  const command = await byCommand(`${world.url}${queue.path}/audit`, "--places", places,
    ...evidence);
  assert.equal(command.code, 0, command.said);
  assert.match(command.said, /^VERIFIED/m);
  for (const given of shown) {
    const { verdict, said } = await byScript({ audit: JSON.stringify(audit), jwks, ...given });
    assert.equal(verdict, "VERIFIED", said);
  }
  const computed = JSON.parse(readFileSync(places, "utf8"));
  assert.equal(computed.length, ENTRANTS);
  await forEachAtOnce(shoppers, 24, async (shopper) => {
    const { position } = succeeded(await shopper.status());
    assert.equal(computed[shopper.index], position, `index ${shopper.index}`);
  });
});

test("wherever an audit was altered, both verifiers say where", async (context) => {
  const random = seededRandom(context);
  let group = -1;
  const places = lines.flatMap((line, number) => {
    if (/^ {2}\{/.test(line)) group += 1;
    const [, name, value] = /^ +"(\w+)": "?([\w./+:-]+)"?,?$/.exec(line) ?? [];
    if (value === undefined || value === "null") return [];
    const inGroup = line.startsWith("   ");
    return [{ number, name, value, where: inGroup ? `groups[${group}]` : name }];
  });
  const inGroups = places.filter(({ where }) => where.startsWith("groups"));
  const outside = places.filter(({ where }) => !where.startsWith("groups"));
  assert.ok(inGroups.length > 40 && outside.length >= 12,
    `${inGroups.length} and ${outside.length} values`);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const chosen = [...outside,
    ...Array.from({ length: ALTERATIONS - outside.length }, () => pick(inGroups))];
  await forEachAtOnce(chosen, 2, async ({ number, value, where }) => {
    const at = Math.floor(random() * value.length);
    const letters = /^\d+$/.test(value) ? "123456789" : "0123456789abcdef";
    const other = pick([...letters].filter((letter) => letter !== value[at]));
    const altered = value.slice(0, at) + other + value.slice(at + 1);
    const text = lines.with(number, lines[number].replace(value, altered)).join("\n");
    const about = `line ${number}, ${where}: ${value} is ${altered}`;
    const command = await byCommand(file(`altered-${number}-${at}`, text));
    const script = await byScript({ audit: text });
    assert.equal(command.code, 1, `${about}\n${command.said}`);
    assert.equal(script.verdict, "FAILED", `${about}\n${script.said}`);
    for (const { said } of [command, script]) assert.ok(said.includes(where), `${about}\n${said}`);
  });
});

test("a receipt that the log lacks is told from one that is no good", async () => {
  const left = await world.createQueue({ maxActive: 1, opensAt: Date.now() + 3_600_000 });
  const { receipt } = succeeded(await left.send("enter", { method: "POST" }));
  const foreign = await byCommand(file("audit", JSON.stringify(audit)), "--receipt",
    file("foreign", JSON.stringify(receipt)));
  assert.equal(foreign.code, 1, foreign.said);
  const script = await byScript({
    audit: JSON.stringify(audit),
    jwks,
    receipt: JSON.stringify(receipt),
  });
  assert.equal(script.verdict, "FAILED", script.said);
  const mine = { ...shoppers[3].receipt, place: shoppers[3].receipt.place + 1 };
  const bent = await byCommand(file("audit", JSON.stringify(audit)), "--receipt",
    file("bent", JSON.stringify(mine)));
  assert.equal(bent.code, 1, bent.said);
});
