// The page /verify in a real browser, served from its folder beside a shop that answers what a test
// tells it to: `CHROMIUM=/path/to/chromium node --test pages/tests/verify-page.test.mjs`.

import assert from "node:assert/strict";

import { makeOpening, recordedBeacon } from "../../tests/support/opening.mjs";
import { asFile, assertNoBarriers, calls, drop, loaded, open, page, tabUpTo, tell, test,
  visitor } from "./static_page.mjs";

const opening = makeOpening({ entrants: 1500, groupSize: 40, lanes: 4 });
const drawn = makeOpening({
  ...recordedBeacon(1000),
  name: "drawn",
  access: "draw",
  entrants: 60,
  winners: 30,
});
const early = { opensAt: Date.UTC(2026, 10, 28, 18), shuffle: { commitment: "ab".repeat(32) } };
const lie = { ...opening.audit, seed: opening.audit.root };

/**
 * The answers of a shop that published this audit in pages, to a visitor with this proof, if any.
 */
function shopWith(made, { audit = made.audit, size = 5000, proof = 401 } = {}) {
  const count = Math.max(1, Math.ceil(audit.groups.length / size));
  const whole = count === 1 ? audit : made.signed({ ...audit, pages: count });
  const pages = Array.from({ length: count }, (_, number) => [
    `/v1/queues/demo/audit?page=${number}`,
    { ...whole, groups: audit.groups.slice(number * size, (number + 1) * size) },
  ]);
  return {
    ...Object.fromEntries(pages),
    "/v1/queues/demo/audit/proof": proof,
    "/.well-known/jwks.json": { status: 200, body: made.jwks() },
  };
}

const says = (answers) => tell((url) => answers[url] ?? 404);
const visit = (answers, path = "/verify?queue=demo") => {
  says(answers);
  return open(path);
};
const concluded = (heading) =>
  page.locator("#verdict h2", { hasText: new RegExp(`^${heading}$`) }).waitFor();
const outcomes = () =>
  page.locator("#checks li").evaluateAll((rows) =>
    Object.fromEntries(
      rows.map((row) => [row.dataset.name, row.querySelector(".outcome").textContent]),
    )
  );
const choose = (...files) => page.setInputFiles("#chosen", files);

test("opened from the room, it fetches all pages and says what was checked", async () => {
  await visit(shopWith(opening, { size: 10, proof: opening.proof(700) }));
  await concluded("Verified");
  assert.equal(calls.filter((call) => call.includes("audit?page=")).length, 4);
  const made = await outcomes();
  assert.deepEqual(Object.keys(made), ["format", "statement", "key", "commitment", "groups", "root",
    "beacon", "seed", "places", "receipt", "proof"]);
  const open = Object.keys(made).filter((name) => made[name] !== "ok");
  assert.deepEqual(open, ["beacon", "receipt"]);
  assert.equal(await page.title(), "Verified – Check the order");
  assert.equal(await page.textContent("#own b"),
    new Intl.NumberFormat("en").format(opening.position(700)));
  assert.match(await page.textContent("#trust"), /trust: operator/);
  assert.equal(await page.textContent("#say"), "Verified");
  assert.equal(await page.getAttribute("#back a", "href"), "/queue/demo");
  assert.ok(!calls.some((call) => call.includes("pairing")),
    "the pairing is loaded only for a beacon");
});

test("public randomness is verified in the browser, and a draw says who won", async () => {
  await visit(shopWith(drawn, { proof: drawn.proof(8) }));
  await concluded("Verified");
  assert.equal((await outcomes()).beacon, "ok");
  assert.match(await page.textContent("#trust"), /trust: beacon/);
  assert.match(await page.textContent("#own"), /(among|behind) the 30 that won/);
  assert.ok(calls.some((call) => call.includes("pairing")));
});

test("earlier epochs of the queue are told, since a reset draws anew", async () => {
  const twice = makeOpening({ earlier: 3, entrants: 4 });
  await visit(shopWith(twice));
  await concluded("Verified");
  assert.match(await page.textContent("#earlier"), /3 earlier epochs, of which 2 had opened/);
  await visit(shopWith(makeOpening({ earlier: 0 })));
  await concluded("Verified");
  assert.equal(await page.isVisible("#earlier"), false);
});

test("an opening of nobody is called what it is", async () => {
  await visit(shopWith(makeOpening({ entrants: 0 }), { proof: 404 }));
  await concluded("Nobody to shuffle");
  for (const part of ["#own", "#look", "#trust"]) assert.equal(await page.isVisible(part), false);
});

test("what does not hold is named, and nothing is said to be trusted", async () => {
  await visit(shopWith(opening, { audit: lie, proof: opening.proof(1) }));
  await concluded("Failed");
  assert.match(await page.textContent("#lead"), /statement, seed, and proof failed/);
  assert.match(await page.textContent('[data-name="seed"]'),
    /seed does not follow from secret, root/);
  for (const part of ["#trust", "#own"]) assert.equal(await page.isVisible(part), false);
});

test("before the opening it says that it is too early, and what was promised", async () => {
  await visit({ "/v1/queues/demo/audit?page=0": 423, "/v1/queues/demo": early });
  await concluded("Too early");
  assert.match(await page.textContent("#promised time"), /28 Nov 2026, 19:00:00/);
  assert.equal(await page.textContent("#promised code"), "ab".repeat(32));
  assert.equal(await page.isVisible("#made"), false);
  says(shopWith(opening));
  await page.getByRole("button", { name: "Look again" }).click();
  await concluded("Verified");
  assert.equal(await page.isVisible("#promised"), false);
});

test("a queue that is not there, and a shop that does not answer, are told apart", async () => {
  await visit({});
  await concluded("No such queue");
  calls.length = 0;
  await visit({}, "/verify?queue=No%20Such");
  await concluded("No such queue");
  assert.ok(!calls.some((call) => call.startsWith("/v1/")),
    "what can be no queue's name is not asked for");
  for (const answer of ["hang up", 503]) {
    await visit({ "/v1/queues/demo/audit?page=0": answer });
    await concluded("No audit came");
  }
  says(shopWith(opening));
  await page.getByRole("button", { name: "Look again" }).click();
  await concluded("Verified");
});

test("a page of the audit that does not come is no verdict", async () => {
  const told = shopWith(opening, { size: 10 });
  await visit({ ...told, "/v1/queues/demo/audit?page=2": "hang up" });
  await concluded("No audit came");
});

test("who entered after the opening is told that they are not in the log", async () => {
  await visit(shopWith(opening, { proof: 404 }));
  await concluded("Verified");
  assert.match(await page.textContent("#lead"), /You are not in this log/);
});

test("files are checked without any shop's word but its keys", async () => {
  await visit({ "/.well-known/jwks.json": { status: 200, body: opening.jwks() } }, "/verify");
  await concluded("Nothing checked yet");
  const pages = opening.pages(20).map((one, number) => asFile(`audit-${number}.json`, one));
  await choose(pages[1], asFile("receipt.json", opening.receipt(900)), pages[0]);
  await concluded("Verified");
  const made = await outcomes();
  assert.deepEqual([made.receipt, made.proof, made.key], ["ok", "not checked", "ok"]);
  assert.equal(await page.textContent("#own b"),
    new Intl.NumberFormat("en").format(opening.position(900)));
  assert.ok(!calls.some((call) => call.startsWith("/v1/")));
});

test("a receipt that is given later belongs to the audit that is here", async () => {
  await visit(shopWith(opening));
  await concluded("Verified");
  const { statement, ...receipt } = opening.receipt(3);
  await choose(asFile("receipt.json", { ...receipt, statement, place: receipt.place + 1 }));
  await concluded("Failed");
  assert.match(await page.textContent('[data-name="receipt"]'), /receipt\.leaf has another place/);
  await choose(asFile("receipt.json", { ...receipt, statement }));
  await concluded("Verified");
  assert.equal((await outcomes()).receipt, "ok");
  await choose(asFile("audit.json", drawn.audit), asFile("keys.json", drawn.jwks()));
  await page.locator("summary").click();
  await page.getByText("60 in 15 groups").waitFor();
  assert.equal((await outcomes()).receipt, "not checked",
    "what came with another audit is forgotten");
});

test("files that are no audit say so", async () => {
  await visit({}, "/verify");
  await choose(asFile("receipt.json", opening.receipt(0)));
  await page.getByText("There is no audit among these files.").waitFor();
  await choose(asFile("holiday.json", "not even JSON"));
  await concluded("Failed");
  assert.match(await page.textContent('[data-name="format"]'),
    /the text has .* \(at character 2\)/);
  assert.match(await page.textContent('[data-name="seed"]'), /could not be checked/);
  assert.equal((await outcomes()).key, "not checked");
});

test("files may be dropped on the page", async () => {
  await visit({}, "/verify");
  await drop(JSON.stringify(drawn.audit));
  await concluded("Verified");
});

test("a position can be looked at", async () => {
  await visit(shopWith(opening));
  await concluded("Verified");
  const look = async (typed) => {
    await page.getByLabel("Position, from 1 to 1,500").fill(typed);
    await page.getByRole("button", { name: "Look", exact: true }).click();
  };
  const index = 1234;
  const [group, place] = opening.whereIs(index);
  await look(String(opening.position(index)));
  await page.getByText(`is entry 1,234: number ${place + 1} of groups[${group}]`).waitFor();
  for (const wrong of ["1501", "0", "first", "1e3"]) {
    await look("1");
    await page.getByText("Position 1 is entry").waitFor();
    await look(wrong);
    await page.getByText("There is no position but 1 to 1,500.").waitFor();
  }
});

test("what a shop writes stays text", async () => {
  const hostile = "<img src=x onerror=alert(1)>";
  const { audit } = opening;
  await visit(shopWith(opening, { audit: { ...audit, key: { ...audit.key, kid: hostile } } }));
  await concluded("Failed");
  assert.ok((await page.textContent('[data-name="statement"]')).includes(hostile));
  assert.equal(await page.locator("#checks img").count(), 0);
});

test("a browser whose worker fails says so", async () => {
  await page.route("**/built/worker.js", (route) => route.abort());
  await visit(shopWith(opening));
  await concluded("This browser could not check");
  assert.equal(await page.isVisible("#made"), false);
});

test("without script, the page names the command that does the same", async () => {
  await visitor({ javaScriptEnabled: false });
  await visit({});
  assert.equal(await page.isVisible("noscript h2"), true);
  assert.equal(await page.isVisible("noscript code"), true);
  assert.equal(await page.isVisible("#verdict"), false);
});

test("the page loads little: under 30 KB gzipped, but for the pairing", async () => {
  await visit(shopWith(opening));
  await concluded("Verified");
  const { bytes, files } = loaded();
  assert.ok(files >= 4 && bytes < 30_000, `${bytes} bytes in ${files} files`);
});

/** Each way in which the page can stand: what the shop answers, and what it then says. */
const STATES = [
  ["verified", shopWith(opening, { proof: opening.proof(700) }), "Verified"],
  ["drawn", shopWith(drawn, { proof: drawn.proof(8) }), "Verified"],
  ["failed", shopWith(opening, { audit: lie }), "Failed"],
  ["early", { "/v1/queues/demo/audit?page=0": 423, "/v1/queues/demo": early }, "Too early"],
  ["unknown", {}, "No such queue"],
];

for (const colorScheme of ["light", "dark"]) {
  test(`no barriers by WCAG 2.2 AA, ${colorScheme}, and all fits 320 px`, async () => {
    await visitor({ colorScheme, viewport: { width: 320, height: 640 }, reducedMotion: "reduce" });
    for (const [name, told, heading] of STATES) {
      await visit(told);
      await concluded(heading);
      await assertNoBarriers(name);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320, name);
    }
  });
}

test("the keyboard reaches all there is, and shows where it is", async () => {
  await visit(shopWith(opening));
  await concluded("Verified");
  assert.deepEqual(await tabUpTo("Back to the waiting room"), ["position", "Look",
    "What the shop published", "chosen", "Back to the waiting room"]);
});
