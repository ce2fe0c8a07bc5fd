//! A queue, its relays and their sockets, in virtual time: everybody who listens ends with the last
//! state, and nobody is told more often than they should be, no matter who sleeps, dies or is out
//! of reach in between.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be"
)]

mod moments;
mod queue;
mod relay;
mod world;

use std::hash::{BuildHasher, RandomState};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use tidegate_core::problem::Code;
use world::{CAPACITY, Op, World};

/// Two sweeps, and the pushes that follow from them.
const REST_MILLIS: u64 = 150_000;

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => Just(Op::Enter),
        6 => prop::option::of(0_u8..4).prop_map(Op::Notify),
        8 => any::<u8>().prop_map(Op::Connect),
        3 => any::<u8>().prop_map(Op::Disconnect),
        1 => any::<u8>().prop_map(Op::FallSilent),
        12 => (1_u64..400).prop_map(Op::Forward),
        4 => (400_u64..30_000).prop_map(Op::Forward),
        1 => any::<u8>().prop_map(Op::EdgeReads),
        2 => (1_u8..6).prop_map(Op::LosePushes),
        2 => (1_u64..2_500).prop_map(Op::DelayPushes),
        2 => prop_oneof![Just(0), 1_u64..2_500].prop_map(Op::DelayOutcomes),
        1 => any::<bool>().prop_map(Op::Outage),
        2 => Just(Op::CrashQueue),
        2 => any::<u8>().prop_map(Op::CrashRelay),
        2 => Just(Op::Sleep),
        1 => any::<bool>().prop_map(Op::Reset),
        1 => Just(Op::ConnectLate),
    ]
}

/// A thousand cases, by the seed of the environment's `PROPTEST_RNG_SEED`, or by a fresh one. A
/// test that fails shows what it printed.
fn seeded() -> ProptestConfig {
    let config = ProptestConfig::default();
    let seed = match config.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => RandomState::new().hash_one(()),
    };
    println!("PROPTEST_RNG_SEED={seed}");
    ProptestConfig {
        cases: 1_000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..config
    }
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn everybody_who_listens_ends_with_the_last_state(ops in prop::collection::vec(op(), 1..120)) {
        let mut world = World::new();
        for op in &ops {
            world.apply(op);
        }
        world.apply(&Op::Outage(false));
        world.apply(&Op::LosePushes(0));
        world.forward(REST_MILLIS);
        world.all_hold_the_last_state();
    }
}

#[test]
fn a_hundred_changes_a_second_reach_everybody_within_the_pace() {
    let mut world = World::new();
    for socket in 0..5 {
        world.apply(&Op::Connect(socket));
    }
    for change in 0..300_u16 {
        world.apply(&Op::Enter);
        world.apply(&Op::Notify(Some(u8::try_from(change % 4).unwrap())));
        world.apply(&Op::Forward(10));
    }
    world.forward(250);
    world.all_hold_the_last_notice();
    world.forward(750);
    world.all_hold_the_last_state();
    let (snapshots, notices) = world.sent();
    assert!((3..=5).contains(&snapshots), "{snapshots} snapshots in 4 s");
    assert!((11..=14).contains(&notices), "{notices} notices in 3.25 s");
}

#[test]
fn while_nobody_is_connected_nothing_is_pushed_and_no_alarm_ticks() {
    let mut world = World::new();
    world.apply(&Op::Connect(0));
    world.apply(&Op::Enter);
    world.forward(2_000);
    world.apply(&Op::Disconnect(0));
    world.apply(&Op::Enter);
    world.forward(REST_MILLIS);
    let (pushes, ticks) = (world.pushes, world.relay_alarms);
    for _ in 0..10 {
        world.apply(&Op::Enter);
        world.apply(&Op::Notify(Some(1)));
        world.forward(5_000);
    }
    assert_eq!((world.pushes, world.relay_alarms), (pushes, ticks));
}

#[test]
fn a_quiet_queue_pushes_nothing() {
    let mut world = World::new();
    world.apply(&Op::Connect(0));
    world.forward(60_000);
    assert_eq!(world.pushes, 0);
    world.apply(&Op::Enter);
    world.forward(60_000);
    assert_eq!(world.pushes, 1);
}

#[test]
fn relays_become_more_before_they_are_full() {
    let mut world = World::new();
    for socket in 0..200 {
        // In turn, as chance would have it.
        assert!(world.connect(socket).is_ok(), "socket {socket}");
        world.forward(1_100);
    }
    assert!(world.fullest() <= CAPACITY);
}

#[test]
fn a_full_relay_refuses_and_says_what_to_do() {
    let mut world = World::new();
    for _ in 0..CAPACITY {
        world.connect_to(0).unwrap();
    }
    let refused = world.connect_to(0).unwrap_err();
    assert_eq!(refused.code, Code::ServiceUnavailable);
    assert!(refused.retry_after_seconds.is_some());
    assert!(refused.detail.contains("without `relay`"), "{refused}");
    world.apply(&Op::Disconnect(0));
    world.connect_to(0).unwrap();
}

#[test]
fn a_socket_without_pings_is_closed_after_a_minute() {
    let mut world = World::new();
    world.apply(&Op::Connect(0));
    world.apply(&Op::Connect(0));
    world.apply(&Op::FallSilent(0));
    world.forward(59_000);
    assert_eq!(world.sockets(), 2);
    world.forward(12_000);
    assert_eq!(world.sockets(), 1);
}

#[test]
fn the_end_of_a_queue_is_pushed_when_it_comes() {
    let mut world = World::new();
    world.apply(&Op::Connect(0));
    world.close_in(30_000);
    world.forward(29_000);
    assert_eq!(world.phases(), ["open"]);
    world.forward(2_100);
    assert_eq!(world.phases(), ["closed"]);
}

#[test]
fn entry_and_opening_are_pushed_when_they_come() {
    let mut world = World::new();
    world.open_in(30_000, 60_000);
    world.apply(&Op::Connect(0));
    assert_eq!(world.phases(), ["scheduled"]);
    world.forward(29_000);
    assert_eq!(world.phases(), ["scheduled"]);
    world.forward(2_100);
    assert_eq!(world.phases(), ["entry"]);
    world.forward(30_000);
    assert_eq!(world.phases(), ["open"]);
}
