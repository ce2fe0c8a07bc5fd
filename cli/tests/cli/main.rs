//! The binary as an operator runs it: on real files, and against a stand-in for the Worker over
//! real sockets.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what it expects by failing"
)]

mod audits;
mod judge;
mod keys;
mod load;
mod queue;
mod refusals;
mod run;
mod simulate;
mod stand_in;
mod stand_in_live;
mod verify;
mod verify_address;
