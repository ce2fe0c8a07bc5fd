// Watches source folders with all their subfolders, also ones that come later.

import { existsSync, readdirSync, watch } from "node:fs";
import path from "node:path";

/** Calls `changed` once for each burst of changes below `roots`; those that do not exist wait. */
export function watchFolders(roots, changed) {
  const watchers = new Map();
  let timer;

  const scan = () => {
    const present = new Set(roots.filter(existsSync).flatMap(withSubfolders));
    for (const [folder, watcher] of watchers) {
      if (present.has(folder)) continue;
      watcher.close();
      watchers.delete(folder);
    }
    // Each folder by itself: on Linux, Node's recursive watch loses a file once an editor has
    // replaced it by renaming another over it.
    for (const folder of present) {
      if (watchers.has(folder)) continue;
      const watcher = watch(folder, happened);
      watcher.on("error", () => {}); // the folder is gone; the next scan sees it
      watchers.set(folder, watcher);
    }
  };
  const happened = () => {
    clearTimeout(timer);
    // An editor writes a file in several steps, and often several files.
    timer = setTimeout(() => {
      scan();
      changed();
    }, 200);
  };
  scan();
}

function withSubfolders(folder) {
  const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [folder, ...below.flatMap((entry) => withSubfolders(path.join(folder, entry.name)))];
}
