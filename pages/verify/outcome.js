// What a check comes to.

import { inWords } from "./shape.js";

export const ok = (text) => ({ outcome: "ok", text });
export const failed = (text) => ({ outcome: "failed", text });
export const notChecked = (text) => ({ outcome: "not checked", text });

/** A number of things: "1 group", "2 groups". */
export const counted = (number, thing) => `${number} ${thing}${number === 1 ? "" : "s"}`;

/** `ok` with `text` where there are no faults, else what they are. */
export const unless = (faults, text) => (faults.length > 0 ? failed(inWords(faults)) : ok(text));
