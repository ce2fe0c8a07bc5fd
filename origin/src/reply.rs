//! Reading the edge's replies: what was asked for, or why not.

use core::time::Duration;

use reqwest::RequestBuilder;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::EdgeError;
use crate::http::{BodyError, causes, read_body};

/// How long to wait where the edge does not say.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(1);

/// A failed try.
pub(crate) enum Failure {
    /// Another try would fail alike.
    Final(EdgeError),
    /// Another try may succeed, no sooner than asked for.
    Passing {
        error: EdgeError,
        asked: Option<Duration>,
    },
}

impl Failure {
    fn passing(cause: String) -> Self {
        Self::Passing {
            error: out_of_reach(cause),
            asked: None,
        }
    }
}

/// Makes one try of a call.
pub(crate) async fn send<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, Failure> {
    let response = request
        .send()
        .await
        .map_err(|error| Failure::passing(causes(&error)))?;
    let status = response.status().as_u16();
    let asked = retry_after(response.headers());
    let unexpected = |cause| Failure::Final(EdgeError::Unexpected { status, cause });
    let body = read_body(response).await.map_err(|error| match error {
        BodyError::TooLong => unexpected(String::from("the body is too long")),
        BodyError::Lost(cause) => Failure::passing(cause),
    })?;
    if status == 200 {
        return serde_json::from_slice(&body).map_err(|error| unexpected(error.to_string()));
    }
    // Whatever stands in front of the edge answers without problem details; the status is enough.
    let problem: ProblemDetails = serde_json::from_slice(&body).unwrap_or_default();
    let asked = asked.or(problem.retry_after_seconds.map(Duration::from_secs));
    let error = problem.into_error(status, asked.unwrap_or(DEFAULT_RETRY_AFTER));
    Err(if status == 503 {
        Failure::Passing { error, asked }
    } else {
        Failure::Final(error)
    })
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

/// What of `application/problem+json` (RFC 9457) matters here.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ProblemDetails {
    code: String,
    detail: String,
    retry_after_seconds: Option<u64>,
}

impl ProblemDetails {
    fn into_error(self, status: u16, retry_after: Duration) -> EdgeError {
        let detail = if self.detail.is_empty() {
            format!("status {status}")
        } else {
            self.detail
        };
        match (self.code.as_str(), status) {
            ("ALREADY_REDEEMED", _) => EdgeError::AlreadyRedeemed,
            ("SOLD_OUT", _) => EdgeError::SoldOut,
            ("ADMISSION_EXPIRED" | "QUEUE_CLOSED" | "TICKET_VOID", _) => {
                EdgeError::AdmissionExpired(detail)
            }
            (_, 400 | 413) => EdgeError::InvalidRequest(detail),
            (_, 401) => EdgeError::Unauthorized(detail),
            (_, 403) => EdgeError::Forbidden(detail),
            (_, 404) => EdgeError::NotFound(detail),
            (_, 409) => EdgeError::Conflict(detail),
            (_, 410) => EdgeError::AdmissionExpired(detail),
            (_, 429 | 500..=599) => EdgeError::Unavailable {
                retry_after,
                cause: detail,
            },
            _ => EdgeError::Unexpected {
                status,
                cause: detail,
            },
        }
    }
}

/// No reply came, or none that can be used.
pub(crate) fn out_of_reach(cause: String) -> EdgeError {
    EdgeError::Unavailable {
        retry_after: DEFAULT_RETRY_AFTER,
        cause,
    }
}
