//! What a run of the simulator must keep, and how it says that something does not hold.

use core::fmt;

/// An invariant of the design that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its number and name there.
    pub invariant: &'static str,
    /// What was seen.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.invariant, self.detail)
    }
}

/// Names of the invariants.
pub mod named {
    #![allow(missing_docs, reason = "each names itself")]
    pub const DENSE: &str = "1, unique and dense";
    pub const REAL_TIME: &str = "2, real-time order";
    pub const IN_ORDER: &str = "3, in order";
    pub const LIMITS: &str = "4, never over-admitted";
    pub const CHECKOUTS: &str = "4, no more checkouts than slots";
    pub const ONE_EACH: &str = "5, one each";
    pub const DURABLE: &str = "6, durable";
    pub const POLLS: &str = "8, polls are free";
    pub const SEALED: &str = "9, sealed";
    pub const LIVE: &str = "10, live";
    pub const CALM: &str = "11, calm failure";
}

/// Fails with what `detail` says unless `holds`.
pub fn ensure(
    holds: bool,
    invariant: &'static str,
    detail: impl FnOnce() -> String,
) -> Result<(), Violation> {
    if holds {
        return Ok(());
    }
    Err(Violation {
        invariant,
        detail: detail(),
    })
}
