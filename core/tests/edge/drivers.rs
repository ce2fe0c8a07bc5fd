//! The fast path answers exactly what the ordinary driver answers, or hands over; and neither asks
//! an object for anything that the other does not.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tidegate_core::edge::pending::Object;
use tidegate_core::queue::Event;

use crate::sent::{Got, SITE, Sent};
use crate::world::{Driver, ORIGIN_KEY, START, World};

/// How many requests one history has in the mean, and how many histories there are: 100,000
/// requests where long tests are asked for.
const REQUESTS: usize = 50;
const HISTORIES: u32 = 200;
const LONG_HISTORIES: u32 = 2_000;
/// The isolates of a deployment.
const EDGES: u8 = 2;

/// What happens next; each number picks among what there is.
#[derive(Clone, Debug)]
enum Op {
    Send {
        edge: usize,
        call: usize,
        ticket: usize,
        shown: usize,
        origin: usize,
        body: usize,
        accept: bool,
    },
    Pass(u64),
    Operate(usize),
    Restart(usize),
    Out(Option<Object>),
}

fn op() -> impl Strategy<Value = Op> {
    let send = (
        0..usize::from(EDGES),
        0..CALLS.len(),
        any::<prop::sample::Index>(),
        prop_oneof![16 => Just(0), 4 => Just(1), 4 => 2..10_usize],
        prop_oneof![8 => Just(0), 8 => Just(1), 2 => 2..5_usize],
        prop_oneof![4 => Just(0), 8 => 1..5_usize, 4 => 5..12_usize],
        prop::bool::weighted(0.1),
    );
    prop_oneof![
        40 => send.prop_map(|(edge, call, ticket, shown, origin, body, accept)| Op::Send {
            edge, call, ticket: ticket.index(64), shown, origin, body, accept,
        }),
        4 => prop::sample::select(vec![1, 40, 400, 1_100, 3_500, 8_000, 90_000]).prop_map(Op::Pass),
        2 => prop::sample::select(vec![0, 1, 1, 1, 2, 2, 2, 3, 4, 4, 5]).prop_map(Op::Operate),
        1 => (0..usize::from(EDGES)).prop_map(Op::Restart),
        1 => prop::sample::select(vec![
            None, None, None, Some(Object::Lane), Some(Object::Queue), Some(Object::Relay),
        ]).prop_map(Op::Out),
    ]
}

const CALLS: [(&str, &str); 16] = [
    ("GET", "/v1/queues/lamp"),
    ("GET", "/v1/queues/lamp/status"),
    ("GET", "/v1/queues/lamp/status"),
    ("GET", "/v1/queues/none/status"),
    ("POST", "/v1/queues/lamp/enter"),
    ("POST", "/v1/queues/lamp/enter"),
    ("POST", "/v1/queues/lamp/enter"),
    ("POST", "/v1/queues/lamp/claim"),
    ("POST", "/v1/queues/lamp/claim"),
    ("POST", "/v1/queues/lamp/claim"),
    ("DELETE", "/v1/queues/lamp/leave"),
    ("POST", "/v1/handoffs/redeem"),
    ("POST", "/v1/handoffs/redeem"),
    ("POST", "/v1/queues/lamp/admissions/{admission}/complete"),
    ("POST", "/v1/queues/lamp/admissions/{admission}/release"),
    ("POST", "/v1/queues/lamp/admissions/{admission}/extend"),
];

/// Which of them is an enter.
const ENTER: usize = 4;

/// What clients have been given.
#[derive(Default)]
struct Given {
    tickets: Vec<String>,
    tokens: Vec<String>,
    admissions: Vec<String>,
}

impl Given {
    fn note(&mut self, got: &Got) {
        let fields = ["/ticket", "/status/ticket", "/handoffToken", "/admissionId"];
        for (field, value) in fields.map(|field| (field, got.text(field))) {
            let Some(value) = value else { continue };
            match field {
                "/handoffToken" => self.tokens.push(value),
                "/admissionId" => self.admissions.push(value),
                _ => self.tickets.push(value),
            }
        }
    }

    fn ticket(&self, number: usize) -> String {
        pick(&self.tickets, number).unwrap_or_else(|| String::from("none"))
    }

    /// The request that these numbers stand for.
    fn sent(&self, op: &Op) -> Sent {
        let Op::Send {
            call,
            ticket: number,
            shown,
            origin,
            body,
            accept,
            ..
        } = op
        else {
            return Sent::default();
        };
        let (method, path) = CALLS[*call];
        let admission = pick(&self.admissions, *number).unwrap_or_else(|| String::from("none"));
        let mut sent = Sent {
            method,
            path: path.replace("{admission}", &admission),
            accept: accept.then(|| String::from("text/html,*/*")),
            forwarding: if number % 16 == 15 {
                &["x-forwarded-for"]
            } else {
                &[]
            },
            ..Sent::default()
        };
        self.show(&mut sent, *shown, *number);
        sent.origin = [
            None,
            Some(SITE),
            Some("https://shop.example"),
            Some("https://other.example"),
            Some("null"),
        ][*origin]
            .map(str::to_owned);
        let is_origin_s = path.contains("handoffs") || path.contains("admissions");
        if is_origin_s && *shown < 8 {
            sent.authorization = Some(format!("Bearer {ORIGIN_KEY}"));
        }
        if path.ends_with("redeem") {
            sent.body = self.redeem(*body, *number);
            sent.idempotency_key = [None, Some("order"), Some("")][*number % 3].map(str::to_owned);
        } else if path.ends_with("enter") {
            sent.body = enter(*body, *number);
        }
        sent
    }

    fn show(&self, sent: &mut Sent, shown: usize, number: usize) {
        let ticket = self.ticket(number);
        let cookie = format!("a=b; __Host-tidegate-lamp={ticket}");
        let altered = format!("{}x", ticket.get(..ticket.len() - 1).unwrap_or_default());
        match shown {
            0 => sent.authorization = Some(format!("Bearer {ticket}")),
            1 => sent.cookie = Some(cookie),
            2 => (sent.authorization, sent.cookie) = (Some(String::new()), Some(cookie)),
            3 => {
                (sent.authorization, sent.cookie) = (
                    Some(format!("bearer {}", self.ticket(number + 1))),
                    Some(cookie),
                );
            }
            4 => sent.authorization = Some(format!("Basic {ticket}")),
            5 => sent.authorization = Some(format!("Bearer {altered}")),
            6 => sent.cookie = Some(format!("__Host-tidegate-lamp={altered}")),
            7 => sent.cookie = Some(String::from("__Host-tidegate-other=1")),
            _ => {}
        }
    }

    fn redeem(&self, body: usize, number: usize) -> String {
        let token = pick(&self.tokens, number).unwrap_or_else(|| String::from("a.b.c"));
        match body {
            0..4 => json!({"handoffToken": token}).to_string(),
            4 => json!({"handoffToken": token, "queueId": "lamp"}).to_string(),
            5 => json!({"handoffToken": token, "queueId": "other"}).to_string(),
            6 => json!({"handoffToken": format!("{token}=")}).to_string(),
            7 => json!({"handoffToken": token, "more": 1}).to_string(),
            8 => json!({"handoffToken": 7}).to_string(),
            9 => json!([token]).to_string(),
            10 => String::from("{"),
            _ => String::new(),
        }
    }
}

fn enter(body: usize, number: usize) -> String {
    let key = format!("{:032x}", number % 8);
    match body {
        0 => String::new(),
        1..6 => json!({"entryKey": key}).to_string(),
        6 => json!({"entryKey": "short"}).to_string(),
        7 => json!({"identityToken": "none"}).to_string(),
        8 => json!({"entryKey": key, "other": 1}).to_string(),
        9 => String::from("[]"),
        10 => String::from("\u{feff}{}"),
        _ => format!("{}{}", json!({"entryKey": key}), " ".repeat(1_100)),
    }
}

fn pick(texts: &[String], number: usize) -> Option<String> {
    texts.get(number.checked_rem(texts.len())?).cloned()
}

fn operate(world: &mut World, what: usize) {
    let event = match what {
        0 => Event::Pause,
        1 | 2 => Event::Resume,
        3 => Event::Close,
        4 => Event::Reopen,
        _ => return world.reset(),
    };
    // What is so already is refused.
    let _ = world.event(event);
}

fn config() -> impl Strategy<Value = Value> {
    let opens = prop::option::of(prop::sample::select(vec![2_000_u64, 60_000]));
    (opens, 1..4_u32, prop::option::of(5..30_u32)).prop_map(|(opens, active, room)| {
        let opens_at = opens.map(|after| START + after);
        json!({
            "maxActive": active,
            "maxParticipants": room,
            "opensAt": opens_at,
            "entryOpensAt": opens_at.map(|_| START - 1_000),
            "lanes": 2,
            "allowedOrigins": ["https://shop.example"],
        })
    })
}

/// An answer without the signature of its receipt's statement, which the library makes with noise.
fn without_noise(mut got: Got) -> Got {
    if let Some(statement) = got.text("/receipt/statement") {
        let (signed, _) = statement.rsplit_once('.').unwrap();
        got.body = got.body.replace(&statement, signed);
    }
    got
}

/// Where two answers begin to differ.
fn difference(fast: Option<&Got>, ordinary: Option<&Got>) -> String {
    let [one, other] = [fast, ordinary].map(|got| format!("{got:?}"));
    let same = one
        .bytes()
        .zip(other.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let around = |text: &str| -> String {
        text.chars()
            .skip(same.saturating_sub(60))
            .take(160)
            .collect()
    };
    format!("fast ...{}\nordinary ...{}", around(&one), around(&other))
}

/// Runs a history by both drivers; returns how many answers the fast path gave.
fn both(config: &Value, ops: &[Op]) -> u64 {
    let config = Value::Object(
        config
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    );
    let mut worlds =
        [Driver::Fast, Driver::Ordinary].map(|driver| (driver, World::new(&config, EDGES)));
    let mut given = Given::default();
    let enters = (0..4).map(|number| Op::Send {
        edge: number % usize::from(EDGES),
        call: ENTER,
        ticket: number,
        shown: 9,
        origin: 1,
        body: 1,
        accept: false,
    });
    let enters: Vec<Op> = enters.collect();
    for op in enters.iter().chain(ops) {
        let sent = given.sent(op);
        let gots = worlds.each_mut().map(|(driver, world)| match op {
            Op::Send { edge, .. } => Some(without_noise(world.send(*edge, *driver, &sent))),
            Op::Pass(millis) => {
                world.pass(*millis);
                None
            }
            Op::Operate(what) => {
                operate(world, *what);
                None
            }
            Op::Restart(edge) => {
                world.restart(*edge);
                None
            }
            Op::Out(object) => {
                world.out = *object;
                None
            }
        });
        let [fast, ordinary] = gots;
        assert!(
            fast == ordinary,
            "{sent:?}: {}",
            difference(fast.as_ref(), ordinary.as_ref())
        );
        let [(_, one), (_, other)] = &worlds;
        assert_eq!(one.asked, other.asked, "{sent:?}");
        if let Some(got) = fast {
            given.note(&got);
        }
    }
    worlds[0].1.fast
}

#[test]
fn the_fast_path_answers_what_the_ordinary_driver_does_or_nothing() {
    let histories = (config(), prop::collection::vec(op(), 0..=2 * REQUESTS));
    let long = std::env::var_os("TIDEGATE_LONG").is_some();
    let cases = if long { LONG_HISTORIES } else { HISTORIES };
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let (requests, fast) = (Cell::new(0), Cell::new(0));
    let outcome = runner.run(&histories, |(config, ops)| {
        fast.set(fast.get() + both(&config, &ops));
        requests.set(requests.get() + ops.len() as u64);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    let share = fast.get() * 100 / requests.get();
    assert!(
        share >= 20,
        "the fast path answered {share} % of {} requests",
        requests.get()
    );
}
