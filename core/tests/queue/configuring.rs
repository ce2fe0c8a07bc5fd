//! What an operator can change by mistake, and what they are told of it.

use serde_json::{Value, json};
use tidegate_core::UnixMillis;
use tidegate_core::fair::Fresh;
use tidegate_core::ids::Epoch;
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::Event;

use crate::world::{EPOCH, START, World};

const HOUR: UnixMillis = 3_600_000;

impl World {
    fn replace(&mut self, config: Value) -> Result<Value, Problem> {
        let (id, fresh) = ("line".parse().unwrap(), Fresh::known(EPOCH));
        self.report(Event::Replace { id, config, fresh })
    }

    fn config(&mut self) -> Value {
        self.report(Event::Read).unwrap()["config"].clone()
    }
}

fn drop_of(stock: u64) -> Value {
    json!({"maxActive": 5, "admitRatePerMinute": 60, "maxAdmissions": stock, "maxParticipants": 100,
        "closesAt": START + HOUR, "product": {"name": "Lamp", "path": "/lamp"}, "lanes": 1})
}

#[test]
fn a_put_that_names_too_little_takes_no_limit_from_a_live_queue() {
    let mut world = World::with(drop_of(10));
    let before = world.config();
    let short = json!({"maxActive": 9, "lanes": 1});
    let problem = world.put(short.clone()).unwrap_err();
    assert_eq!(problem.code, Code::Conflict);
    for said in [
        "admitRatePerMinute (60)",
        "maxAdmissions (10)",
        "maxParticipants (100)",
        "closesAt",
        "product",
        "?confirm=removal",
    ] {
        assert!(problem.detail.contains(said), "{said}: {}", problem.detail);
    }
    assert!(!problem.detail.contains("maxActive"), "{}", problem.detail);
    assert_eq!(world.config(), before, "nothing is changed by half");
    let report = world.replace(short).unwrap();
    assert_eq!(report["config"]["maxAdmissions"], Value::Null);
}

#[test]
fn a_put_before_the_queue_lives_and_a_patch_may_take_limits_away() {
    let mut config = drop_of(10);
    config["opensAt"] = (START + HOUR / 2).into();
    let mut world = World::with(config.clone());
    let mut open_ended = config.clone();
    open_ended["maxAdmissions"] = Value::Null;
    world.put(open_ended.clone()).unwrap();
    world.put(config).unwrap();
    world.enter(3);
    let problem = world.put(open_ended).unwrap_err();
    assert_eq!(
        problem.code,
        Code::Conflict,
        "somebody entered: {}",
        problem.detail
    );
    let report = world.patch(json!({"maxAdmissions": null})).unwrap();
    assert_eq!(
        report["changed"],
        json!([{"field": "maxAdmissions", "from": 10, "to": null}])
    );
}

#[test]
fn a_change_is_answered_with_what_it_changes() {
    let mut world = World::with(drop_of(10));
    let mut config = drop_of(20);
    config["sessionSeconds"] = 60.into();
    let report = world.put(config.clone()).unwrap();
    assert_eq!(
        report["changed"],
        json!([
            {"field": "maxAdmissions", "from": 10, "to": 20},
            {"field": "sessionSeconds", "from": 600, "to": 60},
        ])
    );
    assert_eq!(report["remarks"], json!([]));
    assert_eq!(world.put(config).unwrap()["changed"], json!([]));
}

#[test]
fn a_queue_is_not_closed_by_a_time_that_lies_in_the_past() {
    let late = json!({"maxActive": 1, "closesAt": START - 3 * HOUR});
    let problem = World::default().put(late).unwrap_err();
    assert_eq!(problem.code, Code::ValidationError);
    assert_eq!(
        problem.detail,
        "closesAt: lies 3 hours in the past; to end a queue now, close it"
    );
    let mut world = World::with(drop_of(10));
    world.enter(2);
    for at in [START, START - HOUR] {
        let problem = world.patch(json!({"closesAt": at})).unwrap_err();
        assert_eq!(problem.code, Code::ValidationError);
        let mut config = drop_of(10);
        config["closesAt"] = at.into();
        assert_eq!(world.put(config).unwrap_err().code, Code::ValidationError);
    }
    assert_eq!(world.config()["closesAt"], START + HOUR);
    // What has passed by itself is no mistake of a change to another field.
    world.now = START + 2 * HOUR;
    assert_eq!(
        world.patch(json!({"maxActive": 2})).unwrap()["snapshot"]["phase"],
        "closed"
    );
    world.put(drop_of(12)).unwrap();
    let report = world.patch(json!({"closesAt": START + 3 * HOUR})).unwrap();
    assert_eq!(report["snapshot"]["phase"], "open");
}

#[test]
fn a_draw_is_not_ended_by_a_typing_error() {
    let mut world = World::with(json!({"access": "draw", "maxAdmissions": 2, "lanes": 1,
        "opensAt": START + HOUR, "closesAt": START + 3 * HOUR}));
    world.enter(5);
    world.now = START + 2 * HOUR;
    let problem = world
        .patch(json!({"closesAt": START + HOUR + 1}))
        .unwrap_err();
    assert_eq!(problem.code, Code::ValidationError);
    let report = world.report(Event::Read).unwrap();
    assert_eq!(report["snapshot"]["phase"], "open");
}

#[test]
fn a_time_in_the_past_is_remarked_on_where_it_was_just_set() {
    let mut world = World::default();
    let report = world
        .put(
            json!({"maxActive": 1, "opensAt": START - 3 * HOUR, "entryOpensAt": START - 48 * HOUR}),
        )
        .unwrap();
    assert_eq!(
        report["remarks"],
        json!([
            "entryOpensAt lies 2 days in the past: entry opens at once",
            "opensAt lies 3 hours in the past: the queue opens at once",
        ])
    );
    let report = world.patch(json!({"maxActive": 2})).unwrap();
    assert_eq!(report["remarks"], json!([]), "it is known");
    let now = json!({"maxActive": 1, "opensAt": START - 999});
    assert_eq!(World::default().put(now).unwrap()["remarks"], json!([]));
}

#[test]
fn a_reset_says_that_its_times_lie_behind() {
    let mut world = World::with(json!({"access": "draw", "maxAdmissions": 2, "lanes": 1,
        "opensAt": START + HOUR, "closesAt": START + 3 * HOUR}));
    world.now = START + 5 * HOUR;
    let fresh = Fresh::known(Epoch::from_bytes([8; 16]));
    let report = world.report(Event::Reset { fresh }).unwrap();
    assert_eq!(
        report["remarks"],
        json!([
            "opensAt lies 4 hours in the past: the queue opens at once",
            "closesAt lies 2 hours in the past: the queue is closed",
        ])
    );
}

#[test]
fn a_change_that_ends_a_queue_or_does_not_bring_it_back_is_remarked_on() {
    let mut world = World::with(drop_of(10));
    world.enter(3);
    world.buy(0);
    let report = world.patch(json!({"maxAdmissions": 1})).unwrap();
    assert_eq!(
        report["remarks"],
        json!(["maxAdmissions is no more than the 1 that are sold: the queue is sold out"])
    );
    world.patch(json!({"maxAdmissions": 10})).unwrap();
    world.event(Event::Close).unwrap();
    let report = world.patch(json!({"closesAt": START + 2 * HOUR})).unwrap();
    assert_eq!(
        report["remarks"],
        json!(["the queue was closed, and stays so until it is reopened"])
    );
    let report = world.report(Event::Reopen).unwrap();
    assert_eq!(report["snapshot"]["phase"], "open");
}
