//! Boarding: whoever left or does not come holds up nobody for long.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be"
)]

use std::collections::BTreeMap;

use serde_json::json;
use tidegate_core::fair::{Fresh, Root};
use tidegate_core::ids::{Epoch, ShopperId};
use tidegate_core::queue::event::Holder;
use tidegate_core::queue::{Answer, Claim, Effect, Event, Machine, handle};

const EPOCH: Epoch = Epoch::from_bytes([7; 16]);

struct Queue {
    machine: Option<Machine>,
    claims: BTreeMap<u64, Claim>,
    now: u64,
}

impl Queue {
    fn with(config: serde_json::Value, entrants: u32) -> Self {
        let mut queue = Self {
            machine: None,
            claims: BTreeMap::new(),
            now: 1_800_000_000_000,
        };
        let id = "line".parse().unwrap();
        queue
            .event(Event::Put {
                id,
                config,
                fresh: Fresh::known(EPOCH),
            })
            .unwrap();
        queue
            .event(Event::Lease {
                epoch: EPOCH,
                lane: 0,
                sequence: 1,
                count: entrants,
                root: Root::from_bytes([0; 32]),
            })
            .unwrap();
        queue
    }

    fn event(&mut self, event: Event) -> Option<Answer> {
        let record = event.index().and_then(|index| self.claims.get(&index));
        let step = handle(&mut self.machine, event, record, self.now);
        for effect in step.effects {
            if let Effect::SaveClaim(claim) = effect {
                self.claims.insert(claim.index, claim);
            }
        }
        step.answer.ok()
    }

    fn holder(index: u64) -> Holder {
        Holder {
            epoch: EPOCH,
            index,
            position: Some(index),
            shopper: ShopperId::from_bytes([1; 16]),
        }
    }

    fn is_admitted(&mut self, index: u64) -> bool {
        matches!(
            self.event(Event::Claim(Self::holder(index))),
            Some(Answer::Granted(_))
        )
    }

    /// Lets time pass as the object's alarm would, and says after how many milliseconds the shopper,
    /// who claims twice a second, is admitted.
    fn admitted_after(&mut self, index: u64, within: u64) -> u64 {
        let began = self.now;
        while self.now < began + within {
            if self.is_admitted(index) {
                return self.now - began;
            }
            self.now += 500;
            self.event(Event::Wake);
        }
        panic!("not admitted within {within} ms");
    }
}

#[test]
fn whoever_left_is_passed_over_at_once() {
    let mut queue = Queue::with(json!({"maxActive": 1}), 42);
    for index in 0..41 {
        queue.event(Event::Leave(Queue::holder(index))).unwrap();
    }
    assert_eq!(queue.admitted_after(41, 10_000), 0);
}

#[test]
fn a_crowd_that_never_comes_holds_up_the_next_for_a_minute_or_so() {
    let mut queue = Queue::with(json!({"maxActive": 1}), 301);
    let waited = queue.admitted_after(300, 240_000);
    assert!(waited <= 100_000, "{waited} ms");
    let mut queue = Queue::with(json!({"maxActive": 50}), 5_001);
    let waited = queue.admitted_after(5_000, 240_000);
    assert!(waited <= 100_000, "{waited} ms");
}

#[test]
fn a_surge_on_an_idle_queue_is_not_called_up_whole() {
    let mut queue = Queue::with(json!({"maxActive": 5}), 1);
    // Nobody comes for a minute.
    for _ in 0..60 {
        queue.now += 1_000;
        queue.event(Event::Wake);
    }
    queue
        .event(Event::Lease {
            epoch: EPOCH,
            lane: 0,
            sequence: 2,
            count: 10_000,
            root: Root::from_bytes([0; 32]),
        })
        .unwrap();
    let boarding = queue.machine.as_ref().unwrap().head().boarding;
    assert!(
        (2..60).contains(&boarding),
        "{boarding} called up for 5 slots"
    );
}

/// Nobody who was called up and did not claim is told that something waits for them, also not at the end.
#[test]
fn who_was_called_up_and_not_admitted_has_nothing_to_collect() {
    let mut queue = Queue::with(json!({"maxActive": 1}), 3);
    assert!(queue.is_admitted(0));
    let machine = queue.machine.as_ref().unwrap();
    let snapshot = machine.snapshot(queue.now);
    assert!(snapshot.boarding > 1, "somebody is called up ahead of need");
    assert_eq!(snapshot.admitted_below, 1);
}
