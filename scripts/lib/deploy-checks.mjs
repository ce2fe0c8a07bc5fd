// What wrangler does not check before it deploys: addresses on which tokens and cookies could be
// read on their way, keys that could be guessed, and what is for this machine alone.
//
//   node scripts/lib/deploy-checks.mjs secrets FILE    the file of secrets
//   node scripts/lib/deploy-checks.mjs config          the variables in wrangler.toml
//
// Ends with 1 and says why, where something must not be deployed.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { parseEnv } from "node:util";

/**
 * The secrets that every deployment needs; wrangler.toml is committed, and must hold none of them.
 */
const SECRETS = ["TICKET_KEYS", "HANDOFF_KEYS", "SHOPPER_KEY", "ADMIN_KEYS", "ORIGIN_KEYS",
  "IDENTITY_KEYS"];
/** Those that let in anybody who has them. */
const ACCESS = ["ADMIN_KEYS", "ORIGIN_KEYS"];
/** As in core/src/token/access.rs. */
const ACCESS_KEY_MIN = 32;
const ADDRESSES = ["ORIGIN_URL", "ISSUER"];

/**
 * What is wrong with the text of a file of secrets: `{what, cause, remedy}`; undefined where
 * nothing is.
 */
export function faultOfSecrets(text) {
  const secrets = read(text);
  if (secrets === undefined) {
    return fault("it cannot be read", "it is neither a JSON object nor NAME=value lines",
      "tidegate keys new makes one");
  }
  for (const [name, value] of Object.entries(secrets)) {
    if (/(^|[^A-Za-z0-9_-])dev-/.test(String(value))) {
      return fault(`${name} holds a development key`, "its value begins with dev-",
        "make real ones: tidegate keys new");
    }
  }
  for (const name of ACCESS.filter((one) => one in secrets)) {
    const keys = listed(secrets[name]);
    if (keys === undefined) {
      return fault(`${name} is no list of keys`,
        'it is a JSON list of {"name", "key", "queues"?} as one string',
        "tidegate keys new makes one");
    }
    const weak = keys.find(({ key }) => key.length < ACCESS_KEY_MIN);
    if (weak) {
      return fault(
        `${name} holds a key that could be guessed: "${weak.name}"`,
        `it has ${weak.key.length} characters, and ${ACCESS_KEY_MIN} are the least`,
        "take a random one: openssl rand -base64 32",
      );
    }
  }
  return undefined;
}

/** What is wrong with the variables of a Worker that is to be deployed, likewise. */
export function faultOfVars(vars) {
  for (const name of SECRETS.filter((one) => one in vars)) {
    return fault(`${name} stands in wrangler.toml`,
      "secrets do not belong in a file that is committed",
      `take it out and run npx wrangler secret put ${name}`);
  }
  for (const name of ADDRESSES) {
    const found = faultOfAddress(name, vars[name]);
    if (found) return found;
  }
  for (const endpoint of String(vars.DRAND_ENDPOINTS ?? "").split(",").map((one) => one.trim())
    .filter(Boolean)) {
    const found = faultOfAddress("DRAND_ENDPOINTS", endpoint);
    if (found) return found;
  }
  return undefined;
}

function faultOfAddress(name, address) {
  const url = URL.parse(String(address ?? ""));
  const remedy = `set ${name} under [vars] in wrangler.toml, as https://shop.example`;
  if (url === null) {
    return fault(`${name} is no address: ${JSON.stringify(address ?? null)}`,
      "a deployed Worker needs one", remedy);
  }
  if (/^(localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname)) {
    return fault("wrangler.toml still names this machine", `${name} is on loopback: ${address}`,
      remedy);
  }
  if (url.protocol !== "https:") {
    return fault(`${name} is not https: ${address}`,
      "anybody on the way could read and alter what is sent there", remedy);
  }
  return undefined;
}

const fault = (what, cause, remedy) => ({ what, cause, remedy });

function read(text) {
  if (!text.trimStart().startsWith("{")) {
    const lines = parseEnv(text);
    return Object.keys(lines).length > 0 ? lines : undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function listed(text) {
  try {
    const list = JSON.parse(text);
    const fits = Array.isArray(list) &&
      list.every((one) => typeof one?.key === "string" && typeof one.name === "string");
    return fits ? list : undefined;
  } catch {
    return undefined;
  }
}

function varsOfConfig() {
  const require = createRequire(import.meta.url);
  process.env.WRANGLER_LOG ??= "warn";
  const { unstable_readConfig } = require("wrangler");
  return unstable_readConfig({ config: path.resolve(import.meta.dirname, "../../wrangler.toml") })
    .vars;
}

if (import.meta.filename === process.argv[1]) {
  const [, , about, file] = process.argv;
  const found = about === "secrets"
    ? faultOfSecrets(readFileSync(file, "utf8"))
    : faultOfVars(varsOfConfig());
  if (found) {
    const what = about === "secrets" ? `${file}: ${found.what}` : found.what;
    console.error(`error: ${what}\n  cause:  ${found.cause}\n  remedy: ${found.remedy}`);
    process.exitCode = 1;
  }
}
