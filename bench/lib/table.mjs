// One table of all figures. A row is `{figure, value, unit, atLeast?, atMost?, note?}`.

/** "met", "MISSED", or nothing where there is no target. */
export function verdict({ value, atLeast, atMost }) {
  if (atLeast === undefined && atMost === undefined) return "";
  return value >= (atLeast ?? -Infinity) && value <= (atMost ?? Infinity) ? "met" : "MISSED";
}

export function print(rows) {
  const cells = rows.map((row) => [row.figure, written(row.value, row.unit), target(row), verdict(row), row.note ?? ""]);
  const table = [["figure", "measured", "target", "", ""], ...cells];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((line) => line[column].length)));
  for (const line of table) {
    console.log(line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column] ?? 0))).join("  ").trimEnd());
  }
}

function target({ unit, atLeast, atMost }) {
  if (atLeast !== undefined) return `≥ ${written(atLeast, unit)}`;
  if (atMost !== undefined) return `≤ ${written(atMost, unit)}`;
  return "";
}

function written(value, unit) {
  const number = Number.isFinite(value) ? round(value).toLocaleString("en", { maximumFractionDigits: 4 }) : "–";
  return unit === "$" ? `$${number}` : `${number} ${unit ?? ""}`.trim();
}

function round(value) {
  const size = Math.abs(value);
  const digits = size >= 1000 ? 0 : size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return Number(value.toFixed(digits));
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
