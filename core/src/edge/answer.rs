//! What a request is answered with, before a driver makes a response of it.

use std::borrow::Cow;

use serde::Serialize;

use crate::problem::{Code, Problem};

/// Never stored anywhere: what is one shopper's, or a secret's.
pub const NO_STORE: &str = "no-store";
/// The type of every JSON answer that is no refusal.
pub const JSON: &str = "application/json; charset=utf-8";
/// The type of a refusal.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// What names the request, in the header `X-Request-Id`.
    pub id: String,
    /// Whether the request came by https.
    pub is_https: bool,
    /// The status.
    pub status: u16,
    /// The headers of its own: see [`Self::complete`].
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body.
    pub body: Body,
}

/// An answer's body.
#[derive(Debug)]
pub enum Body {
    /// There is none.
    Nothing,
    /// This text.
    Text(Cow<'static, str>),
    /// The socket that a relay gave: the answer is the relay's own.
    Socket,
    /// What the shop answers: the address is not one of Tidegate's.
    Shop,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Refusal {
    /// The reason.
    Problem(Problem),
    /// The method is none of these.
    Method(&'static str),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// What a call comes to.
pub type Outcome = Result<Answer, Refusal>;

impl Answer {
    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self {
            id: String::new(),
            is_https: false,
            status,
            headers: vec![("cache-control", Cow::Borrowed(NO_STORE))],
            body: Body::Nothing,
        }
    }

    /// JSON that is one caller's alone.
    pub fn private<T: Serialize>(status: u16, value: &T) -> Outcome {
        Self::json(status, value, NO_STORE)
    }

    /// JSON with its cache policy.
    pub fn json<T: Serialize>(status: u16, value: &T, cache_control: &'static str) -> Outcome {
        let text = serde_json::to_string(value);
        let text =
            text.map_err(|_| Problem::new(Code::InternalError, "The answer was not written."))?;
        Ok(Self::text(status, text, JSON, cache_control))
    }

    /// JSON that is everybody's. Pages of an allowed origin get a header more.
    pub fn public(text: String, cache_control: &'static str) -> Self {
        Self::text(200, text, JSON, cache_control).with("vary", "Origin")
    }

    /// A text of this type.
    pub fn text(
        status: u16,
        text: impl Into<Cow<'static, str>>,
        content_type: &'static str,
        cache_control: &'static str,
    ) -> Self {
        Self {
            id: String::new(),
            is_https: false,
            status,
            headers: vec![
                ("content-type", Cow::Borrowed(content_type)),
                ("cache-control", Cow::Borrowed(cache_control)),
            ],
            body: Body::Text(text.into()),
        }
    }

    /// "303 See Other": a form post was taken, look there.
    pub fn see_other(path: String) -> Self {
        Self::empty(303).with("location", path)
    }

    /// A page that is one reader's alone, under a policy of its own.
    pub fn page(status: u16, html: String, policy: String) -> Self {
        Self::text(status, html, "text/html; charset=utf-8", NO_STORE)
            .with("content-security-policy", policy)
    }

    /// Leaves the request to the shop.
    pub const fn shop() -> Self {
        Self {
            id: String::new(),
            is_https: false,
            status: 0,
            headers: Vec::new(),
            body: Body::Shop,
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds the headers that it lacks and every answer has.
    pub fn complete(&mut self) {
        let content_type = self
            .headers
            .iter()
            .find(|(name, _)| *name == "content-type");
        let documents = content_type.map_or(&[][..], |(_, kind)| of_documents(kind));
        for (name, value) in common(self.is_https).chain(documents.iter().copied()) {
            if !self.headers.iter().any(|(known, _)| *known == name) {
                self.headers.push((name, Cow::Borrowed(value)));
            }
        }
        let id = core::mem::take(&mut self.id);
        self.headers.push(("x-request-id", Cow::Owned(id)));
    }

    /// Sets a header that may be there already.
    pub fn set(&mut self, name: &'static str, value: impl Into<Cow<'static, str>>) {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
    }
}

/// What every answer carries, no matter who wrote its body.
pub fn common(https: bool) -> impl Iterator<Item = (&'static str, &'static str)> {
    const ALWAYS: [(&str, &str); 3] = [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        (
            "content-security-policy",
            "base-uri 'self'; frame-ancestors 'none'; object-src 'none'",
        ),
    ];
    const SECURE: (&str, &str) = (
        "strict-transport-security",
        "max-age=31536000; includeSubDomains",
    );
    ALWAYS.into_iter().chain(https.then_some(SECURE))
}

/// What a document carries besides. JSON has no links and no camera, and a poll's headers cost more
/// than its body.
pub fn of_documents(content_type: &str) -> &'static [(&'static str, &'static str)] {
    const DOCUMENT: [(&str, &str); 2] = [
        // A form post must still carry its Origin, which "no-referrer" would make null.
        ("referrer-policy", "strict-origin-when-cross-origin"),
        (
            "permissions-policy",
            "camera=(), geolocation=(), microphone=(), interest-cohort=()",
        ),
    ];
    let is_json =
        content_type.starts_with("application/json") || content_type.starts_with(PROBLEM_JSON);
    if is_json { &[] } else { &DOCUMENT }
}
