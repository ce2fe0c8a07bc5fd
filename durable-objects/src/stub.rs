//! The typed channel: an object's one method `ask`, a call in and its reply out, as text. It is
//! a remote procedure call of the platform, which takes half the work of a request by `fetch`.

use std::fmt::Display;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::time::Duration;

use futures::future::{Either, select};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tidegate_core::calls::{Call, Reply};
use tidegate_core::problem::{Code, Problem};
use tidegate_core::wire::{self, Unreadable};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::futures::{JsFuture, future_to_promise};
use worker::js_sys::{Function, Promise};
use worker::{Delay, Env, Error, Request, RequestInit, Response, Result, console_error};

#[wasm_bindgen]
extern "C" {
    type Object;

    #[wasm_bindgen(method, catch)]
    fn ask(this: &Object, call: &str) -> std::result::Result<Promise, JsValue>;
}

/// Carries the call of an upgrade.
const CALL_HEADER: &str = "tidegate-call";

/// How long one object waits for another's reply. What never settles ends as out of reach, and is
/// asked anew.
const PATIENCE: Duration = Duration::from_secs(10);

/// Calls the object `name` of namespace `binding`. A fresh stub for each call: a stub that saw an
/// error may stay broken.
pub(crate) async fn call<C, R>(env: &Env, binding: &str, name: &str, call: &C) -> Reply<R>
where
    C: Call,
    R: DeserializeOwned,
{
    let text = wire::write(&call.label(), call).map_err(|error| fault(binding, &error))?;
    let asked = pin!(ask(env, binding, name, &text));
    let answer = match select(asked, Delay::from(PATIENCE)).await {
        Either::Left((answer, _)) => answer.map_err(|error| fault(binding, &error))?,
        Either::Right(_) => return Err(fault(binding, &"no reply in time")),
    };
    wire::read(&answer).map_err(|error| fault(binding, &error))?
}

/// The same with the call, and what it comes back with, as they travel, for as long as it takes.
pub async fn ask(env: &Env, binding: &str, name: &str, call: &str) -> Result<String> {
    let object: Object = env.durable_object(binding)?.get_by_name(name)?.into_rpc();
    let answered = JsFuture::from(object.ask(call)?).await?;
    answered.as_string().ok_or("a reply is a text".into())
}

/// Asks the object `name` for a WebSocket, which only a request can: an upgrade that carries the
/// call in a header, for it may have no body. Comes back with the upgraded response, or with the
/// refusal as it travels.
pub async fn upgrade(
    env: &Env,
    binding: &str,
    name: &str,
    call: &str,
) -> Result<std::result::Result<Response, String>> {
    let stub = env.durable_object(binding)?.get_by_name(name)?;
    let init = RequestInit::new();
    init.headers.set("upgrade", "websocket")?;
    init.headers.set(CALL_HEADER, call)?;
    let request = Request::new_with_init("https://object/", &init)?;
    let mut response = stub.fetch_with_request(request).await?;
    Ok(match response.status_code() {
        101 => Ok(response),
        _ => Err(response.text().await?),
    })
}

/// What a caller is told when an object does not answer as it should.
fn fault(binding: &str, error: &dyn Display) -> Problem {
    console_error!("call to {binding}: {error}");
    let what = binding.to_lowercase();
    Problem::new(
        Code::ServiceUnavailable,
        format!("The {what} does not answer; try again."),
    )
}

/// The call of an upgrade, if the request is one.
pub(crate) fn upgrade_call<C: DeserializeOwned>(request: &Request) -> Result<Option<C>> {
    let call = request.headers().get(CALL_HEADER)?;
    Ok(match call {
        Some(call) => Some(wire::read(&call).map_err(unreadable)?),
        None => None,
    })
}

/// The refusal of an upgrade, as [`upgrade`] reads it.
pub(crate) fn refuse_upgrade(problem: Problem) -> Result<Response> {
    Response::ok(wire::write("", &Reply::<()>::Err(problem)).map_err(unreadable)?)
}

/// How an object answers a call.
pub(crate) enum Answering<R> {
    /// At once.
    Now(Reply<R>),
    /// When this has run.
    Later(Pin<Box<dyn Future<Output = Reply<R>>>>),
    /// When its [`Teller`] tells: of many who wait for the same work, each costs less than by a
    /// future of their own.
    Told(Promise),
}

impl<R> Answering<R> {
    /// Answers when `work` has run.
    pub(crate) fn later(work: impl Future<Output = Reply<R>> + 'static) -> Self {
        Self::Later(Box::pin(work))
    }
}

/// Who waits for a reply.
pub(crate) struct Teller<R: Serialize + 'static> {
    /// Until it is told.
    resolve: Option<Function>,
    reply: PhantomData<R>,
}

impl<R: Serialize + 'static> Teller<R> {
    /// A teller, and how an object answers meanwhile.
    pub(crate) fn new() -> (Self, Answering<R>) {
        let mut resolve = None;
        let promise = Promise::new(&mut |told, _| resolve = Some(told));
        let teller = Self {
            resolve,
            reply: PhantomData,
        };
        (teller, Answering::Told(promise))
    }

    /// Tells the reply. Who hung up asks again.
    pub(crate) fn tell(mut self, reply: &Reply<R>) {
        self.resolve_with(written(reply));
    }

    /// Tells the reply when `work` has run.
    pub(crate) fn tell_later(mut self, work: impl Future<Output = Reply<R>> + 'static) {
        let promise = future_to_promise(async move { written(&work.await) });
        self.resolve_with(Ok(promise.into()));
    }

    fn resolve_with(&mut self, said: std::result::Result<JsValue, JsValue>) {
        if let Some(resolve) = self.resolve.take() {
            let said = said.unwrap_or_else(|error| Promise::reject(&error).into());
            // The platform's own function: it does not throw.
            let _ = resolve.call1(&JsValue::UNDEFINED, &said);
        }
    }
}

/// Nobody is left waiting.
impl<R: Serialize + 'static> Drop for Teller<R> {
    fn drop(&mut self) {
        if self.resolve.is_some() {
            self.resolve_with(written(&Reply::<R>::Err(interrupted())));
        }
    }
}

/// What is said to those who waited for work that ended before its time.
pub(crate) fn interrupted() -> Problem {
    Problem::new(
        Code::ServiceUnavailable,
        "The work was interrupted; try again.",
    )
}

/// What `ask` comes to: reads the call and writes the reply, or a promise of it.
pub(crate) fn answer<C, R>(
    call: &str,
    act: impl FnOnce(C) -> Answering<R>,
) -> std::result::Result<JsValue, JsValue>
where
    C: Call,
    R: Serialize + 'static,
{
    let call = wire::read(call).map_err(unreadable)?;
    match act(call) {
        Answering::Now(reply) => written(&reply),
        Answering::Told(promise) => Ok(promise.into()),
        Answering::Later(work) => Ok(future_to_promise(async move { written(&work.await) }).into()),
    }
}

fn written<R: Serialize>(reply: &Reply<R>) -> std::result::Result<JsValue, JsValue> {
    let text = wire::write("", reply).map_err(unreadable)?;
    Ok(JsValue::from_str(&text))
}

fn unreadable(error: Unreadable) -> Error {
    Error::from(error.to_string())
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
