//! The short way: what a launch sends by the thousand, answered from one text and in one text, without
//! a request's objects. `entry.js` is its other half.
//!
//! Each call answers `None` where only the long way will do: a fact that is not in this isolate's
//! memory or is due for a refresh, a ticket that is to be renewed or refused, another site's page.

use serde::de::DeserializeOwned;
use tidegate_core::UnixMillis;
use tidegate_core::calls::{Call, LaneCall, LaneName, LaneReply, QueueCall, QueueReply, Reply};
use tidegate_core::edge::claims::Turn;
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

mod origin;

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
    let shopper = Shopper::read(request, now)?;
    let now = shopper.request.now;
    let known = shopper.ticket()?;
    let seen = views::ready(&shopper.queue, now)?;
    let (snapshot, ticket) = (&seen.value.snapshot, &known.ticket);
    // A ticket without a place is renewed once it has one, whether by the shuffle or behind it.
    let is_new_place =
        ticket.position.is_none() && snapshot.shuffle.position(ticket.index).is_some();
    if snapshot.epoch != ticket.epoch || is_new_place || is_due(&known, snapshot, now) {
        return None;
    }
    let status = Status::of(Some(ticket), snapshot, seen.stale, jitter);
    serde_json::to_string(&status).ok()
}

/// A snapshot, as JSON.
#[wasm_bindgen]
pub fn brief_snapshot(request: &str, now: f64) -> Option<String> {
    let shopper = Shopper::read(request, now)?;
    let seen = views::ready(&shopper.queue, shopper.request.now)?;
    serde_json::to_string(&seen.value.snapshot).ok()
}

/// What to ask which lane to enter somebody who shows no ticket: its name, and the call. Or, after an empty
/// name, the answer.
#[wasm_bindgen]
pub fn brief_enter(request: &str, now: f64) -> Option<String> {
    let Shopper {
        request,
        queue,
        shown,
        ..
    } = Shopper::read(request, now)?;
    if shown.is_some() {
        return None;
    }
    let wanted: EnterBody = body::typed_in(request.body.as_bytes()).ok()?;
    let naming = wanted.naming().ok()?;
    let seen = views::ready(&queue, request.now)?;
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
        queue,
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
    let shopper = Shopper::read(request, now)?;
    let (request, queue) = (&shopper.request, &shopper.queue);
    if shopper.by_cookie && !request.from_here {
        return None;
    }
    let ticket = shopper.ticket()?.ticket;
    let seen = views::ready(queue, request.now)?;
    if seen.value.snapshot.epoch != ticket.epoch {
        return None;
    }
    keys::known_handoff(request.reach)?;
    site::known_issuer()?;
    let holder = shoppers::holder_of(&ticket, &seen.value.snapshot);
    if let Some(problem) = recalled::claim_refusal(&holder, &seen, request.now) {
        return refused(&problem).map(|answer| answered(&answer));
    }
    if let Turn::Again(_) = recalled::claim_turn(&holder, &seen.value, request.now) {
        // Somebody in haste: the long way says what was said.
        return None;
    }
    let call = QueueCall::Event(Box::new(Event::Claim(holder)));
    question(queue.as_str(), &call)
}

/// The answer to a shopper who claims, from the queue's reply. Where it holds a handoff token, a line before it
/// says `sign`, which key signs it, and what; the token in the answer ends where its signature belongs.
#[wasm_bindgen]
pub fn brief_claimed(
    request: &str,
    call: &str,
    reply: Option<String>,
    now: f64,
    _jitter: u32,
) -> Option<String> {
    answer(|| {
        let Shopper { request, queue, .. } = Shopper::read(request, now).ok_or_else(lost)?;
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
        let view = views::known(&queue).ok_or_else(lost)?;
        recalled::claimed(&holder, &view, &reply, request.now);
        let keys = keys::known_handoff(request.reach).ok_or_else(lost)?;
        let issuer = site::known_issuer().ok_or_else(lost)?;
        let mut to_sign = String::new();
        let sign = |handoff: &_, audience: &_| {
            let unsigned = keys.unsigned(handoff, &issuer, audience)?;
            to_sign = format!("sign {} {}\n", unsigned.key, unsigned.input);
            Ok(format!("{}.", unsigned.input))
        };
        let claimed = claiming::claimed(&queue, &holder, reply?, request.now, sign)?;
        let (status, body) = claiming::claimed_body(claimed);
        Ok(format!("{to_sign}{status}\n\n{body}"))
    })
}

/// What is known of a request.
struct Described<'a> {
    /// What follows `/v1/`.
    path: &'a str,
    cookie: &'a str,
    reach: Reach,
    /// The token in `Authorization`, if it is there.
    bearer: Option<&'a str>,
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
        // Another site's page needs headers of its own.
        if !(from.is_empty() || from == origin) {
            return None;
        }
        Some(Self {
            path: rest.strip_prefix("v1/")?,
            cookie,
            reach: site::reach_of_origin(origin),
            bearer: credentials::bearer_in(authorization),
            from_here: !from.is_empty(),
            body,
            now: site::millis(now),
        })
    }
}

/// What is known of a shopper's request.
struct Shopper<'a> {
    request: Described<'a>,
    queue: QueueId,
    /// The ticket that is shown, if any.
    shown: Option<&'a str>,
    by_cookie: bool,
}

impl<'a> Shopper<'a> {
    fn read(text: &'a str, now: f64) -> Option<Self> {
        let request = Described::read(text, now)?;
        let rest = request.path.strip_prefix("queues/")?;
        let queue: QueueId = rest.split('/').next()?.parse().ok()?;
        let in_cookie = || credentials::ticket_in(request.cookie, &queue);
        let shown = request.bearer.or_else(in_cookie);
        Some(Self {
            by_cookie: request.bearer.is_none() && shown.is_some(),
            shown,
            queue,
            request,
        })
    }

    /// The ticket that is shown, if it is good.
    fn ticket(&self) -> Option<ReadTicket> {
        let keys = keys::known_ticket(self.request.reach)?;
        keys.verify(self.shown?, &self.queue, self.request.now).ok()
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
    made().map_or_else(|problem| refused(&problem), Some)
}

/// The same of a problem.
fn refused(problem: &Problem) -> Option<String> {
    matches!(problem.code.status(), 409 | 410 | 429 | 503).then(|| refusal(problem))
}

/// A refusal in full.
fn refusal(problem: &Problem) -> String {
    let status = problem.code.status();
    let id = hex(&random::bytes::<8>().unwrap_or_default());
    let retry = problem
        .retry_after_seconds
        .map(|seconds| format!("retry-after: {seconds}\n"));
    let body = problem.body(&id);
    format!(
        "{status}\ncontent-type: application/problem+json\nx-request-id: {id}\n{}\n{body}",
        retry.unwrap_or_default()
    )
}

/// Something that was here is not any more: the long way finds out.
fn lost() -> Problem {
    Problem::new(
        Code::InternalError,
        "What the short way had read before is gone, or a reply could not be read.",
    )
}
