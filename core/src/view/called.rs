//! The places of a draw that are called up: until when each winner may come, and whether one who is
//! too late can still be served. It stands in the snapshot, so that it makes a status with a ticket
//! alone.

use serde::{Deserialize, Serialize};

use crate::UnixMillis;

/// What is public in a draw of the places that are called up. In a ticket's status it makes the
/// difference between a place that waits, one that lapsed, and one that can still be had too late.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CalledPlaces {
    /// Those whose time to claim runs, in order: at most
    /// [`WINDOWS_MAX`](crate::queue::draw::WINDOWS_MAX).
    pub awaited: Vec<AwaitedPlaces>,
    /// How many places nobody has or may come for.
    pub free: u64,
    /// Since when no time to claim runs, if it stands still.
    pub still_since: Option<UnixMillis>,
}

/// Places, 0-based, that were called up together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AwaitedPlaces {
    /// The first position.
    pub from: u64,
    /// The position after the last.
    pub to: u64,
    /// When they lapse.
    pub claim_by: UnixMillis,
}

impl CalledPlaces {
    /// When this place lapses, if its time runs or stands still.
    pub fn claim_by(&self, place: u64) -> Option<UnixMillis> {
        let mut awaited = self.awaited.iter();
        let found = awaited.find(|places| (places.from..places.to).contains(&place))?;
        Some(found.claim_by)
    }

    /// How long the winner of this place has left to come: until it lapses; and where it has
    /// lapsed, until the draw ends at `closes_at`.
    pub fn time_left(&self, place: u64, now: UnixMillis, closes_at: Option<UnixMillis>) -> u64 {
        let Some(until) = self.claim_by(place) else {
            return closes_at.unwrap_or(UnixMillis::MAX).saturating_sub(now);
        };
        until.saturating_sub(self.still_since.unwrap_or(now))
    }
}
