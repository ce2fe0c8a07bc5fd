// What shape a value must have. A shape is a function of a value, its path and the list of faults
// that it adds to: `{path, what}`. Objects are held to all their fields, and to no other.

import { fromBase64url } from "./bytes.js";
import { below } from "./strict_json.js";

export const QUEUE_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

const shape = (fits, what) => (value, path, faults) => {
  if (!fits(value)) faults.push({ path, what: `is not ${what}` });
};

export const hex = (bytes) => {
  const digits = new RegExp(`^[0-9a-f]{${2 * bytes}}$`);
  return shape((value) => typeof value === "string" && digits.test(value),
    `${bytes} bytes in lowercase hex`);
};

/** An integer of 0 to `most`. */
export const integer = (most = Number.MAX_SAFE_INTEGER) =>
  shape((value) => Number.isSafeInteger(value) && value >= 0 && value <= most,
    `a whole number up to ${most}`);

export const flag = shape((value) => typeof value === "boolean", "true or false");

export const matching = (pattern, what) =>
  shape((value) => typeof value === "string" && pattern.test(value), what);

/** One of these very values. */
export const exactly = (...allowed) =>
  shape((value) => allowed.includes(value), allowed.map((one) => JSON.stringify(one)).join(" or "));

export const base64url = (bytes) =>
  shape((value) => typeof value === "string" && fromBase64url(value)?.length === bytes,
    `${bytes} bytes in canonical base64url`);

export const orNull = (inner) => (value, path, faults) => {
  if (value !== null) inner(value, path, faults);
};

export const listOf = (inner, most = Infinity) => (value, path, faults) => {
  if (!Array.isArray(value)) return faults.push({ path, what: "is not a list" });
  if (value.length > most) faults.push({ path, what: `has more than ${most} items` });
  for (let at = 0; at < value.length; at += 1) inner(value[at], `${path}[${at}]`, faults);
};

/** `optional` fields may be left out. */
export const object = (fields, optional = {}) => (value, path, faults) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return faults.push({ path, what: "is not an object" });
  }
  for (const name of Object.keys(value)) {
    if (Object.hasOwn(optional, name)) optional[name](value[name], below(path, name), faults);
    else if (!Object.hasOwn(fields, name)) {
      faults.push({ path: below(path, name), what: "is not a field of this format" });
    }
  }
  for (const [name, inner] of Object.entries(fields)) {
    if (Object.hasOwn(value, name)) inner(value[name], below(path, name), faults);
    else faults.push({ path: below(path, name), what: "is missing" });
  }
};

/** The faults of `value`, none where it fits. */
export function faultsOf(value, fits) {
  const faults = [];
  fits(value, "", faults);
  return faults;
}

/** Faults of what stands in field `name`. */
export const within = (name, faults) =>
  faults.map(({ path, what }) => ({ path: path ? below(name, path) : name, what }));

/** Says faults in a line: the first few, and how many more there are. */
export function inWords(faults, most = 5) {
  const said = faults.slice(0, most).map(({ path, what }) => `${path || "the text"} ${what}`);
  if (faults.length > most) said.push(`and ${faults.length - most} more`);
  return said.join("; ");
}
