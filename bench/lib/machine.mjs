// What a figure was measured on.

import { cpus, totalmem } from "node:os";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

export function machine() {
  const cores = cpus();
  return {
    cpu: cores[0]?.model.trim(),
    cores: cores.length,
    memoryGb: Math.round(totalmem() / 1e9),
    system: `${process.platform} ${process.arch}`,
    workerd: createRequire(require.resolve("miniflare"))("workerd/package.json").version,
  };
}
