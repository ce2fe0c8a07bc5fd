// Loaded only where WebCrypto has no Ed25519: browsers of before 2025, and pages without https.
export { ed25519 } from "@noble/curves/ed25519.js";
