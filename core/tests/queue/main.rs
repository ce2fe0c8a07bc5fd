//! One queue, event by event: its machine as its object runs it, in virtual time.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be"
)]

mod boarding;
mod configuring;
mod draws;
mod gone;
mod late;
mod leaving;
mod names;
mod openings;
mod reporting;
mod sealing;
mod ten_million;
mod waits;
mod world;
