//! The typed channel: one POST with a call as JSON in, one reply as JSON out.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tidegate_core::calls::Reply;
use tidegate_core::problem::{Code, Problem};
use wasm_bindgen::JsValue;
use worker::{Env, Method, Request, RequestInit, Response, Result, console_error};

/// Calls the object `name` of namespace `binding`. A fresh stub for each call: a stub that saw an
/// error may stay broken.
pub async fn call<C, R>(env: &Env, binding: &str, name: &str, call: &C) -> Reply<R>
where
    C: Serialize,
    R: DeserializeOwned,
{
    match send(env, binding, name, call).await {
        Ok(reply) => reply,
        Err(error) => {
            console_error!("call to {binding} {name}: {error}");
            Err(out_of_reach(binding))
        }
    }
}

async fn send<C, R>(env: &Env, binding: &str, name: &str, call: &C) -> Result<Reply<R>>
where
    C: Serialize,
    R: DeserializeOwned,
{
    let stub = env.durable_object(binding)?.get_by_name(name)?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_body(Some(JsValue::from_str(&serde_json::to_string(call)?)));
    let request = Request::new_with_init("https://object/", &init)?;
    let text = stub.fetch_with_request(request).await?.text().await?;
    Ok(serde_json::from_str(&text)?)
}

/// What a caller is told when an object does not answer.
fn out_of_reach(binding: &str) -> Problem {
    let what = binding.to_lowercase();
    Problem::new(
        Code::ServiceUnavailable,
        format!("The {what} does not answer; try again."),
    )
}

/// Reads the call that a request carries.
pub(crate) async fn read_call<C: DeserializeOwned>(request: &mut Request) -> Result<C> {
    Ok(serde_json::from_str(&request.text().await?)?)
}

/// Turns a reply into the response that [`call`] reads.
pub(crate) fn respond<R: Serialize>(reply: &Reply<R>) -> Result<Response> {
    Response::ok(serde_json::to_string(reply)?)
}

/// What an object answers when its own storage fails: nothing was written, so a retry is safe.
pub(crate) fn storage_failed(error: &worker::Error) -> Problem {
    console_error!("storage: {error}");
    Problem::new(
        Code::ServiceUnavailable,
        "Storage failed; nothing was changed. Try again.",
    )
}
