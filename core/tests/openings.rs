//! Openings and draws, event by event: what a history of random events meets too seldom.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be"
)]

use serde_json::{Value, json};
use tidegate_core::UnixMillis;
use tidegate_core::fair::audit::Life;
use tidegate_core::fair::beacon::Chain;
use tidegate_core::fair::{Fresh, Root, Secret};
use tidegate_core::ids::{Epoch, ShopperId};
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::event::Holder;
use tidegate_core::queue::{Answer, Effect, Event, Head};
use tidegate_core::sim::queue_object::{Crash, QueueObject};
use tidegate_core::view::snapshot::{Phase, Snapshot};

const START: UnixMillis = 1_800_000_000_000;
const OPENS_AT: UnixMillis = START + 60_000;

/// A queue at a time.
struct World {
    queue: QueueObject,
    now: UnixMillis,
}

fn fresh(number: u8) -> Fresh {
    Fresh {
        epoch: Epoch::from_bytes([number; 16]),
        secret: Secret::from_bytes([number; 32]),
        chain: Chain::quicknet(),
    }
}

impl World {
    fn new(config: Value) -> Self {
        let mut world = Self {
            queue: QueueObject::default(),
            now: START,
        };
        let put = Event::Put {
            id: "demo".parse().unwrap(),
            config,
            fresh: fresh(1),
        };
        world.event(put).0.unwrap();
        world
    }

    /// A draw of so many places among so many, who entered one by one and wait for the opening.
    fn draw(places: u64, entrants: u64) -> Self {
        let mut world = Self::new(
            json!({"access": "draw", "maxAdmissions": places, "opensAt": OPENS_AT,
            "closesAt": OPENS_AT + 10_000_000, "claimWindowSeconds": 600, "lanes": 1}),
        );
        for sequence in 1..=entrants {
            let lease = Event::Lease {
                epoch: world.head().epoch,
                lane: 0,
                sequence,
                count: 1,
                root: Root::from_bytes([7; 32]),
            };
            world.event(lease).0.unwrap();
        }
        world
    }

    fn event(&mut self, event: Event) -> (Result<Answer, Problem>, Vec<Effect>) {
        let handled = self.queue.event(event, self.now, Crash::None);
        (handled.answer.unwrap(), handled.effects)
    }

    fn patch(&mut self, patch: Value) -> Option<Life> {
        let fresh = fresh(2);
        let (answer, effects) = self.event(Event::Patch { patch, fresh });
        answer.unwrap();
        effects.into_iter().find_map(|effect| match effect {
            Effect::EndLife(life) => Some(life),
            _ => None,
        })
    }

    fn head(&mut self) -> &Head {
        self.queue.machine().unwrap().head()
    }

    fn snapshot(&mut self) -> Snapshot {
        let now = self.now;
        self.queue.machine().unwrap().snapshot(now)
    }

    fn wake_at(&mut self, at: UnixMillis) {
        self.now = at;
        self.event(Event::Wake).0.unwrap();
    }

    /// Lets time pass by alarms alone.
    fn run_until(&mut self, at: UnixMillis) {
        while let Some(next) = self.queue.machine().unwrap().next_timeout()
            && next <= at
        {
            assert!(next >= self.now, "no alarm is left behind");
            self.wake_at(next);
        }
        self.now = at;
    }

    /// The ticket of whoever stands at this place.
    fn at(&mut self, place: u64) -> Holder {
        let snapshot = self.snapshot();
        let indices = 0..snapshot.entered;
        let index = indices
            .into_iter()
            .find(|index| snapshot.shuffle.position(*index) == Some(place))
            .unwrap();
        Holder {
            epoch: snapshot.epoch,
            index,
            position: Some(place),
            shopper: ShopperId::from_bytes([1; 16]),
        }
    }

    fn claim(&mut self, place: u64) -> Result<Answer, Problem> {
        let holder = self.at(place);
        self.event(Event::Claim(holder)).0
    }

    /// An admission is redeemed and completed.
    fn buy(&mut self, place: u64) {
        let Ok(Answer::Granted(grant)) = self.claim(place) else {
            panic!("place {place} holds no admission");
        };
        let redeem = Event::Redeem {
            admission: grant.admission_id,
            idempotency_key: None,
        };
        for event in [redeem, Event::Complete(grant.admission_id)] {
            self.event(event).0.unwrap();
        }
    }

    fn is_granted(&mut self, place: u64) -> bool {
        matches!(self.claim(place), Ok(Answer::Granted(_)))
    }
}

/// The audit of an open queue tells the secret: it must not decide a shuffle that is still to come.
#[test]
fn an_opening_that_is_put_off_begins_a_new_life_with_another_secret() {
    let mut world = World::new(json!({"maxActive": 1}));
    let told = world.head().secret;
    world.now += 5_000;
    let ended = world.patch(json!({"opensAt": OPENS_AT})).expect("a life");
    assert_eq!((ended.entered, ended.opened), (0, false));
    assert_eq!(ended.commitment, told.commitment());
    assert_eq!((ended.created_at, ended.ended_at), (START, START + 5_000));
    let head = world.head();
    assert_ne!(head.secret, told);
    assert_eq!(
        (head.epoch, head.created_at),
        (fresh(2).epoch, START + 5_000)
    );
    assert_eq!(head.opened, None);
}

#[test]
fn a_change_that_puts_nothing_off_ends_no_life() {
    let mut world = World::new(json!({"maxActive": 1, "opensAt": OPENS_AT}));
    assert_eq!(world.patch(json!({"opensAt": OPENS_AT + 1})), None);
    assert_eq!(world.patch(json!({"opensAt": null, "maxActive": 2})), None);
    assert!(world.head().opened.is_some());
    assert_eq!(world.patch(json!({"maxActive": 3})), None);
}

/// The life that begins with a new number of lanes begins when the other one ended.
#[test]
fn lives_follow_each_other_in_time() {
    let mut world = World::new(json!({"maxActive": 1, "opensAt": OPENS_AT}));
    world.now += 5_000;
    let ended = world.patch(json!({"lanes": 9})).expect("a life");
    assert_eq!((ended.created_at, ended.ended_at), (START, START + 5_000));
    assert_eq!(world.head().created_at, START + 5_000);
}

/// Whoever runs a draw must not be able to choose among those who were drawn.
#[test]
fn what_a_draw_promised_may_grow_but_not_shrink() {
    let mut world = World::draw(2, 5);
    world.patch(json!({"claimWindowSeconds": 500, "maxAdmissions": 1}));
    world.patch(json!({"claimWindowSeconds": 600, "maxAdmissions": 2}));
    world.wake_at(OPENS_AT);
    for smaller in [
        json!({"claimWindowSeconds": 599}),
        json!({"maxAdmissions": 1}),
    ] {
        let patch = Event::Patch {
            patch: smaller.clone(),
            fresh: fresh(2),
        };
        let refused = world.event(patch).0.unwrap_err();
        assert_eq!(refused.code, Code::Conflict, "{smaller}");
        let (field, _) = smaller.as_object().unwrap().iter().next().unwrap();
        assert!(refused.detail.starts_with(field), "{}", refused.detail);
    }
    world.patch(json!({"claimWindowSeconds": 601, "maxAdmissions": 3}));
    assert_eq!(world.snapshot().boarding, 3);
}

/// A backup waits no longer because somebody else is given more time.
#[test]
fn a_longer_window_is_for_those_who_are_called_up_from_then_on() {
    let mut world = World::draw(2, 5);
    world.wake_at(OPENS_AT);
    world.now += 1_000;
    world.patch(json!({"claimWindowSeconds": 6_000}));
    let leaving = world.at(0);
    world.event(Event::Leave(leaving)).0.unwrap();
    world.run_until(OPENS_AT + 599_999);
    assert_eq!(world.snapshot().boarding, 3);
    world.run_until(OPENS_AT + 600_000);
    assert_eq!(world.snapshot().boarding, 4, "place 1 lapsed");
    let refused = world.claim(1).unwrap_err();
    assert_eq!(refused.code, Code::AdmissionExpired);
    assert!(world.is_granted(2), "called up with the longer one");
}

#[test]
fn a_draw_that_is_over_stays_over() {
    let mut world = World::draw(1, 3);
    world.wake_at(OPENS_AT);
    world.buy(0);
    assert_eq!(world.snapshot().phase, Phase::SoldOut);
    let patch = Event::Patch {
        patch: json!({"maxAdmissions": 2}),
        fresh: fresh(2),
    };
    let refused = world.event(patch).0.unwrap_err();
    assert_eq!(refused.code, Code::Conflict);
    assert_eq!(world.snapshot().phase, Phase::SoldOut);
    world.patch(json!({"allowedOrigins": ["https://shop.example"]}));
}

/// Whoever leaves in the opening's first second may do so by an edge that has not heard of it.
#[test]
fn a_place_that_is_left_without_being_known_is_passed_over() {
    let mut world = World::draw(1, 3);
    world.wake_at(OPENS_AT);
    for place in [1, 0] {
        let holder = Holder {
            position: None,
            ..world.at(place)
        };
        world.event(Event::Leave(holder)).0.unwrap();
    }
    assert_eq!(world.snapshot().boarding, 3);
    assert!(world.is_granted(2));
}

#[test]
fn a_lapsed_winner_is_served_once_no_backup_holds_the_place() {
    let mut world = World::draw(2, 3);
    world.wake_at(OPENS_AT);
    world.run_until(OPENS_AT + 600_000);
    assert_eq!(world.snapshot().boarding, 3, "one backup for two places");
    assert!(world.is_granted(0), "the other place is nobody's");
    let refused = world.claim(1).unwrap_err();
    assert_eq!(refused.code, Code::AdmissionExpired);
    world.buy(0);
    world.run_until(OPENS_AT + 1_199_999);
    assert!(world.claim(1).is_err(), "the backup may still come");
    world.run_until(OPENS_AT + 1_200_000);
    assert!(world.is_granted(1), "the reserve list is used up");
}
