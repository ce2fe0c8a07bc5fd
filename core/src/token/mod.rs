//! What Tidegate signs: tickets for itself, handoff tokens for the merchant's origin.

pub mod access;
pub mod detached;
pub mod handoff;
pub mod identity;
pub mod keys;
pub mod statement;
pub mod ticket;

use jwt_simple::common::VerificationOptions;
use jwt_simple::prelude::{Duration, UnixTimeStamp};

use serde::{Deserialize, Serialize};

use crate::UnixMillis;
use crate::ids::{Epoch, QueueId};
use crate::terms::Access;

/// The longest token that is looked at.
pub const TOKEN_MAX: usize = 2048;

/// What Tidegate's tokens say besides the registered claims; each kind has its own of these. One
/// type for all, because each would bring a reader and a writer of its own into the Worker.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct OwnClaims {
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<QueueId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<Access>,
}

/// A JWT time (whole seconds) from milliseconds, rounded down.
fn seconds(at: UnixMillis) -> UnixTimeStamp {
    Duration::from_secs(at / 1000)
}

/// What every token that an edge reads back must stand up to at `now`. Who signed it may have a
/// clock that runs ahead; what begins and ends it, its reader looks at.
fn exactly_at(now: UnixMillis) -> VerificationOptions {
    VerificationOptions {
        time_tolerance: Some(Duration::from_secs(0)),
        accept_future: true,
        max_token_length: Some(TOKEN_MAX),
        artificial_time: Some(seconds(now)),
        ..VerificationOptions::default()
    }
}

/// Whether a token that ends at `expires_at` is still good. RFC 7519 ends it *on* that second.
fn is_live(expires_at: Option<UnixTimeStamp>, now: UnixMillis) -> bool {
    expires_at.is_some_and(|at| seconds(now) < at)
}
