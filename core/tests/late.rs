//! Orders that are paid after their session ran out, and winners' windows that an operator keeps lengthening.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be"
)]

use serde_json::{Value, json};
use tidegate_core::UnixMillis;
use tidegate_core::fair::{Fresh, Root};
use tidegate_core::ids::{AdmissionId, Epoch, ShopperId};
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::draw::WINDOWS_MAX;
use tidegate_core::queue::event::Holder;
use tidegate_core::queue::{Answer, Event};
use tidegate_core::sim::queue_object::{Crash, QueueObject};
use tidegate_core::view::snapshot::Snapshot;

const EPOCH: Epoch = Epoch::from_bytes([9; 16]);
const START: UnixMillis = 1_800_000_000_000;

struct World {
    now: UnixMillis,
    queue: QueueObject,
}

impl World {
    fn new(config: Value, entrants: u32) -> Self {
        let (now, queue) = (START, QueueObject::default());
        let mut world = Self { now, queue };
        let (id, fresh) = ("late".parse().unwrap(), Fresh::known(EPOCH));
        world.must(Event::Put { id, config, fresh });
        world.must(Event::Lease {
            epoch: EPOCH,
            lane: 0,
            sequence: 1,
            count: entrants,
            root: Root::from_bytes([3; 32]),
        });
        world
    }

    fn event(&mut self, event: Event) -> Result<Answer, Problem> {
        let handled = self.queue.event(event, self.now, Crash::None);
        handled.answer.unwrap()
    }

    fn must(&mut self, event: Event) -> Answer {
        self.event(event).unwrap()
    }

    fn pass(&mut self, millis: u64) {
        self.now += millis;
        self.must(Event::Wake);
    }

    fn snapshot(&mut self) -> Snapshot {
        self.queue.machine().unwrap().snapshot(self.now)
    }

    fn claim(&mut self, index: u64) -> Answer {
        self.must(Event::Claim(holder(index)))
    }

    /// Claims and redeems, and lets the session run out.
    fn run_out(&mut self, index: u64) {
        assert!(matches!(self.claim(index), Answer::Granted(_)));
        self.must(Event::Redeem {
            admission: admission(index),
            idempotency_key: None,
        });
        self.pass(40_000);
    }

    fn complete(&mut self, index: u64) -> Option<Code> {
        let answer = self.event(Event::Complete(admission(index)));
        answer.err().map(|problem| problem.code)
    }
}

fn holder(index: u64) -> Holder {
    Holder {
        epoch: EPOCH,
        index,
        position: Some(index),
        shopper: ShopperId::from_bytes([1; 16]),
    }
}

fn admission(index: u64) -> AdmissionId {
    AdmissionId {
        epoch: EPOCH,
        index,
    }
}

fn shop(max_admissions: u64) -> Value {
    json!({"maxActive": 1, "maxAdmissions": max_admissions, "lanes": 1,
        "handoffSeconds": 40, "sessionSeconds": 40, "maxSessionSeconds": 40})
}

#[test]
fn a_late_order_takes_no_piece_that_somebody_present_is_next_for() {
    let mut world = World::new(shop(2), 4);
    world.run_out(0);
    // One piece is in a session, and the other is for the one who is present.
    assert!(matches!(world.claim(1), Answer::Granted(_)));
    assert!(matches!(world.claim(2), Answer::Boarding { .. }));
    assert_eq!(world.snapshot().remaining, Some(1));
    assert_eq!(world.complete(0), Some(Code::AdmissionExpired));
    world.must(Event::Leave(holder(2)));
    assert_eq!(world.complete(0), None, "nobody else was promised it");
    assert_eq!(world.complete(0), None, "repeating it changes nothing");
    assert_eq!(world.snapshot().completed, 1);
}

#[test]
fn a_late_order_counts_where_there_is_no_stock_to_run_out() {
    let mut world = World::new(json!({"maxActive": 1, "lanes": 1, "sessionSeconds": 40}), 3);
    world.run_out(0);
    assert!(matches!(world.claim(1), Answer::Granted(_)));
    assert!(matches!(world.claim(2), Answer::Boarding { .. }));
    assert_eq!(world.complete(0), None);
}

#[test]
fn a_late_order_is_in_nobody_s_way_once_the_queue_is_over_for_good() {
    let mut config = shop(2);
    config["closesAt"] = (START + 60_000).into();
    let mut world = World::new(config, 3);
    world.run_out(0);
    assert!(matches!(world.claim(1), Answer::Granted(_)));
    assert!(matches!(world.claim(2), Answer::Boarding { .. }));
    world.must(Event::Close);
    assert_eq!(
        world.complete(0),
        Some(Code::AdmissionExpired),
        "it may be reopened"
    );
    world.pass(20_000);
    assert_eq!(world.complete(0), None);
}

#[test]
fn however_often_a_draw_s_window_grows_there_are_never_many_and_none_shrinks() {
    let winners = 200;
    let config = json!({"access": "draw", "opensAt": START + 1_000, "closesAt": START + (1_u64 << 40),
        "maxAdmissions": winners, "claimWindowSeconds": 1_000, "lanes": 1});
    let mut world = World::new(config, 1_000);
    world.pass(1_000);
    let mut told = std::collections::BTreeMap::new();
    for round in 1..=150_u64 {
        world.now += 1_000;
        world.must(Event::Patch {
            patch: json!({"claimWindowSeconds": 1_000 + 100 * round, "maxAdmissions": winners + round}),
            fresh: Fresh::known(EPOCH),
        });
        let snapshot = world.snapshot();
        let draw = snapshot.draw.unwrap();
        assert!(draw.awaited.len() <= WINDOWS_MAX, "{}", draw.awaited.len());
        for place in 0..snapshot.boarding {
            let claim_by = draw.claim_by(place).unwrap();
            let before = told.insert(place, claim_by);
            assert!(
                before.is_none_or(|before| before <= claim_by),
                "place {place}"
            );
        }
    }
    assert_eq!(told.len(), 350);
}
