// Synchronous: WebCrypto's costs a promise for each hash, and a shuffle makes thousands.
export { sha256 } from "@noble/hashes/sha2.js";
