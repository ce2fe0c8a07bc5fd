// Tickets and handoff tokens as somebody else would make them: with a stock JWT library.

import { SignJWT, decodeJwt, decodeProtectedHeader } from "jose";

const TICKET_TYPE = "tidegate-ticket+jwt";

/** The first key of a secret such as TICKET_KEYS: `{kid, bytes}`. */
export function firstKey(list) {
  const [{ kid, key }] = JSON.parse(list);
  return { kid, bytes: Buffer.from(key.replace(/^dev-/, ""), "base64url") };
}

/** Signs a ticket like `ticket`, with other claims, header fields or key. */
export function remake(ticket, { claims = {}, header = {}, key }) {
  const payload = { ...decodeJwt(ticket), ...claims };
  return new SignJWT(payload)
    .setProtectedHeader({ ...decodeProtectedHeader(ticket), typ: TICKET_TYPE, ...header })
    .sign(key);
}

/** A token of these parts with nothing for a signature. */
export function unsigned(header, payload) {
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
  return `${encode(header)}.${encode(payload)}.`;
}

/** The token with one character of one part (0 header, 1 claims, 2 signature) changed. */
export function altered(token, part) {
  const parts = token.split(".");
  const middle = parts[part].length >> 1;
  const other = parts[part][middle] === "A" ? "B" : "A";
  parts[part] = parts[part].slice(0, middle) + other + parts[part].slice(middle + 1);
  return parts.join(".");
}
