//! What is said of waits: no promise that nothing bears out, and a range that holds.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be"
)]

use serde_json::json;
use tidegate_core::fair::{Fresh, Root};
use tidegate_core::ids::{AdmissionId, Epoch, ShopperId};
use tidegate_core::queue::event::Holder;
use tidegate_core::queue::{Answer, Event};
use tidegate_core::sim::queue_object::{Crash, QueueObject};
use tidegate_core::token::ticket::Ticket;
use tidegate_core::view::snapshot::Snapshot;
use tidegate_core::view::status::{Standing, Status};

const EPOCH: Epoch = Epoch::from_bytes([7; 16]);
const SHOPPER: ShopperId = ShopperId::from_bytes([1; 16]);

struct Queue {
    object: QueueObject,
    now: u64,
    entered: u64,
}

impl Queue {
    fn with(config: serde_json::Value) -> Self {
        let mut queue = Self {
            object: QueueObject::default(),
            now: 1_800_000_000_000,
            entered: 0,
        };
        queue.event(Event::Put {
            id: "line".parse().unwrap(),
            config,
            fresh: Fresh::known(EPOCH),
        });
        queue
    }

    fn event(&mut self, event: Event) -> Option<Answer> {
        let handled = self.object.event(event, self.now, Crash::None);
        handled.answer.unwrap().ok()
    }

    fn enter(&mut self) -> u64 {
        let index = self.entered;
        self.entered += 1;
        self.event(Event::Lease {
            epoch: EPOCH,
            lane: 0,
            sequence: self.entered,
            count: 1,
            root: Root::from_bytes([0; 32]),
        });
        index
    }

    fn claims(&mut self, index: u64) -> bool {
        let holder = Holder {
            epoch: EPOCH,
            index,
            position: Some(index),
            shopper: SHOPPER,
        };
        matches!(self.event(Event::Claim(holder)), Some(Answer::Granted(_)))
    }

    fn redeem(&mut self, index: u64) {
        self.event(Event::Redeem {
            admission: AdmissionId {
                epoch: EPOCH,
                index,
            },
            idempotency_key: None,
        });
    }

    fn complete(&mut self, index: u64) {
        self.event(Event::Complete(AdmissionId {
            epoch: EPOCH,
            index,
        }));
    }

    fn snapshot(&mut self) -> Snapshot {
        let now = self.now;
        self.object.machine().unwrap().snapshot(now)
    }
}

fn standing(index: u64, snapshot: &Snapshot) -> Standing {
    let ticket = Ticket {
        queue: "line".parse().unwrap(),
        epoch: EPOCH,
        shopper: SHOPPER,
        index,
        position: Some(index),
        issued_at: 0,
    };
    Status::of(Some(&ticket), snapshot, false, 0).standing
}

fn most(standing: Standing) -> Option<u64> {
    match standing {
        Standing::Queued { wait_range, .. } => wait_range.at_most_seconds,
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_wait_at_all_is_said_only_where_a_slot_is_free_that_nobody_may_come_for() {
    let mut queue = Queue::with(json!({"maxActive": 1}));
    let said = |queue: &mut Queue| queue.snapshot().estimated_wait_seconds;
    assert_eq!(said(&mut queue), Some(0));
    // Called up and on the way.
    queue.enter();
    assert_eq!(said(&mut queue), None);
    assert!(queue.claims(0));
    // Nobody is in line, and yet the only slot is taken.
    assert_eq!(said(&mut queue), None);
    let range = queue.snapshot().wait_range.unwrap();
    assert!(range.at_most_seconds.unwrap() >= 700, "{range:?}");
    queue.redeem(0);
    queue.complete(0);
    assert_eq!(said(&mut queue), Some(0));
}

/// An edge hears from lanes of call-ups that its view of the queue does not show yet.
#[test]
fn an_older_view_promises_nobody_a_slot_that_others_are_called_up_for() {
    let mut queue = Queue::with(json!({"maxActive": 2}));
    let mut view = queue.snapshot();
    view.entered = 5;
    assert!(most(standing(1, &view)).unwrap() <= 60);
    view.boarding = 4;
    assert!(most(standing(4, &view)).unwrap() >= 700);
}

#[test]
fn a_wait_is_bounded_from_the_first_moment_and_the_bound_falls_as_a_session_runs() {
    let mut queue = Queue::with(json!({"maxActive": 1}));
    queue.enter();
    assert!(queue.claims(0));
    queue.redeem(0);
    for _ in 0..9 {
        queue.enter();
    }
    let snapshot = queue.snapshot();
    let ahead = match standing(9, &snapshot) {
        Standing::Queued { ahead, .. } => ahead,
        other => panic!("{other:?}"),
    };
    let bound = most(standing(9, &snapshot)).unwrap();
    assert!(
        bound >= 600 + ahead * 720 && bound <= 9 * 720 + 620,
        "{bound}"
    );
    queue.now += 300_000;
    queue.event(Event::Wake);
    let later = most(standing(9, &queue.snapshot())).unwrap();
    assert!(later + 295 <= bound, "{bound}, then {later}");
}

#[test]
fn while_it_is_paused_nothing_bounds_a_wait() {
    let mut queue = Queue::with(json!({"maxActive": 1}));
    for _ in 0..20 {
        queue.enter();
    }
    queue.event(Event::Pause);
    assert_eq!(most(standing(19, &queue.snapshot())), None);
    queue.event(Event::Close);
    assert_eq!(queue.snapshot().wait_range, None);
}

/// A small shop: sessions of one to nine minutes, everybody comes. What each was told on entering, and
/// each minute after, holds.
#[test]
fn what_a_small_queue_says_of_waits_comes_true_and_narrows() {
    let (mut told, mut held, mut widths) = (0, 0, Vec::new());
    for (slots, seed) in [(1, 3_u64), (1, 5), (2, 7), (5, 11)] {
        let mut queue = Queue::with(json!({"maxActive": slots}));
        for _ in 0..40 {
            queue.enter();
        }
        let mut random = seed;
        let mut ends: Vec<(u64, u64)> = Vec::new();
        let mut next = 0;
        let mut said: Vec<(u64, u64, u64, Option<u64>)> = Vec::new();
        let mut called_at = std::collections::BTreeMap::new();
        while next < 40 {
            queue.now += 1_000;
            let now = queue.now;
            for (end, index) in ends.clone() {
                if end <= now {
                    queue.complete(index);
                }
            }
            ends.retain(|(end, _)| *end > now);
            queue.event(Event::Wake);
            // All who are called up come.
            let boarding = queue.snapshot().boarding;
            let called = next..boarding.min(40);
            for index in called {
                if queue.claims(index) {
                    assert_eq!(index, next);
                    queue.redeem(index);
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    ends.push((now + 60_000 + (random >> 33) % 480_000, index));
                    called_at.insert(index, now);
                    next += 1;
                }
            }
            if now.is_multiple_of(60_000) {
                let snapshot = queue.snapshot();
                for index in (snapshot.boarding..40).step_by(7) {
                    if let Standing::Queued {
                        wait_range: range, ..
                    } = standing(index, &snapshot)
                    {
                        said.push((index, now, range.at_least_seconds, range.at_most_seconds));
                    }
                }
            }
        }
        for (index, at, least, most) in said {
            let real = (called_at[&index] - at) / 1_000;
            let most = most.unwrap();
            told += 1;
            held +=
                u32::from((least..=most).contains(&(real + 30)) || (least..=most).contains(&real));
            widths.push((index, at, least, real, most));
        }
    }
    let wrong: Vec<_> = widths
        .iter()
        .filter(|(_, _, least, real, most)| real + 30 < *least || real > most)
        .collect();
    assert!(
        told > 100 && held * 20 >= told * 19,
        "{held} of {told}: {wrong:?}"
    );
    let narrowed = widths.iter().filter(|(_, _, least, ..)| *least > 0).count();
    assert!(
        narrowed * 2 > widths.len(),
        "{narrowed} of {}",
        widths.len()
    );
}
