// The report's plots. Each has a title, a sentence, a legend, a drawing for any width, and the same
// numbers as a table: `{name, title, words, legend, draw, label, table}`; without `draw` there is
// nothing to be seen, and `table` is left out with it.

import { bar, columns } from "./columns.js";
import { duration, number, unitOf } from "./format.js";
import { heat } from "./heat.js";
import { svg } from "./svg.js";
import * as words from "./words.js";

const ACROSS = "Called-up places, by tenth (1 = the front)";
const ACROSS_SHORT = "Places, by tenth (1 = the front)";
const TENTHS = Array.from({ length: 10 }, (_, number) => String(number + 1));
/** Below it, a title stands in fewer words. */
const NARROW = 300;

const across = (width) => (width < NARROW ? ACROSS_SHORT : ACROSS);

/** What did not come is hatched: it differs by more than its colour. */
const hatching = () =>
  svg("defs", {}, svg("pattern", {
    id: "hatch",
    width: 6,
    height: 6,
    patternUnits: "userSpaceOnUse",
    patternTransform: "rotate(45)",
  }, svg("rect", { class: "stroke", width: 1, height: 6 })));

const HATCHED = { fill: "url(#hatch)" };

function waits({ tenths }) {
  const longest = Math.max(
    ...tenths.map(({ medianWaitMs, p90WaitMs }) => Math.max(medianWaitMs ?? 0, p90WaitMs ?? 0)),
  );
  const unit = unitOf(longest);
  const told = tenths.some(({ medianWaitMs, p90WaitMs }) => (medianWaitMs ?? p90WaitMs) !== null);
  return {
    name: "waits",
    title: "How long they waited",
    words: words.waits({ tenths }),
    legend: [["solid", "half waited at most this"], ["frame", "nine in ten at most this"]],
    label:
      "Columns: for each tenth of the called-up places, the median wait and the 90th percentile " +
      "of those who were let in.",
    draw: told &&
      ((width) =>
        columns({
          width,
          names: TENTHS,
          top: longest / unit.millis,
          across: across(width),
          up: `Wait, in ${unit.name}`,
          column: (at, box) => {
            const { medianWaitMs, p90WaitMs } = tenths[at];
            const columns = [["frame", p90WaitMs], ["solid", medianWaitMs]].filter(([, value]) =>
              value !== null
            );
            return columns.map(([name, value]) => bar(box, 0, value / unit.millis, name));
          },
        })),
    table: {
      caption: "Waits of those who were let in",
      head: ["Places", "Let in", "Median", "90 %"],
      rows: tenths.map(
        (tenth) => [words.places(tenth), number(tenth.admitted), duration(tenth.medianWaitMs),
          duration(tenth.p90WaitMs)],
      ),
    },
  };
}

function coming(report) {
  const { tenths, calledUp } = report;
  const away = ({ calledUp: called, came }) => Math.max(0, called - came);
  return {
    name: "coming",
    title: "Who came and who did not",
    words: words.coming(report),
    legend: [
      ["solid", "came"],
      ["hatched", report.complete ? "did not come, or left before" : "not known to have come"],
    ],
    label:
      "Stacked columns: for each tenth of the called-up places, how many came and how many did " +
      "not.",
    draw: calledUp > 0 &&
      ((width) => {
        const chart = columns({
          width,
          names: TENTHS,
          top: Math.max(...tenths.map((tenth) => tenth.came + away(tenth))),
          least: 1,
          across: across(width),
          up: "People",
          column: (at, box) => {
            const came = tenths[at].came;
            return [bar(box, 0, came, "solid"),
              bar(box, came, came + away(tenths[at]), "hatched", HATCHED)];
          },
        });
        chart.prepend(hatching());
        return chart;
      }),
    table: {
      caption: "Who came, of those who were called up",
      head: ["Places", "Called up", "Came", "Did not", "Let in"],
      rows: tenths.map(
        (tenth) => [words.places(tenth),
          ...[tenth.calledUp, tenth.came, away(tenth), tenth.admitted].map(number)],
      ),
    },
  };
}

function lanes(report) {
  const { lanes: all } = report;
  return {
    name: "lanes",
    title: "Where they entered",
    words: words.lanes(report),
    legend: [],
    label: "Columns: how many entries came through each lane.",
    draw: all.length > 0 &&
      ((width) =>
        columns({
          width,
          names: all.map(({ lane }) => String(lane)),
          top: Math.max(...all.map(({ entries }) => entries)),
          least: 1,
          across: "Lane",
          up: "Entries",
          column: (at, box) => [bar(box, 0, all[at].entries, "solid")],
        })),
    table: {
      caption: "Entries by lane",
      head: ["Lane", "Entries"],
      rows: all.map(({ lane, entries }) => [String(lane), number(entries)]),
    },
  };
}

function chance(report) {
  const found = report.chance;
  const { words: said, isOdd } = words.chance(report);
  const plot = {
    name: "chance",
    title: "Did it matter when you came?",
    words: said,
    isOdd,
    legend: [],
  };
  if (found === null) return plot;
  return {
    ...plot,
    legend: [["cell", "0", 0], ["cell", "evenly spread", 0.5], ["cell", "twice that, or more", 1]],
    label:
      "A table of shades: arrival by tenth, down, and place by tenth, across. A blind shuffle " +
      "shades all cells about alike.",
    draw: (width) => heat({ width, table: found.table, sampled: found.sampled }),
    table: {
      caption: "Entrants by tenth of arrival (rows) and of place (columns)",
      head: ["Arrival", ...TENTHS],
      rows: found.table.map((row, at) => [TENTHS[at], ...row.map(number)]),
    },
  };
}

export const plots = (report) => [coming(report), waits(report), chance(report), lanes(report)];

/** What a legend shows of a mark. */
export function swatch([name, , fullness]) {
  const mark = svg("rect", {
    class: name,
    x: 1,
    y: 1,
    width: 14,
    height: 14,
    ...(name === "hatched" && HATCHED),
    ...(fullness !== undefined && { "fill-opacity": fullness }),
  });
  const frame = name === "cell"
    ? [svg("rect", { class: "bed", x: 0.5, y: 0.5, width: 15, height: 15 })]
    : [];
  return svg("svg", {
    width: 16,
    height: 16,
    viewBox: "0 0 16 16",
    "aria-hidden": "true",
    focusable: "false",
  }, mark, ...frame);
}
