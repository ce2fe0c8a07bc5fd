// The project's files: all but those that a .gitignore names. A copy without git has them, too.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The paths of all files, from the project's root, in order. */
export function projectFiles() {
  return filesIn("", [/^\.git$/]).toSorted();
}

function filesIn(folder, above) {
  const ignored = [...above, ...ignoredBelow(folder)];
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = path.posix.join(folder, entry.name);
    if (ignored.some((pattern) => pattern.test(file))) return [];
    if (entry.isDirectory()) return filesIn(file, ignored);
    return entry.isFile() || entry.isSymbolicLink() ? [file] : [];
  });
}

/** What the .gitignore of a folder names: of its patterns, those with names, `/` and `*`. */
function ignoredBelow(folder) {
  const list = path.join(ROOT, folder, ".gitignore");
  const lines = existsSync(list) ? readFileSync(list, "utf8").split("\n") : [];
  const here = folder === "" ? "" : `${folder}/`;
  return lines.filter((line) => line !== "").map((line) => {
    const name = line.replace(/^\/|\/$/g, "");
    const anywhere = name.includes("/") || line.startsWith("/") ? "" : "(.*/)?";
    const pattern = name.replace(/[.+?^$()|[\]{}]/g, "\\$&").replaceAll("*", "[^/]*");
    return new RegExp(`^${here}${anywhere}${pattern}$`);
  });
}
