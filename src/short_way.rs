//! The short way: what a launch sends by the thousand, answered from one text and in one text, without
//! a request's objects. `entry.js` is its other half.
//!
//! Each call answers `None` where only the long way will do: a fact that is not in this isolate's
//! memory or is due for a refresh, a ticket that is to be renewed or refused, another site's page.

use serde::de::DeserializeOwned;
use tidegate_core::UnixMillis;
use tidegate_core::calls::{Call, LaneCall, LaneName, LaneReply, QueueCall, QueueReply, Reply};
use tidegate_core::edge::lifetime::is_due;
use tidegate_core::edge::naming::EnterBody;
use tidegate_core::hex::hex;
use tidegate_core::ids::QueueId;
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::Event;
use tidegate_core::token::keys::Reach;
use tidegate_core::token::ticket::ReadTicket;
use tidegate_core::view::status::Status;
use tidegate_core::wire;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::body;
use crate::credentials;
use crate::headers::{NO_STORE, common};
use crate::keys;
use crate::random;
use crate::recalled;
use crate::receipts;
use crate::routes::claiming;
use crate::routes::shoppers::{self, SNAPSHOT_CACHE};
use crate::site;
use crate::views;

/// The headers that an answer begins with, a line each.
#[wasm_bindgen]
pub fn brief_headers(kind: &str, https: bool) -> String {
    let mut lines = vec![String::from(
        "content-type: application/json; charset=utf-8",
    )];
    if kind == "public" {
        lines.push(format!("cache-control: {SNAPSHOT_CACHE}"));
        lines.push(String::from("vary: Origin"));
    } else {
        lines.push(format!("cache-control: {NO_STORE}"));
    }
    lines.extend(common(https).map(|(name, value)| format!("{name}: {value}")));
    lines.join("\n")
}

/// A status, as JSON.
#[wasm_bindgen]
pub fn brief_status(request: &str, now: f64, jitter: u32) -> Option<String> {
    let request = Described::read(request, now)?;
    let known = request.ticket()?;
    let seen = views::ready(&request.queue, request.now)?;
    let (snapshot, ticket) = (&seen.value.snapshot, &known.ticket);
    // A ticket without a place is renewed once it has one, whether by the shuffle or behind it.
    let is_new_place =
        ticket.position.is_none() && snapshot.shuffle.position(ticket.index).is_some();
    if snapshot.epoch != ticket.epoch || is_new_place || is_due(&known, snapshot, request.now) {
        return None;
    }
    let status = Status::of(Some(ticket), snapshot, seen.stale, jitter);
    serde_json::to_string(&status).ok()
}

/// A snapshot, as JSON.
#[wasm_bindgen]
pub fn brief_snapshot(request: &str, now: f64) -> Option<String> {
    let request = Described::read(request, now)?;
    let seen = views::ready(&request.queue, request.now)?;
    serde_json::to_string(&seen.value.snapshot).ok()
}

/// What to ask which lane to enter somebody who shows no ticket: its name, and the call. Or, after an empty
/// name, the answer.
#[wasm_bindgen]
pub fn brief_enter(request: &str, now: f64) -> Option<String> {
    let request = Described::read(request, now)?;
    if request.shown.is_some() {
        return None;
    }
    let wanted: EnterBody = body::typed_in(request.body.as_bytes()).ok()?;
    let naming = wanted.naming().ok()?;
    let seen = views::ready(&request.queue, request.now)?;
    let refusal = views::entry_refusal(&seen);
    if let (Some(problem), true) = (&refusal, naming.is_nobody()) {
        return refused(problem).map(|answer| answered(&answer));
    }
    let view = seen.value;
    view.snapshot.check_entry_open(request.now).ok()?;
    let keys = keys::Known(request.reach);
    let shopper = naming
        .shopper(&view, &keys, random::bytes, request.now)
        .ok()?;
    // Without it, the entry could not be answered.
    keys::known_ticket(request.reach)?;
    let lane = LaneName {
        queue: request.queue,
        epoch: view.snapshot.epoch,
        number: shopper.lane(view.lanes),
    };
    let name = lane.object_name();
    let called = view.snapshot.called();
    question(
        &name,
        &LaneCall::Enter {
            lane,
            shopper,
            called,
            refusal,
            as_of: view.as_of(),
        },
    )
}

/// The answer to somebody who enters, from the lane's reply; no reply means that it is out of reach.
#[wasm_bindgen]
pub fn brief_entered(
    request: &str,
    call: &str,
    reply: Option<String>,
    now: f64,
    jitter: u32,
) -> Option<String> {
    answer(|| {
        let request = Described::read(request, now).ok_or_else(lost)?;
        let Ok(LaneCall::Enter { lane, shopper, .. }) = wire::read(call) else {
            return Err(lost());
        };
        let LaneReply::Entered {
            index,
            boarding,
            receipt,
        } = replied(reply)?
        else {
            return Err(lost());
        };
        let view = views::known(&lane.queue).ok_or_else(lost)?;
        if view.snapshot.epoch != lane.epoch {
            return Err(lost());
        }
        let keys = keys::known_ticket(request.reach).ok_or_else(lost)?;
        let mut entered = shoppers::entered(
            &keys,
            &view,
            shopper,
            index,
            boarding,
            false,
            request.now,
            jitter,
        )?;
        if let Some(receipt) = receipt {
            let keys = keys::known_handoff(request.reach).ok_or_else(lost)?;
            let shown = receipts::shown(&keys, &lane.queue, lane.epoch, &receipt)?;
            entered.receipt = Some(shown);
        }
        let cookie = credentials::set_ticket(&view.snapshot, &entered.token, request.now);
        let body = shoppers::entered_body(&lane.queue, &entered);
        Ok(format!("200\nset-cookie: {cookie}\n\n{body}"))
    })
}

/// What to ask which queue for a called-up shopper: its name, and the call. Or, after an empty name, the
/// answer.
#[wasm_bindgen]
pub fn brief_claim(request: &str, now: f64) -> Option<String> {
    let request = Described::read(request, now)?;
    if request.by_cookie && !request.from_here {
        return None;
    }
    let ticket = request.ticket()?.ticket;
    let seen = views::ready(&request.queue, request.now)?;
    if seen.value.snapshot.epoch != ticket.epoch {
        return None;
    }
    keys::known_handoff(request.reach)?;
    site::known_issuer()?;
    let holder = shoppers::holder_of(&ticket, &seen.value.snapshot);
    if let Some(problem) = recalled::claim_refusal(&holder, &seen, request.now) {
        return refused(&problem).map(|answer| answered(&answer));
    }
    let call = QueueCall::Event(Box::new(Event::Claim(holder)));
    question(request.queue.as_str(), &call)
}

/// The answer to a shopper who claims, from the queue's reply.
#[wasm_bindgen]
pub fn brief_claimed(
    request: &str,
    call: &str,
    reply: Option<String>,
    now: f64,
    _jitter: u32,
) -> Option<String> {
    answer(|| {
        let request = Described::read(request, now).ok_or_else(lost)?;
        let Ok(QueueCall::Event(event)) = wire::read(call) else {
            return Err(lost());
        };
        let Event::Claim(holder) = *event else {
            return Err(lost());
        };
        let reply = replied(reply).and_then(|reply| match reply {
            QueueReply::Answer(answer) => Ok(answer),
            _ => Err(lost()),
        });
        let view = views::known(&request.queue).ok_or_else(lost)?;
        recalled::claimed(&holder, &view, &reply, request.now);
        let keys = keys::known_handoff(request.reach).ok_or_else(lost)?;
        let issuer = site::known_issuer().ok_or_else(lost)?;
        let claimed =
            claiming::claimed(&keys, &issuer, &request.queue, &holder, reply?, request.now)?;
        let (status, body) = claiming::claimed_body(claimed);
        Ok(format!("{status}\n\n{body}"))
    })
}

/// What is known of a request.
struct Described<'a> {
    queue: QueueId,
    reach: Reach,
    /// The ticket that is shown, if any.
    shown: Option<&'a str>,
    by_cookie: bool,
    /// A page of this site says that it asks.
    from_here: bool,
    body: &'a str,
    now: UnixMillis,
}

impl<'a> Described<'a> {
    /// Reads `url`, `authorization`, `cookie` and `origin`, a line each, and then the body.
    fn read(text: &'a str, now: f64) -> Option<Self> {
        let mut lines = text.splitn(5, '\n');
        let mut next = || lines.next().unwrap_or_default();
        let (url, authorization, cookie) = (next(), next(), next());
        let (from, body) = (next(), next());
        let (scheme, rest) = url.split_once("://")?;
        let (authority, rest) = rest.split_once('/')?;
        let origin = url.get(..scheme.len().checked_add(3)?.checked_add(authority.len())?)?;
        let rest = rest.strip_prefix("v1/queues/")?;
        let queue: QueueId = rest.split('/').next()?.parse().ok()?;
        // Another site's page needs headers of its own.
        if !(from.is_empty() || from == origin) {
            return None;
        }
        let (shown, by_cookie) = match credentials::bearer_in(authorization) {
            Some(token) => (Some(token), false),
            None => (credentials::ticket_in(cookie, &queue), true),
        };
        Some(Self {
            queue,
            reach: site::reach_of_origin(origin),
            shown,
            by_cookie: by_cookie && shown.is_some(),
            from_here: !from.is_empty(),
            body,
            now: site::millis(now),
        })
    }

    /// The ticket that is shown, if it is good.
    fn ticket(&self) -> Option<ReadTicket> {
        let keys = keys::known_ticket(self.reach)?;
        keys.verify(self.shown?, &self.queue, self.now).ok()
    }
}

/// An answer in the place of a question: it asks nobody.
fn answered(answer: &str) -> String {
    format!("\n{answer}")
}

/// An object's name, and what to ask it.
fn question<C: Call>(object: &str, call: &C) -> Option<String> {
    Some(format!(
        "{object}\n{}",
        wire::write(&call.label(), call).ok()?
    ))
}

fn replied<R: DeserializeOwned>(reply: Option<String>) -> Reply<R> {
    let text = reply.ok_or_else(|| {
        Problem::new(
            Code::ServiceUnavailable,
            "The queue does not answer; try again, you lose nothing.",
        )
    })?;
    wire::read(&text).unwrap_or_else(|_| Err(lost()))
}

/// A problem that time can cure is answered here; every other goes the long way, where it comes up
/// again and is answered in full.
fn answer(made: impl FnOnce() -> Result<String, Problem>) -> Option<String> {
    let problem = match made() {
        Ok(answer) => return Some(answer),
        Err(problem) => problem,
    };
    refused(&problem)
}

/// The same of a problem.
fn refused(problem: &Problem) -> Option<String> {
    let status = problem.code.status();
    if !matches!(status, 409 | 410 | 429 | 503) {
        return None;
    }
    let id = hex(&random::bytes::<8>().unwrap_or_default());
    let retry = problem
        .retry_after_seconds
        .map(|seconds| format!("retry-after: {seconds}\n"));
    let body = problem.body(&id);
    Some(format!(
        "{status}\ncontent-type: application/problem+json\nx-request-id: {id}\n{}\n{body}",
        retry.unwrap_or_default()
    ))
}

/// Something that was here is not any more: the long way finds out.
fn lost() -> Problem {
    Problem::new(Code::InternalError, "The short way lost its thread.")
}
