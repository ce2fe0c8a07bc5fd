//! The shop against a stand-in edge, over real sockets, with really signed tokens.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what it expects by failing"
)]

mod arriving;
mod browser;
mod buying;
mod process;
mod stand_in_edge;
mod storefront;
