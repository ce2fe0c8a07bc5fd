// The Worker's module: each request goes to Rust.

import { fetch } from "./index.js";

export default { fetch };
