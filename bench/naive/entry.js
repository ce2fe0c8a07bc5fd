// The Worker's module: each request goes to Rust, and the object is Rust's.

import { fetch } from "./index.js";

export { Room } from "./index.js";
export default { fetch };
