//! What handlers ask of a path and its method.

use tidegate_core::ids::QueueId;
use tidegate_core::problem::{Code, Problem};
use worker::Method;

use crate::answer::Failure;
use crate::site::Site;

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
