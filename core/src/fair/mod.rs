//! Fairness that can be checked: the shuffle, and what it is computed from.

pub mod shuffle;

use crate::hex::hex_bytes;

hex_bytes!(
    /// What the shuffle is computed from: 32 bytes that nobody could choose.
    Seed: 32,
    "a seed"
);
