//! The edge Worker: two drivers of the edge's calls, which `tidegate-core` decides, and the shop
//! behind Tidegate's own addresses.

#![allow(
    missing_docs,
    reason = "#[event] and #[wasm_bindgen] make items without; what is ours has docs"
)]

mod driver;
mod fast;
mod responder;
mod shop;
mod site;

use std::panic;
use std::rc::Rc;

use tidegate_core::edge::isolate::Isolate;
use tidegate_pages::Rendered;
use worker::{Context, Env, Request, Response, Result, event};

pub use tidegate_objects::{Directory, Lane, Queue, Relay};

thread_local! {
    static ISOLATE: Rc<Isolate> = {
        let randomness = |bytes: &mut [u8]| getrandom::fill(bytes).is_ok();
        Rc::new(Isolate::new(Box::new(randomness), Rc::new(Rendered)))
    };
}

/// What this isolate remembers.
fn isolate() -> Rc<Isolate> {
    ISOLATE.with(Rc::clone)
}

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
    driver::answer(request, env, context).await
}
