// The plots of the page /fairness in a real browser: their numbers, words and shapes, and that they
// fit and can be seen.

import assert from "node:assert/strict";

import { ODD, makeReport, table, tenths } from "../../tests/support/report.mjs";
import { drawn, visit, words } from "./fairness.mjs";
import { openDetails, page, test, visitor } from "./static_page.mjs";

const rows = (name) =>
  page.locator(`#${name} tbody tr`).evaluateAll((all) =>
    all.map((row) => [...row.children].map((cell) => cell.textContent))
  );

/** Columns of one kind, as `[height, bottom]` in pixels. */
const columns = (name, kind) =>
  page.locator(`#${name} .drawn .${kind}`).evaluateAll((all) =>
    all.map((one) => [one.height.baseVal.value, one.y.baseVal.value + one.height.baseVal.value])
  );
const near = (actual, expected, what) =>
  assert.ok(Math.abs(actual - expected) < 0.1, `${what}: ${actual} is not ${expected}`);

/** What is drawn outside of the drawings, and text that overlaps other text, if any. */
const unfit = () =>
  page.evaluate(() =>
    [...document.querySelectorAll(".drawn svg")].flatMap((svg) => {
      const frame = svg.getBoundingClientRect();
      const boxes = [...svg.querySelectorAll("text")].map(
        (text) => [text.textContent, text.getBoundingClientRect()],
      );
      const outside = [...svg.querySelectorAll("text, .drawn rect:not(defs rect)")].filter(
        (one) => {
          const box = one.getBoundingClientRect();
          return box.width > 0 &&
            (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 ||
              box.bottom > frame.bottom + 1);
        },
      );
      const over = boxes.flatMap(([name, a], at) =>
        boxes.slice(at + 1).filter(([, b]) =>
          a.left < b.right && b.left < a.right && a.top + 3 < b.bottom && b.top + 3 < a.bottom
        ).map(([other]) => `${name} over ${other}`)
      );
      return [...outside.map((one) => one.outerHTML), ...over];
    })
  );

test("each plot stands beside a table with the same numbers", async () => {
  const report = makeReport();
  await visit(report);
  await drawn("coming", "waits", "chance", "lanes");
  const [came, away] = [await columns("coming", "solid"), await columns("coming", "hatched")];
  const [half, most] = [await columns("waits", "solid"), await columns("waits", "frame")];
  const base = came[0][1];
  report.tenths.forEach((tenth, at) => {
    near(came[at][0], (170 * tenth.came) / 200, "came");
    near(away[at][0], (170 * (tenth.calledUp - tenth.came)) / 200, "did not come");
    near(away[at][1], base - came[at][0], "stacked");
    near(half[at][0], (170 * tenth.medianWaitMs) / 900_000, "median");
    near(most[at][0], (170 * tenth.p90WaitMs) / 900_000, "90 %");
  });
  assert.deepEqual((await rows("coming"))[9], ["1,801–2,000", "200", "100", "100", "95"]);
  assert.deepEqual((await rows("waits"))[0], ["1–200", "185", "20 s", "35 s"]);
  assert.deepEqual((await rows("lanes"))[3], ["3", "747"]);
  assert.deepEqual(await rows("chance"),
    report.chance.table.map((row, at) => [String(at + 1), ...row.map(String)]));
  assert.match(await words("coming"),
    /^72\.5 % of those who were called up came\. Who does not come keeps nobody waiting/);
  const waits = await words("waits");
  assert.match(waits,
    /from places 1–200, half waited at most 20 s, and nine in ten at most 35 s; /);
  assert.match(waits, /; from places 1,801–2,000, 9\.3 min and 11\.8 min\.$/);
  assert.match(await words("lanes"), /4 lanes took between 740 and 772 each\.$/);
  for (const name of ["coming", "waits", "chance", "lanes"]) {
    const drawing = page.locator(`#${name} .drawn svg`);
    assert.equal(await drawing.getAttribute("role"), "img");
    assert.match(await drawing.getAttribute("aria-label"),
      /The table below has the same numbers\.$/);
  }
});

test("a time stands in the unit that suits it", async () => {
  for (const [wait, unit, said] of [
    [740, "milliseconds", "740 ms"],
    [59_000, "seconds", "59 s"],
    [5_400_000, "minutes", "90 min"],
    [90_000_000, "hours", "25 h"],
    [864_000_000, "days", "10 d"],
  ]) {
    const told = () => ({ came: 5, admitted: 5, medianWaitMs: 0, p90WaitMs: wait });
    await visit(makeReport({ calledUp: 50, tenths: tenths(50, told) }));
    await drawn("waits");
    assert.equal(await page.locator("#waits text").first().textContent(), `Wait, in ${unit}`);
    assert.equal((await rows("waits"))[0][3], said);
  }
});

test("arrival beside place is judged by its deviations", async () => {
  const judge = async (deviations) => {
    const chance = {
      sampled: 2000,
      table: table(2, 180),
      chiSquared: 84.2,
      degreesOfFreedom: 81,
      deviations,
    };
    await visit(makeReport({ chance }));
    await drawn("chance");
    return words("chance");
  };
  const usual = await judge(0.31);
  assert.match(usual, /as a blind shuffle would make it: 0\.3 standard deviations \(chi-/);
  assert.match(usual, / \(chi-squared 84\.2, 81 degrees of freedom\)\.$/);
  assert.match(await judge(-1), /as a blind shuffle would make it: 1 standard deviation \(/);
  assert.match(await judge(2.5), /one in twenty is/);
  assert.match(await judge(-3.5), /one in four hundred is/);
  assert.equal(await page.isVisible("#chance .note"), false);
  assert.match(await judge(57.3), /not as a blind shuffle would make it/);
  assert.equal(await page.getAttribute("#chance .note a", "href"), "/verify?queue=demo");
  const shades = await page.locator("#chance .drawn .cell").evaluateAll((cells) =>
    cells.map((cell) => Number(cell.getAttribute("fill-opacity")))
  );
  assert.deepEqual([shades.length, shades[0], shades[1]], [100, 1, 0.05]);
});

for (const [name, [report, plots]] of Object.entries(ODD)) {
  test(`a report is shown whole: ${name}`, async () => {
    for (const width of [320, 360, 1280]) {
      await visitor({ viewport: { width, height: 900 } });
      await visit(report);
      await page.locator("#figures").waitFor();
      await drawn(...plots);
      assert.deepEqual(
        await page.locator(".plot:has(.drawn)").evaluateAll((all) => all.map(({ id }) => id)),
        plots,
      );
      assert.equal(await page.locator(".plot > p").count(), 4, "each has its sentence");
      assert.doesNotMatch(await page.textContent("main"), /NaN|undefined|null|Infinity/);
      assert.doesNotMatch(await page.locator("#plots").innerHTML(),
        /NaN|undefined|Infinity| style=/);
      assert.deepEqual(await unfit(), [], `at ${width} px`);
      await openDetails();
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
    }
  });
}

test("drawings fit when the window becomes another", async () => {
  await visit(makeReport());
  await drawn("coming", "chance");
  for (const width of [1280, 320]) {
    await page.setViewportSize({ width, height: 900 });
    await page.waitForFunction(() =>
      [...document.querySelectorAll(".drawn")].every((one) =>
        one.firstChild.width.baseVal.value <= one.clientWidth &&
        one.clientWidth - one.firstChild.width.baseVal.value < 100
      )
    );
    assert.deepEqual(await unfit(), []);
  }
});

for (const colorScheme of ["light", "dark"]) {
  test(`marks stand out from their ground, ${colorScheme}`, async () => {
    await visitor({ colorScheme });
    await visit(makeReport());
    await drawn("coming", "waits", "chance");
    const contrasts = await page.evaluate(() => {
      const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
      const rgb = (color) => {
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        return canvas.getImageData(0, 0, 1, 1).data.slice(0, 3);
      };
      const light = (color) =>
        rgb(color).reduce((sum, value, at) => {
          const part = value / 255;
          return sum +
            [0.2126, 0.7152, 0.0722][at] *
              (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        }, 0);
      const contrast = (a, b) =>
        (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
      const of = (selector, property) =>
        getComputedStyle(document.querySelector(selector))[property];
      const card = of(".plot", "backgroundColor");
      return {
        column: contrast(of("#coming .solid", "fill"), card),
        hatching: contrast(of("#coming .hatched", "stroke"), card),
        frame: contrast(of("#waits .frame", "stroke"), card),
        "median in the frame": contrast(of("#waits .solid", "fill"), of("#waits .frame", "fill")),
        base: contrast(of("#coming .base", "stroke"), card),
        text: contrast(of("#coming text", "fill"), card) / 1.5,
        "axis title": contrast(of("#coming .axis", "fill"), card) / 1.5,
        "text in the fullest cell":
          contrast(of("#chance text:not(.axis)", "fill"), of("#chance .cell", "fill")) / 1.5,
      };
    });
    // WCAG's 3 for marks, and 4.5 for text.
    assert.deepEqual(Object.entries(contrasts).filter(([, value]) => value < 3), []);
  });
}
