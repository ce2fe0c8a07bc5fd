//! Who leaves, and from where: what is redeemed is the checkout's, and a ticket's place is what the queue
//! computes, whatever the ticket says.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be"
)]

use serde_json::{Value, json};
use tidegate_core::fair::{Fresh, Root};
use tidegate_core::ids::{AdmissionId, Epoch, ShopperId};
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::event::Holder;
use tidegate_core::queue::{Answer, ClaimState, Event};
use tidegate_core::sim::queue_object::{Crash, QueueObject};

const EPOCH: Epoch = Epoch::from_bytes([7; 16]);
const OPENS: u64 = 1_800_000_000_000;

struct World {
    queue: QueueObject,
    now: u64,
}

impl World {
    /// A queue that opened with so many entrants, in the order of the shuffle.
    fn opened(config: Value, entrants: u32) -> Self {
        let mut world = Self {
            queue: QueueObject::default(),
            now: OPENS - 1_000,
        };
        let mut config = config;
        config["opensAt"] = OPENS.into();
        let put = Event::Put {
            id: "line".parse().unwrap(),
            config,
            fresh: Fresh::known(EPOCH),
        };
        world.must(put);
        world.must(Event::Lease {
            epoch: EPOCH,
            lane: 0,
            sequence: 1,
            count: entrants,
            root: Root::from_bytes([3; 32]),
        });
        world.now = OPENS;
        world.must(Event::Wake);
        world
    }

    fn event(&mut self, event: Event) -> (Result<Answer, Problem>, usize) {
        let handled = self.queue.event(event, self.now, Crash::None);
        (handled.answer.unwrap(), handled.effects.len())
    }

    fn must(&mut self, event: Event) -> Answer {
        self.event(event).0.unwrap()
    }

    fn place(&mut self, index: u64) -> u64 {
        let machine = self.queue.machine().unwrap();
        machine.snapshot(self.now).shuffle.position(index).unwrap()
    }

    /// The index that stands at a place.
    fn at(&mut self, place: u64) -> u64 {
        (0..1_000)
            .find(|index| self.place(*index) == place)
            .unwrap()
    }

    fn state(&self, index: u64) -> Option<ClaimState> {
        self.queue.claim(index).map(|claim| claim.state)
    }
}

fn holder(index: u64, position: Option<u64>) -> Holder {
    Holder {
        epoch: EPOCH,
        index,
        position,
        shopper: ShopperId::from_bytes([u8::try_from(index).unwrap(); 16]),
    }
}

fn admission(index: u64) -> AdmissionId {
    AdmissionId {
        epoch: EPOCH,
        index,
    }
}

fn redeem(index: u64) -> Event {
    Event::Redeem {
        admission: admission(index),
        idempotency_key: None,
    }
}

fn is_refused((answer, effects): (Result<Answer, Problem>, usize), code: Code) {
    assert_eq!((answer.unwrap_err().code, effects), (code, 0));
}

#[test]
fn what_is_redeemed_frees_its_slot_by_the_checkout_alone() {
    let config = json!({"maxActive": 1, "sessionSeconds": 60});
    let mut world = World::opened(config, 4);
    let first = world.at(0);
    world.must(Event::Claim(holder(first, Some(0))));
    world.must(redeem(first));
    for _ in 0..2 {
        is_refused(
            world.event(Event::Leave(holder(first, Some(0)))),
            Code::Conflict,
        );
    }
    assert_eq!(world.state(first), Some(ClaimState::Redeemed));
    world.queue.crash();
    is_refused(
        world.event(Event::Leave(holder(first, None))),
        Code::Conflict,
    );
    // It may be called up, and is not admitted: the slot is the first one's until their session is over.
    let second = world.at(1);
    world.now += 30_000;
    world.must(Event::Wake);
    assert!(!matches!(
        world.event(Event::Claim(holder(second, None))).0,
        Ok(Answer::Granted(_))
    ));
    world.must(Event::Complete(admission(first)));
    assert!(matches!(
        world.must(Event::Claim(holder(second, None))),
        Answer::Granted(_)
    ));
    // Of what is over, nothing is left to give up.
    assert_eq!(
        world.must(Event::Leave(holder(first, Some(0)))),
        Answer::Done
    );
    assert_eq!(world.state(first), Some(ClaimState::Completed));
}

#[test]
fn who_is_present_or_admitted_frees_the_place_at_once() {
    let mut world = World::opened(json!({"maxActive": 2}), 8);
    let [one, two, three] = [0, 1, 2].map(|place| world.at(place));
    for index in [one, two, three] {
        world.now += 1_000;
        world.event(Event::Claim(holder(index, None))).0.ok();
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
    let mut world = World::opened(json!({"maxActive": 3}), 8);
    let (first, last) = (world.at(0), world.at(7));
    // The last says that they stand first, and the first that they stand where boarding has been.
    for (index, said) in [(last, 0), (first, 1)] {
        is_refused(
            world.event(Event::Claim(holder(index, Some(said)))),
            Code::Unauthorized,
        );
        is_refused(
            world.event(Event::Leave(holder(index, Some(said)))),
            Code::Unauthorized,
        );
        is_refused(
            world.event(Event::Look(holder(index, Some(said)))),
            Code::Unauthorized,
        );
    }
    // The first gets their place, however often another says that it is theirs.
    world.must(Event::Claim(holder(first, Some(0))));
    is_refused(
        world.event(Event::Claim(holder(last, Some(0)))),
        Code::Unauthorized,
    );
    assert_eq!(world.state(first), Some(ClaimState::Admitted));
    assert_eq!(world.state(last), None);
}

#[test]
fn a_record_holds_its_ticket_to_its_place_and_its_holder() {
    let mut world = World::opened(json!({"maxActive": 3}), 8);
    let first = world.at(0);
    world.must(Event::Claim(holder(first, Some(0))));
    let other_place = holder(first, Some(1));
    let other_shopper = Holder {
        shopper: ShopperId::from_bytes([99; 16]),
        ..holder(first, Some(0))
    };
    for forged in [other_place, other_shopper] {
        for event in [Event::Claim, Event::Look, Event::Leave] {
            is_refused(world.event(event(forged.clone())), Code::Unauthorized);
        }
    }
    assert_eq!(world.state(first), Some(ClaimState::Admitted));
}

#[test]
fn a_ticket_without_its_place_has_it_all_the_same() {
    let mut world = World::opened(json!({"maxActive": 8}), 8);
    for index in 0..3 {
        let place = world.place(index);
        world.now += 1_000;
        world.event(Event::Claim(holder(index, None))).0.ok();
        if let Some(claim) = world.queue.claim(index) {
            assert_eq!(claim.position, place);
        }
    }
    let first = world.at(0);
    world.must(Event::Leave(holder(first, None)));
    assert_eq!(world.queue.claim(first).unwrap().position, 0);
}

#[test]
fn who_says_that_they_stand_behind_boarding_waits() {
    let mut world = World::opened(json!({"maxActive": 1}), 8);
    let first = world.at(0);
    is_refused(
        world.event(Event::Claim(holder(first, Some(7)))),
        Code::NotYetServed,
    );
}
