// Figures as people read them.

export const number = new Intl.NumberFormat("en").format;
export const short =
  new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 }).format;
export const decimal = new Intl.NumberFormat("en", { maximumFractionDigits: 1 }).format;

export const moment = (at) =>
  new Date(at).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });

/**
 * Units of time: milliseconds in one, its name, its short name, and up to what it is told in the
 * one below.
 */
const UNITS = [
  { millis: 86_400_000, name: "days", short: "d", from: 172_800_000 },
  { millis: 3_600_000, name: "hours", short: "h", from: 7_200_000 },
  { millis: 60_000, name: "minutes", short: "min", from: 120_000 },
  { millis: 1_000, name: "seconds", short: "s", from: 1_000 },
  { millis: 1, name: "milliseconds", short: "ms", from: 0 },
];

/** The unit in which a time of so many milliseconds is told. */
export const unitOf = (millis) => UNITS.find(({ from }) => millis >= from);

export function duration(millis) {
  if (millis === null) return "–";
  const unit = unitOf(millis);
  return `${decimal(millis / unit.millis)} ${unit.short}`;
}
