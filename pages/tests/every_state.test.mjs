// Every state of the pages: readable on a narrow phone and a wide screen, by light and by dark, by
// eye and by ear.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { POLL, folder, page, test, visit } from "./stand_in.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

const PATIENCE = { timeout: 120_000 }; // for some sixty pages

// The page that goes on to the checkout at once, and the list of all.
const LEFT_OUT = ["granted.html", "index.html"];

async function eachState(check) {
  const files = readdirSync(folder).filter((name) =>
    name.endsWith(".html") && !LEFT_OUT.includes(name)
  );
  assert.ok(files.length > 40, `${files.length} states`);
  for (const file of files) {
    const state = file.replace(".html", "");
    await visit(state, { "GET status": [{ ...POLL, status: "OTHER" }] });
    await page.evaluate(() =>
      document.querySelectorAll("details").forEach((details) => (details.open = true))
    );
    await check(state);
  }
}

test("every state fits a narrow phone, and whatever is pressed is large enough", async () => {
  await page.setViewportSize({ width: 320, height: 640 });
  await eachState(async (state) => {
    const [scroll, small, headings] = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      [...document.querySelectorAll("a, button, summary")].filter((one) =>
        one.checkVisibility() && one.getBoundingClientRect().height < 24
      ).map((one) => one.outerHTML),
      document.querySelectorAll("h1").length,
    ]);
    assert.deepEqual([scroll, small, headings], [320, [], 1], state);
  });
}, PATIENCE);

for (const [colorScheme, width] of [
  ["light", 360],
  ["dark", 1280],
]) {
  test(`no state has barriers, ${colorScheme} and ${width} px wide`, async () => {
    await page.setViewportSize({ width, height: 740 });
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await eachState(async (state) => {
      await page.evaluate(AXE);
      // A page that stands in for one that failed says that it tries again, and when.
      const rules = { "meta-refresh": { enabled: !state.startsWith("problem-") } };
      const options = { runOnly: WCAG, rules };
      const { violations } = await page.evaluate((options) => globalThis.axe.run(document, options),
        options);
      const found = violations.flatMap(({ id, nodes }) =>
        nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`)
      );
      assert.deepEqual(found, [], state);
    });
  }, PATIENCE);
}
