// The page /fairness in a real browser, served from its folder beside a shop that answers what a
// test tells it to: `CHROMIUM=/path/to/chromium node --test pages/tests/fairness-page.test.mjs`.

import assert from "node:assert/strict";

import { ODD, makeReport } from "../../tests/support/report.mjs";
import { drawn, says, visit, words } from "./fairness.mjs";
import { asFile, assertNoBarriers, calls, drop, loaded, open, page, tabUpTo, test,
  visitor } from "./static_page.mjs";

const ORDERLY = "Nobody was let in ahead of somebody with a lower place who was there";

const heads = (heading) =>
  page.locator("#verdict h2").getByText(heading, { exact: true }).waitFor();
const figures = async () =>
  Object.fromEntries(
    await page.locator("#figures dl > div").evaluateAll((all) =>
      all.map((one) => [...one.children].map((child) => child.textContent))
    ),
  );

test("a queue that is over is summed up in words and figures", async () => {
  await visit(makeReport());
  await heads(ORDERLY);
  assert.equal(await page.title(), "In order – The fairness report");
  assert.equal(await page.textContent("#say"), ORDERLY);
  const lead =
    "3,000 people entered, 2,400 of them before the opening. 2,000 were called up: 1,450 came, " +
    "500 did not come, and 50 had left. 1,400 were let in.";
  assert.equal(await page.textContent("#lead"), lead);
  assert.deepEqual(await figures(), {
    Queue: "demo",
    "How it ended": "Closed",
    Opened: "28 Nov 2026, 19:00:00",
    Entered: "3,000",
    "Of them shuffled": "2,400",
    "Called up": "2,000",
    Came: "1,450",
    "Did not come": "500",
    "Left before coming": "50",
    "Let in": "1,400",
    "Orders completed": "1,100",
    "Never called up": "1,000",
  });
  assert.equal(await page.getAttribute(".check", "href"), "/verify?queue=demo");
  assert.equal(await page.getAttribute("#back", "href"), "/queue/demo");
  assert.equal(await page.getAttribute("#raw", "href"), "/v1/queues/demo/fairness");
  assert.equal(await page.isVisible("#part"), false);
});

test("who was overtaken is the headline", async () => {
  await visit(makeReport({ inversions: 1 }));
  await heads("Once, somebody was let in ahead of somebody with a lower place who was there");
  assert.match(await page.getAttribute("#verdict", "class"), /failed/);
  await visit(makeReport({ inversions: 1234 }));
  await heads(
    "1,234 times, somebody was let in ahead of somebody with a lower place who was there",
  );
});

test("why there is no report yet is said, and it is looked for again", async () => {
  for (const [told, heading] of [
    [409, "Not over yet"],
    ["hang up", "No connection"],
    [503, "The report is being made"],
    ["<p>Shop</p>", "No report came"],
  ]) {
    await visit(told);
    await heads(heading);
    assert.equal(await page.isVisible("#figures"), false);
    says(makeReport());
    await page.getByRole("button", { name: "Look again" }).click();
    await heads(ORDERLY);
    assert.equal(await page.evaluate(() => document.activeElement.tagName), "H2",
      "who pressed it stays there");
    assert.equal(await page.isVisible("#again"), false);
  }
  await visit(404);
  await heads("No such queue");
  calls.length = 0;
  await visit(404, "/fairness?queue=No%20Such");
  await heads("No such queue");
  assert.ok(!calls.some((call) => call.startsWith("/v1/")),
    "what can be no queue's name is not asked for");
});

test("a saved report is opened from a file, chosen or dropped", async () => {
  await visit(404, "/fairness");
  await heads("No report yet");
  await page.setInputFiles("#chosen", asFile("saved.json", makeReport({ queueId: "other" })));
  await heads(ORDERLY);
  assert.equal((await figures()).Queue, "other");
  assert.equal(await page.getAttribute(".check", "href"), "/verify?queue=other");
  await drop(JSON.stringify(makeReport({ inversions: 2 })));
  await heads("2 times, somebody was let in ahead of somebody with a lower place who was there");
  assert.ok(!calls.some((call) => call.startsWith("/v1/")));
});

test("a file that is no report says why, and leaves what is shown", async () => {
  await visit(makeReport());
  await heads(ORDERLY);
  const { tenths: short } = makeReport();
  for (const [value, why] of [
    ["not even JSON", "it is not JSON"],
    ["null", "it holds something else"],
    [{ groups: [] }, "it holds something else"],
    [makeReport({ format: 2 }), "it has a format that this page does not know"],
    [makeReport({ came: -1 }), "its field came is not as it must be"],
    [makeReport({ inversions: "none" }), "its field inversions is not as it must be"],
    [makeReport({ tenths: short.slice(1) }), "its field tenths is not as it must be"],
    [makeReport({ openedAt: 1e16 }), "its field openedAt is not as it must be"],
    [makeReport({ queueId: "javascript:alert(1)" }), "its field queueId is not as it must be"],
  ]) {
    await page.setInputFiles("#chosen", asFile("holiday.json", value));
    await page.getByText(`holiday.json is no fairness report: ${why}.`).waitFor();
    await heads(ORDERLY);
  }
});

test("what a report says stays text", async () => {
  const hostile = "<img src=x onerror=alert(1)>";
  await visit(makeReport({ phase: hostile }));
  await heads(ORDERLY);
  assert.equal((await figures())["How it ended"], hostile);
  assert.equal(await page.locator("main img").count(), 0);
});

test("a part of the records is not taken for all of them", async () => {
  await visit(
    makeReport({
      complete: false,
      noShows: null,
      came: 300_000,
      calledUp: 1_000_000,
      entered: 1_000_000,
    }),
  );
  await heads(`As far as the records were read, n${ORDERLY.slice(1)}`);
  assert.equal(await page.isVisible("#part"), true);
  const { "Did not come": absent, "Left before coming": left } = await figures();
  assert.deepEqual([absent, left], ["not known", "not known"]);
  assert.match(await words("coming"), /^At least 30 % /);
  assert.doesNotMatch(await page.textContent("#lead"), /did not come/);
});

test("without script, the page says where the report is", async () => {
  await visitor({ javaScriptEnabled: false });
  await visit(makeReport());
  assert.equal(await page.isVisible("noscript h2"), true);
  assert.equal(await page.isVisible("#verdict"), false);
});

test("the page loads little: under 20 KB gzipped", async () => {
  await visit(makeReport());
  await heads(ORDERLY);
  const { bytes, files } = loaded();
  assert.ok(files >= 4 && bytes < 20_000, `${bytes} bytes in ${files} files`);
});

for (const colorScheme of ["light", "dark"]) {
  test(`no barriers by WCAG 2.2 AA, ${colorScheme}`, async () => {
    await visitor({ colorScheme, viewport: { width: 320, height: 640 }, reducedMotion: "reduce" });
    const states = [
      ...["ordinary", "empty", "out of order", "a part"].map((name) => [name, ODD[name][0]]),
      ["early", 409],
      ["unknown", 404],
    ];
    for (const [name, told] of states) {
      await visit(told);
      await page.waitForFunction(() =>
        document.querySelector("#verdict h2").textContent !== "Fetching the report …"
      );
      await assertNoBarriers(name);
    }
  });
}

test("the keyboard reaches all there is, and shows where it is", async () => {
  await visit(makeReport());
  await drawn("coming", "waits", "chance", "lanes");
  await page.locator("#chance summary").click();
  await page.evaluate(() => document.activeElement.blur());
  await page.locator("#verdict h2").focus();
  const asTable = "The numbers as a table";
  const chances = "Entrants by tenth of arrival (rows) and of place (columns)";
  assert.deepEqual(await tabUpTo("The report as JSON"), [asTable, asTable, asTable, chances,
    asTable, "chosen", "check the order", "Back to the waiting room", "The report as JSON"]);
});
