//! Random histories of a small deployment keep the invariants of the design: enters, claims,
//! completions, expiries, pauses, patches, clock steps in both directions, with crashes between any
//! two steps of a lease.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be"
)]

mod lanes;
mod leaving;
mod opening;
mod shoppers;
mod world;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};

use tidegate_judge::Limits;
use world::{Fate, Op, World};

const LANES: u16 = 3;

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        12 => Just(Fate::Done),
        1 => Just(Fate::RequestLost),
        1 => Just(Fate::RequestLate),
        1 => Just(Fate::ReplyLost),
        1 => Just(Fate::Twice),
        2 => Just(Fate::RetriedMeanwhile),
        1 => Just(Fate::LaneDies),
        1 => Just(Fate::QueueDiesBefore),
        1 => Just(Fate::QueueDiesAfter),
    ]
}

fn limits() -> impl Strategy<Value = Limits> {
    (
        prop::option::of(1_u32..6),
        prop::option::of(1_u32..8),
        prop::option::of(1_u64..12),
        prop::option::of(5_u64..40),
    )
        .prop_map(
            |(max_active, rate, max_admissions, max_participants)| Limits {
                // A queue must have one of the two.
                max_active: if rate.is_none() {
                    max_active.or(Some(2))
                } else {
                    max_active
                },
                rate,
                max_admissions,
                max_participants,
                ..Limits::default()
            },
        )
}

fn op() -> impl Strategy<Value = Op> {
    let who = 0_u8..24;
    prop_oneof![
        10 => who.clone().prop_map(Op::Enter),
        // Single steps alone seldom lead to a crowd at the gate.
        3 => (0_u8..24, 2_u8..24).prop_map(|(from, count)| Op::Crowd(from, count)),
        4 => any::<u8>().prop_map(Op::Rush),
        12 => (0..LANES, fate()).prop_map(|(lane, fate)| Op::Work(lane, fate)),
        10 => who.clone().prop_map(Op::Claim),
        4 => (who.clone(), fate()).prop_map(|(who, fate)| Op::Leave(who, fate)),
        5 => (who.clone(), 0_u8..3).prop_map(|(who, key)| Op::Redeem(who, key)),
        5 => who.clone().prop_map(Op::Complete),
        2 => who.clone().prop_map(Op::Release),
        2 => who.clone().prop_map(Op::Extend),
        2 => who.prop_map(Op::Forge),
        8 => (1_u64..90_000).prop_map(Op::Forward),
        2 => (1_u64..90_000).prop_map(Op::Back),
        6 => Just(Op::Wake),
        1 => Just(Op::Pause),
        2 => Just(Op::Resume),
        2 => limits().prop_map(Op::Patch),
        2 => Just(Op::CrashQueue),
        3 => Just(Op::Arrive),
        2 => (0..LANES).prop_map(Op::CrashLane),
    ]
}

/// How long entry goes on before the opening: not at all, or for some of the history.
fn entry_millis() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 1_u64..400_000]
}

fn keep_the_invariants(limits: &Limits, entry_millis: u64, ops: &[Op]) {
    let mut world = World::new(limits, LANES, entry_millis);
    for op in ops {
        world.apply(op);
    }
    world.come_to_rest();
}

fn run(cases: u32) {
    let config = Config {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..Config::default()
    };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let histories = (
        limits(),
        entry_millis(),
        prop::collection::vec(op(), 1..160),
    );
    let outcome = runner.run(&histories, |(limits, entry, ops)| {
        keep_the_invariants(&limits, entry, &ops);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

// Two tests, so that two cores share the 4,000.
#[test]
fn two_thousand_histories_keep_the_invariants() {
    run(2_000);
}

#[test]
fn two_thousand_more_histories_keep_the_invariants() {
    run(2_000);
}

#[test]
#[ignore = "long: about a minute in release"]
fn a_hundred_thousand_histories_keep_the_invariants() {
    run(100_000);
}
