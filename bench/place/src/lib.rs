//! The shuffle alone, as WebAssembly, to be timed.

use tidegate_core::fair::{Seed, shuffle};

/// The position of entrant `index` of `count`, with a seed that a number stands for.
#[unsafe(no_mangle)]
pub extern "C" fn place(index: u64, count: u64, seed: u64) -> u64 {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    shuffle::position(index, count, &Seed::from_bytes(bytes)).unwrap_or(u64::MAX)
}
