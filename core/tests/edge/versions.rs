//! A deployment in which edges and objects are of different versions.

use serde_json::json;
use tidegate_core::edge::pending::Object;
use tidegate_core::wire::VERSION;

use crate::sent::{Got, SITE, Sent};
use crate::world::{Driver, ORIGIN_KEY, World};

const BOTH: [Driver; 2] = [Driver::Fast, Driver::Ordinary];

fn post(path: &str, bearer: &str, body: String) -> Sent {
    Sent {
        method: "POST",
        path: path.to_owned(),
        authorization: (!bearer.is_empty()).then(|| format!("Bearer {bearer}")),
        origin: bearer.is_empty().then(|| SITE.to_owned()),
        body,
        ..Sent::default()
    }
}

fn enter(world: &mut World, driver: Driver) -> Got {
    let body = json!({"entryKey": "07".repeat(16)}).to_string();
    world.send(0, driver, &post("/v1/queues/lamp/enter", "", body))
}

fn claim(world: &mut World, driver: Driver, ticket: &str) -> Got {
    let sent = post("/v1/queues/lamp/claim", ticket, String::new());
    world.send(0, driver, &sent)
}

fn redeem(world: &mut World, driver: Driver, token: &str) -> Got {
    let body = json!({ "handoffToken": token }).to_string();
    world.send(0, driver, &post("/v1/handoffs/redeem", ORIGIN_KEY, body))
}

#[test]
fn objects_of_the_version_before_and_after_serve_as_ever() {
    for (driver, version) in [
        (Driver::Fast, VERSION - 1),
        (Driver::Fast, VERSION + 1),
        (Driver::Ordinary, VERSION - 1),
        (Driver::Ordinary, VERSION + 1),
    ] {
        let mut world = World::new(&json!({"maxActive": 1}), 1);
        world.version = version;
        let ticket = enter(&mut world, driver).text("/ticket").unwrap();
        let token = claim(&mut world, driver, &ticket).text("/handoffToken");
        let redeemed = redeem(&mut world, driver, &token.unwrap());
        assert_eq!(redeemed.status, 200, "{version}: {}", redeemed.body);
    }
}

#[test]
fn objects_of_a_version_further_away_refuse_for_a_while_and_nothing_is_lost() {
    for driver in BOTH {
        let mut world = World::new(&json!({"maxActive": 2}), 1);
        let first = enter(&mut world, driver);
        let ticket = first.text("/ticket").unwrap();
        let token = claim(&mut world, driver, &ticket)
            .text("/handoffToken")
            .unwrap();

        world.version = VERSION + 2;
        for refused in [
            enter(&mut world, driver),
            claim(&mut world, driver, &ticket),
            redeem(&mut world, driver, &token),
        ] {
            assert_eq!(refused.status, 503, "{driver:?}: {}", refused.body);
            let again = ("retry-after".to_owned(), "1".to_owned());
            assert!(refused.headers.contains(&again), "{:?}", refused.headers);
        }

        world.version = VERSION;
        let again = enter(&mut world, driver);
        assert_eq!(
            again.text("/ticket").map(|_| again.status),
            Some(200),
            "{}",
            again.body
        );
        assert_eq!(
            again.text("/status/position"),
            first.text("/status/position")
        );
        assert_eq!(redeem(&mut world, driver, &token).status, 200, "{driver:?}");
    }
}

#[test]
fn what_an_edge_of_the_version_before_or_after_left_in_the_cache_is_served() {
    for driver in BOTH {
        for (version, status) in [(VERSION - 1, 200), (VERSION + 1, 200), (VERSION + 2, 503)] {
            let mut world = World::new(&json!({"maxActive": 1}), 1);
            let ticket = enter(&mut world, driver).text("/ticket").unwrap();
            world.cached_by(version);
            world.restart(0);
            world.out = Some(Object::Relay);
            let sent = Sent {
                method: "GET",
                path: String::from("/v1/queues/lamp/status"),
                authorization: Some(format!("Bearer {ticket}")),
                ..Sent::default()
            };
            let got = world.send(0, driver, &sent);
            assert_eq!(got.status, status, "{driver:?}, {version}: {}", got.body);
        }
    }
}
