//! What a shopper was told of their place, and what it lets them do.

use super::LOOK_MILLIS;
use crate::UnixMillis;
use crate::view::status::{Standing, Status};

/// Where a place stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Called up, or was: who claimed in time goes on, and the others hear from their claim that it
    /// is too late.
    CalledUp {
        /// Whether who has claimed already has an admission to collect.
        collect: bool,
        /// The queue's clock, of the state that says so.
        at: UnixMillis,
        /// When to look again, milliseconds from now.
        look_after: u64,
    },
    /// Not called up.
    Waits {
        /// When to look again, milliseconds from now.
        look_after: u64,
    },
    /// Nothing comes any more.
    Over,
}

impl Seen {
    /// By a status.
    pub const fn of(status: &Status) -> Self {
        let look_after = status.poll_after_ms;
        match status.standing {
            Standing::Ready { collect, .. } | Standing::Lapsed { collect, .. } => Self::CalledUp {
                collect,
                at: status.server_time,
                look_after,
            },
            Standing::Closed | Standing::NotSelected | Standing::NotQueued => Self::Over,
            Standing::Waiting | Standing::Queued { .. } | Standing::Reserve { .. } => {
                Self::Waits { look_after }
            }
        }
    }

    /// By a status' name, as it stands in JSON.
    pub fn named(name: &str, collect: bool, at: UnixMillis, poll_after: Option<u64>) -> Self {
        let look_after = poll_after.unwrap_or(LOOK_MILLIS);
        match name {
            "READY" | "LAPSED" => Self::CalledUp {
                collect,
                at,
                look_after,
            },
            "CLOSED" | "NOT_SELECTED" | "NOT_QUEUED" => Self::Over,
            _ => Self::Waits { look_after },
        }
    }

    /// By a snapshot that a socket brings, as the room's page works it out: for a place, counted
    /// from 0, what `boarding` and `admittedBelow` say, and whether nobody is admitted any more.
    pub const fn by_snapshot(
        place: u64,
        boarding: u64,
        admitted_below: u64,
        is_over: bool,
        at: UnixMillis,
    ) -> Self {
        let look_after = LOOK_MILLIS;
        let collect = place < admitted_below;
        if place < boarding && (collect || !is_over) {
            Self::CalledUp {
                collect,
                at,
                look_after,
            }
        } else if is_over {
            Self::Over
        } else {
            Self::Waits { look_after }
        }
    }
}
