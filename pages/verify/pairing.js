// BLS signatures, which no browser has of itself. A file for itself: only an audit with a beacon
// loads it.

import { bls12_381 } from "@noble/curves/bls12-381.js";

/** Signatures on G1, public keys on G2. */
export const { hash, verify } = bls12_381.shortSignatures;
