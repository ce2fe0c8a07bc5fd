//! What can go wrong, as the outside sees it: RFC 9457 problem details with stable codes.

use core::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A stable error code. Its status, title and whether a retry can help belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(
    missing_docs,
    reason = "each is named and described in the table below"
)]
pub enum Code {
    ValidationError,
    Unauthorized,
    TicketVoid,
    Forbidden,
    NotFound,
    QueueNotFound,
    MethodNotAllowed,
    NotYetServed,
    AlreadyRedeemed,
    Paused,
    Conflict,
    AdmissionExpired,
    QueueClosed,
    SoldOut,
    PayloadTooLarge,
    NotOpen,
    QueueFull,
    InternalError,
    ServiceUnavailable,
}

impl Code {
    /// Status, title, whether the same request may succeed later.
    const fn facts(self) -> (u16, &'static str, bool) {
        match self {
            Self::ValidationError => (400, "The request is not valid", false),
            Self::Unauthorized => (401, "A valid credential is missing", false),
            Self::TicketVoid => (401, "The ticket is void: the queue was reset", false),
            Self::Forbidden => (403, "This is not allowed", false),
            Self::NotFound => (404, "There is nothing here", false),
            Self::QueueNotFound => (404, "There is no such queue", false),
            Self::MethodNotAllowed => (405, "This method is not allowed here", false),
            Self::NotYetServed => (409, "It is not this ticket's turn yet", true),
            Self::AlreadyRedeemed => (409, "The handoff token was redeemed already", false),
            Self::Paused => (409, "The queue is paused", true),
            Self::Conflict => (409, "The request conflicts with the present state", false),
            Self::AdmissionExpired => (410, "The admission is over", false),
            Self::QueueClosed => (410, "The queue is closed", false),
            Self::SoldOut => (410, "Sold out", false),
            Self::PayloadTooLarge => (413, "The request body is too large", false),
            Self::NotOpen => (423, "It is not open yet", true),
            Self::QueueFull => (429, "The queue is full", true),
            Self::InternalError => (500, "Something went wrong on our side", true),
            Self::ServiceUnavailable => (503, "Temporarily out of reach", true),
        }
    }

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        self.facts().0
    }

    /// The code's name on the wire.
    fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(Value::String(name)) => name,
            _ => String::from("INTERNAL_ERROR"),
        }
    }
}

/// One refusal: a code and a sentence that names the thing, the cause and, where there is one, the
/// remedy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// What kind of refusal it is.
    pub code: Code,
    /// What happened, in one sentence.
    pub detail: String,
    /// When to try again, in seconds, where that is known.
    pub retry_after_seconds: Option<u32>,
}

impl Problem {
    /// A refusal with its reason.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let retry_after_seconds = match code.status() {
            429 => Some(5),
            503 => Some(1),
            _ => None,
        };
        Self {
            code,
            detail: detail.into(),
            retry_after_seconds,
        }
    }

    /// A 400.
    pub fn validation(detail: impl Into<String>) -> Self {
        Self::new(Code::ValidationError, detail)
    }

    /// A 401 that says no more than it must.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(Code::Unauthorized, detail)
    }

    /// An object, "queue" or another, answered what its call is never answered with.
    pub fn unexpected(object: &str) -> Self {
        Self::new(
            Code::InternalError,
            format!("The {object} answered something else."),
        )
    }

    /// A 404 for a queue.
    pub fn queue_not_found(id: &str) -> Self {
        Self::new(Code::QueueNotFound, format!("There is no queue \"{id}\"."))
    }

    /// The body of an `application/problem+json` answer.
    pub fn body(&self, request_id: &str) -> Value {
        let (status, title, retryable) = self.code.facts();
        let name = self.code.name();
        let mut body = json!({
            "type": format!("urn:tidegate:problem:{}", name.to_lowercase().replace('_', "-")),
            "title": title,
            "status": status,
            "detail": self.detail,
            "code": name,
            "retryable": retryable,
            "requestId": request_id,
        });
        if let (Some(seconds), Some(fields)) = (self.retry_after_seconds, body.as_object_mut()) {
            fields.insert(String::from("retryAfterSeconds"), seconds.into());
        }
        body
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code.name(), self.detail)
    }
}

impl core::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_carries_every_field_of_the_contract() {
        let body = Problem::new(Code::QueueFull, "Full.").body("r-1");
        assert_eq!(
            body,
            json!({
                "type": "urn:tidegate:problem:queue-full",
                "title": "The queue is full",
                "status": 429,
                "detail": "Full.",
                "code": "QUEUE_FULL",
                "retryable": true,
                "retryAfterSeconds": 5,
                "requestId": "r-1",
            })
        );
    }

    #[test]
    fn only_refusals_that_time_can_cure_name_a_time() {
        assert_eq!(Problem::validation("no").retry_after_seconds, None);
        assert_eq!(
            Problem::new(Code::ServiceUnavailable, "no").retry_after_seconds,
            Some(1)
        );
    }
}
