// SVG elements, and the numbers beside an axis. Only attributes are set: the page's policy forbids
// styles.

const SVG = "http://www.w3.org/2000/svg";

/** An element of SVG; what is appended to it may be nodes or text. */
export function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, typeof value === "number" ? round(value) : value);
  }
  made.append(...children);
  return made;
}

const round = (value) => String(Math.round(value * 100) / 100);

export const text = (x, y, words, attributes) => svg("text", { x, y, ...attributes }, words);

/** Round numbers from 0 to the first that is not below `top`; `least` is the smallest step. */
export function ticks(top, least = 0) {
  const rough = Math.max(top / 4, least, Number.MIN_VALUE);
  const power = 10 ** Math.floor(Math.log10(rough));
  // What is rounded up is compared with a little slack: 10 ** n is not always exact.
  const step = Math.max(least,
    power * [1, 2, 5, 10].find((factor) => factor * power >= rough * (1 - 1e-9)));
  const count = Math.max(1, Math.ceil(top / step - 1e-9));
  return Array.from({ length: count + 1 }, (_, number) => number * step);
}
