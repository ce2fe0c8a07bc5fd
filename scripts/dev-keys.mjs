// Development secrets for the local Worker, in the form that wrangler reads (.dev.vars).
// They are random and kept, so that tickets and handoffs outlive a restart; every one begins
// with "dev-", which the Worker refuses anywhere but on loopback.
//
//   node scripts/dev-keys.mjs [FILE]     makes what FILE (default: .dev.vars) lacks

import { randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync,
  writeFileSync } from "node:fs";
import path from "node:path";
import { parseEnv } from "node:util";

const random = () => `dev-${randomBytes(32).toString("base64url")}`;

const MAKERS = {
  TICKET_KEYS: () => JSON.stringify([{ kid: "dev-1", key: random() }]),
  HANDOFF_KEYS: () => JSON.stringify([{ kid: "dev-1", key: random() }]),
  SHOPPER_KEY: random,
  IDENTITY_KEYS: () => JSON.stringify([{ kid: "dev-1", key: random() }]),
  ADMIN_KEYS: () => JSON.stringify([{ name: "dev", key: "dev-admin-key" }]),
  ORIGIN_KEYS: () => JSON.stringify([{ name: "dev", key: "dev-origin-key" }]),
};

/** The secrets in `file` by name, after adding those it lacks. */
export function ensureKeys(file) {
  const fresh = !existsSync(file);
  const text = fresh ? "" : readFileSync(file, "utf8");
  const missing = Object.keys(MAKERS).filter((name) => !(name in parseEnv(text)));
  if (missing.length === 0) return parseEnv(text);

  const heading = fresh
    ? "# Made by scripts/dev-keys.mjs: development keys, for loopback only.\n"
    : "";
  const separator = text === "" || text.endsWith("\n") ? "" : "\n";
  const added = missing.map((name) => `${name}='${MAKERS[name]()}'\n`).join("");
  mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
  const whole = `${file}.${process.pid}`;
  writeFileSync(whole, text + separator + heading + added, { mode: 0o600 });
  if (fresh) {
    // Of two processes that start at once, one makes the keys and both use them.
    try {
      linkSync(whole, file);
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    rmSync(whole);
  } else {
    renameSync(whole, file);
  }
  return parseEnv(readFileSync(file, "utf8"));
}

if (import.meta.filename === process.argv[1]) {
  const file = process.argv[2] ?? path.join(import.meta.dirname, "..", ".dev.vars");
  ensureKeys(file);
  console.log(`dev-keys: development keys are in ${path.relative(process.cwd(), file)}`);
}
