// The page /fairness in a real browser, served from its folder beside a shop that answers what a test
// tells it to: `CHROMIUM=/path/to/chromium node --test pages/tests/fairness-page.test.mjs`.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { after, afterEach, before, beforeEach, test as declare } from "node:test";
import { chromium } from "playwright-core";

import { ODD, makeReport, table, tenths } from "../../tests/support/report.mjs";

const LIMIT = { timeout: 60_000 };
const test = (name, body) => declare(name, LIMIT, body);

const STATIC = join(import.meta.dirname, "../static");
const TYPES = { ".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml" };
const HEADERS = Object.fromEntries(
  readFileSync(join(STATIC, "_headers"), "utf8").split("\n").flatMap((line) => (line.startsWith("  ") ? [line.trim().split(/: (.*)/).slice(0, 2)] : [])),
);
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const ORDERLY = "Nobody was let in ahead of somebody with a lower place who was there";

let browser, server, base, context, page;
let answer; // what the shop says of the queue: a report, a status, or "hang up"
let calls; // the paths that were asked for
let complaints; // what the browser's console says is wrong

/** The file that answers a path, as the platform finds it. */
const fileOf = (url) => join(STATIC, url.startsWith("/fairness") ? "fairness.html" : url);

function serve({ url }, response) {
  calls.push(url);
  if (/^\/(fairness|tidegate)\b/.test(url)) {
    return response.writeHead(200, { ...HEADERS, "content-type": TYPES[extname(fileOf(url))] }).end(readFileSync(fileOf(url)));
  }
  if (answer === "hang up") return response.destroy();
  const said = url === "/v1/queues/demo/fairness" ? answer : 404;
  const [status, body] = typeof said === "number" ? [said, { status: said }] : [200, said];
  response.writeHead(status, { "content-type": "application/json" }).end(typeof body === "string" ? body : JSON.stringify(body));
}

before(async () => {
  execFileSync(join(import.meta.dirname, "../../scripts/build-pages"));
  server = createServer(serve).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  base = `http://127.0.0.1:${server.address().port}`;
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  server?.close();
});

beforeEach(() => visitor());

async function visitor(options = {}) {
  await context?.close();
  [answer, calls, complaints] = [404, [], []];
  context = await browser.newContext({ viewport: { width: 390, height: 844 }, locale: "en-GB", timezoneId: "Europe/Berlin", ...options });
  page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // A refused call is part of many tests.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) complaints.push(message.text());
  });
}

afterEach(() => assert.deepEqual(complaints, []), LIMIT);

const visit = async (told, path = "/fairness?queue=demo") => {
  answer = told;
  await page.goto(base + path);
};
const heads = (heading) => page.locator("#verdict h2").getByText(heading, { exact: true }).waitFor();
const drawn = (...names) => Promise.all(names.map((name) => page.locator(`#${name} .drawn svg`).waitFor()));
const words = (name) => page.locator(`#${name} > p`).textContent();
const rows = (name) =>
  page.locator(`#${name} tbody tr`).evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));
const figures = async () =>
  Object.fromEntries(await page.locator("#figures dl > div").evaluateAll((all) => all.map((one) => [...one.children].map((child) => child.textContent))));
const asFile = (name, value) => ({ name, mimeType: "application/json", buffer: Buffer.from(typeof value === "string" ? value : JSON.stringify(value)) });

/** Columns of one kind, as `[height, bottom]` in pixels. */
const columns = (name, kind) =>
  page.locator(`#${name} .drawn .${kind}`).evaluateAll((all) => all.map((one) => [one.height.baseVal.value, one.y.baseVal.value + one.height.baseVal.value]));
const near = (actual, expected, what) => assert.ok(Math.abs(actual - expected) < 0.1, `${what}: ${actual} is not ${expected}`);

/** What is drawn outside of the drawings, and text that overlaps other text, if any. */
const unfit = () =>
  page.evaluate(() =>
    [...document.querySelectorAll(".drawn svg")].flatMap((svg) => {
      const frame = svg.getBoundingClientRect();
      const boxes = [...svg.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
      const outside = [...svg.querySelectorAll("text, .drawn rect:not(defs rect)")].filter((one) => {
        const box = one.getBoundingClientRect();
        return box.width > 0 && (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1);
      });
      const over = boxes.flatMap(([name, a], at) =>
        boxes.slice(at + 1).filter(([, b]) => a.left < b.right && b.left < a.right && a.top + 3 < b.bottom && b.top + 3 < a.bottom).map(([other]) => `${name} over ${other}`),
      );
      return [...outside.map((one) => one.outerHTML), ...over];
    }),
  );

test("a queue that is over is summed up in words and figures", async () => {
  await visit(makeReport());
  await heads(ORDERLY);
  assert.equal(await page.title(), "In order – The fairness report");
  assert.equal(await page.textContent("#say"), ORDERLY);
  const lead = "3,000 people entered, 2,400 of them before the opening. 2,000 were called up: 1,450 came, 500 did not come, and 50 had left. 1,400 were let in.";
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
  assert.deepEqual(await rows("chance"), report.chance.table.map((row, at) => [String(at + 1), ...row.map(String)]));
  assert.match(await words("coming"), /^72\.5 % of those who were called up came\. Who does not come keeps nobody waiting/);
  assert.match(await words("waits"), /from places 1–200, half waited at most 20 s, and nine in ten at most 35 s; from places 1,801–2,000, 9\.3 min and 11\.8 min\.$/);
  assert.match(await words("lanes"), /4 lanes took between 740 and 772 each\.$/);
  for (const name of ["coming", "waits", "chance", "lanes"]) {
    const drawing = page.locator(`#${name} .drawn svg`);
    assert.equal(await drawing.getAttribute("role"), "img");
    assert.match(await drawing.getAttribute("aria-label"), /The table below has the same numbers\.$/);
  }
});

test("a time stands in the unit that suits it", async () => {
  for (const [wait, unit, said] of [[740, "milliseconds", "740 ms"], [59_000, "seconds", "59 s"], [5_400_000, "minutes", "90 min"], [90_000_000, "hours", "25 h"], [864_000_000, "days", "10 d"]]) {
    const told = () => ({ came: 5, admitted: 5, medianWaitMs: 0, p90WaitMs: wait });
    await visit(makeReport({ calledUp: 50, tenths: tenths(50, told) }));
    await drawn("waits");
    assert.equal(await page.locator("#waits text").first().textContent(), `Wait, in ${unit}`);
    assert.equal((await rows("waits"))[0][3], said);
  }
});

test("whoever was overtaken is the headline", async () => {
  await visit(makeReport({ inversions: 1 }));
  await heads("Once, somebody was let in ahead of somebody with a lower place who was there");
  assert.match(await page.getAttribute("#verdict", "class"), /failed/);
  await visit(makeReport({ inversions: 1234 }));
  await heads("1,234 times, somebody was let in ahead of somebody with a lower place who was there");
});

test("arrival beside place is judged by its deviations", async () => {
  const judge = async (deviations) => {
    const chance = { sampled: 2000, table: table(2, 180), chiSquared: 84.2, degreesOfFreedom: 81, deviations };
    await visit(makeReport({ chance }));
    await drawn("chance");
    return words("chance");
  };
  assert.match(await judge(0.31), /as a blind shuffle would make it: 0\.3 standard deviations \(chi-squared 84\.2, 81 degrees of freedom\)\.$/);
  assert.match(await judge(-1), /as a blind shuffle would make it: 1 standard deviation \(/);
  assert.match(await judge(2.5), /one in twenty is/);
  assert.match(await judge(-3.5), /one in four hundred is/);
  assert.equal(await page.isVisible("#chance .note"), false);
  assert.match(await judge(57.3), /not as a blind shuffle would make it/);
  assert.equal(await page.getAttribute("#chance .note a", "href"), "/verify?queue=demo");
  const shades = await page.locator("#chance .drawn .cell").evaluateAll((cells) => cells.map((cell) => Number(cell.getAttribute("fill-opacity"))));
  assert.deepEqual([shades.length, shades[0], shades[1]], [100, 1, 0.05]);
});

test("why there is no report yet is said, and it is looked for again", async () => {
  for (const [told, heading] of [[409, "Not over yet"], ["hang up", "No connection"], [503, "The report is being made"], ["<p>Shop</p>", "No report came"]]) {
    await visit(told);
    await heads(heading);
    assert.equal(await page.isVisible("#figures"), false);
    answer = makeReport();
    await page.getByRole("button", { name: "Look again" }).click();
    await heads(ORDERLY);
    assert.equal(await page.evaluate(() => document.activeElement.tagName), "H2", "who pressed it stays there");
    assert.equal(await page.isVisible("#again"), false);
  }
  await visit(404);
  await heads("No such queue");
  calls.length = 0;
  await visit(404, "/fairness?queue=No%20Such");
  await heads("No such queue");
  assert.ok(!calls.some((call) => call.startsWith("/v1/")), "what can be no queue's name is not asked for");
});

test("a saved report is opened from a file, chosen or dropped", async () => {
  await visit(404, "/fairness");
  await heads("No report yet");
  await page.setInputFiles("#chosen", asFile("saved.json", makeReport({ queueId: "other" })));
  await heads(ORDERLY);
  assert.equal((await figures()).Queue, "other");
  assert.equal(await page.getAttribute(".check", "href"), "/verify?queue=other");
  const held = await page.evaluateHandle((text) => {
    const given = new DataTransfer();
    given.items.add(new File([text], "dropped.json"));
    return given;
  }, JSON.stringify(makeReport({ inversions: 2 })));
  await page.dispatchEvent("#files", "dragover", { dataTransfer: held });
  assert.match(await page.getAttribute("#files", "class"), /over/);
  await page.dispatchEvent("#files", "drop", { dataTransfer: held });
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
  await visit(makeReport({ complete: false, noShows: null, came: 300_000, calledUp: 1_000_000, entered: 1_000_000 }));
  await heads(`As far as the records were read, n${ORDERLY.slice(1)}`);
  assert.equal(await page.isVisible("#part"), true);
  assert.deepEqual([(await figures())["Did not come"], (await figures())["Left before coming"]], ["not known", "not known"]);
  assert.match(await words("coming"), /^At least 30 % /);
  assert.doesNotMatch(await page.textContent("#lead"), /did not come/);
});

for (const [name, [report, plots]] of Object.entries(ODD)) {
  test(`a report is shown whole: ${name}`, async () => {
    for (const width of [320, 360, 1280]) {
      await visitor({ viewport: { width, height: 900 } });
      await visit(report);
      await page.locator("#figures").waitFor();
      await drawn(...plots);
      assert.deepEqual(await page.locator(".plot:has(.drawn)").evaluateAll((all) => all.map(({ id }) => id)), plots);
      assert.equal(await page.locator(".plot > p").count(), 4, "each has its sentence");
      assert.doesNotMatch(await page.textContent("main"), /NaN|undefined|null|Infinity/);
      assert.doesNotMatch(await page.locator("#plots").innerHTML(), /NaN|undefined|Infinity| style=/);
      assert.deepEqual(await unfit(), [], `at ${width} px`);
      await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
    }
  });
}

test("drawings fit when the window becomes another", async () => {
  await visit(makeReport());
  await drawn("coming", "chance");
  for (const width of [1280, 320]) {
    await page.setViewportSize({ width, height: 900 });
    await page.waitForFunction(() => [...document.querySelectorAll(".drawn")].every((one) => one.firstChild.width.baseVal.value <= one.clientWidth && one.clientWidth - one.firstChild.width.baseVal.value < 100));
    assert.deepEqual(await unfit(), []);
  }
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
  const files = calls.filter((call) => call.startsWith("/fairness") || /^\/tidegate\/.*\.(js|css)$/.test(call)).map(fileOf);
  const size = files.reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0);
  assert.ok(files.length >= 4 && size < 20_000, `${size} bytes in ${files.length} files`);
});

for (const colorScheme of ["light", "dark"]) {
  test(`no barriers by WCAG 2.2 AA, ${colorScheme}`, async () => {
    await visitor({ colorScheme, viewport: { width: 320, height: 640 }, reducedMotion: "reduce" });
    const states = [...["ordinary", "empty", "out of order", "a part"].map((name) => [name, ODD[name][0]]), ["early", 409], ["unknown", 404]];
    for (const [name, told] of states) {
      await visit(told);
      await page.waitForFunction(() => document.querySelector("#verdict h2").textContent !== "Fetching the report …");
      await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
      // Not by the page's own means: its policy lets no foreign script in.
      const client = await context.newCDPSession(page);
      await client.send("Runtime.evaluate", { expression: AXE });
      const barriers = await page.evaluate(async (tags) => {
        const { violations } = await globalThis.axe.run(document, { runOnly: tags });
        return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`));
      }, WCAG);
      assert.deepEqual(barriers, [], name);
      const [headings, small] = await page.evaluate(() => [
        document.querySelectorAll("h1").length,
        [...document.querySelectorAll("a, button, summary, .button")].filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 24).map((one) => one.outerHTML),
      ]);
      assert.deepEqual([headings, small], [1, []], name);
    }
  });

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
      const light = (color) => rgb(color).reduce((sum, value, at) => {
        const part = value / 255;
        return sum + [0.2126, 0.7152, 0.0722][at] * (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
      }, 0);
      const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
      const of = (selector, property) => getComputedStyle(document.querySelector(selector))[property];
      const card = of(".plot", "backgroundColor");
      return {
        column: contrast(of("#coming .solid", "fill"), card),
        hatching: contrast(of("#coming .hatched", "stroke"), card),
        frame: contrast(of("#waits .frame", "stroke"), card),
        "median in the frame": contrast(of("#waits .solid", "fill"), of("#waits .frame", "fill")),
        base: contrast(of("#coming .base", "stroke"), card),
        text: contrast(of("#coming text", "fill"), card) / 1.5,
        "axis title": contrast(of("#coming .axis", "fill"), card) / 1.5,
        "text in the fullest cell": contrast(of("#chance text:not(.axis)", "fill"), of("#chance .cell", "fill")) / 1.5,
      };
    });
    // WCAG's 3 for marks, and 4.5 for text.
    assert.deepEqual(Object.entries(contrasts).filter(([, value]) => value < 3), []);
  });
}

test("the keyboard reaches all there is, and shows where it is", async () => {
  await visit(makeReport());
  await drawn("coming", "waits", "chance", "lanes");
  await page.locator("#chance summary").click();
  await page.evaluate(() => document.activeElement.blur());
  await page.locator("#verdict h2").focus();
  const reached = [];
  for (const last = "The report as JSON"; reached.at(-1) !== last; ) {
    await page.keyboard.press("Tab");
    const [name, outline] = await page.evaluate(() => {
      const { activeElement: focused } = document;
      // What is seen of the field for files is its label.
      const seen = focused.id === "chosen" ? document.querySelector("label[for=chosen]") : focused;
      return [focused.ariaLabel ?? (focused.id === "chosen" ? "chosen" : focused.textContent.trim()), getComputedStyle(seen).outlineStyle];
    });
    reached.push(name);
    assert.equal(outline, "solid", reached.join());
  }
  const asTable = "The numbers as a table";
  const chances = "Entrants by tenth of arrival (rows) and of place (columns)";
  assert.deepEqual(reached, [asTable, asTable, asTable, chances, asTable, "chosen", "check the order", "Back to the waiting room", "The report as JSON"]);
});
