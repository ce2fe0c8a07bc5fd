//! The short way of the merchant's origin: redeem, and then complete, release or extend.

use serde::{Deserialize, Serialize};
use tidegate_core::calls::{QueueCall, QueueReply};
use tidegate_core::ids::AdmissionId;
use tidegate_core::problem::Problem;
use tidegate_core::queue::{Answer, Event};
use wasm_bindgen::prelude::wasm_bindgen;

use super::{Described, lost, question, refusal, replied};
use crate::keys;
use crate::routes::origin;
use crate::views;

/// What an exchange needs: the name of the queue to ask, the call, and the signature that must be good: the
/// public key, what was signed, and the signature, a line each.
#[wasm_bindgen]
pub fn brief_redeem(request: &str, idempotency_key: Option<String>, now: f64) -> Option<String> {
    let request = Described::read(request, now)?;
    (request.path == "handoffs/redeem").then_some(())?;
    let wanted: Wanted = serde_json::from_str(request.body).ok()?;
    if !request.body.starts_with('{') || !origin::is_idempotency_key(idempotency_key.as_deref()) {
        return None;
    }
    let callers = keys::known_origin(request.reach)?;
    let caller = callers.caller(request.bearer).ok()?;
    let keys = keys::known_handoff(request.reach)?;
    let unproven = keys.unproven(wanted.handoff_token, request.now)?;
    let handoff = &unproven.handoff;
    if wanted
        .queue_id
        .is_some_and(|id| id != handoff.queue.as_str())
    {
        return None;
    }
    caller.may_use(&handoff.queue).ok()?;
    let event = Event::Redeem {
        admission: handoff.admission_id,
        idempotency_key,
    };
    let asked = question(handoff.queue.as_str(), &QueueCall::Event(Box::new(event)))?;
    let (key, input, signature) = (unproven.key, unproven.input, unproven.signature);
    Some(format!("{asked}\n{key}\n{input}\n{signature}"))
}

/// As the long way reads it; what has more in it, or is written otherwise, goes there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted<'a> {
    handoff_token: &'a str,
    #[serde(default)]
    queue_id: Option<&'a str>,
}

/// What to ask which queue for an origin that completes, releases or extends an admission.
#[wasm_bindgen]
pub fn brief_settle(request: &str, now: f64) -> Option<String> {
    let request = Described::read(request, now)?;
    let (id, rest) = request.path.strip_prefix("queues/")?.split_once('/')?;
    let (admission, action) = rest.strip_prefix("admissions/")?.split_once('/')?;
    let id = id.parse().ok()?;
    let admission: AdmissionId = admission.parse().ok()?;
    let callers = keys::known_origin(request.reach)?;
    let caller = callers.caller(request.bearer).ok()?;
    caller.may_use(&id).ok()?;
    views::known(&id)?;
    let event = origin::event(action, admission)?;
    question(id.as_str(), &QueueCall::Event(Box::new(event)))
}

/// The answer to an origin that redeems, from the queue's reply; no reply means that it is out of reach.
#[wasm_bindgen]
pub fn brief_redeemed(reply: Option<String>) -> String {
    told(|| origin::admission(answer_in(reply)?).map(|report| origin::redeemed(&report)))
}

/// The answer to an origin that completes, releases or extends, likewise.
#[wasm_bindgen]
pub fn brief_settled(reply: Option<String>) -> String {
    told(|| origin::admission(answer_in(reply)?))
}

/// The queue was asked: what came of that is the answer, whatever it is. To ask again might redeem a token twice,
/// and refuse what was granted.
fn told<T: Serialize>(made: impl FnOnce() -> Result<T, Problem>) -> String {
    let text = made().and_then(|body| serde_json::to_string(&body).map_err(|_| lost()));
    match text {
        Ok(text) => format!("200\n\n{text}"),
        Err(problem) => refusal(&problem),
    }
}

fn answer_in(reply: Option<String>) -> Result<Answer, Problem> {
    match replied(reply)? {
        QueueReply::Answer(answer) => Ok(answer),
        _ => Err(lost()),
    }
}

/// The key that signs, as a JWK with its private half: for the platform's own signatures.
#[wasm_bindgen]
pub fn brief_signer(request: &str, key: &str, now: f64) -> Option<String> {
    let request = Described::read(request, now)?;
    let keys = keys::known_handoff(request.reach)?;
    Some(keys.private_jwk(key)?.to_string())
}
