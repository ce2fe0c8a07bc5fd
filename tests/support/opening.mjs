// Openings that never were: entrants, their groups, and the audit, receipts and proofs that a queue
// would publish of them, written from the format's description with nothing but Node's
// cryptography. The same options make the same opening.

import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";

import { shuffledPosition } from "./shuffle.mjs";

/** Recorded rounds of drand's quicknet, with the chain's key and times. */
export const QUICKNET = JSON.parse(
  readFileSync(new URL("../vectors/drand-quicknet.json", import.meta.url)),
);

const OPENED_AT = Date.UTC(2026, 10, 21, 12);
const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");
const sha256 = (...parts) =>
  createHash("sha256").update(Buffer.concat(parts.map((part) => Buffer.from(part)))).digest();
const number = (value, bytes) => {
  const all = Buffer.alloc(8);
  all.writeBigUInt64BE(BigInt(value));
  return all.subarray(8 - bytes);
};

/** A beacon of a recorded round, and the moment of an opening that it is the right round for. */
export function recordedBeacon(round, chain = QUICKNET) {
  const { signature, randomness } = chain.rounds.find((one) => one.round === round);
  const { publicKey, genesisAt, periodSeconds } = chain;
  const madeAt = genesisAt + (round - 1) * periodSeconds * 1000;
  const beacon = {
    network: "drand",
    chain: chain.chain,
    publicKey,
    genesisAt,
    periodSeconds,
    round,
    signature,
    randomness,
  };
  return { beacon, openedAt: madeAt - 30_000 - 1_234 };
}

/**
 * Makes an opening.
 *
 * - `entrants`, `lanes`, `groupSize`: who entered, and in groups of how many
 * - `ungranted`: how many of the last group got no index, since the queue was full
 * - `beacon`, `openedAt`: as `recordedBeacon` makes them
 * - `access`, `winners`, `earlier` (lives before this one), `queueId`, `name` (for another opening)
 */
export function makeOpening({
  entrants = 20,
  lanes = 3,
  groupSize = 4,
  ungranted = 0,
  beacon = null,
  openedAt = OPENED_AT,
  access = "queue",
  winners = access === "draw" ? Math.ceil(entrants / 2) : null,
  earlier = 1,
  queueId = "demo",
  name = "opening",
} = {}) {
  const made = (what, bytes) => sha256(name, "/", what).subarray(0, bytes);
  const epoch = made("epoch", 16);
  const key = signingKey(`key-of-${name}`, made("key", 32));
  const groups = [];
  for (let first = 0; first < entrants; first += groupSize) {
    const granted = Math.min(groupSize, entrants - first);
    const count = granted + (first + granted === entrants ? ungranted : 0);
    const lane = groups.length % lanes;
    const group = { lane, sequence: Math.floor(groups.length / lanes), first, granted, count };
    group.entries = Array.from({ length: count }, (_, place) => {
      const shopper = made(`shopper-${first + place}`, 16);
      const blind = sha256("tidegate/blind/v1", shopper);
      const at = openedAt - 60_000 + first + place;
      const leaf = Buffer.concat([
        Buffer.from("tidegate/entry/v1"),
        epoch,
        number(lane, 2),
        number(group.sequence, 8),
        number(place, 4),
        blind,
        number(at, 8),
      ]);
      return { shopper, leaf };
    });
    group.tree = treeOf(group.entries.map(({ leaf }) => leafHash(leaf)));
    group.leaf = Buffer.concat([
      Buffer.from("tidegate/group/v1"),
      epoch,
      number(lane, 2),
      number(group.sequence, 8),
      number(first, 8),
      number(granted, 4),
      group.tree.root,
    ]);
    groups.push(group);
  }
  const log = treeOf(groups.map(({ leaf }) => leafHash(leaf)));
  const secret = made("secret", 32);
  const randomness = Buffer.from(beacon?.randomness ?? "", "hex");
  const audit = {
    format: 1,
    algorithm: "tidegate/shuffle/v1",
    queueId,
    access,
    epoch: epoch.toString("hex"),
    openedAt,
    commitment: sha256(secret).toString("hex"),
    secret: secret.toString("hex"),
    trust: beacon === null ? "operator" : "beacon",
    beacon,
    root: log.root.toString("hex"),
    seed: sha256("tidegate/shuffle/v1", secret, log.root, randomness).toString("hex"),
    entrants,
    winners,
    epochs: Array.from({ length: Math.min(earlier, 1000) }, (_, life) => ({
      epoch: made(`epoch-${life}`, 16).toString("hex"),
      commitment: made(`commitment-${life}`, 32).toString("hex"),
      createdAt: openedAt - 9_000_000 + life,
      endedAt: openedAt - 8_000_000 + life,
      entered: 7,
      opened: life % 2 === 0,
    })),
    earlierEpochs: earlier,
    groups: groups.map(({ lane, sequence, first, granted, tree, leaf }) => ({
      lane,
      sequence,
      first,
      granted,
      root: tree.root.toString("hex"),
      hash: leafHash(leaf).toString("hex"),
    })),
    pages: 1,
    key: key.jwk,
  };
  return new Opening(audit, groups, log, key);
}

/** An Ed25519 key for signing statements: `{jwk, sign}`. */
export function signingKey(kid, seed) {
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_ED25519, seed]),
    format: "der",
    type: "pkcs8",
  });
  const { x } = createPublicKey(privateKey).export({ format: "jwk" });
  const jwk = { kty: "OKP", crv: "Ed25519", alg: "EdDSA", use: "sig", kid, x };
  const part = (bytes) => Buffer.from(bytes).toString("base64url");
  return {
    jwk,
    /** A compact JWS; `header` has what differs from a good one. */
    sign(typ, payload, header = {}) {
      const signed = [{ alg: "EdDSA", typ, kid, ...header }, payload].map((one) =>
        part(typeof one === "string" ? one : JSON.stringify(one))
      ).join(".");
      return `${signed}.${part(sign(null, Buffer.from(signed), privateKey))}`;
    },
  };
}

class Opening {
  constructor(audit, groups, log, key) {
    this.groups = groups;
    this.log = log;
    this.key = key;
    this.audit = this.signed(audit);
  }

  /** An audit with a statement that says what it says. */
  signed(audit) {
    const { groups, key, statement, ...said } = audit;
    return {
      ...audit,
      statement: this.key.sign("tidegate-audit+jwt", {
        iat: Math.floor(audit.openedAt / 1000) + 60,
        aud: "urn:tidegate:audit",
        ...said,
      }),
    };
  }

  /**
   * This audit with other values, of which the statement knows: what only a lying shop could
   * publish.
   */
  with(changes) {
    return this.signed({ ...this.audit, ...changes });
  }

  /** What the shop publishes as its keys; they may be other ones. */
  jwks(...keys) {
    return JSON.stringify({ keys: keys.length > 0 ? keys : [this.key.jwk] });
  }

  /** The pages that the calls answer, `size` groups each. */
  pages(size) {
    const { groups } = this.audit;
    const count = Math.max(1, Math.ceil(groups.length / size));
    const whole = this.with({ pages: count });
    return Array.from({ length: count },
      (_, page) => ({ ...whole, groups: groups.slice(page * size, (page + 1) * size) }));
  }

  position(index) {
    return shuffledPosition(index, this.audit.entrants, this.audit.seed) + 1;
  }

  /**
   * The receipt of the entry in `place` of group `number`, as `enter` answers it. `changes`: of the
   * promise.
   */
  receiptOf(number, place, changes = {}, key = this.key) {
    const { lane, sequence, first, granted, count, entries, tree } = this.groups[number];
    const { queueId: queue, epoch, openedAt } = this.audit;
    const iat = Math.floor(openedAt / 1000) - 60;
    const promise = {
      iat,
      aud: "urn:tidegate:receipt",
      queue,
      epoch,
      lane,
      sequence,
      first,
      granted,
      count,
      root: tree.root.toString("hex"),
      ...changes,
    };
    const { shopper, leaf } = entries[place];
    return {
      shopper: shopper.toString("hex"),
      leaf: leaf.toString("hex"),
      place,
      path: hexed(tree.path(place)),
      statement: key.sign("tidegate-receipt+jwt", promise),
    };
  }

  receipt(index) {
    return this.receiptOf(...this.whereIs(index));
  }

  /** The proof of entry `index`, as the call answers it. */
  proof(index) {
    const [at, place] = this.whereIs(index);
    const { lane, sequence, first, granted, count, entries, tree } = this.groups[at];
    const { shopper, leaf } = entries[place];
    return {
      leaf: leaf.toString("hex"),
      index,
      position: this.position(index),
      path: hexed(tree.path(place)),
      group: { lane, sequence, first, granted, count, root: tree.root.toString("hex"), number: at },
      groupPath: hexed(this.log.path(at)),
      groups: this.groups.length,
      root: this.audit.root,
      place,
      shopper: shopper.toString("hex"),
    };
  }

  whereIs(index) {
    const at = this.groups.findIndex(({ first, granted }) =>
      index >= first && index < first + granted
    );
    return [at, index - this.groups[at].first];
  }
}

const hexed = (hashes) => hashes.map((one) => one.toString("hex"));
const leafHash = (bytes) => sha256([0], bytes);

/** A Merkle tree by RFC 6962, section 2.1, as it stands there: `{root, path(place)}`. */
function treeOf(leaves) {
  const known = new Map();
  const compute = (from, to) => {
    if (from === to) return sha256();
    if (to - from === 1) return leaves[from];
    const middle = from + splitOf(to - from);
    return sha256([1], root(from, middle), root(middle, to));
  };
  const root = (from, to) => {
    const name = `${from}-${to}`;
    if (!known.has(name)) known.set(name, compute(from, to));
    return known.get(name);
  };
  const path = (place, from, to) => {
    if (to - from <= 1) return [];
    const middle = from + splitOf(to - from);
    return place < middle
      ? [...path(place, from, middle), root(middle, to)]
      : [...path(place, middle, to), root(from, middle)];
  };
  return { root: root(0, leaves.length), path: (place) => path(place, 0, leaves.length) };
}

/** The largest power of two below `size`. */
const splitOf = (size) => 2 ** (Math.ceil(Math.log2(size)) - 1);
