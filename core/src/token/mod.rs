//! What Tidegate signs: tickets for itself, handoff tokens for the merchant's origin.

pub mod access;
pub mod handoff;
pub mod keys;
pub mod ticket;

use jwt_simple::prelude::{Duration, UnixTimeStamp};

use crate::UnixMillis;

/// The longest token that is looked at.
pub const TOKEN_MAX: usize = 2048;

/// A JWT time (whole seconds) from milliseconds, rounded down.
fn seconds(at: UnixMillis) -> UnixTimeStamp {
    Duration::from_secs(at / 1000)
}

/// Whether a token that ends at `expires_at` is still good. RFC 7519 ends it *on* that second.
fn is_live(expires_at: Option<UnixTimeStamp>, now: UnixMillis) -> bool {
    expires_at.is_some_and(|at| seconds(now) < at)
}
