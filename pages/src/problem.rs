//! The page that stands in where another could not be served.

use askama::{Error, Template};
use tidegate_core::problem::Code;

use crate::assets;
use crate::text::{ENGLISH, Text, fill};

/// The least pause before a page tries again by itself, in seconds.
const RETRY_MIN_SECONDS: u32 = 5;

/// What failed, as far as a shopper need know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No queue has that id.
    QueueNotFound,
    /// There is no such page.
    NotFound,
    /// The request was wrong or not allowed.
    Refused,
    /// Too many requests.
    Busy,
    /// The merchant's origin did not answer.
    ShopUnreachable,
    /// A part of Tidegate did not answer.
    Unavailable,
    /// A fault of ours.
    Internal,
}

impl From<Code> for Failure {
    fn from(code: Code) -> Self {
        match (code, code.status()) {
            (Code::QueueNotFound, _) => Self::QueueNotFound,
            (_, 404) => Self::NotFound,
            (_, 429) => Self::Busy,
            (_, 503) => Self::Unavailable,
            (_, 400..=499) => Self::Refused,
            _ => Self::Internal,
        }
    }
}

/// Where and when to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry<'a> {
    /// A path on this site that a GET may be sent to.
    pub path: &'a str,
    /// After how many seconds the page does so by itself, 5 at least; give each shopper another
    /// figure, so that they do not come back all at once. `None`: only when asked to.
    pub after_seconds: Option<u32>,
}

/// A plain page for a browser when something failed. The status line and headers are the caller's.
pub fn problem_page(
    failure: Failure,
    request_id: &str,
    retry: Option<Retry<'_>>,
) -> Result<String, Error> {
    let text = &ENGLISH;
    let problems = &text.problems;
    let [heading, lead] = match failure {
        Failure::QueueNotFound => problems.queue_not_found,
        Failure::NotFound => problems.not_found,
        Failure::Refused => problems.refused,
        Failure::Busy => problems.busy,
        Failure::ShopUnreachable => problems.shop_unreachable,
        Failure::Unavailable => problems.unavailable,
        Failure::Internal => problems.internal,
    };
    let seconds = retry
        .and_then(|retry| retry.after_seconds)
        .map(|s| s.max(RETRY_MIN_SECONDS));
    let again = seconds
        .map(|seconds| fill(problems.again_in, &[("seconds", &seconds.to_string())]))
        .unwrap_or_default();
    let path = retry.map(|retry| retry.path);
    ProblemTemplate {
        text,
        heading,
        lead,
        seconds,
        again,
        path,
        request_id,
    }
    .render()
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemTemplate<'a> {
    text: &'static Text,
    heading: &'static str,
    lead: &'static str,
    seconds: Option<u32>,
    again: String,
    path: Option<&'a str>,
    request_id: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_leads_to_the_page_that_says_enough() {
        assert_eq!(Failure::from(Code::QueueNotFound), Failure::QueueNotFound);
        assert_eq!(Failure::from(Code::NotFound), Failure::NotFound);
        assert_eq!(Failure::from(Code::Forbidden), Failure::Refused);
        assert_eq!(Failure::from(Code::QueueFull), Failure::Busy);
        assert_eq!(
            Failure::from(Code::ServiceUnavailable),
            Failure::Unavailable
        );
        assert_eq!(Failure::from(Code::InternalError), Failure::Internal);
    }
}
