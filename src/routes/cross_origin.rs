//! Calls from other sites' pages: a bearer from the origins that the queue allows, and no credentials.

use tidegate_core::problem::{Code, Problem};
use worker::{Method, Request, ResponseBuilder};

use crate::answer::{self, Answered, Failure};
use crate::credentials::{self, From};
use crate::paths::queue_id;
use crate::routes::shoppers::call;
use crate::site::Site;
use crate::views;

/// Answers `/v1/queues/{id}/…`, also for other sites' pages that the queue allows.
pub async fn route(site: &Site, request: Request, id: &str, rest: &[&str]) -> Answered {
    let id = queue_id(id)?;
    if credentials::from(site) != From::Elsewhere {
        return call(site, request, &id, rest).await;
    }
    let allowed = views::view(site, &id).await.is_ok_and(|seen| {
        site.header("origin")
            .is_some_and(|origin| seen.value.allowed_origins.contains(&origin))
    });
    if site.method == Method::Options {
        return preflight(site, allowed);
    }
    // Reading the public snapshot or one's own status harms nobody; the browser keeps it from the page.
    // What comes through a socket it would not.
    let reads = site.method == Method::Get || site.method == Method::Head;
    if !allowed && (!reads || rest == ["live"]) {
        return Err(Problem::new(
            Code::Forbidden,
            "Pages of this origin may not call; add it to the queue's allowedOrigins.",
        )
        .into());
    }
    let outcome = call(site, request, &id, rest).await;
    if !allowed {
        return outcome;
    }
    let response = answer::finish(site, outcome)?;
    let headers = response.headers().clone();
    cross_origin(site, &headers)?;
    Ok(response.with_headers(headers))
}

fn preflight(site: &Site, allowed: bool) -> Answered {
    let response = ResponseBuilder::new().with_status(204).empty();
    let headers = response.headers().clone();
    headers.set("vary", "Origin")?;
    if allowed {
        cross_origin(site, &headers)?;
        headers.set("access-control-allow-methods", "GET, POST, DELETE")?;
        headers.set(
            "access-control-allow-headers",
            "Authorization, Content-Type",
        )?;
        headers.set("access-control-max-age", "600")?;
    }
    Ok(response.with_headers(headers))
}

fn cross_origin(site: &Site, headers: &worker::Headers) -> Result<(), Failure> {
    if let Some(origin) = site.header("origin") {
        headers.set("access-control-allow-origin", &origin)?;
        headers.set("access-control-expose-headers", "Retry-After, X-Request-Id")?;
    }
    headers.set("vary", "Origin")?;
    Ok(())
}
