// The format of an audit, and how its pages become one.

import { JsonError, parseStrictly } from "./strict_json.js";
import { QUEUE_ID, base64url, exactly, faultsOf, flag, hex, integer, listOf, matching, object,
  orNull } from "./shape.js";

export const ALGORITHM = "tidegate/shuffle/v1";
const MOST_ENTRANTS = 2 ** 40;

export const COMPACT_JWS = matching(/^[\w-]+\.[\w-]+\.[\w-]+$/,
  "a compact JWS: three parts in base64url");
export const LANE = integer(0xffff);
export const COUNT = integer(0xffff_ffff);

const EARLIER = object({
  epoch: hex(16),
  commitment: hex(32),
  createdAt: integer(),
  endedAt: integer(),
  entered: integer(),
  opened: flag,
});

const GROUP = object({
  lane: LANE,
  sequence: integer(),
  first: integer(),
  granted: COUNT,
  root: hex(32),
  hash: hex(32),
});

const BEACON = object({
  network: exactly("drand"),
  chain: hex(32),
  publicKey: hex(96),
  genesisAt: integer(),
  periodSeconds: integer(),
  round: integer(),
  signature: hex(48),
  randomness: hex(32),
});

const KEY = object({
  kty: exactly("OKP"),
  crv: exactly("Ed25519"),
  alg: exactly("EdDSA"),
  use: exactly("sig"),
  kid: matching(/^.{1,64}$/su, "a key's name of 1 to 64 characters"),
  x: base64url(32),
});

/**
 * What the statement signs: every field but the groups (their root stands for them), key and
 * itself.
 */
const SIGNED = {
  format: exactly(1),
  algorithm: exactly(ALGORITHM),
  queueId: matching(QUEUE_ID, "a queue's id"),
  access: exactly("queue", "draw"),
  epoch: hex(16),
  openedAt: integer(),
  commitment: hex(32),
  secret: hex(32),
  trust: exactly("operator", "beacon"),
  beacon: orNull(BEACON),
  root: hex(32),
  seed: hex(32),
  entrants: integer(MOST_ENTRANTS),
  winners: orNull(integer()),
  epochs: listOf(EARLIER, 1000),
  earlierEpochs: integer(),
  pages: integer(),
};

export const SIGNED_FIELDS = Object.keys(SIGNED);
const AUDIT = object({ ...SIGNED, groups: listOf(GROUP), key: KEY, statement: COMPACT_JWS });

/**
 * Reads an audit from its text, or from the texts of all its pages in any order. Answers `{audit,
 * signatures}`, with `{key, statement}` of each page; or `{faults}` where it is not of the format.
 */
export function readAudit(given) {
  const texts = [given].flat();
  const pages = [];
  for (const [number, text] of texts.entries()) {
    const whose = texts.length > 1 ? `file ${number + 1}: ` : "";
    const read = readOne(text);
    if (read.faults) {
      return { faults: read.faults.map(({ path, what }) => ({ path: whose + path, what })) };
    }
    pages.push(read.audit);
  }
  return joined(pages);
}

function readOne(text) {
  let audit;
  try {
    audit = parseStrictly(text);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return { faults: [error.fault] };
  }
  const faults = faultsOf(audit, AUDIT);
  if (faults.length === 0) faults.push(...contradictions(audit));
  return faults.length > 0 ? { faults } : { audit };
}

/** Fields that are each of their shape, and cannot stand beside each other. */
function contradictions({ access, winners, pages, epochs, earlierEpochs }) {
  const faults = [];
  if (access === "queue" && winners !== null) {
    faults.push({ path: "winners", what: "is set, and access is no draw" });
  }
  if (pages < 1) faults.push({ path: "pages", what: "is 0" });
  const dropped = earlierEpochs - epochs.length;
  if (dropped < 0 || (dropped > 0 && epochs.length < 1000)) {
    faults.push({
      path: "earlierEpochs",
      what: `is ${earlierEpochs}, with ${epochs.length} in epochs`,
    });
  }
  return faults;
}

/**
 * One audit of all pages: they differ in the groups, and in how they were signed, since each page
 * may have been signed at its own moment and key. So every signature counts: `{audit, signatures}`.
 */
function joined(pages) {
  const signatures = pages.map(({ key, statement }) => ({ key, statement }));
  if (pages.length === 1) return { audit: pages[0], signatures };
  pages.sort((one, other) => (one.groups[0]?.first ?? 0) - (other.groups[0]?.first ?? 0));
  const [first] = pages;
  const apart = { groups: null, key: null, statement: null };
  const faults = [];
  for (const page of pages) {
    for (const path of differences({ ...page, ...apart }, { ...first, ...apart })) {
      faults.push({ path, what: "differs from page to page: these are not pages of one audit" });
    }
  }
  if (pages.length !== first.pages) {
    faults.push({ path: "pages", what: `is ${first.pages}, and there are ${pages.length} files` });
  }
  if (faults.length > 0) return { faults };
  return { audit: { ...first, groups: pages.flatMap(({ groups }) => groups) }, signatures };
}

/** The paths at which two values that were read differ; a field of one alone differs. */
export function differences(one, other, path = "") {
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) {
    return one === other ? [] : [path];
  }
  if (Array.isArray(one) !== Array.isArray(other)) return [path];
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  const inside =
    (name) => (Array.isArray(one) ? `${path}[${name}]` : path ? `${path}.${name}` : name);
  return [...names].flatMap((name) => differences(one[name], other[name], inside(name)));
}
