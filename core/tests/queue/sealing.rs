//! Sealing: between the opening and the randomness that decides.

use std::sync::LazyLock;

use serde_json::{Value, json};
use tidegate_core::UnixMillis;
use tidegate_core::fair::beacon::{Beacon, Chain, SignedRound};
use tidegate_core::fair::{Fresh, Root};
use tidegate_core::ids::Epoch;
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::{Answer, Effect, Event, Fetch, Heard, Machine, Refusal, handle};
use tidegate_core::view::snapshot::{Phase, Trust};

use crate::world::{EPOCH, World, holder, lease, put};

const OTHER: Epoch = Epoch::from_bytes([8; 16]);
/// So that round 1000 of quicknet, which was recorded, decides: it is made half a minute later.
const OPENS_AT: UnixMillis = 1_692_803_367_000 + 999 * 3_000 - 30_000;
const MADE_AT: UnixMillis = OPENS_AT + 30_000;
const ROUND: u64 = 1_000;

fn recorded() -> Value {
    let rounds: Value =
        serde_json::from_str(include_str!("../../../tests/vectors/drand-quicknet.json")).unwrap();
    let rounds = rounds["rounds"].as_array().unwrap().clone();
    let found = rounds.into_iter().find(|round| round["round"] == ROUND);
    found.unwrap()
}

/// The round as the network signed it. Verified once, for that takes a while in a debug build.
fn signed() -> SignedRound {
    static SIGNED: LazyLock<SignedRound> = LazyLock::new(|| {
        let beacon = Beacon {
            chain: Chain::quicknet(),
            round: ROUND,
            signature: None,
        };
        beacon.told(&recorded().to_string()).unwrap()
    });
    SIGNED.clone()
}

fn with_beacon() -> Event {
    put(
        "launch",
        json!({"maxActive": 2, "opensAt": OPENS_AT, "beacon": "drand"}),
    )
}

fn fetched(epoch: Epoch) -> Event {
    Event::Fetched {
        epoch,
        signed: Some(signed()),
        heard: Vec::new(),
    }
}

/// What came of asking these, none of which had it.
fn unheard_of(said: &[(String, String)]) -> Event {
    let heard = said.iter().map(|(endpoint, said)| Heard {
        endpoint: endpoint.clone(),
        said: said.clone(),
    });
    Event::Fetched {
        epoch: EPOCH,
        signed: None,
        heard: heard.collect(),
    }
}

fn wakes_at(world: &mut World) -> Option<UnixMillis> {
    world.machine().next_timeout()
}

/// A queue of seven entrants that has just opened.
fn sealing() -> World {
    let mut world = World::default();
    let before = OPENS_AT - 60_000;
    world.event_at(before, with_beacon()).unwrap();
    world.event_at(before, lease(1, 7)).unwrap();
    world
        .event_at(before, Event::Leave(holder(3, None)))
        .unwrap();
    assert_eq!(wakes_at(&mut world), Some(OPENS_AT));
    world.event_at(OPENS_AT, Event::Wake).unwrap();
    world
}

#[test]
fn root_and_round_are_public_before_the_randomness_is() {
    let mut world = sealing();
    for _ in 0..2 {
        let snapshot = world.snapshot();
        assert_eq!(snapshot.phase, Phase::Sealing);
        let shuffle = snapshot.shuffle;
        assert_eq!(shuffle.beacon_round, Some(ROUND));
        assert_eq!(
            (shuffle.entrants, shuffle.trust),
            (Some(7), Some(Trust::Beacon))
        );
        assert!(shuffle.root.is_some() && shuffle.commitment.is_some());
        assert_eq!((shuffle.seed, shuffle.position(0)), (None, None));
        assert_eq!(
            shuffle.position(7),
            Some(7),
            "who comes later has a place at once"
        );
        assert_eq!(wakes_at(&mut world), Some(MADE_AT));
        // What matters is stored.
        world.queue.crash();
    }
    let refused = world.event_at(OPENS_AT + 1, Event::Claim(holder(0, None)));
    assert_eq!(refused.unwrap_err().code, Code::NotYetServed);
    let later = world.event_at(OPENS_AT + 2, lease(2, 1)).unwrap();
    assert!(
        matches!(
            later,
            Answer::Leased {
                first: 7,
                logged: false,
                ..
            }
        ),
        "{later:?}"
    );
    let repeated = world.event_at(OPENS_AT + 3, lease(1, 7));
    assert_eq!(repeated.unwrap_err().code, Code::Conflict, "an older group");
}

#[test]
fn the_seed_follows_from_the_named_round_and_no_other() {
    let mut world = sealing();
    let root = world.snapshot().shuffle.root.unwrap();
    world.event_at(MADE_AT, fetched(OTHER)).unwrap();
    assert_eq!(world.snapshot().phase, Phase::Sealing, "of another life");
    world.event_at(MADE_AT + 1, fetched(EPOCH)).unwrap();
    world.queue.crash();
    let snapshot = world.snapshot();
    assert_eq!(snapshot.phase, Phase::Open);
    let randomness = recorded()["randomness"].as_str().unwrap().to_owned();
    let randomness: Root = randomness.parse().unwrap();
    let secret = Fresh::known(EPOCH).secret;
    let seed = secret.seed(&root, randomness.as_bytes());
    assert_eq!(snapshot.shuffle.seed, Some(seed));
    assert!(snapshot.boarding > 0, "service has begun");
    world.event_at(MADE_AT + 2, fetched(EPOCH)).unwrap();
    assert_eq!(world.snapshot().shuffle.seed, Some(seed), "once");
}

#[test]
fn a_round_of_another_number_seals_nothing() {
    let mut world = World::default();
    let config = json!({"maxActive": 2, "opensAt": OPENS_AT + 3_000, "beacon": "drand"});
    world.event_at(OPENS_AT - 1, put("launch", config)).unwrap();
    world.event_at(OPENS_AT - 1, lease(1, 7)).unwrap();
    world.event_at(OPENS_AT + 3_000, Event::Wake).unwrap();
    assert_eq!(world.snapshot().shuffle.beacon_round, Some(ROUND + 1));
    world.event_at(MADE_AT + 3_000, fetched(EPOCH)).unwrap();
    assert_eq!(world.snapshot().phase, Phase::Sealing);
}

/// A queue in memory, which the test asks for what it would have fetched.
struct Waiting(Option<Machine>);

impl Waiting {
    fn new() -> Self {
        let config = json!({"maxActive": 2, "opensAt": OPENS_AT, "beacon": "drand"});
        Self(Some(opened(config, 3)))
    }

    fn at(&mut self, now: UnixMillis, event: Event) -> Answer {
        handle(&mut self.0, event, None, now).answer.unwrap()
    }

    /// What it wants fetched at `now`, if it does.
    fn fetch(&mut self, now: UnixMillis) -> Option<Fetch> {
        self.at(now, Event::Wake);
        let machine = self.0.as_mut().unwrap();
        let fetch = machine.next_fetch();
        assert!(machine.next_fetch().is_none(), "once");
        fetch
    }

    fn waits_for(&mut self, now: UnixMillis) -> Value {
        match self.at(now, Event::Read) {
            Answer::Report(report) => report["waitsFor"].clone(),
            other => panic!("{other:?}"),
        }
    }

    fn phase(&self, now: UnixMillis) -> Phase {
        self.0.as_ref().unwrap().snapshot(now).phase
    }
}

fn said(endpoint: &impl ToString, said: &str) -> (String, String) {
    (endpoint.to_string(), said.to_owned())
}

#[test]
fn the_operator_reads_what_is_waited_for_and_what_each_endpoint_said_last() {
    let mut queue = Waiting::new();
    let expected = json!({
        "network": "drand", "chain": Chain::quicknet().chain, "round": ROUND, "madeAt": MADE_AT,
        "waitsSinceAt": OPENS_AT, "askedNextAt": MADE_AT, "attempts": 0, "endpoints": [],
    });
    assert_eq!(queue.waits_for(OPENS_AT), expected);
    queue.fetch(MADE_AT).unwrap();
    let answers = [said(&"a", "status 404"), said(&"b", "no answer in time")];
    queue.at(MADE_AT + 1, unheard_of(&answers));
    queue.fetch(MADE_AT + 5_000).unwrap();
    queue.at(MADE_AT + 5_001, unheard_of(&[said(&"a", "status 500")]));
    let told = queue.waits_for(MADE_AT + 5_002);
    assert_eq!(
        (&told["attempts"], &told["askedNextAt"]),
        (&2.into(), &(MADE_AT + 10_000).into())
    );
    let endpoints = json!([
        {"endpoint": "b", "said": "no answer in time", "heardAt": MADE_AT + 1},
        {"endpoint": "a", "said": "status 500", "heardAt": MADE_AT + 5_001},
    ]);
    assert_eq!(told["endpoints"], endpoints);
    queue.at(MADE_AT + 5_003, fetched(EPOCH));
    assert_eq!(queue.waits_for(MADE_AT + 5_004), Value::Null);
}

#[test]
fn what_is_kept_of_endpoints_is_bounded() {
    let mut queue = Waiting::new();
    let long = "x".repeat(10_000);
    let many: Vec<_> = (0..1_000).map(|number| said(&number, &long)).collect();
    queue.at(MADE_AT, unheard_of(&many));
    let told = queue.waits_for(MADE_AT);
    let kept = told["endpoints"].as_array().unwrap();
    assert_eq!(kept.len(), 10);
    assert_eq!(kept[9]["endpoint"], "999", "the last");
    let bounded = |one: &Value| one["said"].as_str().unwrap().len() == 200;
    assert!(kept.iter().all(bounded));
}

#[test]
fn the_round_is_awaited_however_often_it_was_not_given() {
    let mut queue = Waiting::new();
    for attempt in 0..100 {
        let now = MADE_AT + attempt * 5_000;
        let fetch = queue.fetch(now).unwrap();
        assert_eq!((fetch.attempt, fetch.beacon.round), (attempt, ROUND));
        queue.at(now + 1, unheard_of(&[said(&"a", "status 404")]));
        assert_eq!(queue.phase(now + 1), Phase::Sealing);
    }
    queue.at(MADE_AT + 500_000, fetched(EPOCH));
    assert_eq!(queue.phase(MADE_AT + 500_000), Phase::Open);
}

#[test]
fn the_audit_waits_for_the_seal() {
    let mut world = sealing();
    let refused = Problem::from(world.machine().audit(0, 1, &[], 0).unwrap_err());
    assert_eq!(
        (refused.code, refused.retry_after_seconds),
        (Code::NotOpen, Some(30))
    );
    world.event_at(MADE_AT, fetched(EPOCH)).unwrap();
    let machine = world.machine();
    let missing = machine.audit(1, 5_000, &[], 0).unwrap_err();
    assert_eq!(missing, Refusal::NoSuchPage, "5,000 groups are one page");
    assert_eq!(machine.audit(1, 5_001, &[], 0).unwrap()["pages"], 2);
    let facts = machine.audit(0, 1, &[], 0).unwrap();
    assert_eq!(facts["trust"], "beacon");
    assert_eq!(facts["openedAt"], OPENS_AT);
    let told = &facts["beacon"];
    assert_eq!(told["chain"], Chain::quicknet().chain);
    for field in ["round", "signature", "randomness"] {
        assert_eq!(told[field], recorded()[field], "{field}");
    }
}

/// What an edge says by the snapshot alone.
#[test]
fn an_edge_refuses_what_is_too_early_and_says_when() {
    let mut world = World::default();
    let entry_opens_at = OPENS_AT - 60_000;
    let config = json!({"maxActive": 2, "entryOpensAt": entry_opens_at, "opensAt": OPENS_AT,
        "beacon": "drand"});
    world
        .event_at(entry_opens_at - 10_000, put("launch", config))
        .unwrap();
    let wait = |refused: Result<(), Problem>| {
        let problem = refused.unwrap_err();
        assert_eq!(problem.code, Code::NotOpen);
        problem.retry_after_seconds.unwrap()
    };
    let early = world.snapshot();
    assert_eq!(wait(early.check_entry_open(entry_opens_at - 1)), 1);
    assert_eq!(
        early.check_entry_open(entry_opens_at),
        Ok(()),
        "an old snapshot"
    );
    assert_eq!(wait(early.check_sealed()), 70);
    world.event_at(entry_opens_at, lease(1, 3)).unwrap();
    assert_eq!(world.snapshot().check_entry_open(entry_opens_at), Ok(()));
    assert_eq!(wait(world.snapshot().check_sealed()), 60);
    world.event_at(OPENS_AT, Event::Wake).unwrap();
    assert_eq!(wait(world.snapshot().check_sealed()), 5);
    world.event_at(MADE_AT, fetched(EPOCH)).unwrap();
    assert_eq!(world.snapshot().check_sealed(), Ok(()));
    let nobody = opened(json!({"maxActive": 2, "opensAt": OPENS_AT}), 0);
    assert_eq!(nobody.snapshot(OPENS_AT).check_sealed(), Ok(()));
}

#[test]
fn a_reset_while_it_waits_stays_listed() {
    let mut world = sealing();
    let fresh = Fresh::known(OTHER);
    world.now = OPENS_AT + 9;
    let (_, effects) = world.step(Event::Reset { fresh });
    let ended = effects.iter().find_map(|effect| match effect {
        Effect::EndLife(life) => Some(life),
        _ => None,
    });
    let life = ended.unwrap();
    assert_eq!((life.epoch, life.entered, life.opened), (EPOCH, 7, true));
    assert_eq!(life.ended_at, OPENS_AT + 9);
}

fn opened(config: Value, entrants: u32) -> Machine {
    let mut queue = None;
    handle(&mut queue, put("launch", config), None, OPENS_AT - 9);
    if entrants > 0 {
        handle(&mut queue, lease(1, entrants), None, OPENS_AT - 9);
    }
    handle(&mut queue, Event::Wake, None, OPENS_AT);
    queue.unwrap()
}

#[test]
fn where_nobody_entered_nothing_is_waited_for() {
    let config = json!({"maxActive": 2, "opensAt": OPENS_AT, "beacon": "drand"});
    let machine = opened(config, 0);
    assert_eq!(machine.snapshot(OPENS_AT).phase, Phase::Open);
    assert_eq!(machine.next_timeout(), None);
}

#[test]
fn the_round_is_fetched_when_it_is_made_and_then_every_five_seconds() {
    let mut queue = Waiting::new();
    assert!(queue.fetch(MADE_AT - 1).is_none());
    let fetch = queue.fetch(MADE_AT).unwrap();
    assert_eq!((fetch.epoch, fetch.beacon.round), (EPOCH, ROUND));
    assert!(queue.fetch(MADE_AT + 4_999).is_none());
    let next = queue.0.as_ref().unwrap().next_timeout();
    assert_eq!(next, Some(MADE_AT + 5_000));
    assert!(queue.fetch(MADE_AT + 5_000).is_some(), "nobody had it");
}
