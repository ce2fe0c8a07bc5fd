//! The edge Worker: requests in, responses out. It routes, reads and signs tokens, and serves the
//! shop from the cache; what happens to a queue is decided by `tidegate-core` inside the objects.

#![allow(
    missing_docs,
    reason = "#[event] makes items without; what is ours has docs"
)]

mod alone;
mod answer;
mod body;
mod credentials;
mod facts;
mod headers;
mod keys;
mod once;
mod paths;
mod random;
mod recalled;
mod receipts;
mod router;
mod routes;
mod shop;
mod short_way;
mod site;
mod views;

use std::panic;

use worker::{Context, Env, Request, Response, Result, event};

pub use tidegate_objects::{Directory, Lane, Queue, Relay};

use crate::site::Site;

/// Adds readable panics to the runtime's own recovery, which replacing the hook would weaken.
#[event(start)]
fn start() {
    let recovery = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        console_error_panic_hook::hook(info);
        recovery(info);
    }));
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let site = Site::new(&request, env, context)?;
    let outcome = router::route(&site, request).await;
    answer::finish(&site, outcome)
}
