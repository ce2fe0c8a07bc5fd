//! One request's surroundings: where it was sent, when, and what it may reach.

use std::cell::RefCell;

use tidegate_core::UnixMillis;
use tidegate_core::address::is_loopback;
use tidegate_core::hex::hex;
use tidegate_core::token::keys::Reach;
use url::Url;
use worker::{Context, Date, Env, Headers, Method, Request, Result};

use crate::random;

thread_local! {
    static KNOWN_ISSUER: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// See the module's documentation.
pub struct Site {
    pub env: Env,
    pub context: Context,
    pub url: Url,
    pub method: Method,
    /// Whether the method is one that this code knows; the platform's library reads others as GET.
    pub knows_method: bool,
    /// The request's headers.
    pub headers: Headers,
    /// The edge's clock, read once.
    pub now: UnixMillis,
    /// Names this request in answers and logs.
    pub request_id: String,
    /// Whether the request was made on this very machine.
    pub reach: Reach,
}

impl Site {
    pub fn new(request: &Request, env: Env, context: Context) -> Result<Self> {
        let url = request.url()?;
        let headers = request.headers().clone();
        let ray = headers.get("cf-ray")?;
        let request_id = match ray {
            Some(ray) => ray,
            None => random::bytes::<8>()
                .map(|bytes| hex(&bytes))
                .unwrap_or_default(),
        };
        let reach = reach(&url);
        Ok(Self {
            env,
            context,
            knows_method: request.inner().method() == request.method().as_ref(),
            method: request.method(),
            headers,
            now: Date::now().as_millis(),
            request_id,
            reach,
            url,
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

    /// What handoff tokens name as `iss`.
    pub fn issuer(&self) -> String {
        let configured = self.var("ISSUER");
        KNOWN_ISSUER.set(configured.clone());
        configured.unwrap_or_else(|| self.origin())
    }

    /// Whether whoever asks would rather see a page than JSON.
    pub fn wants_html(&self) -> bool {
        self.header("accept")
            .is_some_and(|accept| accept.contains("text/html"))
    }
}

/// What `ISSUER` says, if it says anything and a request has read it already.
pub fn known_issuer() -> Option<String> {
    KNOWN_ISSUER.with_borrow(Clone::clone)
}

/// The reach of a request to an origin that begins an address. Only the usual names of this machine
/// count: whoever comes by another goes the long way, or finds no development keys.
pub fn reach_of_origin(origin: &str) -> Reach {
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) {
            name
        } else {
            host
        }
    });
    match name {
        "localhost" | "127.0.0.1" | "[::1]" => Reach::Loopback,
        _ => Reach::Public,
    }
}

/// A time of JavaScript's.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`Date.now()` is a whole positive number"
)]
pub fn millis(now: f64) -> UnixMillis {
    now as UnixMillis
}

/// The platform routes by host name, so nobody outside can reach a deployed Worker as loopback.
fn reach(url: &Url) -> Reach {
    if is_loopback(url) {
        Reach::Loopback
    } else {
        Reach::Public
    }
}
