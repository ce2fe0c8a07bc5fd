//! How handlers answer: a response, or a refusal that becomes problem+json or a page.

use serde::Serialize;
use tidegate_core::problem::{Code, Problem};
use tidegate_pages::{Failure as FailurePage, Retry, content_security_policy, problem_page};
use worker::{Error, Response, ResponseBuilder, Result, console_error};

use crate::headers::{NO_STORE, secure};
use crate::random;
use crate::site::Site;

/// What a handler comes to.
pub type Answered = std::result::Result<Response, Failure>;

/// Why there is no response.
pub enum Failure {
    /// A refusal that the caller is told.
    Problem(Problem),
    /// The method is not one of those allowed here.
    Method(&'static str),
    /// The shop did not answer.
    Shop(Problem),
    /// A fault of the platform or ours; the caller is told no more than that.
    Fault(Error),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Fault(error)
    }
}

/// JSON that is one caller's alone.
pub fn private_json<T: Serialize>(value: &T, status: u16) -> Answered {
    json(value, status, NO_STORE)
}

/// JSON with its cache policy.
pub fn json<T: Serialize>(value: &T, status: u16, cache_control: &str) -> Answered {
    let text = serde_json::to_string(value).map_err(Error::from)?;
    let response = ResponseBuilder::new()
        .with_status(status)
        .with_header("content-type", "application/json; charset=utf-8")?
        .with_header("cache-control", cache_control)?
        .fixed(text.into_bytes());
    Ok(response)
}

/// A page that is one shopper's alone, under a strict policy.
pub fn private_page(html: String, status: u16, checkout_origin: Option<&str>) -> Answered {
    let response = ResponseBuilder::new()
        .with_status(status)
        .with_header("content-type", "text/html; charset=utf-8")?
        .with_header("cache-control", NO_STORE)?
        .with_header(
            "content-security-policy",
            &content_security_policy(checkout_origin),
        )?
        .fixed(html.into_bytes());
    Ok(response)
}

/// "204 No Content".
pub fn nothing() -> Answered {
    Ok(ResponseBuilder::new()
        .with_status(204)
        .with_header("cache-control", NO_STORE)?
        .empty())
}

/// "303 See Other": a form post was taken, look there.
pub fn see_other(path: &str) -> Answered {
    let response = ResponseBuilder::new()
        .with_status(303)
        .with_header("location", path)?
        .with_header("cache-control", NO_STORE)?;
    Ok(response.empty())
}

/// Makes the response of an outcome.
pub fn finish(site: &Site, outcome: Answered) -> Result<Response> {
    let response = outcome.or_else(|failure| refuse(site, failure))?;
    // What came from a cache or the shop has headers that cannot be changed.
    let headers = response.headers().clone();
    secure(&headers, site)?;
    headers.set("x-request-id", &site.request_id)?;
    Ok(response.with_headers(headers))
}

fn refuse(site: &Site, failure: Failure) -> Result<Response> {
    let (problem, page) = match failure {
        Failure::Method(allowed) => {
            let detail = format!(
                "{} is not allowed here; {allowed} is.",
                site.method.as_ref()
            );
            let response = refusal(site, &Problem::new(Code::MethodNotAllowed, detail), None)?;
            response.headers().set("allow", allowed)?;
            return Ok(response);
        }
        Failure::Problem(problem) => {
            let page = FailurePage::from(problem.code);
            (problem, page)
        }
        Failure::Shop(problem) => (problem, FailurePage::ShopUnreachable),
        Failure::Fault(error) => {
            console_error!("request {}: {error}", site.request_id);
            let detail = "An unexpected fault; the request id names it in the logs.";
            (
                Problem::new(Code::InternalError, detail),
                FailurePage::Internal,
            )
        }
    };
    refusal(site, &problem, Some(page).filter(|_| site.wants_html()))
}

fn refusal(site: &Site, problem: &Problem, page: Option<FailurePage>) -> Result<Response> {
    let mut response = ResponseBuilder::new()
        .with_status(problem.code.status())
        .with_header("cache-control", NO_STORE)?;
    if let Some(seconds) = problem.retry_after_seconds {
        response = response.with_header("retry-after", &seconds.to_string())?;
    }
    if problem.code.status() == 401 {
        response = response.with_header("www-authenticate", "Bearer")?;
    }
    let html = page.and_then(|page| {
        // A path that begins with two slashes would name another host.
        let path = site.url.path().trim_start_matches('/');
        let query = site
            .url
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        let again = format!("/{path}{query}");
        let retry = Retry {
            path: &again,
            after_seconds: problem
                .retry_after_seconds
                .map(|_| 5_u32.saturating_add(random::jitter() % 10)),
        };
        // What there is not, no second try will find.
        let gone = matches!(page, FailurePage::NotFound | FailurePage::QueueNotFound);
        problem_page(page, &site.request_id, (!gone).then_some(retry)).ok()
    });
    Ok(match html {
        Some(html) => response
            .with_header("content-type", "text/html; charset=utf-8")?
            .with_header("content-security-policy", &content_security_policy(None))?
            .fixed(html.into_bytes()),
        None => response
            .with_header("content-type", "application/problem+json")?
            .fixed(problem.body(&site.request_id).to_string().into_bytes()),
    })
}
