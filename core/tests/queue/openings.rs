//! Openings and draws, event by event: what a history of random events meets too seldom.

use serde_json::{Value, json};
use tidegate_core::UnixMillis;
use tidegate_core::fair::audit::Life;
use tidegate_core::fair::beacon::Chain;
use tidegate_core::fair::{Fresh, Secret};
use tidegate_core::ids::Epoch;
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::{Answer, Effect, Event};
use tidegate_core::view::snapshot::Phase;

use crate::world::{START, World, holder};

const OPENS_AT: UnixMillis = START + 60_000;

/// What another epoch begins with.
fn fresh() -> Fresh {
    Fresh {
        epoch: Epoch::from_bytes([8; 16]),
        secret: Secret::from_bytes([8; 32]),
        chain: Chain::quicknet(),
    }
}

/// A draw of so many places among so many, who entered one by one and wait for the opening.
fn draw(places: u64, entrants: u32) -> World {
    let mut world = World::with(
        json!({"access": "draw", "maxAdmissions": places, "opensAt": OPENS_AT,
            "closesAt": OPENS_AT + 10_000_000, "claimWindowSeconds": 600, "lanes": 1}),
    );
    (0..entrants).for_each(|_| world.enter(1));
    world
}

fn patch(patch: Value) -> Event {
    let fresh = fresh();
    Event::Patch { patch, fresh }
}

impl World {
    /// The epoch that a change of the operator's ends, if it ends one.
    fn ended_by(&mut self, change: Value) -> Option<Life> {
        let (answer, effects) = self.step(patch(change));
        answer.unwrap();
        effects.into_iter().find_map(|effect| match effect {
            Effect::EndLife(life) => Some(life),
            _ => None,
        })
    }

    /// Lets time pass by alarms alone.
    fn run_until(&mut self, at: UnixMillis) {
        while let Some(next) = self.machine().next_timeout()
            && next <= at
        {
            assert!(next >= self.now, "no alarm is left behind");
            self.wake_at(next);
        }
        self.now = at;
    }

    fn claim_place(&mut self, place: u64) -> Result<Answer, Problem> {
        let index = self.index_at(place);
        self.claim(index)
    }

    fn is_place_granted(&mut self, place: u64) -> bool {
        matches!(self.claim_place(place), Ok(Answer::Granted(_)))
    }

    fn buy_place(&mut self, place: u64) {
        let index = self.index_at(place);
        self.buy(index);
    }
}

/// The audit of an open queue tells the secret: it must not decide a shuffle that is still to come.
#[test]
fn an_opening_that_is_put_off_begins_a_new_life_with_another_secret() {
    let mut world = World::with(json!({"maxActive": 1}));
    let told = world.head().secret;
    world.now += 5_000;
    let ended = world
        .ended_by(json!({"opensAt": OPENS_AT}))
        .expect("a life");
    assert_eq!((ended.entered, ended.opened), (0, false));
    assert_eq!(ended.commitment, told.commitment());
    assert_eq!((ended.created_at, ended.ended_at), (START, START + 5_000));
    let head = world.head();
    assert_ne!(head.secret, told);
    assert_eq!(
        (head.epoch, head.created_at),
        (fresh().epoch, START + 5_000)
    );
    assert_eq!(head.opened, None);
}

#[test]
fn a_change_that_puts_nothing_off_ends_no_life() {
    let mut world = World::with(json!({"maxActive": 1, "opensAt": OPENS_AT}));
    assert_eq!(world.ended_by(json!({"opensAt": OPENS_AT + 1})), None);
    assert_eq!(
        world.ended_by(json!({"opensAt": null, "maxActive": 2})),
        None
    );
    assert!(world.head().opened.is_some());
    assert_eq!(world.ended_by(json!({"maxActive": 3})), None);
}

/// The epoch that begins with a new number of lanes begins when the other one ended.
#[test]
fn lives_follow_each_other_in_time() {
    let mut world = World::with(json!({"maxActive": 1, "opensAt": OPENS_AT}));
    world.now += 5_000;
    let ended = world.ended_by(json!({"lanes": 9})).expect("a life");
    assert_eq!((ended.created_at, ended.ended_at), (START, START + 5_000));
    assert_eq!(world.head().created_at, START + 5_000);
}

/// Who runs a draw must not be able to choose among those who were drawn.
#[test]
fn what_a_draw_promised_may_grow_but_not_shrink() {
    let mut world = draw(2, 5);
    world
        .patch(json!({"claimWindowSeconds": 500, "maxAdmissions": 1}))
        .unwrap();
    world
        .patch(json!({"claimWindowSeconds": 600, "maxAdmissions": 2}))
        .unwrap();
    world.wake_at(OPENS_AT);
    for smaller in [
        json!({"claimWindowSeconds": 599}),
        json!({"maxAdmissions": 1}),
    ] {
        let refused = world.event(patch(smaller.clone())).unwrap_err();
        assert_eq!(refused.code, Code::Conflict, "{smaller}");
        let (field, _) = smaller.as_object().unwrap().iter().next().unwrap();
        assert!(refused.detail.starts_with(field), "{}", refused.detail);
    }
    world
        .patch(json!({"claimWindowSeconds": 601, "maxAdmissions": 3}))
        .unwrap();
    assert_eq!(world.snapshot().boarding, 3);
}

/// A backup waits no longer because somebody else is given more time.
#[test]
fn a_longer_window_is_for_those_who_are_called_up_from_then_on() {
    let mut world = draw(2, 5);
    world.wake_at(OPENS_AT);
    world.now += 1_000;
    world.patch(json!({"claimWindowSeconds": 6_000})).unwrap();
    let leaving = world.index_at(0);
    world.leave(leaving);
    world.run_until(OPENS_AT + 599_999);
    assert_eq!(world.snapshot().boarding, 3);
    world.run_until(OPENS_AT + 600_000);
    assert_eq!(world.snapshot().boarding, 4, "place 1 lapsed");
    let refused = world.claim_place(1).unwrap_err();
    assert_eq!(refused.code, Code::AdmissionExpired);
    assert!(world.is_place_granted(2), "called up with the longer one");
}

#[test]
fn a_draw_that_is_over_stays_over() {
    let mut world = draw(1, 3);
    world.wake_at(OPENS_AT);
    world.buy_place(0);
    assert_eq!(world.snapshot().phase, Phase::SoldOut);
    let refused = world.event(patch(json!({"maxAdmissions": 2}))).unwrap_err();
    assert_eq!(refused.code, Code::Conflict);
    assert_eq!(world.snapshot().phase, Phase::SoldOut);
    world
        .patch(json!({"allowedOrigins": ["https://shop.example"]}))
        .unwrap();
}

/// Who leaves in the opening's first second may do so by an edge that has not heard of it.
#[test]
fn a_place_that_is_left_without_being_known_is_passed_over() {
    let mut world = draw(1, 3);
    world.wake_at(OPENS_AT);
    for place in [1, 0] {
        let index = world.index_at(place);
        world.must(Event::Leave(holder(index, None)));
    }
    assert_eq!(world.snapshot().boarding, 3);
    assert!(world.is_place_granted(2));
}

#[test]
fn a_lapsed_winner_is_served_once_no_backup_holds_the_place() {
    let mut world = draw(2, 3);
    world.wake_at(OPENS_AT);
    world.run_until(OPENS_AT + 600_000);
    assert_eq!(world.snapshot().boarding, 3, "one backup for two places");
    assert!(world.is_place_granted(0), "the other place is nobody's");
    let refused = world.claim_place(1).unwrap_err();
    assert_eq!(refused.code, Code::AdmissionExpired);
    world.buy_place(0);
    world.run_until(OPENS_AT + 1_199_999);
    assert!(world.claim_place(1).is_err(), "the backup may still come");
    world.run_until(OPENS_AT + 1_200_000);
    assert!(world.is_place_granted(1), "the reserve list is used up");
}
