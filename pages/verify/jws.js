// Signed statements: compact JWS (RFC 7515), EdDSA only, every part in its canonical form.

import { fromBase64url } from "./bytes.js";
import { isSignedBy } from "./ed25519.js";
import { below, JsonError, parseStrictly } from "./strict_json.js";
import { exactly, faultsOf, matching, object, within } from "./shape.js";

const ascii = new TextEncoder();
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Takes a compact JWS apart: `{kid, payload, faults, isBy}`. `faults` has what is wrong with its
 * form, with paths below `name`; `isBy(key)` verifies the signature with a JWK.
 */
export function readStatement(jws, type, name) {
  const faults = [];
  const [header, payload, signature] = jws.split(".").map((part, number) => {
    const bytes = fromBase64url(part);
    if (bytes === undefined) {
      const which = ["header", "payload", "signature"][number];
      faults.push({ path: below(name, which), what: "is not canonical base64url" });
    }
    return bytes;
  });
  const read = { faults, isBy: async () => false };
  if (faults.length > 0) return read;
  const head = parsed(header, below(name, "header"), faults);
  read.payload = parsed(payload, below(name, "payload"), faults);
  if (head === undefined) return read;
  const expected = object({
    alg: exactly("EdDSA"),
    typ: exactly(type),
    kid: matching(/./u, "a key's name"),
  });
  faults.push(...within(`${name}.header`, faultsOf(head, expected)));
  read.kid = head.kid;
  const signed = ascii.encode(jws.slice(0, jws.lastIndexOf(".")));
  read.isBy = ({ x }) => isSignedBy(fromBase64url(x), signature, signed);
  return read;
}

function parsed(bytes, name, faults) {
  try {
    return parseStrictly(utf8.decode(bytes));
  } catch (error) {
    const unlike = error instanceof JsonError
      ? error.fault
      : { path: "", what: "is no UTF-8 text" };
    faults.push(...within(name, [unlike]));
    return undefined;
  }
}
