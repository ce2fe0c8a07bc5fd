//! The fairness report of queues whose every shopper is known.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tidegate_core::UnixMillis;
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::reporting::PAGE_RECORDS;
use tidegate_core::queue::{ClaimState, Event};

use crate::world::{START, World, admission};

const OPENS_AT: UnixMillis = START + 60_000;
const CLOSES_AT: UnixMillis = START + 600_000;
const ENTRANTS: u32 = 20;

/// A queue of twenty entrants that opens in a minute, wide enough to call them all up at once.
fn launch() -> World {
    let config = json!({"maxActive": 100, "opensAt": OPENS_AT, "closesAt": CLOSES_AT});
    World::with_entrants(config, ENTRANTS)
}

impl World {
    fn fairness(&mut self) -> Map<String, Value> {
        let now = self.now;
        self.queue.fairness(now).unwrap().unwrap()
    }

    /// Lets one piece of the report be made; `false` when there is none left.
    fn piece(&mut self) -> bool {
        let machine = self.machine();
        if machine.head().reported_at.is_some() {
            return false;
        }
        let next = machine.next_timeout().unwrap();
        self.wake_at(next);
        true
    }

    /// The queue opens, and who left before has a place.
    fn open_and_place(&mut self) -> &mut Self {
        self.wake_at(OPENS_AT);
        while self.head().placing.is_some() {
            let next = self.machine().next_timeout().unwrap();
            self.wake_at(next);
        }
        self
    }

    /// Many who entered, and left before there were places, so that the report looks at each.
    fn crowd(&mut self, count: u64) {
        self.enter(u32::try_from(count).unwrap());
        for index in 0..count {
            self.leave(index + u64::from(ENTRANTS));
        }
    }
}

fn counts(report: &Map<String, Value>) -> Value {
    let fields = [
        "entered", "entrants", "calledUp", "came", "noShows", "admitted",
    ];
    fields.iter().map(|field| report[*field].clone()).collect()
}

#[test]
fn who_left_is_no_no_show_whether_before_the_opening_or_after() {
    let mut world = launch();
    world.leave(3);
    world.leave(4);
    world.wake_at(OPENS_AT).leave(5);
    for index in 6..16 {
        world.claim(index).unwrap();
    }
    // Who claimed has come, whatever they did then.
    world.leave(6);
    world.wake_at(CLOSES_AT);
    let report = world.fairness();
    assert_eq!(counts(&report), json!([20, 20, 20, 10, 7, 10]));
    let sum = |field: &str| {
        let tenths = report["tenths"].as_array().unwrap().iter();
        tenths.map(|tenth| tenth[field].as_u64().unwrap()).sum()
    };
    let sums: [u64; 3] = ["calledUp", "came", "admitted"].map(sum);
    assert_eq!(sums, [20, 10, 10]);
}

#[test]
fn who_was_present_and_left_before_a_slot_was_free_came() {
    let mut world = launch();
    world.wake_at(OPENS_AT);
    world.patch(json!({"maxActive": 1})).unwrap();
    world.claim(0).unwrap();
    world.claim(1).unwrap();
    // One of the two is admitted, once those before them had their time to hear of it.
    world.wake_at(OPENS_AT + 10_000);
    let waits = |index: &u64| world.queue.claim(*index).unwrap().state == ClaimState::Present;
    let waits = [0, 1].into_iter().find(waits).unwrap();
    world.leave(waits);
    world.wake_at(CLOSES_AT);
    let report = world.fairness();
    assert_eq!(counts(&report), json!([20, 20, 20, 2, 18, 1]));
    assert_eq!(report["inversions"], 0);
}

#[test]
fn a_wait_counts_from_the_opening_and_of_who_came_later_from_entering() {
    let mut world = launch();
    world.wake_at(OPENS_AT);
    world.wake_at(OPENS_AT + 90_000).enter(20);
    world.wake_at(OPENS_AT + 100_000);
    for index in 0..40 {
        world.claim(index).unwrap();
    }
    world.wake_at(CLOSES_AT);
    let report = world.fairness();
    assert_eq!(counts(&report), json!([40, 20, 40, 40, 0, 40]));
    let waits = |tenth: usize| report["tenths"][tenth]["p90WaitMs"].as_u64().unwrap();
    let waits: Vec<u64> = (0..10).map(waits).collect();
    assert_eq!(waits, [[100_000; 5], [10_000; 5]].concat());
}

#[test]
fn a_queue_is_over_at_its_end_though_nothing_happened_since() {
    let mut world = launch();
    world.wake_at(OPENS_AT);
    world.queue.crash();
    let early = world.queue.fairness(CLOSES_AT - 1).unwrap().unwrap_err();
    assert_eq!(early.code, Code::Conflict);
    let report = world.queue.fairness(CLOSES_AT).unwrap().unwrap();
    assert_eq!(report["phase"], "closed");
}

#[test]
fn who_asks_while_the_report_is_made_is_told_to_come_back() {
    let mut world = launch();
    world.wake_at(CLOSES_AT);
    let machine = world.queue.machine().unwrap();
    let refused = Problem::from(machine.fairness(None, CLOSES_AT).unwrap_err());
    assert_eq!(refused.code, Code::ServiceUnavailable);
    assert_eq!(refused.retry_after_seconds, Some(2));
}

#[test]
fn a_report_is_made_in_pieces_once_and_an_alarm_sees_to_it() {
    let mut world = launch();
    world.crowd(2_100);
    world.open_and_place().claim(1).unwrap();
    let machine = world.queue.machine().unwrap();
    assert!(machine.next_timeout().unwrap() <= CLOSES_AT);
    world.wake_at(CLOSES_AT);
    let mut pieces = 0;
    while world.piece() {
        pieces += 1;
    }
    assert!(pieces > 2_100 / PAGE_RECORDS, "{pieces} pieces");
    assert!(pieces < 20, "{pieces} pieces, each 50 ms later");
    assert_eq!(world.queue.machine().unwrap().next_timeout(), None);
    let report = world.fairness();
    assert_eq!(report["complete"], true);
    assert_eq!(report["came"], 1);
}

#[test]
fn a_report_that_an_eviction_cuts_off_is_begun_anew_and_says_the_same() {
    let [mut whole, mut cut] = [launch(), launch()];
    for world in [&mut whole, &mut cut] {
        world.crowd(700);
        world.open_and_place().claim(1).unwrap();
        world.wake_at(CLOSES_AT);
    }
    for _ in 0..2 {
        cut.piece();
    }
    cut.queue.crash();
    assert_eq!(cut.queue.machine().unwrap().head().reported_at, None);
    assert_eq!(cut.fairness(), whole.fairness());
    cut.queue.crash();
    assert_eq!(cut.fairness(), whole.fairness(), "it is stored");
}

#[test]
fn an_order_that_is_completed_after_the_end_counts_and_makes_no_report_anew() {
    let mut world = launch();
    world.wake_at(OPENS_AT).claim(1).unwrap();
    world.redeem(1);
    world.must(Event::Close);
    let before = world.fairness();
    assert_eq!(before["completed"], 0);
    world.complete(1).unwrap();
    let mut after = world.fairness();
    assert_eq!(after["completed"], 1);
    after["completed"] = 0.into();
    assert_eq!(after, before);
}

#[test]
fn a_queue_that_goes_on_after_all_is_reported_on_when_it_ends_again() {
    let mut world = launch();
    world.wake_at(OPENS_AT).claim(1).unwrap();
    world.must(Event::Close);
    assert_eq!(world.fairness()["came"], 1);
    world.must(Event::Reopen);
    let now = world.now;
    let refused = world.queue.fairness(now).unwrap().unwrap_err();
    assert_eq!(refused.code, Code::Conflict);
    world.claim(2).unwrap();
    world.must(Event::Close);
    assert_eq!(world.fairness()["came"], 2);
}

#[derive(Clone, Debug)]
enum Op {
    Claim(u64),
    Leave(u64),
    Release(u64),
    Millis(u64),
    Crash,
}

fn op() -> impl Strategy<Value = Op> {
    let index = 0..u64::from(ENTRANTS);
    prop_oneof![
        5 => index.clone().prop_map(Op::Claim),
        1 => index.clone().prop_map(Op::Leave),
        2 => index.prop_map(Op::Release),
        3 => (0..40_000_u64).prop_map(Op::Millis),
        1 => Just(Op::Crash),
    ]
}

proptest! {
    /// Whatever shoppers do, and whenever: nobody is overtaken, and the report counts what the
    /// calls said.
    #[test]
    fn a_report_counts_what_became_of_everybody(
        early in proptest::collection::btree_set(0..u64::from(ENTRANTS), 0..5),
        ops in proptest::collection::vec(op(), 0..60),
    ) {
        let mut world = launch();
        for index in &early {
            world.leave(*index);
        }
        world.wake_at(OPENS_AT);
        world.patch(json!({"maxActive": 2, "closesAt": null})).unwrap();
        let (mut came, mut gone) = (BTreeSet::new(), early);
        for op in ops {
            match op {
                Op::Claim(index) => {
                    if world.claim(index).is_ok() {
                        came.insert(index);
                    }
                }
                Op::Leave(index) => {
                    // Records do not tell a claim that was given up in its own millisecond.
                    world.now += 1;
                    world.leave(index);
                    gone.insert(index);
                }
                Op::Release(index) => {
                    let _ = world.event(Event::Release(admission(index)));
                }
                Op::Millis(millis) => world.pass(millis),
                Op::Crash => world.queue.crash(),
            }
        }
        world.must(Event::Close);
        let report = world.fairness();
        prop_assert_eq!(&report["inversions"], 0);
        let claims = world.queue.claims();
        let admitted = claims.values().filter(|claim| claim.admitted_at.is_some());
        prop_assert_eq!(&report["admitted"], admitted.count());
        let boarding = report["calledUp"].as_u64().unwrap();
        let shuffle = world.snapshot().shuffle;
        let heard_of = |index: &u64| came.contains(index) || gone.contains(index);
        let called = |index: &u64| shuffle.position(*index).unwrap() < boarding;
        let called: Vec<u64> = (0..u64::from(ENTRANTS)).filter(called).collect();
        let silent = called.iter().filter(|index| !heard_of(index)).count();
        prop_assert_eq!(&report["noShows"], silent);
        prop_assert_eq!(&report["came"], came.len());
    }
}
