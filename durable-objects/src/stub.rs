//! The typed channel: an object's one method `ask`, a call as JSON in and its reply as JSON out. It is
//! a remote procedure call of the platform, which takes half the work of a request by `fetch`.

use std::pin::Pin;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tidegate_core::calls::Reply;
use tidegate_core::problem::{Code, Problem};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::Promise;
use worker::js_sys::futures::{JsFuture, future_to_promise};
use worker::{Env, Error, Response, Result, console_error};

#[wasm_bindgen]
extern "C" {
    type Object;

    #[wasm_bindgen(method, catch)]
    fn ask(this: &Object, call: &str) -> std::result::Result<Promise, JsValue>;
}

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
    let object: Object = env.durable_object(binding)?.get_by_name(name)?.into_rpc();
    let answered = JsFuture::from(object.ask(&serde_json::to_string(call)?)?).await?;
    let text = answered.as_string().ok_or("a reply is a text")?;
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

/// How an object answers a call.
pub(crate) enum Answering<R> {
    /// At once.
    Now(Reply<R>),
    /// When this has run.
    Later(Pin<Box<dyn Future<Output = Reply<R>>>>),
}

impl<R> Answering<R> {
    /// Answers when `work` has run.
    pub(crate) fn later(work: impl Future<Output = Reply<R>> + 'static) -> Self {
        Self::Later(Box::pin(work))
    }
}

/// What `ask` comes to: reads the call and writes the reply, or a promise of it.
pub(crate) fn answer<C, R>(
    call: &str,
    act: impl FnOnce(C) -> Answering<R>,
) -> std::result::Result<JsValue, JsValue>
where
    C: DeserializeOwned,
    R: Serialize + 'static,
{
    let call = serde_json::from_str(call).map_err(Error::from)?;
    match act(call) {
        Answering::Now(reply) => written(&reply),
        Answering::Later(work) => Ok(future_to_promise(async move { written(&work.await) }).into()),
    }
}

fn written<R: Serialize>(reply: &Reply<R>) -> std::result::Result<JsValue, JsValue> {
    let text = serde_json::to_string(reply).map_err(Error::from)?;
    Ok(JsValue::from_str(&text))
}

/// What an object that serves nothing by `fetch` answers.
pub(crate) fn asked_only() -> Result<Response> {
    Response::error("This object is called by `ask`.", 404)
}

/// What an object answers when its own storage fails: nothing was written, so a retry is safe.
pub(crate) fn storage_failed(error: &Error) -> Problem {
    console_error!("storage: {error}");
    Problem::new(
        Code::ServiceUnavailable,
        "Storage failed; nothing was changed. Try again.",
    )
}
