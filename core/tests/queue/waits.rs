//! What is said of waits: no promise that nothing bears out, and a range that holds.

use std::collections::BTreeMap;

use serde_json::json;
use tidegate_core::queue::Event;
use tidegate_core::view::snapshot::Snapshot;
use tidegate_core::view::status::{Standing, Status};

use crate::world::{World, ticket};

fn standing(index: u64, snapshot: &Snapshot) -> Standing {
    Status::of(Some(&ticket(index, index)), snapshot, false, 0).standing
}

fn most(standing: Standing) -> Option<u64> {
    match standing {
        Standing::Queued { wait_range, .. } => wait_range.at_most_seconds,
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_wait_at_all_is_said_only_where_a_slot_is_free_that_nobody_may_come_for() {
    let mut world = World::with(json!({"maxActive": 1}));
    let said = |world: &mut World| world.snapshot().estimated_wait_seconds;
    assert_eq!(said(&mut world), Some(0));
    // Called up and on the way.
    world.enter(1);
    assert_eq!(said(&mut world), None);
    assert!(world.is_granted(0));
    // Nobody is in line, and yet the only slot is taken.
    assert_eq!(said(&mut world), None);
    let range = world.snapshot().wait_range.unwrap();
    assert!(range.at_most_seconds.unwrap() >= 700, "{range:?}");
    world.redeem(0);
    world.complete(0).unwrap();
    assert_eq!(said(&mut world), Some(0));
}

/// An edge hears from lanes of call-ups that its view of the queue does not show yet.
#[test]
fn an_older_view_promises_nobody_a_slot_that_others_are_called_up_for() {
    let mut world = World::with(json!({"maxActive": 2}));
    let mut view = world.snapshot();
    view.entered = 5;
    assert!(most(standing(1, &view)).unwrap() <= 60);
    view.boarding = 4;
    assert!(most(standing(4, &view)).unwrap() >= 700);
}

#[test]
fn a_wait_is_bounded_from_the_first_moment_and_the_bound_falls_as_a_session_runs() {
    let mut world = World::with(json!({"maxActive": 1}));
    world.enter(1);
    assert!(world.is_granted(0));
    world.redeem(0);
    for _ in 0..9 {
        world.enter(1);
    }
    let snapshot = world.snapshot();
    let ahead = match standing(9, &snapshot) {
        Standing::Queued { ahead, .. } => ahead,
        other => panic!("{other:?}"),
    };
    let bound = most(standing(9, &snapshot)).unwrap();
    assert!(
        bound >= 600 + ahead * 720 && bound <= 9 * 720 + 620,
        "{bound}"
    );
    world.pass(300_000);
    let later = most(standing(9, &world.snapshot())).unwrap();
    assert!(later + 295 <= bound, "{bound}, then {later}");
}

#[test]
fn while_it_is_paused_nothing_bounds_a_wait() {
    let mut world = World::with(json!({"maxActive": 1}));
    for _ in 0..20 {
        world.enter(1);
    }
    world.must(Event::Pause);
    assert_eq!(most(standing(19, &world.snapshot())), None);
    world.must(Event::Close);
    assert_eq!(world.snapshot().wait_range, None);
}

/// A small shop: sessions of one to nine minutes, everybody comes. What each was told on entering,
/// and each minute after, holds.
#[test]
fn what_a_small_queue_says_of_waits_comes_true_and_narrows() {
    let (mut told, mut held, mut widths) = (0, 0, Vec::new());
    for (slots, seed) in [(1, 3_u64), (1, 5), (2, 7), (5, 11)] {
        let mut world = World::with(json!({"maxActive": slots}));
        for _ in 0..40 {
            world.enter(1);
        }
        let mut random = seed;
        let mut ends: Vec<(u64, u64)> = Vec::new();
        let mut next = 0;
        let mut said: Vec<(u64, u64, u64, Option<u64>)> = Vec::new();
        let mut called_at = BTreeMap::new();
        while next < 40 {
            world.now += 1_000;
            let now = world.now;
            for (end, index) in ends.clone() {
                if end <= now {
                    world.complete(index).unwrap();
                }
            }
            ends.retain(|(end, _)| *end > now);
            world.must(Event::Wake);
            // All who are called up come.
            let boarding = world.snapshot().boarding;
            let called = next..boarding.min(40);
            for index in called {
                if world.is_granted(index) {
                    assert_eq!(index, next);
                    world.redeem(index);
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    ends.push((now + 60_000 + (random >> 33) % 480_000, index));
                    called_at.insert(index, now);
                    next += 1;
                }
            }
            if now.is_multiple_of(60_000) {
                let snapshot = world.snapshot();
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
