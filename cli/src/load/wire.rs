//! One HTTP request, measured. All requests share one client and its keep-alive connections.

use core::error::Error;
use core::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use serde::Deserialize;
use tokio::time::Instant;

use super::pacer::{Pacer, Turn};
use super::stats::{Ending, Stats, Step};
use crate::failure::Failure;
use crate::queue::Edge;

/// Servers close idle connections after about 5 s: one that old is not used again, or the close and
/// a request could cross on the way.
const IDLE: Duration = Duration::from_secs(4);
/// The longest `Retry-After` that is believed.
const RETRY_AFTER_MAX: u64 = 60;

/// The client of a run.
pub struct Wire {
    client: Client,
    base: String,
    pub pacer: Pacer,
    pub stats: Stats,
}

/// What to send.
pub struct Call<'a> {
    pub method: Method,
    /// Below the deployment's address, with a slash in front.
    pub path: &'a str,
    pub bearer: Option<HeaderValue>,
    pub body: Option<String>,
    pub idempotency_key: Option<&'a str>,
}

impl<'a> Call<'a> {
    pub fn get(path: &'a str) -> Self {
        Self {
            method: Method::GET,
            ..Self::post(path)
        }
    }

    pub fn post(path: &'a str) -> Self {
        Self {
            method: Method::POST,
            path,
            bearer: None,
            body: None,
            idempotency_key: None,
        }
    }

    #[must_use]
    pub fn bearer(self, bearer: &HeaderValue) -> Self {
        Self {
            bearer: Some(bearer.clone()),
            ..self
        }
    }

    #[must_use]
    pub fn body(self, body: String) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }
}

/// What came back.
pub struct Answer {
    pub answered: Instant,
    pub status: u16,
    pub retry_after: Option<Duration>,
    pub body: Bytes,
}

impl Answer {
    /// A refusal's code.
    pub fn code(&self) -> Option<&str> {
        #[derive(Deserialize)]
        struct Problem<'a> {
            #[serde(borrow)]
            code: &'a str,
        }
        if self.status < 400 {
            return None;
        }
        serde_json::from_slice::<Problem<'_>>(&self.body)
            .ok()
            .map(|problem| problem.code)
    }

    /// The body's JSON.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub struct Lost {
    pub ending: Ending,
    pub why: String,
}

impl Wire {
    pub fn new(edge: &Edge, timeout: Duration, pacer: Pacer) -> Result<Self, Failure> {
        let mut builder = Client::builder()
            .user_agent(concat!("tidegate-load/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(timeout)
            .timeout(timeout)
            .pool_idle_timeout(IDLE)
            .redirect(Policy::none());
        if edge.is_loopback() {
            builder = builder.no_proxy();
        }
        let no_figures = || Failure::failed("cannot set up the figures");
        Ok(Self {
            client: builder
                .build()
                .map_err(|error| Failure::failed(format!("cannot set up HTTP: {error}")))?,
            base: edge.name().to_owned(),
            pacer,
            stats: Stats::new().ok_or_else(no_figures)?,
        })
    }

    /// The deployment's address, without a slash at its end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Waits for a turn and sends.
    pub async fn call(&self, step: Step, call: Call<'_>) -> Result<Answer, Lost> {
        let turn = self.pacer.turn().await;
        self.send(turn, step, call).await
    }

    /// Sends, and notes how it ended.
    pub async fn send(&self, turn: Turn<'_>, step: Step, call: Call<'_>) -> Result<Answer, Lost> {
        let sent = Instant::now();
        let result = self.exchange(call).await;
        let took = turn.due.elapsed();
        self.stats.serve(turn.held_back, sent.elapsed());
        match &result {
            Ok(answer) => {
                let code = answer.code();
                let good = step.expects(answer.status, code);
                let ending = if good { Ending::Good } else { Ending::Bad };
                self.stats.add(step, ending, took, || {
                    format!("{} {}", answer.status, code.unwrap_or_default())
                });
            }
            Err(lost) => self.stats.add(step, lost.ending, took, || lost.why.clone()),
        }
        result
    }

    /// Sends without noting anything.
    pub async fn exchange(&self, call: Call<'_>) -> Result<Answer, Lost> {
        let url = format!("{}{}", self.base, call.path);
        let mut request = self.client.request(call.method, url);
        if let Some(bearer) = call.bearer {
            request = request.header(AUTHORIZATION, bearer);
        }
        if let Some(key) = call.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        // Boxed, or each of the many who only wait would hold the room for a request.
        let received = Box::pin(async {
            let response = request.send().await?;
            let status = response.status().as_u16();
            let retry_after = response.headers().get(RETRY_AFTER).and_then(seconds);
            response
                .bytes()
                .await
                .map(|body| (status, retry_after, body))
        });
        let (status, retry_after, body) = received.await.map_err(|error| lost(&error))?;
        Ok(Answer {
            answered: Instant::now(),
            status,
            retry_after,
            body,
        })
    }
}

fn seconds(value: &HeaderValue) -> Option<Duration> {
    let seconds: u64 = value.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds.min(RETRY_AFTER_MAX)))
}

fn lost(error: &reqwest::Error) -> Lost {
    if error.is_timeout() {
        return Lost {
            ending: Ending::TimedOut,
            why: String::from("no answer in time"),
        };
    }
    // The cause of all: reqwest's own texts repeat the URL.
    let mut innermost: &dyn Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    Lost {
        ending: Ending::Broken,
        why: innermost.to_string(),
    }
}
