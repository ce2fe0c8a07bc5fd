// Ed25519 by WebCrypto; by a library where it has none: browsers of before 2025, and pages without
// https.

/** Whether `signature` is the key's over the bytes of `message`. */
export async function isSignedBy(publicKey, signature, message) {
  const { subtle } = globalThis.crypto ?? {};
  try {
    if (subtle !== undefined) {
      const key = await subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
      return await subtle.verify("Ed25519", key, signature, message);
    }
  } catch (error) {
    if (error.name !== "NotSupportedError") return false; // 32 bytes that are no key
  }
  const { ed25519 } = await import("@noble/curves/ed25519.js");
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false;
  }
}
