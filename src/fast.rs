//! The fast path's functions, as `entry.js` calls them: see [`FastPath`].

use tidegate_core::UnixMillis;
use tidegate_core::edge::fast_path::{self, FastPath};
use tidegate_core::edge::pending::Step;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::Promise;
use worker::js_sys::futures::future_to_promise;
use worker::worker_sys;
use worker::worker_sys::web_sys;
use worker::{Context, Env, Request};

use crate::driver::Driver;
use crate::isolate;
use crate::responder;

thread_local! {
    static FAST_PATH: FastPath = FastPath::new(isolate());
}

/// See [`FastPath::read`].
#[wasm_bindgen]
pub fn fast_read(text: &str, now: f64) -> String {
    FAST_PATH.with(|path| path.read(text, millis(now)))
}

/// See [`FastPath::begin`].
#[wasm_bindgen]
pub fn fast_begin(text: &str, now: f64) -> String {
    FAST_PATH.with(|path| path.begin(text, millis(now)))
}

/// See [`FastPath::resume`].
#[wasm_bindgen]
pub fn fast_resume(number: u32, supply: Option<String>, now: f64) -> String {
    FAST_PATH.with(|path| path.resume(number, supply, millis(now)))
}

/// See [`fast_path::headers_of`].
#[wasm_bindgen]
pub fn fast_headers(kind: &str, is_https: bool) -> String {
    fast_path::headers_of(kind, is_https)
}

/// A key that signs handoff tokens, as a JWK with its private half: for the platform's own
/// signatures.
#[wasm_bindgen]
pub fn fast_signer(x: &str) -> Option<String> {
    isolate().private_jwk(x)
}

/// Goes on with a call by the ordinary driver.
#[wasm_bindgen]
pub fn fast_finish(
    number: u32,
    request: web_sys::Request,
    env: Env,
    context: worker_sys::Context,
) -> Promise {
    let driver = Driver::new(Request::from(request), env, Context::new(context));
    let call = FAST_PATH.with(|path| path.take(number));
    future_to_promise(async move {
        let response = match call {
            Some(call) => driver.drive(call.pending, Step::Demand(call.demand)).await,
            None => responder::response(isolate().lost()),
        };
        Ok(web_sys::Response::from(response?).into())
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`Date.now()` is a whole positive number"
)]
const fn millis(now: f64) -> UnixMillis {
    now as UnixMillis
}
