//! One request to the shop: where it was sent, when, and what it brings.

use tidegate_core::UnixMillis;
use url::Url;
use worker::{Date, Env, Headers, Method, Request, Result};

/// See the module's documentation.
pub struct Site<'a> {
    pub env: Env,
    pub url: Url,
    pub method: Method,
    /// The request's headers.
    pub headers: Headers,
    /// The edge's clock, read once.
    pub now: UnixMillis,
    /// Names this request in answers and logs.
    pub request_id: &'a str,
}

impl<'a> Site<'a> {
    pub fn new(request: &Request, env: Env, request_id: &'a str) -> Result<Self> {
        Ok(Self {
            env,
            url: request.url()?,
            method: request.method(),
            headers: request.headers().clone(),
            now: Date::now().as_millis(),
            request_id,
        })
    }

    /// The header, if it was sent and is readable.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).ok().flatten()
    }

    /// This Worker's own origin, as a browser writes it in `Origin`.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// A variable of `wrangler.toml`, unless it is empty.
    pub fn var(&self, name: &str) -> Option<String> {
        self.env
            .var(name)
            .ok()
            .map(|value| value.to_string())
            .filter(|value| !value.is_empty())
    }
}
