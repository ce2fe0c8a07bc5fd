// The shop's key set, as it publishes it (RFC 7517).

/**
 * Its Ed25519 keys; undefined where `text` is no key set. What else it has is not ours to judge.
 */
export function keysOf(text) {
  try {
    return JSON.parse(text).keys.filter(({ kty, crv, kid, x }) =>
      kty === "OKP" && crv === "Ed25519" && typeof kid === "string" && typeof x === "string"
    );
  } catch {
    return undefined;
  }
}
