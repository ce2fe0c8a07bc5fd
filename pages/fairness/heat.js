// Arrival and place as a table of shades: the fuller a cell, the more entrants of that row and
// column.

import { number } from "./format.js";
import { svg, text } from "./svg.js";

const ABOVE = 24;
const BELOW = 40;
const LEFT = 22;
const WIDEST = 460;
/** How broad a cell must be for a number in it. */
const ROOM = 27;

/** How full a cell is shaded, 0 to 1: what is evenly spread stands in the middle. */
export const shade = (
  count,
  sampled,
) => (sampled === 0 ? 0 : Math.min(1, count / (2 * Math.max(1, sampled / 100))));

export function heat({ width, table, sampled }) {
  const across = Math.min(width, WIDEST);
  const side = (across - LEFT) / 10;
  const end = ABOVE + 10 * side;
  const made = svg("svg", {
    width: across,
    height: end + BELOW,
    viewBox: `0 0 ${across} ${end + BELOW}`,
  });
  made.append(text(0, 12, "Arrival, by tenth (1 = the earliest)", { class: "axis" }));
  table.forEach((row, down) => {
    const y = ABOVE + down * side;
    made.append(text(LEFT - 6, y + side / 2 + 4, String(down + 1), { "text-anchor": "end" }));
    row.forEach((count, right) => {
      const x = LEFT + right * side;
      made.append(
        svg("rect", {
          class: "cell",
          x: x + 0.5,
          y: y + 0.5,
          width: side - 1,
          height: side - 1,
          "fill-opacity": shade(count, sampled),
        }),
      );
      const said = number(count);
      if (side >= ROOM && said.length <= 4) {
        made.append(text(x + side / 2, y + side / 2 + 4, said, { "text-anchor": "middle" }));
      }
    });
  });
  made.append(
    svg("rect", { class: "bed", x: LEFT, y: ABOVE, width: 10 * side, height: 10 * side }),
  );
  for (let right = 0; right < 10; right += 1) {
    made.append(
      text(LEFT + (right + 0.5) * side, end + 15, String(right + 1), { "text-anchor": "middle" }),
    );
  }
  made.append(
    text(across, end + 34, "Place, by tenth (1 = the front)", {
      class: "axis",
      "text-anchor": "end",
    }),
  );
  return made;
}
