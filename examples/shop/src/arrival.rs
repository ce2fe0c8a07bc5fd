//! From token to session: a shopper arrives from the waiting room with a handoff token.

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, SET_COOKIE};
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde_json::json;
use tidegate_origin::{
    EdgeError, HandoffRejection, HandoffToken, UnixMillis, VerifiedHandoff, VerifyError,
};

use crate::messages::{self, Message};
use crate::pages::see_other;
use crate::sessions::SessionId;
use crate::visit::{Sender, Visit, session_cookie};
use crate::{Shop, now};

/// `POST /checkout`: takes the token from `Authorization: Bearer` or the form field `handoffToken`,
/// redeems it and opens a session.
pub async fn arrive(
    State(shop): State<Shop>,
    visit: Visit,
    arrival: Result<VerifiedHandoff, HandoffRejection>,
) -> Response {
    match open_session(&shop, &visit, arrival).await {
        Ok(session) => welcome(&shop, &visit, session),
        Err(message) => message.answer(&shop, &visit),
    }
}

/// Opens a session on the token's admission, or gives back the one that this browser has on it.
async fn open_session(
    shop: &Shop,
    visit: &Visit,
    arrival: Result<VerifiedHandoff, HandoffRejection>,
) -> Result<SessionId, Message> {
    // Another site's form could put a shopper into somebody else's order. A script with a bearer
    // has asked the browser, and us, before.
    if visit.sender == Sender::Elsewhere && !visit.by_script {
        return Err(messages::from_elsewhere());
    }
    let VerifiedHandoff { token, handoff, .. } = arrival.map_err(rejected)?;
    let admission = handoff.admission_id.to_string();
    if let Some(open) = visit
        .session
        .filter(|open| shop.sessions().is_for(*open, &admission))
    {
        return Ok(open);
    }
    let queue = &shop.settings().queue;
    let redeemed = shop.edge().redeem(queue, token.as_str(), None).await;
    let admission = redeemed.map_err(|error| not_redeemed(error, &token, handoff.expires_at))?;
    shop.sessions().open(admission, now()).map_err(|error| {
        eprintln!("shop: no random bytes for a session: {error}");
        messages::out_of_order()
    })
}

fn welcome(shop: &Shop, visit: &Visit, session: SessionId) -> Response {
    let cookie = session_cookie(session, shop.settings().is_https());
    let cookie = AppendHeaders([(SET_COOKIE, cookie)]);
    if visit.by_script {
        let body = Json(json!({ "checkoutUrl": "/checkout" }));
        ([(CACHE_CONTROL, "no-store")], cookie, body).into_response()
    } else {
        (cookie, see_other("/checkout")).into_response()
    }
}

fn rejected(rejection: HandoffRejection) -> Message {
    match rejection {
        HandoffRejection::Missing => messages::line_first(),
        HandoffRejection::InUrl => messages::never_in_a_url(),
        HandoffRejection::Refused(VerifyError::KeysUnreachable { retry_after, cause }) => {
            eprintln!("shop: the edge's keys are out of reach: {cause}");
            messages::arrive_again(None, retry_after)
        }
        _ => messages::pass_not_good(),
    }
}

fn not_redeemed(error: EdgeError, token: &HandoffToken, expires_at: UnixMillis) -> Message {
    match error {
        EdgeError::AlreadyRedeemed => messages::pass_used(),
        // It ran out on its way here, or within the leeway.
        EdgeError::Unauthorized(_) if expires_at <= now() => messages::pass_not_good(),
        EdgeError::AdmissionExpired(_) | EdgeError::SoldOut => messages::place_over(),
        EdgeError::Unavailable { retry_after, cause } => {
            eprintln!("shop: redeeming: {cause}");
            messages::arrive_again(Some(token.as_str()), retry_after)
        }
        error => {
            eprintln!("shop: redeeming: {error}");
            messages::out_of_order()
        }
    }
}
