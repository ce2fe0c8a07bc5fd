// What must not be deployed: keys that could be guessed, what is for this machine alone, and
// addresses on which tokens and cookies could be read on their way.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { after, test } from "node:test";

import { faultOfSecrets, faultOfVars } from "../scripts/lib/deploy-checks.mjs";
import { ROOT } from "../scripts/lib/miniflare.mjs";
import { freshFolder, removeFolder } from "./support/world.mjs";

const KEY = "k".repeat(32);
const access = (key) => JSON.stringify([{ name: "ops", key }]);
const GOOD = {
  ADMIN_KEYS: access(KEY),
  ORIGIN_KEYS: access(KEY),
  TICKET_KEYS: JSON.stringify([{ kid: "a", key: KEY }]),
};
const asLines = (secrets) =>
  Object.entries(secrets).map(([name, value]) => `${name}='${value}'\n`).join("");

const folder = freshFolder();
after(() => removeFolder(folder));

test("secrets that are as they should be are deployed, in either form", () => {
  for (const text of [JSON.stringify(GOOD), asLines(GOOD)]) {
    assert.equal(faultOfSecrets(text), undefined);
  }
});

test("a short access key, a development key, and what cannot be read are not", () => {
  for (const [name, value] of [
    ["ADMIN_KEYS", access(KEY.slice(1))],
    ["ORIGIN_KEYS", access("swordfish")],
    ["ADMIN_KEYS", access(`dev-${KEY}`)],
    ["TICKET_KEYS", JSON.stringify([{ kid: "a", key: `dev-${KEY}` }])],
    ["ORIGIN_KEYS", KEY],
    ["ORIGIN_KEYS", JSON.stringify([{ name: "ops" }])],
  ]) {
    const secrets = { ...GOOD, [name]: value };
    for (const text of [JSON.stringify(secrets), asLines(secrets)]) {
      const { what, cause, remedy } = faultOfSecrets(text);
      assert.ok(what.includes(name) && cause && remedy, what);
      assert.ok(!`${what}${cause}${remedy}`.includes("swordfish"), "it is not shown");
    }
  }
  for (const text of ["", "{", "[]", "no secrets"]) assert.ok(faultOfSecrets(text), text);
});

test("addresses are https, and not this machine's", () => {
  const good = { ORIGIN_URL: "https://shop.example", ISSUER: "https://gate.example" };
  assert.equal(faultOfVars(good), undefined);
  assert.equal(
    faultOfVars({ ...good, DRAND_ENDPOINTS: " https://a.example, https://b.example:6875," }),
    undefined,
  );
  for (const [name, value, text] of [
    ["ORIGIN_URL", "http://shop.example", "not https"],
    ["ISSUER", "http://gate.example", "not https"],
    ["ISSUER", "http://10.0.0.1", "not https"],
    ["ORIGIN_URL", "http://127.0.0.1:8788", "this machine"],
    ["ORIGIN_URL", "https://localhost", "this machine"],
    ["ISSUER", "http://[::1]:8787", "this machine"],
    ["ORIGIN_URL", "shop.example", "no address"],
    ["ISSUER", undefined, "no address"],
    ["DRAND_ENDPOINTS", "https://a.example,http://b.example", "http://b.example"],
    ["ADMIN_KEYS", access(KEY), "stands in wrangler.toml"],
  ]) {
    const { what, cause, remedy } = faultOfVars({ ...good, [name]: value });
    assert.ok(what.includes(text) && `${what}${cause}`.includes(name) && remedy,
      `${name}: ${what}`);
  }
});

test("scripts/deploy ends before it builds or uploads anything, and says why", async () => {
  const file = path.join(folder, "secrets.json");
  writeFileSync(file, JSON.stringify({ ...GOOD, ADMIN_KEYS: access("swordfish") }));
  const { code, said } = await new Promise((resolve) => {
    execFile(path.join(ROOT, "scripts/deploy"), ["--secrets", file],
      (error, stdout, stderr) => resolve({ code: error?.code ?? 0, said: stdout + stderr }));
  });
  assert.equal(code, 1, said);
  const [error, cause, remedy, ...rest] = said.split("\n");
  assert.match(error,
    /^error: .*secrets\.json: ADMIN_KEYS holds a key that could be guessed: "ops"$/);
  assert.match(cause, /^  cause:  ./);
  assert.match(remedy, /^  remedy: ./);
  assert.deepEqual(rest, [""]);
});
