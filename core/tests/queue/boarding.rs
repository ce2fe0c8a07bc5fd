//! Boarding: one who left or does not come holds up nobody for long.

use serde_json::json;

use crate::world::World;

/// Lets time pass as the object's alarm would, and says after how many milliseconds the shopper,
/// who claims twice a second, is admitted.
fn admitted_after(world: &mut World, index: u64, within: u64) -> u64 {
    let began = world.now;
    while world.now < began + within {
        if world.is_granted(index) {
            return world.now - began;
        }
        world.pass(500);
    }
    panic!("not admitted within {within} ms");
}

#[test]
fn whoever_left_is_passed_over_at_once() {
    let mut world = World::with_entrants(json!({"maxActive": 1}), 42);
    for index in 0..41 {
        world.leave(index);
    }
    assert_eq!(admitted_after(&mut world, 41, 10_000), 0);
}

#[test]
fn a_crowd_that_never_comes_holds_up_the_next_for_a_minute_or_so() {
    let mut world = World::with_entrants(json!({"maxActive": 1}), 301);
    let waited = admitted_after(&mut world, 300, 240_000);
    assert!(waited <= 100_000, "{waited} ms");
    let mut world = World::with_entrants(json!({"maxActive": 50}), 5_001);
    let waited = admitted_after(&mut world, 5_000, 240_000);
    assert!(waited <= 100_000, "{waited} ms");
}

#[test]
fn a_surge_on_an_idle_queue_is_not_called_up_whole() {
    let mut world = World::with_entrants(json!({"maxActive": 5}), 1);
    // Nobody comes for a minute.
    for _ in 0..60 {
        world.pass(1_000);
    }
    world.enter(10_000);
    let boarding = world.head().boarding;
    assert!(
        (2..60).contains(&boarding),
        "{boarding} called up for 5 slots"
    );
}

/// Nobody who was called up and did not claim is told that something waits for them, also not at
/// the end.
#[test]
fn who_was_called_up_and_not_admitted_has_nothing_to_collect() {
    let mut world = World::with_entrants(json!({"maxActive": 1}), 3);
    assert!(world.is_granted(0));
    let snapshot = world.snapshot();
    assert!(snapshot.boarding > 1, "somebody is called up ahead of need");
    assert_eq!(snapshot.admitted_below, 1);
}
