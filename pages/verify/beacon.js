// Public randomness: drand's quicknet, whose key stands here, so that no audit can name its own.

import { fromHex, hash, integer, toHex } from "./bytes.js";

/** https://docs.drand.love: chain 52db9ba7…, scheme bls-unchained-g1-rfc9380. */
export const QUICKNET = {
  chain: "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971",
  publicKey: "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c" +
    "8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb" +
    "5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a",
  genesisAt: 1_692_803_367_000,
  periodSeconds: 3,
};

const DOMAIN = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";
/** So long after the entrants were fixed, nobody can have known the round when they were. */
const LEAD_MS = 30_000;

/** The first round that is made at least 30 s after `openedAt`. */
export function roundAfter(openedAt, { genesisAt, periodSeconds }) {
  return Math.max(1, Math.ceil((openedAt + LEAD_MS - genesisAt) / (periodSeconds * 1000)) + 1);
}

/** What is wrong with a beacon, as faults. `chain` is one that is trusted besides quicknet. */
export async function faultsOfBeacon(beacon, openedAt, chain) {
  const known = [QUICKNET, chain].find((one) => one?.chain === beacon.chain);
  if (known === undefined) {
    return [{
      path: "beacon.chain",
      what: "is not drand's quicknet, nor a chain that was given to this verifier",
    }];
  }
  const faults = [];
  for (const field of ["publicKey", "genesisAt", "periodSeconds"]) {
    if (beacon[field] !== known[field]) {
      faults.push({ path: `beacon.${field}`, what: "is not that chain's" });
    }
  }
  const round = roundAfter(openedAt, known);
  if (beacon.round !== round) {
    faults.push({
      path: "beacon.round",
      what: `is ${beacon.round}, and ${round} is the first that is made 30 s after openedAt`,
    });
  }
  const signature = fromHex(beacon.signature);
  if (toHex(hash(signature)) !== beacon.randomness) {
    faults.push({ path: "beacon.randomness", what: "is not the SHA-256 of beacon.signature" });
  }
  // The pairing takes its time, and nothing that is wrong already needs it.
  if (faults.length === 0 &&
    !(await isOfRound(signature, beacon.round, fromHex(known.publicKey)))) {
    faults.push({
      path: "beacon.signature",
      what: `is not the chain's over beacon.round ${beacon.round}`,
    });
  }
  return faults;
}

async function isOfRound(signature, round, publicKey) {
  const bls = await import("./pairing.js");
  try {
    return bls.verify(signature, bls.hash(hash(integer(round, 8)), DOMAIN), publicKey);
  } catch {
    return false; // bytes that are no point of the curve
  }
}
