//! The crate against a local stand-in of the edge, over real sockets, with really signed tokens.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what it expects by failing"
)]

mod calls;
#[cfg(feature = "axum")]
mod extractors;
mod stand_in;
mod verification;
