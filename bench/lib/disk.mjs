// What the disk does under the objects: each commit of theirs waits for it.

import { closeSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs";
import path from "node:path";

const WRITES = 50;
const PAGE = Buffer.alloc(4_096);

/**
 * Writes a page and waits until the disk has it, again and again, in `folder`. Returns
 * `{perSecond}`.
 */
export function syncedWrites(folder) {
  const file = path.join(folder, "synced");
  const descriptor = openSync(file, "w");
  const began = performance.now();
  for (let turn = 0; turn < WRITES; turn += 1) {
    writeSync(descriptor, PAGE);
    fsyncSync(descriptor);
  }
  const took = (performance.now() - began) / 1000;
  closeSync(descriptor);
  rmSync(file);
  return { perSecond: WRITES / took };
}
