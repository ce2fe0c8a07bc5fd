// A chart of columns that stand on a line: its axes, and where each column is.

import { number, short } from "./format.js";
import { svg, text, ticks } from "./svg.js";

const HEIGHT = 170;
const ABOVE = 24; // for the upward axis's title
const BELOW = 40; // for the columns' names and their axis's title
const DIGIT = 7.6; // about as wide as a digit is
const NAME_WIDTH = 26;
const BROADEST = 72;
/** Where not all columns can be named, every so many are. */
const EVERY = [1, 2, 5, 10, 20, 50, 100, 200];

/**
 * Draws a chart of `width`: a column for each of `names`, up to `top`. `across` and `up` are the
 * axes' titles, `least` the smallest step between the values at the upward one. `column(number,
 * box)` draws one; `box` is `{x, breadth, y}`: where it begins, how broad it is, and how high a
 * value stands.
 */
export function columns({ width, names, top, least = 0, across, up, column }) {
  const marks = ticks(top, least);
  const highest = marks.at(-1);
  const labels = marks.map((mark) => (highest < 10_000 ? number(mark) : short(mark)));
  const left = Math.max(...labels.map((label) => label.length)) * DIGIT + 8;
  const y = (value) => ABOVE + HEIGHT * (1 - value / highest);
  const each = (width - left) / names.length;
  // Columns as narrow as hairs overlap a little, or seams between them would shimmer.
  const breadth = each > 4 ? Math.min(each - Math.min(each / 4, 12), BROADEST) : each + 0.8;
  const made = svg("svg", {
    width,
    height: ABOVE + HEIGHT + BELOW,
    viewBox: `0 0 ${width} ${ABOVE + HEIGHT + BELOW}`,
  });
  made.append(text(0, 12, up, { class: "axis" }));
  marks.forEach((mark, at) => {
    made.append(
      svg("line", {
        x1: left,
        x2: width,
        y1: y(mark),
        y2: y(mark),
        ...(mark === 0 && { class: "base" }),
      }),
    );
    made.append(text(left - 6, y(mark) + 4, labels[at], { "text-anchor": "end" }));
  });
  const room = Math.max(...names.map((name) => name.length)) > 2
    ? NAME_WIDTH + DIGIT
    : NAME_WIDTH - DIGIT;
  const every = EVERY.find((step) => step * each >= room) ?? names.length;
  names.forEach((name, at) => {
    const middle = left + (at + 0.5) * each;
    made.append(...column(at, { x: middle - breadth / 2, breadth, y }));
    if (at % every === 0) {
      made.append(
        text(Math.min(middle, width - (name.length * DIGIT) / 2), ABOVE + HEIGHT + 15, name, {
          "text-anchor": "middle",
        }),
      );
    }
  });
  made.append(text(width, ABOVE + HEIGHT + 34, across, { class: "axis", "text-anchor": "end" }));
  return made;
}

/** A column's rectangle, from one value up to another. */
export const bar = ({ x, breadth, y }, from, to, name, attributes) =>
  svg("rect", {
    class: name,
    x,
    width: breadth,
    y: y(to),
    height: Math.max(0, y(from) - y(to)),
    ...attributes,
  });
