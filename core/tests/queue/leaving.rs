//! Who leaves, and from where: what is redeemed is the checkout's, and a ticket's place is what the
//! queue computes, whatever the ticket says.

use serde_json::{Value, json};
use tidegate_core::ids::ShopperId;
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::event::Holder;
use tidegate_core::queue::{Answer, ClaimState, Effect, Event};

use crate::world::{START, World, holder};

/// A queue that has just opened with so many entrants, in the order of the shuffle.
fn opened(mut config: Value, entrants: u32) -> World {
    config["opensAt"] = (START + 1_000).into();
    let mut world = World::with_entrants(config, entrants);
    world.pass(1_000);
    world
}

fn is_refused((answer, effects): (Result<Answer, Problem>, Vec<Effect>), code: Code) {
    assert_eq!((answer.unwrap_err().code, effects), (code, Vec::new()));
}

#[test]
fn what_is_redeemed_frees_its_slot_by_the_checkout_alone() {
    let config = json!({"maxActive": 1, "sessionSeconds": 60});
    let mut world = opened(config, 4);
    let first = world.index_at(0);
    world.must(Event::Claim(holder(first, Some(0))));
    world.redeem(first);
    for _ in 0..2 {
        is_refused(
            world.step(Event::Leave(holder(first, Some(0)))),
            Code::Conflict,
        );
    }
    assert_eq!(world.state(first), Some(ClaimState::Redeemed));
    world.queue.crash();
    is_refused(
        world.step(Event::Leave(holder(first, None))),
        Code::Conflict,
    );
    // It may be called up, and is not admitted: the slot is the first one's until their session is
    // over.
    let second = world.index_at(1);
    world.pass(30_000);
    assert!(!world.is_granted(second));
    world.complete(first).unwrap();
    assert!(world.is_granted(second));
    // Of what is over, nothing is left to give up.
    assert_eq!(
        world.must(Event::Leave(holder(first, Some(0)))),
        Answer::Done
    );
    assert_eq!(world.state(first), Some(ClaimState::Completed));
}

#[test]
fn who_is_present_or_admitted_frees_the_place_at_once() {
    let mut world = opened(json!({"maxActive": 2}), 8);
    let [one, two, three] = [0, 1, 2].map(|place| world.index_at(place));
    for index in [one, two, three] {
        world.now += 1_000;
        world.event(Event::Claim(holder(index, None))).ok();
    }
    assert_eq!(world.state(one), Some(ClaimState::Admitted));
    world.must(Event::Leave(holder(one, None)));
    assert_eq!(world.state(one), Some(ClaimState::Left));
    world.now += 2_000;
    world.must(Event::Claim(holder(three, None)));
    assert_eq!(world.state(three), Some(ClaimState::Admitted));
}

#[test]
fn a_place_that_the_shuffle_did_not_give_is_refused() {
    let mut world = opened(json!({"maxActive": 3}), 8);
    let (first, last) = (world.index_at(0), world.index_at(7));
    // The last says that they stand first, and the first that they stand where boarding has been.
    for (index, said) in [(last, 0), (first, 1)] {
        is_refused(
            world.step(Event::Claim(holder(index, Some(said)))),
            Code::Unauthorized,
        );
        is_refused(
            world.step(Event::Leave(holder(index, Some(said)))),
            Code::Unauthorized,
        );
        is_refused(
            world.step(Event::Look(holder(index, Some(said)))),
            Code::Unauthorized,
        );
    }
    // The first gets their place, however often another says that it is theirs.
    world.must(Event::Claim(holder(first, Some(0))));
    is_refused(
        world.step(Event::Claim(holder(last, Some(0)))),
        Code::Unauthorized,
    );
    assert_eq!(world.state(first), Some(ClaimState::Admitted));
    assert_eq!(world.state(last), None);
}

#[test]
fn a_record_holds_its_ticket_to_its_place_and_its_holder() {
    let mut world = opened(json!({"maxActive": 3}), 8);
    let first = world.index_at(0);
    world.must(Event::Claim(holder(first, Some(0))));
    let other_place = holder(first, Some(1));
    let other_shopper = Holder {
        shopper: ShopperId::from_bytes([99; 16]),
        ..holder(first, Some(0))
    };
    for forged in [other_place, other_shopper] {
        for event in [Event::Claim, Event::Look, Event::Leave] {
            is_refused(world.step(event(forged.clone())), Code::Unauthorized);
        }
    }
    assert_eq!(world.state(first), Some(ClaimState::Admitted));
}

#[test]
fn a_ticket_without_its_place_has_it_all_the_same() {
    let mut world = opened(json!({"maxActive": 8}), 8);
    for index in 0..3 {
        let place = world.place(index).unwrap();
        world.now += 1_000;
        world.event(Event::Claim(holder(index, None))).ok();
        if let Some(claim) = world.queue.claim(index) {
            assert_eq!(claim.position, place);
        }
    }
    let first = world.index_at(0);
    world.must(Event::Leave(holder(first, None)));
    assert_eq!(world.queue.claim(first).unwrap().position, 0);
}

#[test]
fn who_says_that_they_stand_behind_boarding_waits() {
    let mut world = opened(json!({"maxActive": 1}), 8);
    let first = world.index_at(0);
    is_refused(
        world.step(Event::Claim(holder(first, Some(7)))),
        Code::NotYetServed,
    );
}
