//! What clients send and get, as each driver reads and writes it.

use serde_json::Value;
use tidegate_core::edge::address::Address;
use tidegate_core::edge::answer::{Answer, Body};
use tidegate_core::edge::fast_path::headers_of;
use tidegate_core::edge::request::{Method, Request, Rest, says_forwarded};

pub const SITE: &str = "http://localhost:8787";
/// The most bytes of a body that the fast path is given.
const FAST_BODY_MAX: usize = 1024;

/// A request as a client sends it.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    pub method: &'static str,
    pub path: String,
    pub authorization: Option<String>,
    pub cookie: Option<String>,
    pub origin: Option<String>,
    pub accept: Option<String>,
    pub idempotency_key: Option<String>,
    pub body: String,
    /// Headers by which something on the way says that it forwarded the request.
    pub forwarding: &'static [&'static str],
}

/// An answer as a client gets it.
#[derive(Clone, Debug, PartialEq)]
pub struct Got {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    pub fn text(&self, pointer: &str) -> Option<String> {
        self.json().pointer(pointer)?.as_str().map(str::to_owned)
    }

    pub fn code(&self) -> String {
        self.text("/code").unwrap_or_default()
    }

    pub fn of(mut answer: Answer) -> Self {
        answer.complete();
        let body = match answer.body {
            Body::Text(text) => text.into_owned(),
            other => format!("{other:?}"),
        };
        let headers = answer.headers.into_iter();
        Self {
            status: answer.status,
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.into_owned()))
                .collect(),
            body,
        }
    }

    /// What `entry.js` makes of an answer of the fast path.
    pub fn read(text: &str) -> Self {
        let (kind, rest) = text.split_at(1);
        let lines = |text: &str| -> Vec<(String, String)> {
            let pairs = text.lines().map(|line| line.split_once(": ").unwrap());
            pairs
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect()
        };
        if kind == "a" {
            let (head, body) = rest.split_once("\n\n").unwrap();
            let (status, head) = head.split_once('\n').unwrap();
            return Self {
                status: status.parse().unwrap(),
                headers: lines(head),
                body: body.to_owned(),
            };
        }
        let (id, body) = rest.split_once('\n').unwrap();
        let mut headers = lines(&headers_of(kind, false));
        headers.push((String::from("x-request-id"), id.to_owned()));
        Self {
            status: 200,
            headers,
            body: body.to_owned(),
        }
    }
}

/// Whether `entry.js` gives a request to the fast path.
pub fn is_fast(sent: &Sent) -> bool {
    let segments: Vec<&str> = sent.path.split('/').skip(1).collect();
    match (sent.method, segments.as_slice()) {
        ("GET", ["v1", "queues", id] | ["v1", "queues", id, "status"]) => !id.is_empty(),
        (
            "POST",
            ["v1", "queues", _, "enter" | "claim"]
            | [
                "v1",
                "queues",
                _,
                "admissions",
                _,
                "complete" | "release" | "extend",
            ]
            | ["v1", "handoffs", "redeem"],
        ) => sent.body.len() <= FAST_BODY_MAX,
        _ => false,
    }
}

pub fn rest(sent: &Sent) -> Rest {
    Rest {
        accept: sent.accept.clone(),
        ray: None,
        idempotency_key: sent.idempotency_key.clone(),
        upgrade: None,
        content_length: Some(sent.body.len().to_string()),
    }
}

pub fn described(sent: &Sent) -> Request {
    let some = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    Request {
        method: Method::read(sent.method),
        address: Address::read(&format!("{SITE}{}", sent.path)).unwrap(),
        authorization: some(&sent.authorization),
        cookie: some(&sent.cookie),
        origin: some(&sent.origin),
        is_forwarded: says_forwarded(sent.forwarding.iter().map(|name| (*name, "1"))),
        rest: Some(rest(sent)),
        body: None,
    }
}
