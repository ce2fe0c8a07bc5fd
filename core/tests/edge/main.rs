//! The edge as a machine: its two drivers answer the same, and what each call decides.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be"
)]

mod cases;
mod drivers;
mod isolates;
mod sent;
mod versions;
mod world;
