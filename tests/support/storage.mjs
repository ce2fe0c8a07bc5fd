// What the objects wrote: Miniflare keeps each one's SQLite database as a file of its own.

import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";

/** The databases of a class's objects below a state folder. */
export function objectFiles(state, className) {
  const folder = path.join(state, "v3/do", `tidegate-${className}`);
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) =>
    name.endsWith(".sqlite") && name !== "metadata.sqlite"
  );
  return files.map((name) => path.join(folder, name));
}

/** How many rows a table holds; 0 where there is no such table. */
export function countRows(file, table) {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const known = database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?")
      .get(table);
    return known ? database.prepare(`SELECT COUNT(*) AS count FROM ${table}`).get().count : 0;
  } finally {
    database.close();
  }
}
