// Runs the verifier beside the page, which stays quick to the touch meanwhile.

import { lookAt } from "./places.js";
import { verify } from "./verify.js";

let audit; // the last that was verified

addEventListener("message", async ({ data: { run, given, position } }) => {
  if (given === undefined) return postMessage({ run, looked: lookAt(position, audit) });
  const result = await verify(given, {
    onCheck: (check) => postMessage({ run, check }),
    onProgress: (name, share) => postMessage({ run, share }),
  });
  ({ audit } = result);
  postMessage({
    run,
    result: {
      ...result,
      audit: undefined,
      summary: audit && { ...audit, groups: audit.groups.length },
    },
  });
});
