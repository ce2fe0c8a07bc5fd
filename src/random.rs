//! The platform's randomness.

use tidegate_core::problem::{Code, Problem};

/// Fresh random bytes.
pub fn bytes<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|_| Problem::new(Code::InternalError, "The platform gave no randomness."))?;
    Ok(bytes)
}

/// A random number for spreading things out; any will do where there is none.
pub fn jitter() -> u32 {
    bytes().map_or(0, u32::from_le_bytes)
}
