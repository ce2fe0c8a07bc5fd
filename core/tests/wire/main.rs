//! What travels between Worker and objects is understood by the version before and the version
//! after.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be"
)]

mod golden;
mod mixed;
mod variants;
