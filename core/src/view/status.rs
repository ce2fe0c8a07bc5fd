//! What a shopper is told: a ticket, the snapshot and the time make a status, and nothing else
//! does.

use serde::Serialize;

use super::frontier::reached_after;
use super::snapshot::{Notice, Phase, Snapshot};
use super::wait::WaitRange;
use crate::UnixMillis;
use crate::config::Access;
use crate::token::ticket::Ticket;

/// The shortest and the longest pause between two polls.
const POLL_MIN_MILLIS: u64 = 2_000;
const POLL_MAX_MILLIS: u64 = 120_000;
/// The pause for somebody who is called up, or may be soon: at most this, and by chance up to a
/// third less.
pub const POLL_NEAR_MILLIS: u64 = 3_000;
/// The longest pause where the wait is unknown.
const POLL_UNKNOWN_MILLIS: u64 = 30_000;
/// The pause while the entrants wait for their places.
const POLL_SEALING_MILLIS: u64 = 5_000;
/// The pause for somebody who has nothing to wait for.
pub const POLL_IDLE_MILLIS: u64 = 30_000;
/// The same while the queue is closed.
const POLL_CLOSED_MILLIS: u64 = 20_000;

/// Where a ticket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "status",
    rename_all = "SCREAMING_SNAKE_CASE",
    rename_all_fields = "camelCase"
)]
pub enum Standing {
    /// No ticket of this queue was shown.
    NotQueued,
    /// Entered; the queue is not open yet, so there is no place yet.
    Waiting,
    /// In line.
    Queued {
        /// The place, 1-based. It does not change while the queue is open.
        position: u64,
        /// How many stand between this shopper and being called up, with those who were called up
        /// and still wait for their admission. Who left does not stand.
        ahead: u64,
        /// The places up to this one, 1-based, are called up; 0 is none.
        boarding: u64,
        /// The expected wait, where it is known.
        estimated_wait_seconds: Option<u64>,
        /// Whether the wait is known.
        wait_known: bool,
        /// Between what the wait is.
        wait_range: WaitRange,
    },
    /// Called up: claim.
    Ready {
        /// The place, 1-based.
        position: u64,
        /// Whether a shopper who has claimed already has an admission to collect by claiming again.
        collect: bool,
        /// In a draw, when the place lapses. `None` where no time runs: in a pause, and where the
        /// time is over but nobody came after.
        #[serde(skip_serializing_if = "Option::is_none")]
        claim_by: Option<UnixMillis>,
    },
    /// In a draw: the time to claim is over, and another may hold the place.
    Lapsed {
        /// The place, 1-based.
        position: u64,
        /// As of [`Standing::Ready`]: a shopper who claimed in time goes by this.
        collect: bool,
    },
    /// In a draw: did not win, and comes next if enough places lapse.
    Reserve {
        /// The place, 1-based.
        position: u64,
        /// How many places must lapse.
        rank: u64,
    },
    /// In a draw that is over for good: was never called up.
    NotSelected,
    /// The queue is over.
    Closed,
}

/// What a shopper is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Where the ticket stands.
    #[serde(flatten)]
    pub standing: Standing,
    /// When to ask again, milliseconds from now.
    pub poll_after_ms: u64,
    /// Where the queue is in its life.
    pub phase: Phase,
    /// When the snapshot was taken, by the queue object's clock.
    pub server_time: UnixMillis,
    /// The queue is out of reach: this is the last that was known.
    pub stale: bool,
    /// What the operator has to say, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
    /// The ticket anew, when it was renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
}

impl Status {
    /// Computes the status of `ticket` under `snapshot`. `jitter` is any random number; it spreads
    /// the polls of those who entered together.
    pub fn of(ticket: Option<&Ticket>, snapshot: &Snapshot, stale: bool, jitter: u32) -> Self {
        let standing = standing(ticket, snapshot);
        Self {
            standing,
            poll_after_ms: poll_after(&standing, snapshot, jitter),
            phase: snapshot.phase,
            server_time: snapshot.server_time,
            stale,
            notice: snapshot.notice.clone(),
            ticket: None,
        }
    }
}

fn standing(ticket: Option<&Ticket>, snapshot: &Snapshot) -> Standing {
    let Some(ticket) = ticket else {
        return Standing::NotQueued;
    };
    let Some(place) = ticket.position else {
        return if snapshot.is_over() {
            Standing::Closed
        } else {
            Standing::Waiting
        };
    };
    let position = place.saturating_add(1);
    let collect = place < snapshot.admitted_below;
    if snapshot.is_over() {
        // Who was admitted just before the end still has an admission to collect.
        let is_decided = snapshot.access == Access::Draw && snapshot.cannot_reopen();
        return if collect && snapshot.active > 0 {
            Standing::Ready {
                position,
                collect,
                claim_by: None,
            }
        } else if is_decided && place >= snapshot.boarding {
            Standing::NotSelected
        } else {
            Standing::Closed
        };
    }
    if place < snapshot.boarding {
        return called_up(place, collect, snapshot);
    }
    if snapshot.access == Access::Draw {
        let rank = position.saturating_sub(snapshot.boarding);
        return Standing::Reserve { position, rank };
    }
    let boarding = snapshot.boarding;
    let left = snapshot.left.between(boarding, place);
    let ahead = place
        .saturating_sub(boarding)
        .saturating_sub(left)
        .saturating_add(snapshot.present);
    // An edge may know of a later boarding than the queue's: who was called up since may take a
    // free slot.
    let since = boarding.saturating_sub(snapshot.wait_bounds.boarding);
    let wait = snapshot
        .rate_per_second
        .and_then(|rate| wait_seconds(ahead, rate));
    Standing::Queued {
        position,
        ahead,
        boarding,
        estimated_wait_seconds: wait,
        wait_known: wait.is_some(),
        wait_range: snapshot
            .wait_bounds
            .range(ahead.saturating_add(since), wait),
    }
}

/// What somebody is told whose place, 0-based, is called up.
fn called_up(place: u64, collect: bool, snapshot: &Snapshot) -> Standing {
    let position = place.saturating_add(1);
    let mut claim_by = None;
    if let Some(draw) = &snapshot.draw {
        let until = draw.claim_by(place);
        if until.is_none() && draw.free == 0 {
            return Standing::Lapsed { position, collect };
        }
        claim_by = until.filter(|_| draw.still_since.is_none());
    }
    Standing::Ready {
        position,
        collect,
        claim_by,
    }
}

/// How long it takes until `ahead` people have gone, at `rate` a second; `None` where nothing
/// moves.
pub fn wait_seconds(ahead: u64, rate: f64) -> Option<u64> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "an estimate, and below 2^53 exact"
    )]
    let seconds = (ahead as f64 + 1.0) / rate;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be finite and positive"
    )]
    (rate > 0.0 && seconds.is_finite()).then(|| seconds.ceil() as u64)
}

/// When to ask again: by rank near the front, by a quarter of the wait further back, and up to a
/// third less by chance, so that those who entered together do not poll together.
fn poll_after(standing: &Standing, snapshot: &Snapshot, jitter: u32) -> u64 {
    let until = |at: Option<UnixMillis>| Some(at?.saturating_sub(snapshot.server_time) / 4);
    let base = match standing {
        Standing::Queued {
            position,
            estimated_wait_seconds,
            ..
        } => {
            let place = position.saturating_sub(1);
            let reached = reached_after(snapshot.soon_below, snapshot.soon_stride, place);
            let by_wait = estimated_wait_seconds.map(|wait| wait.saturating_mul(250));
            reached
                .min(by_wait.unwrap_or(POLL_UNKNOWN_MILLIS))
                .max(POLL_NEAR_MILLIS)
        }
        Standing::Waiting if snapshot.phase == Phase::Sealing => POLL_SEALING_MILLIS,
        Standing::Waiting => until(snapshot.opens_at).unwrap_or(POLL_SEALING_MILLIS),
        Standing::NotQueued if snapshot.phase == Phase::Scheduled => {
            until(snapshot.entry_opens_at).unwrap_or(POLL_IDLE_MILLIS)
        }
        Standing::Ready { position, .. } => match &snapshot.draw {
            // Nothing changes for a winner before their time is over.
            Some(draw) => {
                let place = position.saturating_sub(1);
                draw.time_left(place, snapshot.server_time, snapshot.closes_at) / 4
            }
            None => POLL_NEAR_MILLIS,
        },
        Standing::NotQueued
        | Standing::Lapsed { .. }
        | Standing::Reserve { .. }
        | Standing::NotSelected => POLL_IDLE_MILLIS,
        // It may be opened again, and then slots wait for who hears of it first.
        Standing::Closed => POLL_CLOSED_MILLIS,
    };
    let base = base.clamp(POLL_MIN_MILLIS, POLL_MAX_MILLIS);
    let percent = u64::from(jitter % 34).saturating_add(67);
    (base.saturating_mul(percent) / 100).max(POLL_MIN_MILLIS)
}

#[cfg(test)]
mod tests;
