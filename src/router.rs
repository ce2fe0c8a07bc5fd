//! Which handler a request is for. Tidegate's own paths are below; everything else is the shop's.

use worker::Request;

use crate::answer::{Answered, Failure};
use crate::body;
use crate::paths::{get, nothing_here, queue_id};
use crate::routes::{cross_origin, operator, origin, room};
use crate::shop;
use crate::site::Site;

/// Answers a request.
pub async fn route(site: &Site, request: Request) -> Answered {
    if !site.knows_method {
        return Err(Failure::Method(
            "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
        ));
    }
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
