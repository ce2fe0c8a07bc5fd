// Bytes as the log's formats write them: hex, base64url, and integers with the highest byte first.

// Synchronous: WebCrypto's costs a promise for each hash, and a shuffle makes thousands.
import { sha256 } from "@noble/hashes/sha2.js";

const text = new TextEncoder();

/** The ASCII bytes of a format's label. */
export const label = (words) => text.encode(words);

export const toHex = (bytes) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Expects what a format has been checked to be: an even number of hex digits. */
export function fromHex(digits) {
  const bytes = new Uint8Array(digits.length / 2);
  for (let at = 0; at < bytes.length; at += 1) {
    bytes[at] = parseInt(digits.slice(2 * at, 2 * at + 2), 16);
  }
  return bytes;
}

/**
 * Base64url without padding, and in its one canonical form: unused bits are zero. Else undefined.
 */
export function fromBase64url(words) {
  if (!/^[\w-]*$/.test(words) || words.length % 4 === 1) return undefined;
  const standard = words.replaceAll("-", "+").replaceAll("_", "/");
  const bytes = Uint8Array.from(atob(standard), (one) => one.charCodeAt(0));
  return toBase64url(bytes) === words ? bytes : undefined;
}

function toBase64url(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** An integer below 2^53 in `length` bytes, the highest first. */
export function integer(value, length) {
  const bytes = new Uint8Array(length);
  for (let at = length - 1, rest = value; at >= 0; at -= 1) {
    bytes[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return bytes;
}

export const hash = (...parts) => sha256(concat(...parts));
