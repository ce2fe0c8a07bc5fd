// Two verifiers that share no code, the page's and `tidegate verify`, must say the same of any
// audit: the same verdict, and the same checks failed.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { after, test } from "node:test";

import { verify } from "../pages/verify/verify.js";
import { BINARY } from "./support/command.mjs";
import { makeOpening, recordedBeacon } from "./support/opening.mjs";
import { freshFolder, removeFolder } from "./support/world.mjs";

const OTHER = "ab".repeat(32);

const folder = freshFolder();
after(() => removeFolder(folder));

const opening = makeOpening();
const drawn = makeOpening({
  ...recordedBeacon(1000),
  name: "drawn",
  access: "draw",
  entrants: 33,
  groupSize: 7,
  ungranted: 2,
});

/**
 * What both say of an audit, by `of`'s keys, with the receipt and proof of entry `index` if it is
 * given.
 */
async function ask(audit, of, index) {
  const files = {
    audit: typeof audit === "string" ? audit : JSON.stringify(audit),
    jwks: of.jwks(),
  };
  if (index !== undefined) {
    [files.receipt, files.proof] = [of.receipt(index), of.proof(index)].map((one) =>
      JSON.stringify(one)
    );
  }
  const args = ["verify", path.join(folder, "audit")];
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(path.join(folder, name), text);
    if (name !== "audit") args.push(`--${name}`, path.join(folder, name));
  }
  const [{ verdict, failed }, { code, stdout }] = await Promise.all([verify(files), run(args)]);
  const named = [...stdout.matchAll(/^FAILED +([a-z]+) /gm)].map(([, name]) => name);
  return [
    { verdict, failed },
    { verdict: code === 0 ? "VERIFIED" : "FAILED", failed: named },
  ];
}

function run(args) {
  return new Promise((resolve, reject) => {
    execFile(BINARY, args, (error, stdout) => {
      if (error && ![0, 1].includes(error.code)) reject(error);
      else resolve({ code: error?.code ?? 0, stdout });
    });
  });
}

async function assertBothSay(verdict, what, ...asked) {
  const [inBrowser, inRust] = await ask(...asked);
  assert.deepEqual(inBrowser, inRust, what);
  assert.equal(inBrowser.verdict, verdict, what);
}

test("both verify what is genuine", async () => {
  await assertBothSay("VERIFIED", "a queue", opening.audit, opening, 7);
  await assertBothSay("VERIFIED", "a draw with a beacon", drawn.audit, drawn, 32);
  const nobody = makeOpening({ entrants: 0, earlier: 0 });
  await assertBothSay("VERIFIED", "nobody", nobody.audit, nobody);
  const { openedAt } = drawn.audit;
  for (const later of [-1765, 1234]) {
    await assertBothSay("VERIFIED", `the round's bounds ${later}`,
      drawn.with({ openedAt: openedAt + later }), drawn);
  }
});

test("both fail the same lies by the same checks", async () => {
  const { groups, earlierEpochs } = opening.audit;
  const changed = (number, change) => ({
    groups: groups.map((group, at) => (at === number ? { ...group, ...change } : group)),
  });
  for (const change of [
    { secret: OTHER },
    { commitment: OTHER },
    { root: OTHER },
    { seed: OTHER },
    { epoch: OTHER.slice(32) },
    { entrants: 19 },
    { winners: 3 },
    { pages: 0 },
    { earlierEpochs: earlierEpochs + 1 },
    { trust: "beacon" },
    { groups: groups.slice(0, -1) },
    changed(2, { first: 9 }),
    changed(2, { granted: 3 }),
    changed(2, { granted: 0 }),
    changed(3, { sequence: 0 }),
    changed(1, { root: groups[0].root }),
    changed(1, { hash: groups[0].hash }),
  ]) {
    await assertBothSay("FAILED", JSON.stringify(change), opening.with(change), opening);
  }
});

test("both fail the same beacons by the same checks", async () => {
  const { beacon, openedAt } = drawn.audit;
  const { signature, randomness } = recordedBeacon(1001).beacon;
  for (const change of [
    { chain: OTHER },
    { publicKey: OTHER.repeat(3) },
    { genesisAt: beacon.genesisAt - 3000 },
    { periodSeconds: 30 },
    { signature },
    { randomness },
    { signature, randomness },
  ]) {
    await assertBothSay("FAILED", JSON.stringify(change),
      drawn.with({ beacon: { ...beacon, ...change } }), drawn);
  }
  await assertBothSay("FAILED", "none", drawn.with({ beacon: null }), drawn);
  for (const later of [-1766, 1235]) {
    await assertBothSay("FAILED", `${later}`, drawn.with({ openedAt: openedAt + later }), drawn);
  }
});

test("both are as strict with what is not written as an audit is", async () => {
  const text = JSON.stringify(opening.audit);
  const { statement } = opening.audit;
  const lax = statement.slice(0, -1) +
    (statement.endsWith("A")
      ? "B"
      : String.fromCharCode(statement.charCodeAt(statement.length - 1) + 1));
  for (const [from, to] of [
    ['"format":1', '"format":1,"format":1'],
    ['"format":1', '"format":1e0'],
    ['"format":1', '"format":1.0'],
    ['"format":1', '"format":1,"note":1'],
    ['"winners":null,', ""],
    ['"format":1', '"format":1,"constructor":1'],
    [opening.audit.seed, opening.audit.seed.toUpperCase()],
    ["}]", "},]"],
  ]) {
    assert.notEqual(text.replace(from, to), text);
    await assertBothSay("FAILED", `${from} → ${to}`, text.replace(from, to), opening);
  }
  // Each value in its order, as some readers take an object.
  const groups = opening.audit.groups.map(
    ({ lane, sequence, first, granted, root, hash }) => [lane, sequence, first, granted, root,
      hash],
  );
  await assertBothSay("FAILED", "groups as lists", { ...opening.audit, groups }, opening);
  await assertBothSay("FAILED", "the signature's last character", text.replace(statement, lax),
    opening);
  await assertBothSay("FAILED", "an altered seed", { ...opening.audit, seed: OTHER }, opening);
  await assertBothSay("FAILED", "another shop's keys", opening.audit, { jwks: () => drawn.jwks() });
});
