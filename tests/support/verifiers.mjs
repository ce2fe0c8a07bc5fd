// The two verifiers, which share no code: the command `tidegate verify`, and the script of the page
// /verify.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import { verify } from "../../pages/verify/verify.js";
import { BINARY } from "./command.mjs";
import { freshFolder, removeFolder } from "./world.mjs";

/** What the command says: `{code, said}`. */
export const byCommand = (...args) =>
  new Promise((resolve, reject) => {
    execFile(BINARY, ["verify", ...args], { maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
      if (error && typeof error.code !== "number") return reject(error);
      resolve({ code: error?.code ?? 0, said: stdout + stderr });
    });
  });

/** What the page's script says: `{verdict, said}`. */
export const byScript = async (given) => {
  const { verdict, checks } = await verify(given);
  return {
    verdict,
    said: checks.map(({ name, outcome, text }) => `${outcome} ${name} ${text}`).join("\n"),
  };
};

/**
 * Both find an audit good. Answers every entrant's position by index, as the command computed them.
 */
export async function assertBothVerify(audit, jwks) {
  const folder = freshFolder();
  const file = (name, value) => {
    const at = path.join(folder, name);
    writeFileSync(at, JSON.stringify(value));
    return at;
  };
  try {
    const places = path.join(folder, "places");
    const command = await byCommand(file("audit", audit), "--jwks", file("jwks", jwks), "--places",
      places);
    assert.equal(command.code, 0, command.said);
    const script = await byScript({ audit: JSON.stringify(audit), jwks: JSON.stringify(jwks) });
    assert.equal(script.verdict, "VERIFIED", script.said);
    return JSON.parse(readFileSync(places, "utf8"));
  } finally {
    removeFolder(folder);
  }
}
