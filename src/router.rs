//! Which handler a request is for. Tidegate's own paths are below; everything else is the shop's.

use tidegate_core::ids::QueueId;
use tidegate_core::problem::{Code, Problem};
use worker::{Method, Request};

use crate::answer::{Answered, Failure};
use crate::body;
use crate::routes::{cross_origin, operator, origin, room};
use crate::shop;
use crate::site::Site;

/// Answers a request.
pub async fn route(site: &Site, request: Request) -> Answered {
    let path = site.url.path().to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match segments.as_slice() {
        ["v1", "queues", id, "admissions", admission, action] => {
            origin::settle(site, id, admission, action).await
        }
        ["v1", "queues", ..] | ["queue", ..] if body::announces_too_much(&site.headers) => {
            Err(body::too_large().into())
        }
        ["v1", "queues", id, rest @ ..] => cross_origin::route(site, request, id, rest).await,
        ["v1", "handoffs", "redeem"] => origin::redeem(site, request).await,
        ["v1", "admin", rest @ ..] => operator::route(site, request, rest).await,
        ["v1", ..] => Err(nothing_here()),
        ["queue", id, rest @ ..] => room::route(site, request, &queue_id(id)?, rest).await,
        ["tidegate", ..] => {
            get(site)?;
            room::asset(&path)
        }
        [".well-known", "jwks.json"] => {
            get(site)?;
            origin::jwks(site)
        }
        _ => shop::serve(site, request).await,
    }
}

/// A queue's id out of a path; what cannot be one names no queue.
pub fn queue_id(text: &str) -> Result<QueueId, Problem> {
    text.parse().map_err(|_| Problem::queue_not_found(text))
}

/// For paths that nobody answers.
pub fn nothing_here() -> Failure {
    Problem::new(Code::NotFound, "There is nothing at this address.").into()
}

/// Lets only reads through.
pub fn get(site: &Site) -> Result<(), Failure> {
    only(site, &[Method::Get, Method::Head], "GET, HEAD")
}

/// Lets only posts through.
pub fn post(site: &Site) -> Result<(), Failure> {
    only(site, &[Method::Post], "POST")
}

/// Lets only these methods through.
pub fn only(site: &Site, methods: &[Method], named: &'static str) -> Result<(), Failure> {
    if methods.contains(&site.method) {
        Ok(())
    } else {
        Err(Failure::Method(named))
    }
}
