//! One request's surroundings: where it was sent, when, and what it may reach.

use tidegate_core::UnixMillis;
use tidegate_core::ids::hex;
use tidegate_core::token::keys::Reach;
use url::{Host, Url};
use worker::{Context, Date, Env, Headers, Method, Request, Result};

use crate::random;

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
        self.var("ISSUER").unwrap_or_else(|| self.origin())
    }

    /// Whether whoever asks would rather see a page than JSON.
    pub fn wants_html(&self) -> bool {
        self.header("accept")
            .is_some_and(|accept| accept.contains("text/html"))
    }
}

/// The platform routes by host name, so nobody outside can reach a deployed Worker as loopback.
fn reach(url: &Url) -> Reach {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if loopback {
        Reach::Loopback
    } else {
        Reach::Public
    }
}
