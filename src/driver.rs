//! The ordinary driver of the edge's calls: it meets every demand by the platform's means, and
//! makes a response of the answer.

use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{Either, select};
use tidegate_core::UnixMillis;
use tidegate_core::edge::address::Address;
use tidegate_core::edge::answer::{Answer, Body};
use tidegate_core::edge::pending::{Demand, Object, Pending, Step, Supply};
use tidegate_core::edge::request::{BODY_MAX, Method, Request as Described, Rest, says_forwarded};
use tidegate_objects::stub;
use worker::{
    Cache, Context, Date, Delay, Env, Error, Headers, Request, Response, ResponseBuilder, Result,
    console_error,
};

use crate::isolate;
use crate::responder;
use crate::shop;

/// What a request brings, and what has become of it.
pub struct Driver {
    request: Request,
    env: Env,
    context: Context,
    /// The socket that a relay gave.
    socket: Option<Response>,
}

/// Answers a request from its beginning.
pub async fn answer(request: Request, env: Env, context: Context) -> Result<Response> {
    let mut pending = isolate().call(described(&request)?);
    let step = pending.begin(now());
    Driver::new(request, env, context)
        .drive(pending, step)
        .await
}

impl Driver {
    pub const fn new(request: Request, env: Env, context: Context) -> Self {
        Self {
            request,
            env,
            context,
            socket: None,
        }
    }

    /// Goes on with a call to its answer.
    pub async fn drive(mut self, mut pending: Pending, mut step: Step) -> Result<Response> {
        loop {
            match step {
                Step::Answer(answer) => return self.respond(answer).await,
                Step::Demand(demand) => {
                    let supply = self.meet(demand).await;
                    step = pending.resume(supply, now());
                }
            }
        }
    }

    async fn respond(self, answer: Answer) -> Result<Response> {
        match (answer.body, self.socket) {
            (Body::Shop, _) => {
                let refusal_for = described(&self.request)?;
                let served = shop::serve(self.request, self.env, &answer.id).await;
                let response = match served {
                    Ok(response) => response,
                    Err(failure) => {
                        let answer =
                            isolate().shop_refused(refusal_for, &failure.problem(&answer.id));
                        return responder::response(answer);
                    }
                };
                responder::finished(response, &answer.id, answer.is_https)
            }
            (Body::Socket, Some(socket)) => {
                responder::finished(socket, &answer.id, answer.is_https)
            }
            (body, _) => responder::response(Answer { body, ..answer }),
        }
    }

    /// Meets a demand. What fails is none, or out of reach.
    async fn meet(&mut self, demand: Demand) -> Supply {
        match demand {
            Demand::Ask { object, name, call } => {
                let asked = stub::ask(&self.env, object.binding(), &name, &call);
                match within(object, asked).await {
                    Ok(reply) => Supply::Text(reply),
                    Err(error) => out_of_reach(object, &name, &error),
                }
            }
            Demand::Upgrade { name, call } => {
                let asked = stub::upgrade(&self.env, Object::Relay.binding(), &name, &call);
                match within(Object::Relay, asked).await {
                    Ok(Ok(socket)) => {
                        self.socket = Some(socket);
                        Supply::Is(true)
                    }
                    Ok(Err(refusal)) => Supply::Text(refusal),
                    Err(error) => out_of_reach(Object::Relay, &name, &error),
                }
            }
            Demand::Sign { key, input } => text(isolate().signature(&key, &input)),
            Demand::Verify {
                key,
                input,
                signature,
            } => Supply::Is(isolate().is_signature(&key, &input, &signature)),
            Demand::Rest => Supply::Rest(Box::new(rest(self.request.headers()))),
            Demand::Body => body(&mut self.request).await,
            Demand::Secret(name) => {
                text(self.env.secret(name).ok().map(|secret| secret.to_string()))
            }
            Demand::Variable(name) => {
                let value = self.env.var(name).ok().map(|value| value.to_string());
                text(value.filter(|value| !value.is_empty()))
            }
            Demand::Cached(address) => text(cached(&address).await),
            Demand::Cache {
                address,
                text,
                policy,
                wait,
            } => {
                let kept = keep(address, text, policy);
                if wait {
                    kept.await;
                } else {
                    self.context.wait_until(kept);
                }
                Supply::Nothing
            }
            Demand::Sleep(millis) => {
                Delay::from(Duration::from_millis(millis)).await;
                Supply::Nothing
            }
        }
    }
}

/// The edge's clock.
fn now() -> UnixMillis {
    Date::now().as_millis()
}

fn text(text: Option<String>) -> Supply {
    text.map_or(Supply::Nothing, Supply::Text)
}

/// Waits for an object for as long as one may take.
async fn within<T>(object: Object, asked: impl Future<Output = Result<T>>) -> Result<T> {
    let patience = Delay::from(Duration::from_millis(object.patience_millis()));
    match select(pin!(asked), patience).await {
        Either::Left((reply, _)) => reply,
        Either::Right(_) => Err(Error::from("no reply in time")),
    }
}

fn out_of_reach(object: Object, name: &str, error: &Error) -> Supply {
    console_error!("{} {name}: {error}", object.binding());
    Supply::Nothing
}

/// A request as a call reads it.
pub fn described(request: &Request) -> Result<Described> {
    let headers = request.headers();
    let address = Address::read(&request.inner().url());
    let address = address.ok_or("a request has an address by http or https")?;
    Ok(Described {
        is_forwarded: address.is_loopback && is_forwarded(headers),
        method: Method::read(&request.inner().method()),
        address,
        authorization: header(headers, "authorization"),
        cookie: header(headers, "cookie"),
        origin: header(headers, "origin"),
        rest: Some(rest(headers)),
        body: None,
    })
}

fn is_forwarded(headers: &Headers) -> bool {
    let headers: Vec<(String, String)> = headers.entries().collect();
    says_forwarded(
        headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    )
}

fn rest(headers: &Headers) -> Rest {
    Rest {
        accept: header(headers, "accept"),
        ray: header(headers, "cf-ray"),
        idempotency_key: headers.get("idempotency-key").ok().flatten(),
        upgrade: header(headers, "upgrade"),
        content_length: header(headers, "content-length"),
    }
}

/// A header, if it was sent and is readable. An empty one is none.
fn header(headers: &Headers, name: &str) -> Option<String> {
    headers
        .get(name)
        .ok()
        .flatten()
        .filter(|value| !value.is_empty())
}

/// The body, as long as it is not too large.
async fn body(request: &mut Request) -> Supply {
    let mut body = Vec::new();
    // No stream means no body.
    let Ok(mut stream) = request.stream() else {
        return Supply::Bytes(body);
    };
    while let Some(chunk) = stream.next().await {
        let Ok(chunk) = chunk else {
            return Supply::Nothing;
        };
        if body.len().saturating_add(chunk.len()) > BODY_MAX {
            return Supply::TooMuch;
        }
        body.extend_from_slice(&chunk);
    }
    Supply::Bytes(body)
}

/// What the data centre's cache keeps. A cache that does not answer keeps nothing.
async fn cached(address: &str) -> Option<String> {
    let mut kept = Cache::default().get(address, false).await.ok()??;
    kept.text().await.ok()
}

/// Keeps a text. One that is not kept is made again.
async fn keep(address: String, text: String, policy: String) {
    let response = ResponseBuilder::new().with_header("cache-control", &policy);
    if let Ok(response) = response {
        let response = response.fixed(text.into_bytes());
        let _ = Cache::default().put(address, response).await;
    }
}
