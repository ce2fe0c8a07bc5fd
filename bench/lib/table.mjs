// One table of all figures. A row is `{figure, value, unit, low?, high?, atLeast?, atMost?, cpu?,
// note?}`: `low` and `high` are what the measurements lie between, and `cpu` is a ratio's, in CPU
// time.

/**
 * Nothing where there is no target. "MISSED" takes the whole spread: where a part of it reaches the
 * target, noise alone may have kept the value from it, and the verdict is "unclear".
 */
export function verdict({ value, low = value, high = value, atLeast = -Infinity,
  atMost = Infinity }) {
  if (atLeast === -Infinity && atMost === Infinity) return "";
  if (value >= atLeast && value <= atMost) return "met";
  return high >= atLeast && low <= atMost ? "unclear" : "MISSED";
}

export function print(rows) {
  const cells = rows.map(
    (row) => [row.figure, written(row.value, row.unit), between(row), target(row), verdict(row),
      cpu(row), row.note ?? ""],
  );
  const table = [["figure", "measured", "spread", "target", "", "in CPU time", ""], ...cells];
  const widths = [0, 1, 2, 3, 4, 5].map((column) =>
    Math.max(...table.map((line) => line[column].length))
  );
  for (const line of table) {
    const [figure, ...others] = line;
    const columns = others.map((cell, number) => cell.padStart(widths[number + 1] ?? 0));
    console.log([figure.padEnd(widths[0]), ...columns].join("  ").trimEnd());
  }
}

const between = ({ low, high }) => (low === undefined ? "" : `${number(low)}–${number(high)}`);

const cpu =
  (row) => (row.cpu === undefined ? "" : `${written(row.cpu.value, row.unit)} ${between(row.cpu)}`);

function target({ unit, atLeast, atMost }) {
  if (atLeast !== undefined) return `≥ ${written(atLeast, unit)}`;
  if (atMost !== undefined) return `≤ ${written(atMost, unit)}`;
  return "";
}

function written(value, unit) {
  return unit === "$" ? `$${number(value)}` : `${number(value)} ${unit ?? ""}`.trim();
}

const number = (value) => (Number.isFinite(value)
  ? round(value).toLocaleString("en", { maximumFractionDigits: 4 })
  : "–");

function round(value) {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return Number(value.toFixed(digits));
}
