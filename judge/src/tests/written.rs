//! What a queue writes, shown event by event as the simulator shows it: whatever breaks a promise
//! is found at once.

use serde_json::json;
use tidegate_core::config::QueueConfig;
use tidegate_core::fair::Fresh;
use tidegate_core::ids::Epoch;
use tidegate_core::queue::hearing::{Batch, CallUp};
use tidegate_core::queue::{ClaimState, Effect, Head, LaneMark};

use super::story::claim;
use crate::event::Event;
use crate::verdict::Promise::{self, Durable, InOrder, Live, NeverOverAdmitted, Sealed};
use crate::{Judge, Limits};

const NOW: u64 = 1_800_000_000_000;

/// A queue whose first places are called up, and its judge.
struct Queue {
    judge: Judge,
    head: Head,
}

impl Queue {
    fn of(limits: Limits, entered: u32, boarding: u64) -> Self {
        let id = "judged".parse().unwrap();
        let config = json!({"maxActive": 9});
        let config = QueueConfig::parse(&config, &id).unwrap();
        let fresh = Fresh::known(Epoch::from_bytes([1; 16]));
        let mut queue = Self {
            judge: Judge::default(),
            head: Head::new(id, config, fresh, NOW),
        };
        queue.head.opened = Some(tidegate_core::queue::head::Opened::default());
        queue.head.entered = entered.into();
        queue.judge.see(Event::Limits(limits)).unwrap();
        let mark = LaneMark {
            lane: 0,
            sequence: 1,
            count: entered,
            first: 0,
            granted: entered,
            total: entered.into(),
        };
        queue.head.boarding = boarding;
        assert_eq!(queue.writes(&[Effect::SaveLane(mark)]), None);
        queue
    }

    /// The promise that an event breaks by what it writes.
    fn writes(&mut self, effects: &[Effect]) -> Option<Promise> {
        let wrote = Event::Wrote {
            effects,
            head: &self.head,
            alarm: Some(self.head.clock + 1),
        };
        self.judge
            .see(wrote)
            .err()
            .map(|violation| violation.promise)
    }

    fn at(&mut self, millis: u64) -> &mut Self {
        self.head.clock = NOW + millis;
        self
    }
}

fn slots(most: u32) -> Limits {
    Limits {
        max_active: Some(most),
        ..Limits::default()
    }
}

/// Somebody is present at the place of this number, and those before them were called up and have
/// heard of it.
fn comes(index: u64) -> Effect {
    Effect::SaveClaim(claim(index, ClaimState::Present, None))
}

fn admits(index: u64, at: u64) -> Effect {
    Effect::SaveClaim(claim(index, ClaimState::Admitted, Some(NOW + at)))
}

#[test]
fn a_grant_past_somebody_present_is_found() {
    for (admitted, expected) in [(0, None), (1, Some(InOrder))] {
        let mut queue = Queue::of(slots(0), 3, 3);
        assert_eq!(queue.writes(&[comes(0), comes(1)]), None);
        queue.judge.see(Event::Limits(slots(1))).unwrap();
        assert_eq!(queue.writes(&[admits(admitted, 0)]), expected);
    }
}

#[test]
fn a_slot_that_is_not_kept_back_for_who_has_time_to_hear_is_found() {
    for (most, at, expected) in [(3, 0, None), (2, 0, Some(InOrder)), (2, 7_000, None)] {
        let mut queue = Queue::of(slots(most), 3, 3);
        let hears = |from, hears_by| {
            Effect::SaveCallUp(CallUp {
                from,
                at: NOW,
                hears_by,
            })
        };
        // The last call-up's time is never over here.
        let calls = [hears(0, NOW + 7_000), hears(2, u64::MAX)];
        assert_eq!(queue.writes(&calls), None);
        assert_eq!(
            queue.at(at).writes(&[admits(2, at)]),
            expected,
            "{most} {at}"
        );
    }
}

#[test]
fn grants_beyond_a_limit_are_found() {
    let rate = |rate| Limits {
        rate: Some(rate),
        ..Limits::default()
    };
    let stock = |stock| Limits {
        max_admissions: Some(stock),
        ..Limits::default()
    };
    let over = Some(NeverOverAdmitted);
    for (limits, second_at, expected) in [
        (slots(2), 0, None),
        (slots(1), 0, over),
        (stock(2), 0, None),
        (stock(1), 0, over),
        (rate(2), 0, None),
        (rate(1), 59_999, over),
        (rate(1), 60_000, None),
    ] {
        let mut queue = Queue::of(limits, 2, 2);
        assert_eq!(queue.writes(&[admits(0, 0)]), None);
        assert_eq!(
            queue.at(second_at).writes(&[admits(1, second_at)]),
            expected,
            "{limits:?}"
        );
    }
}

#[test]
fn a_checkout_that_goes_on_keeps_its_slot_though_its_shopper_left() {
    use ClaimState::{Left, Redeemed};
    for (most, expected) in [(2, None), (1, Some(NeverOverAdmitted))] {
        let mut queue = Queue::of(slots(most), 2, 2);
        let record = |index, state| Effect::SaveClaim(claim(index, state, Some(NOW)));
        assert_eq!(queue.writes(&[admits(0, 0)]), None);
        assert_eq!(queue.writes(&[record(0, Redeemed)]), None);
        assert_eq!(queue.writes(&[record(0, Left)]), None);
        assert_eq!(queue.writes(&[admits(1, 0)]), None);
        assert_eq!(queue.writes(&[record(1, Redeemed)]), expected);
    }
}

#[test]
fn more_entries_than_may_stand_and_a_record_of_none_are_found() {
    let mut queue = Queue::of(slots(1), 3, 3);
    assert_eq!(queue.writes(&[comes(3)]), Some(Sealed));
    let few = Limits {
        max_participants: Some(3),
        ..Limits::default()
    };
    for (granted, expected) in [(0, None), (1, Some(NeverOverAdmitted))] {
        let mut queue = Queue::of(few, 3, 3);
        let mark = LaneMark {
            lane: 1,
            sequence: 1,
            count: granted,
            first: 3,
            granted,
            total: granted.into(),
        };
        queue.head.entered += u64::from(granted);
        let effects = [Effect::SaveLane(mark)];
        assert_eq!(queue.writes(&effects[..granted as usize]), expected);
    }
}

#[test]
fn who_is_present_while_a_slot_is_free_and_not_kept_back_is_found() {
    for (slots_free, batch_to, expected) in [
        (0, 0, None),
        (1, 0, Some(Live)),
        (1, 2, None),
        (2, 1, Some(Live)),
    ] {
        let mut queue = Queue::of(slots(slots_free), 3, 3);
        queue.head.batches = vec![Batch {
            from: 0,
            to: batch_to,
            at: NOW,
            hears_by: NOW + 7_000,
            answered: 0,
            came: 0,
        }];
        assert_eq!(
            queue.writes(&[comes(2)]),
            expected,
            "{slots_free} {batch_to}"
        );
    }
}

#[test]
fn boarding_that_stands_while_people_wait_is_found_unless_it_was_out_of_reach() {
    for (at, restored, expected) in [
        (60_000, false, None),
        (60_001, false, Some(Live)),
        (60_001, true, None),
    ] {
        let mut queue = Queue::of(slots(1), 3, 0);
        if restored {
            queue.judge.see(Event::Restored).unwrap();
        }
        assert_eq!(queue.at(at).writes(&[]), expected);
    }
    let mut queue = Queue::of(slots(1), 3, 3);
    let due_at_once = Event::Wrote {
        effects: &[],
        head: &queue.head,
        alarm: Some(queue.head.clock),
    };
    assert_eq!(queue.judge.see(due_at_once).unwrap_err().promise, Live);
}

#[test]
fn counts_and_clocks_that_go_back_and_a_restart_that_forgets_are_found() {
    let mut queue = Queue::of(slots(1), 3, 3);
    assert_eq!(queue.writes(&[Effect::SaveHead]), None);
    let read = |queue: &mut Queue, present| {
        let read = Event::ReadBack {
            head: &queue.head,
            present,
            active: 0,
        };
        queue
            .judge
            .see(read)
            .err()
            .map(|violation| violation.promise)
    };
    assert_eq!(read(&mut queue, 0), None);
    assert_eq!(read(&mut queue, 1), Some(Durable));
    queue.head.clock -= 1;
    assert_eq!(queue.writes(&[]), Some(Durable));
    queue.head.clock += 1;
    queue.head.entered = 4;
    assert_eq!(queue.writes(&[]), Some(Durable));
}
