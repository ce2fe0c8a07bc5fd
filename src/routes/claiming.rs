//! Claiming: what a called-up shopper is told, and the handoff token of whoever is admitted.

use serde_json::{Value, json};
use tidegate_core::UnixMillis;
use tidegate_core::edge::claims::Turn;
use tidegate_core::ids::QueueId;
use tidegate_core::problem::Problem;
use tidegate_core::queue::event::{Grant, Holder};
use tidegate_core::queue::{Answer, Event};
use tidegate_core::token::handoff::Handoff;

use crate::answer::{Answered, private_json};
use crate::credentials::{self, Shown};
use crate::keys;
use crate::recalled;
use crate::routes::shoppers::holder;
use crate::site::Site;
use crate::views;

/// What a claim comes to.
pub enum Claimed {
    /// Admitted, with the signed handoff token.
    Granted(Grant, String),
    /// Present, and next as slots free.
    Boarding {
        retry_after_ms: u64,
        server_time: UnixMillis,
    },
}

/// Claims what the shown ticket is called up for.
pub async fn claim(site: &Site, id: &QueueId, shown: &Shown) -> Result<Claimed, Problem> {
    credentials::check_origin(site, shown)?;
    let holder = holder(site, id, shown).await?;
    let seen = views::view(site, id).await?;
    if let Some(problem) = recalled::claim_refusal(&holder, &seen, site.now) {
        return Err(problem);
    }
    let answer = match recalled::claim_turn(&holder, &seen.value, site.now) {
        Turn::Again(answer) => Ok(answer),
        Turn::Ask => {
            let answer = views::queue(site, id, Event::Claim(holder.clone())).await;
            recalled::claimed(&holder, &seen.value, &answer, site.now);
            answer
        }
    };
    let keys = keys::handoff(site)?;
    let issuer = site.issuer();
    let sign = |handoff: &_, audience: &_| keys.sign(handoff, &issuer, audience);
    claimed(id, &holder, answer?, site.now, sign)
}

/// Makes of the queue's answer to a claim what the shopper is told; `sign` makes a token of a handoff and its
/// audience.
pub fn claimed(
    id: &QueueId,
    holder: &Holder,
    answer: Answer,
    now: UnixMillis,
    sign: impl FnOnce(&Handoff, &str) -> Result<String, Problem>,
) -> Result<Claimed, Problem> {
    if let Some(position) = holder.position {
        views::boarding_is(id, holder.epoch, position.saturating_add(1));
    }
    match answer {
        Answer::Granted(grant) => granted(id, grant, now, sign),
        Answer::Boarding {
            retry_after_ms,
            server_time,
        } => Ok(Claimed::Boarding {
            retry_after_ms,
            server_time,
        }),
        _ => Err(Problem::unexpected("queue")),
    }
}

/// What a ticket holds.
pub enum Held {
    /// Nothing yet.
    Nothing,
    /// What a claim came to.
    Claimed(Claimed),
    /// A place in a draw that went to the next.
    Lapsed,
}

/// What the shown ticket holds already, if anything. Changes nothing.
pub async fn look(site: &Site, id: &QueueId, shown: &Shown) -> Result<Held, Problem> {
    let holder = holder(site, id, shown).await?;
    let found = if let Some(found) = recalled::look(&holder, site.now) {
        found
    } else {
        let found = views::queue(site, id, Event::Look(holder.clone())).await;
        recalled::looked(&holder, &found, site.now);
        found
    };
    match found? {
        Answer::Granted(grant) => {
            let keys = keys::handoff(site)?;
            let issuer = site.issuer();
            let sign = |handoff: &_, audience: &_| keys.sign(handoff, &issuer, audience);
            granted(id, grant, site.now, sign).map(Held::Claimed)
        }
        Answer::Boarding {
            retry_after_ms,
            server_time,
        } => Ok(Held::Claimed(Claimed::Boarding {
            retry_after_ms,
            server_time,
        })),
        Answer::Lapsed => Ok(Held::Lapsed),
        _ => Ok(Held::Nothing),
    }
}

fn granted(
    id: &QueueId,
    grant: Grant,
    now: UnixMillis,
    sign: impl FnOnce(&Handoff, &str) -> Result<String, Problem>,
) -> Result<Claimed, Problem> {
    let handoff = Handoff {
        admission_id: grant.admission_id,
        queue: id.clone(),
        subject: grant.shopper,
        position: grant.position,
        access: grant.access,
        issued_at: now,
        expires_at: grant.expires_at,
    };
    let token = sign(&handoff, &grant.audience)?;
    Ok(Claimed::Granted(grant, token))
}

/// Answers a claim.
pub fn respond_claimed(claimed: Claimed) -> Answered {
    let (status, body) = claimed_body(claimed);
    private_json(&body, status)
}

/// What a claim answers: status and body.
pub fn claimed_body(claimed: Claimed) -> (u16, Value) {
    match claimed {
        Claimed::Granted(grant, token) => {
            let value = json!({
                "status": "GRANTED",
                "admissionId": grant.admission_id,
                "handoffToken": token,
                "expiresAt": grant.expires_at,
                "checkoutUrl": grant.checkout_url,
            });
            (200, value)
        }
        Claimed::Boarding {
            retry_after_ms,
            server_time,
        } => {
            let value = json!({
                "status": "BOARDING",
                "retryAfterMs": retry_after_ms,
                "serverTime": server_time,
            });
            (202, value)
        }
    }
}
