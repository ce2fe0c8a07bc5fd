//! Cases that have gone wrong once.

use serde_json::json;
use tidegate_core::edge::pending::{Demand, Object, Pending, Step, Supply};
use tidegate_core::queue::Event;

use crate::sent::{Got, SITE, Sent, described};
use crate::world::{Driver, START, World};

const BOTH: [Driver; 2] = [Driver::Fast, Driver::Ordinary];

fn post(what: &str) -> Sent {
    Sent {
        method: "POST",
        path: format!("/v1/queues/lamp/{what}"),
        origin: Some(String::from(SITE)),
        ..Sent::default()
    }
}

fn status() -> Sent {
    Sent {
        method: "GET",
        path: String::from("/v1/queues/lamp/status"),
        ..Sent::default()
    }
}

fn by_bearer(sent: Sent, ticket: &str) -> Sent {
    Sent {
        authorization: Some(format!("Bearer {ticket}")),
        ..sent
    }
}

fn by_cookie(sent: Sent, ticket: &str) -> Sent {
    Sent {
        cookie: Some(format!("__Host-tidegate-lamp={ticket}")),
        ..sent
    }
}

fn ticket(got: &Got) -> String {
    got.text("/ticket")
        .unwrap_or_else(|| panic!("no ticket in {}", got.body))
}

/// How often objects of a class were asked.
fn asked(world: &World, object: Object) -> usize {
    world
        .asked
        .iter()
        .filter(|(class, ..)| *class == object)
        .count()
}

#[test]
fn an_empty_authorization_beside_a_ticket_cookie_is_no_credential() {
    for driver in BOTH {
        let mut world = World::new(&json!({"maxActive": 1}), 1);
        let entered = world.send(0, driver, &post("enter"));
        let sent = Sent {
            authorization: Some(String::new()),
            ..by_cookie(status(), &ticket(&entered))
        };
        let got = world.send(0, driver, &sent);
        assert_eq!(
            got.text("/status").as_deref(),
            Some("READY"),
            "{driver:?}: {}",
            got.body
        );
    }
}

#[test]
fn nobody_is_entered_twice_by_an_isolate_that_lacks_a_key() {
    let open = json!({"maxActive": 1});
    let before_the_opening =
        json!({"maxActive": 1, "entryOpensAt": START - 1, "opensAt": START + 60_000});
    for (config, body) in [
        (&open, ""),
        (&open, r#"{"entryKey": "00000000000000000000000000000001"}"#),
        // The receipt needs the keys that sign handoff tokens.
        (&before_the_opening, ""),
    ] {
        // Once as an isolate that knows nothing, once as one that has seen the queue, once as one
        // that has read the keys of tickets and no others.
        for seen in [vec![], vec![status()], vec![by_bearer(status(), "none")]] {
            let mut world = World::new(config, 1);
            for sent in &seen {
                world.send(0, Driver::Fast, sent);
            }
            let sent = Sent {
                body: body.to_owned(),
                ..post("enter")
            };
            let got = world.send(0, Driver::Fast, &sent);
            assert_eq!(got.status, 200, "{}", got.body);
            assert_eq!(asked(&world, Object::Lane), 1, "{body} after {seen:?}");
        }
    }
}

#[test]
fn a_claim_at_an_isolate_with_an_old_view_is_judged_by_a_newer_one() {
    for driver in BOTH {
        let mut world = World::new(&json!({"maxActive": 1}), 2);
        // This isolate sees the queue as it was before the reset, and its data centre keeps that.
        world.send(1, driver, &status());
        world.pass(400);
        world.reset();
        world.pass(900);
        let entered = world.send(0, driver, &post("enter"));
        assert_eq!(entered.status, 200, "{}", entered.body);
        let claimed = world.send(1, driver, &by_bearer(post("claim"), &ticket(&entered)));
        assert_eq!(
            claimed.text("/status").as_deref(),
            Some("GRANTED"),
            "{}",
            claimed.body
        );
    }
}

#[test]
fn no_place_is_computed_by_another_epoch_s_shuffle() {
    let drawn = json!({"maxActive": 1, "entryOpensAt": START - 1, "opensAt": START + 1_000});
    for driver in BOTH {
        let mut world = World::new(&drawn, 1);
        // Four enter before the opening, so that their places are shuffled.
        let entered: Vec<Got> = (0..4)
            .map(|_| world.send(0, driver, &post("enter")))
            .collect();
        world.reset();
        world.pass(500);
        for _ in 0..4 {
            world.send(0, driver, &post("enter"));
        }
        world.pass(70_000);
        world.event(Event::Wake).unwrap();
        world.pass(3_000);
        for old in &entered {
            let got = world.send(0, driver, &by_bearer(status(), &ticket(old)));
            assert_eq!(got.code(), "TICKET_VOID", "{}", got.body);
            let got = world.send(0, driver, &by_bearer(post("claim"), &ticket(old)));
            assert_eq!(got.code(), "TICKET_VOID", "{}", got.body);
        }
    }
}

#[test]
fn an_object_out_of_reach_wedges_nothing() {
    for driver in BOTH {
        let mut world = World::new(&json!({"maxActive": 1}), 1);
        let entered = world.send(0, driver, &post("enter"));
        for object in [Object::Lane, Object::Queue] {
            world.out = Some(object);
            let sent = if object == Object::Lane {
                post("enter")
            } else {
                by_bearer(post("claim"), &ticket(&entered))
            };
            let got = world.send(0, driver, &sent);
            assert_eq!(
                (got.status, got.code().as_str()),
                (503, "SERVICE_UNAVAILABLE")
            );
            assert!(got.headers.iter().any(|(name, _)| name == "retry-after"));
            world.out = None;
            assert_eq!(world.send(0, driver, &sent).status, 200);
        }
        // What an isolate knows is served while its relay is out of reach, and refreshed when it is
        // back.
        world.out = Some(Object::Relay);
        world.pass(8_000);
        let got = world.send(0, driver, &status());
        assert_eq!(got.json()["stale"], json!(true), "{}", got.body);
        world.out = None;
        world.pass(1_500);
        let got = world.send(0, driver, &status());
        assert_eq!(got.json()["stale"], json!(false), "{}", got.body);
    }
}

/// Begins a request at the first isolate, and drives it until it asks an object of this class: the
/// call that waits, the object's name, and what it is asked.
fn until_it_asks(world: &mut World, sent: &Sent, wanted: Object) -> (Pending, String, String) {
    let mut pending = world.edges[0].isolate.call(described(sent));
    let mut step = pending.begin(world.now);
    loop {
        match step {
            Step::Demand(Demand::Ask { object, name, call }) if object == wanted => {
                return (pending, name, call);
            }
            Step::Demand(demand) => {
                let supply = world.meet(0, demand, sent);
                step = pending.resume(supply, world.now);
            }
            Step::Answer(answer) => panic!("answered before it asks: {answer:?}"),
        }
    }
}

#[test]
fn an_entry_that_took_seconds_is_answered_by_what_the_edge_knows_by_then() {
    for is_out in [false, true] {
        let mut world = World::new(&json!({"maxActive": 1}), 1);
        let sent = post("enter");
        let (mut pending, name, call) = until_it_asks(&mut world, &sent, Object::Lane);
        let reply = world.ask(Object::Lane, &name, &call).unwrap();
        world.out = is_out.then_some(Object::Relay);
        world.pass(8_000);
        let shown = world.send(0, Driver::Ordinary, &status());
        let step = pending.resume(Supply::Text(reply), world.now);
        let entered = world.drive(0, pending, step, &sent);
        for field in ["serverTime", "stale"] {
            let said = entered.json()["status"][field].clone();
            assert_eq!(said, shown.json()[field], "{field}: {}", entered.body);
        }
        assert_eq!(shown.json()["stale"], json!(is_out), "{}", shown.body);
    }
}

#[test]
fn who_waits_for_a_refresh_that_hangs_looks_some_twenty_times_and_takes_it_over() {
    let mut world = World::new(&json!({"maxActive": 1}), 1);
    let sent = status();
    let (hangs, ..) = until_it_asks(&mut world, &sent, Object::Relay);
    let began = world.now;
    let mut pending = world.edges[0].isolate.call(described(&sent));
    let mut step = pending.begin(world.now);
    let mut looks = 0;
    let answer = loop {
        let demand = match step {
            Step::Demand(demand) => demand,
            Step::Answer(answer) => break answer,
        };
        looks += u32::from(matches!(demand, Demand::Sleep(_)));
        let supply = world.meet(0, demand, &sent);
        step = pending.resume(supply, world.now);
    };
    assert_eq!(answer.status, 200);
    assert!((3_000..3_500).contains(&(world.now - began)));
    assert!((10..25).contains(&looks), "{looks}");
    drop(hangs);
}

#[test]
fn a_ticket_that_is_remembered_ends_when_it_does_and_vouches_for_no_other() {
    for driver in BOTH {
        let mut world = World::new(&json!({"maxActive": 1}), 1);
        let token = ticket(&world.send(0, driver, &post("enter")));
        let shown = |world: &mut World, token: &str| {
            world.send(0, driver, &by_bearer(status(), token)).status
        };
        for _ in 0..2 {
            assert_eq!(shown(&mut world, &token), 200);
        }
        for at in (0..token.len()).step_by(7) {
            let other = if &token[at..=at] == "A" { "B" } else { "A" };
            let altered = format!("{}{other}{}", &token[..at], &token[at + 1..]);
            assert_eq!(shown(&mut world, &altered), 401, "byte {at}");
        }
        assert_eq!(shown(&mut world, &token), 200);
        let elsewhere = Sent {
            path: String::from("/v1/queues/another/status"),
            ..by_bearer(status(), &token)
        };
        assert_ne!(world.send(0, driver, &elsewhere).status, 200);
        // It was good for thirty days, and is renewed from the middle on.
        world.pass(31 * 86_400_000);
        assert_eq!(shown(&mut world, &token), 401);
    }
}
