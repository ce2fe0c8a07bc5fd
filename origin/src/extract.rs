//! Extractors for axum: the handoff token out of a request, as it came or verified.

use core::fmt;
use core::time::Duration;

use axum::body::to_bytes;
use axum::extract::{FromRef, FromRequest, Request};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tidegate_core::token::handoff::Handoff;
use url::form_urlencoded;

use crate::error::VerifyError;
use crate::verifier::Verifier;

/// The form field that carries a token.
const FIELD: &str = "handoffToken";
/// The longest form that is read.
const FORM_MAX: usize = 16 * 1024;

/// A handoff token as it came with a request, not verified yet: from `Authorization: Bearer`, or
/// else from the form field `handoffToken`. A request with a token in its URL is refused, for URLs
/// end up in logs, histories and `Referer` headers.
///
/// ```
/// use tidegate_origin::{HandoffRejection, HandoffToken};
///
/// async fn arrive(token: Result<HandoffToken, HandoffRejection>) -> &'static str {
///     match token {
///         Ok(_) => "brought a token",
///         Err(HandoffRejection::Missing) => "come through the waiting room",
///         Err(_) => "that will not do",
///     }
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::post(arrive));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct HandoffToken(String);

impl HandoffToken {
    /// The token, for [`Verifier::verify`] and [`Edge::redeem`](crate::Edge::redeem).
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HandoffToken {
    /// Keeps the token out of logs.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("HandoffToken(…)")
    }
}

impl<S: Send + Sync> FromRequest<S> for HandoffToken {
    type Rejection = HandoffRejection;

    async fn from_request(request: Request, _state: &S) -> Result<Self, HandoffRejection> {
        if request.uri().query().is_some_and(names_a_token) {
            return Err(HandoffRejection::InUrl);
        }
        if let Some(token) = bearer(request.headers()) {
            return Ok(Self(token.to_owned()));
        }
        if !is_form(request.headers()) {
            return Err(HandoffRejection::Missing);
        }
        // The other way for a body to fail is that its sender went away, who gets no answer anyway.
        let form = to_bytes(request.into_body(), FORM_MAX).await;
        let form = form.map_err(|_| HandoffRejection::TooLarge)?;
        let mut tokens = form_urlencoded::parse(&form)
            .filter(|(name, value)| name == FIELD && !value.is_empty())
            .map(|(_, value)| value.into_owned());
        match (tokens.next(), tokens.next()) {
            (None, _) => Err(HandoffRejection::Missing),
            (Some(token), None) => Ok(Self(token)),
            (Some(_), Some(_)) => Err(HandoffRejection::Ambiguous),
        }
    }
}

/// A handoff token that was verified offline, by the [`Verifier`] in the router's state. Redeem it
/// before you open a session: only the edge knows whether it was used before.
///
/// Taken as it is, a request without a good token is answered by [`HandoffRejection`]; taken as
/// `Result<VerifiedHandoff, HandoffRejection>`, the handler answers with a page of its own.
///
/// ```
/// use axum::extract::FromRef;
/// use tidegate_origin::{VerifiedHandoff, Verifier};
///
/// #[derive(Clone, FromRef)]
/// struct Shop {
///     verifier: Verifier,
/// }
///
/// async fn arrive(arrival: VerifiedHandoff) -> String {
///     format!("admitted from place {}", arrival.handoff.position)
/// }
/// # let _: axum::Router<Shop> = axum::Router::new().route("/", axum::routing::post(arrive));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VerifiedHandoff {
    /// The token, to redeem.
    pub token: HandoffToken,
    /// What it says.
    pub handoff: Handoff,
}

impl<S> FromRequest<S> for VerifiedHandoff
where
    S: Send + Sync,
    Verifier: FromRef<S>,
{
    type Rejection = HandoffRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, HandoffRejection> {
        let token = HandoffToken::from_request(request, state).await?;
        let handoff = Verifier::from_ref(state).verify(token.as_str()).await?;
        Ok(Self { token, handoff })
    }
}

/// Why a request brought no good handoff token. As a response it is plain text that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandoffRejection {
    /// It brought none. Show the way to the waiting room.
    Missing,
    /// It has a token in its URL, where others may have read it. Send it as a header or form field.
    InUrl,
    /// Its form has several tokens.
    Ambiguous,
    /// Its form is longer than 16 KiB.
    TooLarge,
    /// The token was not accepted.
    Refused(VerifyError),
}

impl HandoffRejection {
    /// The status it is answered with: 401, but for too long a form (413) and for keys out of reach
    /// (503).
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Refused(VerifyError::KeysUnreachable { .. }) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Missing | Self::InUrl | Self::Ambiguous | Self::Refused(_) => {
                StatusCode::UNAUTHORIZED
            }
        }
    }

    /// When the same request may succeed, where it may.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(VerifyError::KeysUnreachable { retry_after, .. }) => Some(*retry_after),
            _ => None,
        }
    }
}

impl From<VerifyError> for HandoffRejection {
    fn from(error: VerifyError) -> Self {
        Self::Refused(error)
    }
}

impl fmt::Display for HandoffRejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Missing => "This needs a handoff token from the waiting room.",
            Self::InUrl => {
                "A handoff token never goes in a URL. Send it as \"Authorization: Bearer\" or as the form field \"handoffToken\"."
            }
            Self::Ambiguous => "The form has several handoff tokens.",
            Self::TooLarge => "The form is too large.",
            Self::Refused(VerifyError::KeysUnreachable { .. }) => {
                "The handoff token cannot be checked right now. Try again in a moment."
            }
            Self::Refused(_) => "The handoff token has expired or is not good here.",
        })
    }
}

impl core::error::Error for HandoffRejection {}

impl IntoResponse for HandoffRejection {
    fn into_response(self) -> Response {
        let no_store = [(CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        let mut response = (self.status(), no_store, format!("{self}\n")).into_response();
        let headers = response.headers_mut();
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = self.retry_after() {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        response
    }
}

fn names_a_token(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name.eq_ignore_ascii_case(FIELD))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn is_form(headers: &HeaderMap) -> bool {
    let named = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = named.and_then(|text| text.split(';').next()).map(str::trim);
    essence.is_some_and(|text| text.eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}
