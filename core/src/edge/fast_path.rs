//! The fast path: what a launch sends by the thousand goes in as one text and comes out as one
//! text, for a request's objects cost more to hand over than all that is decided about it. It
//! drives the same calls as the ordinary driver does. A call that demands what only that one can
//! fetch is handed over as it is: no call is ever begun twice once an object was asked.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::address::Address;
use super::answer::{Answer, Body, JSON, NO_STORE, common};
use super::calls::status::SNAPSHOT_CACHE;
use super::isolate::Isolate;
use super::pending::{Demand, Pending, Step, Supply};
use super::request::{Method, Request, Rest, says_forwarded};
use crate::UnixMillis;

/// How many calls may be under way by the fast path at a time.
const CALLS_MAX: usize = 16_384;
/// So long after it began, a call is given up: its client hung up, and the platform went on with
/// nothing.
const GIVEN_UP_MILLIS: u64 = 60_000;

/// The calls that are under way by the fast path.
pub struct FastPath {
    isolate: Rc<Isolate>,
    calls: RefCell<BTreeMap<u32, Call>>,
    last: Cell<u32>,
}

/// A call that is under way.
pub struct Call {
    /// Its code.
    pub pending: Pending,
    /// What it waits for.
    pub demand: Demand,
    since: UnixMillis,
}

impl FastPath {
    /// A fast path of an isolate.
    pub fn new(isolate: Rc<Isolate>) -> Self {
        Self {
            isolate,
            calls: RefCell::default(),
            last: Cell::new(0),
        }
    }

    /// Answers a read from memory. Nothing is what it returns where only the ordinary driver will
    /// do.
    ///
    /// `text` is the address, the headers `Authorization`, `Cookie` and `Origin`, and where the
    /// address is of this machine all headers, a line each. Header and value are parted by a colon,
    /// and headers by U+0001.
    pub fn read(&self, text: &str, now: UnixMillis) -> String {
        let Some(request) = request(text, Method::Get) else {
            return String::new();
        };
        match self.isolate.call(request).begin(now) {
            Step::Answer(answer) => written(answer).unwrap_or_default(),
            Step::Demand(_) => String::new(),
        }
    }

    /// Begins a call that changes something; `text` goes on with `Accept`, `CF-Ray`,
    /// `Idempotency-Key` after an equals sign, and the body, a line each. See [`Self::resume`] for
    /// what it returns.
    pub fn begin(&self, text: &str, now: UnixMillis) -> String {
        let Some(request) = request(text, Method::Post) else {
            return String::new();
        };
        let mut pending = self.isolate.call(request);
        let step = pending.begin(now);
        self.stepped(pending, step, now)
    }

    /// Goes on with a call. Returns, after a letter that says what it is:
    ///
    /// - `p` and `c`, a name for the request, a line break and JSON: an answer to one caller, and
    ///   to all;
    /// - `a`, the status, header lines, an empty line and the body: any other answer;
    /// - `?`, the call's number, a binding, an object's name and what it is asked, a line each: its
    ///   reply is next;
    /// - `s`, the number, a key and what it signs: the signature is next;
    /// - `v`, the number, a key, what was signed and the signature: whether it is good is next,
    ///   `yes` or `no`;
    /// - `!` and the number: the ordinary driver goes on with the call;
    /// - nothing: the ordinary driver answers the request from its beginning.
    pub fn resume(&self, number: u32, supply: Option<String>, now: UnixMillis) -> String {
        let Some(mut call) = self.take(number) else {
            return written(self.isolate.lost()).unwrap_or_default();
        };
        let supply = match (&call.demand, supply) {
            (Demand::Verify { .. }, said) => Supply::Is(said.as_deref() == Some("yes")),
            (_, Some(text)) => Supply::Text(text),
            (_, None) => Supply::Nothing,
        };
        let step = call.pending.resume(supply, now);
        self.stepped(call.pending, step, call.since)
    }

    /// Takes a call over.
    pub fn take(&self, number: u32) -> Option<Call> {
        self.calls.borrow_mut().remove(&number)
    }

    fn stepped(&self, pending: Pending, step: Step, since: UnixMillis) -> String {
        let demand = match step {
            Step::Answer(answer) => return written(answer).unwrap_or_default(),
            Step::Demand(demand) => demand,
        };
        let number = self.last.get().wrapping_add(1);
        let text = match &demand {
            Demand::Ask { object, name, call } => {
                format!("?{number}\n{}\n{name}\n{call}", object.binding())
            }
            Demand::Sign { key, input } => format!("s{number}\n{key}\n{input}"),
            Demand::Verify {
                key,
                input,
                signature,
            } => {
                format!("v{number}\n{key}\n{input}\n{signature}")
            }
            _ => format!("!{number}"),
        };
        self.last.set(number);
        let mut calls = self.calls.borrow_mut();
        let given_up = |oldest: &Call| oldest.since.saturating_add(GIVEN_UP_MILLIS) < since;
        let mut too_many = calls.len() >= CALLS_MAX;
        while let Some(oldest) = calls
            .first_entry()
            .filter(|oldest| too_many || given_up(oldest.get()))
        {
            oldest.remove();
            too_many = false;
        }
        calls.insert(
            number,
            Call {
                pending,
                demand,
                since,
            },
        );
        text
    }
}

/// Reads what the fast path is given of a request.
fn request(text: &str, method: Method) -> Option<Request> {
    let mut lines = text.splitn(if method == Method::Post { 9 } else { 5 }, '\n');
    let mut next = || lines.next().filter(|line| !line.is_empty());
    let address = Address::read(next()?)?;
    let [authorization, cookie, origin] =
        [next(), next(), next()].map(|line| line.map(str::to_owned));
    let headers = next().into_iter().flat_map(|line| line.split('\u{1}'));
    let is_forwarded = says_forwarded(headers.filter_map(|header| header.split_once(':')));
    let mut request = Request {
        method,
        address,
        authorization,
        cookie,
        origin,
        is_forwarded,
        rest: None,
        body: None,
    };
    if method == Method::Post {
        let [accept, ray, key] = [next(), next(), next()].map(|line| line.map(str::to_owned));
        request.rest = Some(Rest {
            accept,
            ray,
            idempotency_key: key.and_then(|key| key.strip_prefix('=').map(str::to_owned)),
            ..Rest::default()
        });
        request.body = Some(next().unwrap_or_default().as_bytes().to_vec());
    }
    Some(request)
}

/// An answer as a text. Nothing where its body is none.
fn written(mut answer: Answer) -> Option<String> {
    if let Some(kind) = kind_of(&answer)
        && let Body::Text(body) = &answer.body
    {
        return Some(format!("{kind}{}\n{body}", answer.id));
    }
    answer.complete();
    let body = match answer.body {
        Body::Text(body) => body,
        Body::Nothing => Cow::Borrowed(""),
        Body::Socket | Body::Shop => return None,
    };
    let mut text = format!("a{}\n", answer.status);
    for (name, value) in answer.headers {
        text.push_str(name);
        text.push_str(": ");
        text.push_str(&value);
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&body);
    Some(text)
}

/// The kind of an answer whose headers are always the same.
fn kind_of(answer: &Answer) -> Option<&'static str> {
    if answer.status != 200 {
        return None;
    }
    ["p", "c"].into_iter().find(|kind| {
        let known = own_headers(kind);
        let are_same =
            |((name, value), (known, expected)): (&(&str, Cow<'_, str>), &(&str, &str))| {
                name == known && value == expected
            };
        answer.headers.len() == known.len() && answer.headers.iter().zip(known).all(are_same)
    })
}

/// The headers of its own that an answer of kind `p` or `c` has.
const fn own_headers(kind: &str) -> &'static [(&'static str, &'static str)] {
    match kind.as_bytes() {
        b"c" => &[
            ("content-type", JSON),
            ("cache-control", SNAPSHOT_CACHE),
            ("vary", "Origin"),
        ],
        _ => &[("content-type", JSON), ("cache-control", NO_STORE)],
    }
}

/// All headers of an answer of kind `p` or `c` but what names its request, a line each.
pub fn headers_of(kind: &str, is_https: bool) -> String {
    let all = own_headers(kind).iter().copied().chain(common(is_https));
    let lines: Vec<String> = all
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    lines.join("\n")
}
