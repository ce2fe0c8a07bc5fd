// Whatever byte of an audit is altered, the verifier notices, and names where.

import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { test } from "node:test";

import { makeOpening, recordedBeacon } from "../../tests/support/opening.mjs";
import { verify } from "../verify/verify.js";

const plain = makeOpening({ entrants: 5, groupSize: 2, lanes: 2 });
const drawn = makeOpening({ ...recordedBeacon(123), entrants: 3, groupSize: 2, access: "draw" });

/**
 * What stands at each character of a JSON text: the path of its value, such as `groups[1].root`.
 */
function pathsOf(text) {
  const paths = new Array(text.length).fill("");
  const open = []; // {path, name, item}
  const inside = () => open.at(-1)?.path ?? "";
  const current = () => {
    const { path, name, item } = open.at(-1) ?? {};
    if (item !== undefined) return `${path}[${item}]`;
    return name === undefined ? (path ?? "") : path ? `${path}.${name}` : name;
  };
  for (const { 0: token, index } of text.matchAll(/"[^"]*"|[{}[\],:]|[^"{}[\],:]+/g)) {
    const top = open.at(-1);
    if (token === "{") open.push({ path: current() });
    else if (token === "[") open.push({ path: current(), item: 0 });
    else if (token === "," && top.item !== undefined) top.item += 1;
    else if (token === ",") top.name = undefined;
    else if (token.startsWith('"') && top.item === undefined && top.name === undefined) {
      top.name = token.slice(1, -1);
    }
    paths.fill(/[{}[\],]/.test(token) ? inside() : current(), index, index + token.length);
    if (/[}\]]/.test(token)) open.pop();
  }
  return paths;
}

/**
 * Characters to put in a character's place: one that it could well be, and one that is out of
 * place.
 */
function replacementsOf(character, at) {
  const alike = /[0-9a-f]/.test(character)
    ? "0123456789abcdef"
    : /[g-z]/i.test(character)
    ? "ghijklmnopqrstuvwxyzABCDEFGHIJ"
    : '{}[],:".';
  const odd = ["0", "A", "_", " ", '"', "\\", "e", ".", "-", "é", ","];
  const near = [...alike].filter((one) => one !== character);
  return [near[at % near.length], odd.filter((one) => one !== character)[at % (odd.length - 1)]];
}

/**
 * Alters each character that `concerns` picks by its path. Each time `assertNoticed` sees what came
 * of it.
 */
async function alterEach(text, concerns, look) {
  const paths = pathsOf(text);
  let altered = 0;
  for (const [at, path] of paths.entries()) {
    if (!concerns(path)) continue;
    for (const character of replacementsOf(text[at], at)) {
      const other = text.slice(0, at) + character + text.slice(at + 1);
      const value = parsed(other);
      // It means the same.
      if (value !== undefined && isDeepStrictEqual(value, JSON.parse(text))) continue;
      assertNoticed(await look(other), { at, path, character, value });
      altered += 1;
    }
  }
  return altered;
}

function assertNoticed({ verdict, failed, checks }, { at, path, character, value }) {
  const what = `${character} at ${at} in ${path}: ${JSON.stringify(checks)}`;
  assert.equal(verdict, "FAILED", what);
  const said = checks.filter(({ name }) => failed.includes(name)).map(({ text }) => text).join(
    "\n",
  );
  if (value === undefined) {
    assert.deepEqual(failed, ["format"], what);
    // A reader of JSON stumbles over it here or further on.
    assert.ok(Number(/at character (\d+)/.exec(said)?.[1]) > at, what);
    return;
  }
  // A group's fields are named by their group, whose leaf they make; all others by themselves.
  const group = /^groups\[\d+\]/.exec(path)?.[0];
  assert.ok(said.includes(group ?? path.split(".")[0]), what);
  if (!group && !/^(key|statement)/.test(path)) assert.ok(said.includes(path), what);
}

const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

test("the paths that the other tests go by are right", () => {
  const text = '{"a":[{"b":"c","d":[7,8]},{}],"e":null}';
  const paths = pathsOf(text);
  assert.deepEqual(
    ["c", "7", "8", "null", '"d"', '"e"'].map((part) => paths[text.indexOf(part)]),
    ["a[0].b", "a[0].d[0]", "a[0].d[1]", "e", "a[0].d", "e"],
  );
});

test("each byte of an audit counts", { timeout: 300_000 }, async () => {
  const text = JSON.stringify(plain.audit);
  const altered = await alterEach(text, () => true, (audit) => verify({ audit }));
  assert.ok(altered > 2 * text.length - 100, `${altered} of ${text.length} characters, twice`);
});

test("each byte of an audit's beacon counts", { timeout: 300_000 }, async () => {
  const text = JSON.stringify(drawn.audit);
  assert.ok(
    (await alterEach(text, (path) => path.startsWith("beacon"), (audit) => verify({ audit }))) >
      1000,
  );
});

test("no other character ends base64url, though lenient readers would take some", async () => {
  const { key, statement } = plain.audit;
  const ends = [...statement.split(".").slice(0, 2).map((part) => `${part}.`),
    `${statement.split(".")[2]}"`, `${key.x}"`];
  const text = JSON.stringify(plain.audit);
  for (const end of ends) {
    const at = text.indexOf(end) + end.length - 2;
    for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
      if (character === text[at]) continue;
      const { verdict } = await verify({
        audit: text.slice(0, at) + character + text.slice(at + 1),
      });
      assert.equal(verdict, "FAILED", `${character} at ${at}`);
    }
  }
});

/**
 * Alters each character of a receipt or proof, but in `spared`; the check of it must fail, and no
 * other.
 */
async function alterHeld(name, held, spared) {
  const text = JSON.stringify(held);
  const audit = JSON.stringify(plain.audit);
  for (const [at, path] of pathsOf(text).entries()) {
    if (path === spared) continue;
    for (const character of replacementsOf(text[at], at)) {
      const other = text.slice(0, at) + character + text.slice(at + 1);
      const { failed } = await verify({ audit, [name]: other, jwks: plain.jwks() });
      assert.deepEqual(failed, [name], `${character} at ${at} in ${path}`);
    }
  }
}

test("each byte of a receipt counts", { timeout: 300_000 },
  () => alterHeld("receipt", plain.receipt(2)));

test("each byte of a proof counts", { timeout: 300_000 }, () =>
  // How many members a group has is bound by a receipt only: some paths fit two sizes of a tree.
  alterHeld("proof", plain.proof(2), "group.count"));
