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
