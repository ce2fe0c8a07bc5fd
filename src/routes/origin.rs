//! What the merchant's origin calls: the public keys, redeem, and then complete, release or extend.

use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_core::ids::AdmissionId;
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::claim::AdmissionReport;
use tidegate_core::queue::{Answer, Event};
use tidegate_core::token::handoff::Expected;
use worker::Request;

use crate::answer::{Answered, json, private_json};
use crate::body;
use crate::credentials;
use crate::keys;
use crate::paths::{nothing_here, post, queue_id};
use crate::recalled;
use crate::site::Site;
use crate::views;

/// Shorter than a rotation: a new key is published at least this long before it signs.
const JWKS_CACHE: &str = "public, max-age=300, stale-while-revalidate=3600";
/// The longest idempotency key.
const IDEMPOTENCY_KEY_MAX: usize = 255;

/// The public keys.
pub fn jwks(site: &Site) -> Answered {
    json(&keys::handoff(site)?.public().to_jwks(), 200, JWKS_CACHE)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RedeemBody {
    handoff_token: String,
    /// The queue of what is sold. A text that is no id is no queue's, either.
    #[serde(default)]
    queue_id: Option<String>,
}

/// Exchanges a handoff token, once.
pub async fn redeem(site: &Site, mut request: Request) -> Answered {
    let origin_keys = keys::origin(site)?;
    let caller = origin_keys.caller(credentials::bearer(site).as_deref())?;
    post(site)?;
    let wanted: RedeemBody = body::read(&body::json(&mut request).await?)?;
    let idempotency_key = site.header("idempotency-key");
    if !is_idempotency_key(idempotency_key.as_deref()) {
        return Err(Problem::validation("Idempotency-Key: must have 1 to 255 bytes").into());
    }
    // Our own key signed it: that says who issued it, by whatever host name we were reached.
    let expected = Expected {
        issuer: None,
        audience: None,
        queue: None,
        leeway_seconds: 0,
    };
    let handoff = keys::handoff(site)?
        .public()
        .verify(&wanted.handoff_token, &expected, site.now)
        .map_err(|_| {
            Problem::unauthorized(
                "The handoff token is malformed, altered, expired, or not of this Tidegate.",
            )
        })?;
    if wanted
        .queue_id
        .is_some_and(|wanted| wanted != handoff.queue.as_str())
    {
        return Err(
            Problem::unauthorized("The handoff token is of another queue than queueId.").into(),
        );
    }
    caller.may_use(&handoff.queue)?;
    let event = Event::Redeem {
        admission: handoff.admission_id,
        idempotency_key,
    };
    let report = admission(views::queue(site, &handoff.queue, event).await?)?;
    private_json(&redeemed(&report), 200)
}

/// Whether that is a good idempotency key, or none.
pub fn is_idempotency_key(key: Option<&str>) -> bool {
    key.is_none_or(|key| (1..=IDEMPOTENCY_KEY_MAX).contains(&key.len()))
}

/// What an exchange answers.
pub fn redeemed(report: &AdmissionReport) -> Value {
    json!({
        "admissionId": report.admission_id,
        "queueId": report.queue_id,
        "subject": report.subject,
        "position": report.position,
        "expiresAt": report.expires_at,
    })
}

/// Completes, releases or extends an admission.
pub async fn settle(site: &Site, id: &str, admission_id: &str, action: &str) -> Answered {
    let origin_keys = keys::origin(site)?;
    let caller = origin_keys.caller(credentials::bearer(site).as_deref())?;
    post(site)?;
    let id = queue_id(id)?;
    caller.may_use(&id)?;
    views::exists(site, &id).await?;
    let parsed: Result<AdmissionId, Problem> = admission_id.parse();
    let known = parsed.map_err(|_| {
        Problem::new(
            Code::NotFound,
            format!("There is no admission \"{admission_id}\"."),
        )
    })?;
    let event = event(action, known).ok_or_else(nothing_here)?;
    private_json(&admission(views::queue(site, &id, event).await?)?, 200)
}

/// What an origin may do with an admission, by the path's last word.
pub fn event(action: &str, admission: AdmissionId) -> Option<Event> {
    match action {
        "complete" => Some(Event::Complete(admission)),
        "release" => Some(Event::Release(admission)),
        "extend" => Some(Event::Extend(admission)),
        _ => None,
    }
}

/// The admission in a queue's answer; this edge notes what follows from it.
pub fn admission(answer: Answer) -> Result<AdmissionReport, Problem> {
    match answer {
        Answer::Admission(report) => {
            // Who was admitted was called up, whatever the last snapshot says.
            let AdmissionId { epoch, index } = report.admission_id;
            views::boarding_is(&report.queue_id, epoch, report.position);
            recalled::changed((epoch, index));
            Ok(*report)
        }
        _ => Err(Problem::unexpected("queue")),
    }
}
