//! What the shop's own servers call: the public keys, redeem, and then complete, release or extend.

use serde::Deserialize;
use serde_json::json;

use crate::edge::answer::{Answer as Answered, Outcome};
use crate::edge::body;
use crate::edge::context::Context;
use crate::edge::pending::{Demand, Supply};
use crate::edge::router::{nothing_here, queue_id};
use crate::ids::{AdmissionId, QueueId};
use crate::problem::{Code, Problem};
use crate::queue::claim::AdmissionReport;
use crate::queue::{Answer, Event};
use crate::token::handoff::{Expected, Handoff};

/// Shorter than a rotation: a new key is published at least this long before it signs.
const JWKS_CACHE: &str = "public, max-age=300, stale-while-revalidate=3600";
/// The longest idempotency key.
const IDEMPOTENCY_KEY_MAX: usize = 255;

/// The public keys.
pub(in crate::edge) async fn jwks(context: &Context) -> Outcome {
    let keys = context.handoff_keys().await?;
    Answered::json(200, &keys.public().to_jwks(), JWKS_CACHE)
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
pub(in crate::edge) async fn redeem(context: &Context) -> Outcome {
    let origin_keys = context.origin_keys().await?;
    let caller = origin_keys.caller(context.request.bearer())?;
    context.only_post()?;
    let wanted: RedeemBody = body::read(&body::json(&context.body().await?)?)?;
    let idempotency_key = context.rest().await.idempotency_key.clone();
    let is_good = |key: &String| (1..=IDEMPOTENCY_KEY_MAX).contains(&key.len());
    if !idempotency_key.as_ref().is_none_or(is_good) {
        return Err(Problem::validation("Idempotency-Key: must have 1 to 255 bytes").into());
    }
    let handoff = context.verified(&wanted.handoff_token).await?;
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
    let report = context.at_checkout(&handoff.queue, event).await?;
    Answered::private(
        200,
        &json!({
            "admissionId": report.admission_id,
            "queueId": report.queue_id,
            "subject": report.subject,
            "position": report.position,
            "expiresAt": report.expires_at,
        }),
    )
}

/// Completes, releases or extends an admission.
pub(in crate::edge) async fn settle(
    context: &Context,
    id: &str,
    admission_id: &str,
    action: &str,
) -> Outcome {
    let origin_keys = context.origin_keys().await?;
    let caller = origin_keys.caller(context.request.bearer())?;
    context.only_post()?;
    let id = queue_id(id)?;
    caller.may_use(&id)?;
    context.exists(&id).await?;
    let admission: AdmissionId = admission_id.parse().map_err(|_| {
        Problem::new(
            Code::NotFound,
            format!("There is no admission \"{admission_id}\"."),
        )
    })?;
    let event = match action {
        "complete" => Event::Complete(admission),
        "release" => Event::Release(admission),
        "extend" => Event::Extend(admission),
        _ => return Err(nothing_here().into()),
    };
    let report = context.at_checkout(&id, event).await?;
    Answered::private(200, &report)
}

impl Context {
    /// What a handoff token says, if one of our keys signed it: that says who issued it, by
    /// whatever host name we were reached.
    async fn verified(&self, token: &str) -> Result<Handoff, Problem> {
        let keys = self.handoff_keys().await?;
        let refused = || {
            Problem::unauthorized(
                "The handoff token is malformed, altered, expired, or not of this Tidegate.",
            )
        };
        // A token that is written as this version writes them is verified by the platform, which is
        // quicker.
        if let Some(unproven) = keys.unproven(token, self.now()) {
            let [key, input, signature] =
                [unproven.key, unproven.input, unproven.signature].map(str::to_owned);
            let demand = Demand::Verify {
                key,
                input,
                signature,
            };
            return match self.demand(demand).await {
                Supply::Is(true) => Ok(unproven.handoff),
                _ => Err(refused()),
            };
        }
        let expected = Expected {
            issuer: None,
            audience: None,
            queue: None,
            leeway_seconds: 0,
        };
        let verified = keys.public().verify(token, &expected, self.now());
        verified.map_err(|_| refused())
    }

    /// Lets a checkout's event happen to an admission; this edge notes what follows from it.
    pub(in crate::edge) async fn at_checkout(
        &self,
        id: &QueueId,
        event: Event,
    ) -> Result<AdmissionReport, Problem> {
        let Answer::Admission(report) = self.queue(id, event).await? else {
            return Err(Problem::unexpected("queue"));
        };
        // Who was admitted was called up, whatever the last snapshot says.
        let AdmissionId { epoch, index } = report.admission_id;
        self.boarding_is(&report.queue_id, epoch, report.position);
        self.isolate.recall.borrow_mut().changed((epoch, index));
        self.isolate
            .claims
            .borrow_mut()
            .changed((epoch, index), self.now());
        Ok(*report)
    }
}
