//! The shuffle alone, and the check of a beacon's round, as WebAssembly, to be timed.

use tidegate_core::fair::beacon::{Beacon, Chain};
use tidegate_core::fair::{Seed, shuffle};

/// The position of entrant `index` of `count`, with a seed that a number stands for.
#[unsafe(no_mangle)]
pub extern "C" fn place(index: u64, count: u64, seed: u64) -> u64 {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    shuffle::position(index, count, &Seed::from_bytes(bytes)).unwrap_or(u64::MAX)
}

/// Whether quicknet signed what an endpoint answered for this round. It answered for round 1000.
#[unsafe(no_mangle)]
pub extern "C" fn check(round: u64) -> u32 {
    const SIGNATURE: &str = concat!(
        "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b1957",
        "6350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
    );
    let beacon = Beacon {
        chain: Chain::quicknet(),
        round,
        signature: None,
    };
    let answer = format!("{{\"round\":{round},\"signature\":\"{SIGNATURE}\"}}");
    beacon.told(&answer).is_ok().into()
}
