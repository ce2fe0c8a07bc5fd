//! What a shopper is told: a ticket, the snapshot and the time make a status, and nothing else does.

use serde::Serialize;

use super::snapshot::{Notice, Phase, Snapshot};
use super::wait::WaitRange;
use crate::UnixMillis;
use crate::config::Access;
use crate::queue::soon::Soon;
use crate::token::ticket::Ticket;

/// The shortest and the longest pause between two polls.
const POLL_MIN_MILLIS: u64 = 2_000;
const POLL_MAX_MILLIS: u64 = 120_000;
/// The pause for somebody who is called up, or may be soon: at most this, and by chance up to a third less.
pub const POLL_NEAR_MILLIS: u64 = 3_000;
/// The longest pause where the wait is unknown.
const POLL_UNKNOWN_MILLIS: u64 = 30_000;
/// The pause while the entrants wait for their places.
const POLL_SEALING_MILLIS: u64 = 5_000;
/// The pause for somebody who has nothing to wait for.
pub const POLL_IDLE_MILLIS: u64 = 30_000;

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
        /// In a draw, when the place lapses. `None` where no time runs: in a pause, and where the time is
        /// over but nobody came after.
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
        // Whoever was admitted just before the end still has an admission to collect.
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
    // An edge may know of a later boarding than the queue's: who was called up since may take a free slot.
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

/// How long it takes until `ahead` people have gone, at `rate` a second; `None` where nothing moves.
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

/// When to ask again: by rank near the front, by a quarter of the wait further back, and up to a third less by
/// chance, so that those who entered together do not poll together.
fn poll_after(standing: &Standing, snapshot: &Snapshot, jitter: u32) -> u64 {
    let until = |at: Option<UnixMillis>| Some(at?.saturating_sub(snapshot.server_time) / 4);
    let base = match standing {
        Standing::Queued {
            position,
            estimated_wait_seconds,
            ..
        } => {
            let place = position.saturating_sub(1);
            let reached = Soon::reached_after(snapshot.soon_below, snapshot.soon_stride, place);
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
        | Standing::NotSelected
        | Standing::Closed => POLL_IDLE_MILLIS,
    };
    let base = base.clamp(POLL_MIN_MILLIS, POLL_MAX_MILLIS);
    let percent = u64::from(jitter % 34).saturating_add(67);
    (base.saturating_mul(percent) / 100).max(POLL_MIN_MILLIS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Access;
    use crate::ids::{Epoch, ShopperId};
    use crate::view::line::Left;
    use crate::view::snapshot::Shuffle;
    use crate::view::wait::WaitBounds;

    fn snapshot() -> Snapshot {
        Snapshot {
            id: "demo".parse().unwrap(),
            access: Access::Queue,
            phase: Phase::Open,
            entry_opens_at: None,
            opens_at: None,
            closes_at: None,
            epoch: Epoch::from_bytes([1; 16]),
            entered: 100,
            full: false,
            waiting: 60,
            present: 3,
            admitted: 37,
            active: 30,
            completed: 7,
            remaining: None,
            boarding: 40,
            soon_below: 50,
            soon_stride: 60,
            left: Left::default(),
            admitted_below: 37,
            draw: None,
            rate_per_second: Some(2.0),
            estimated_wait_seconds: Some(30),
            wait_known: true,
            wait_range: None,
            wait_bounds: WaitBounds {
                boarding: 40,
                ..WaitBounds::default()
            },
            shuffle: Shuffle::default(),
            relays: 1,
            notice: None,
            checkout_url: "/checkout".into(),
            version: 9,
            server_time: 5,
        }
    }

    fn at(index: u64) -> Ticket {
        Ticket {
            queue: "demo".parse().unwrap(),
            epoch: Epoch::from_bytes([1; 16]),
            shopper: ShopperId::from_bytes([0; 16]),
            index,
            position: Some(index),
            issued_at: 0,
        }
    }

    fn standing_at(index: u64, snapshot: &Snapshot) -> Standing {
        Status::of(Some(&at(index)), snapshot, false, 0).standing
    }

    #[test]
    fn a_place_is_one_based_and_people_ahead_include_the_present() {
        let expected = Standing::Queued {
            position: 61,
            ahead: 23,
            boarding: 40,
            estimated_wait_seconds: Some(12),
            wait_known: true,
            wait_range: WaitRange {
                at_least_seconds: 0,
                at_most_seconds: None,
            },
        };
        assert_eq!(standing_at(60, &snapshot()), expected);
    }

    #[test]
    fn who_left_is_not_ahead_of_anybody() {
        let left = Left::thinned(vec![(40, 0), (45, 0), (55, 10)]);
        for (index, people) in [(42, 5), (50, 8), (60, 13)] {
            let snapshot = Snapshot {
                left: left.clone(),
                ..snapshot()
            };
            let standing = standing_at(index, &snapshot);
            assert!(
                matches!(standing, Standing::Queued { ahead, .. } if ahead == people),
                "{standing:?}"
            );
        }
    }

    #[test]
    fn whoever_stands_below_boarding_is_ready_and_below_admitted_collects() {
        assert_eq!(
            standing_at(39, &snapshot()),
            Standing::Ready {
                position: 40,
                collect: false,
                claim_by: None
            }
        );
        assert_eq!(
            standing_at(36, &snapshot()),
            Standing::Ready {
                position: 37,
                collect: true,
                claim_by: None
            }
        );
    }

    #[test]
    fn an_unknown_rate_is_an_unknown_wait() {
        for rate in [None, Some(0.0)] {
            let snapshot = Snapshot {
                rate_per_second: rate,
                ..snapshot()
            };
            let standing = standing_at(60, &snapshot);
            assert!(
                matches!(
                    standing,
                    Standing::Queued {
                        wait_known: false,
                        ..
                    }
                ),
                "{standing:?}"
            );
        }
    }

    #[test]
    fn the_end_leaves_only_what_was_admitted() {
        let over = Snapshot {
            phase: Phase::Closed,
            ..snapshot()
        };
        assert_eq!(standing_at(60, &over), Standing::Closed);
        assert_eq!(
            standing_at(5, &over),
            Standing::Ready {
                position: 6,
                collect: true,
                claim_by: None
            }
        );
        let done = Snapshot { active: 0, ..over };
        assert_eq!(standing_at(5, &done), Standing::Closed);
    }

    #[test]
    fn polls_stay_within_their_bounds_and_are_spread() {
        let far = Snapshot {
            rate_per_second: Some(0.001),
            ..snapshot()
        };
        let mut seen = std::collections::BTreeSet::new();
        for jitter in 0..100 {
            for snapshot in [&snapshot(), &far] {
                let pause = Status::of(Some(&at(60)), snapshot, false, jitter).poll_after_ms;
                assert!((POLL_MIN_MILLIS..=POLL_MAX_MILLIS).contains(&pause));
                seen.insert(pause);
            }
        }
        assert!(seen.len() > 20, "{seen:?}");
    }

    #[test]
    fn whoever_may_be_called_up_soon_polls_every_two_or_three_seconds_whatever_the_wait() {
        let slow = Snapshot {
            rate_per_second: Some(0.001),
            ..snapshot()
        };
        for place in [40, 49, 109] {
            for jitter in 0..100 {
                let pause = Status::of(Some(&at(place)), &slow, false, jitter).poll_after_ms;
                assert!(
                    (POLL_MIN_MILLIS..=POLL_NEAR_MILLIS).contains(&pause),
                    "{place}: {pause}"
                );
            }
        }
        let pauses = [300, 2_000, 40_000]
            .map(|place| Status::of(Some(&at(place)), &slow, false, 33).poll_after_ms);
        assert_eq!(pauses, [12_000, 57_000, 117_000]);
    }

    #[test]
    fn before_the_opening_polls_come_closer_together() {
        let opening = |server_time| Snapshot {
            phase: Phase::Entry,
            opens_at: Some(1_000_000),
            server_time,
            ..snapshot()
        };
        let ticket = Ticket {
            position: None,
            ..at(60)
        };
        for (server_time, pause) in [(0, 120_000), (900_000, 25_000), (999_999, 2_000)] {
            // 33 is jitter that changes nothing.
            let status = Status::of(Some(&ticket), &opening(server_time), false, 33);
            assert_eq!(status.standing, Standing::Waiting);
            assert_eq!(status.poll_after_ms, pause);
        }
    }

    #[test]
    fn a_status_reads_as_the_contract_says() {
        let status = Status::of(Some(&at(60)), &snapshot(), true, 33);
        let expected = serde_json::json!({
            "status": "QUEUED", "position": 61, "ahead": 23, "boarding": 40, "estimatedWaitSeconds": 12,
            "waitKnown": true, "waitRange": {"atLeastSeconds": 0, "atMostSeconds": null}, "pollAfterMs": 3000, "phase": "open", "serverTime": 5, "stale": true,
        });
        assert_eq!(serde_json::to_value(status).unwrap(), expected);
    }
}
