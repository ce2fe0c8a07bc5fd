//! A request as the edge reads it: the same, however a driver came by its parts.

use core::net::IpAddr;

use super::address::Address;
use crate::ids::QueueId;
use crate::token::keys::Reach;

/// The largest body that Tidegate's own calls take.
pub const BODY_MAX: usize = 16 * 1024;

/// A method. A call takes the ones that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are HTTP's")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
    /// One that Tidegate has no use for.
    Other,
}

impl Method {
    /// Reads a method's name.
    pub fn read(name: &str) -> Self {
        match name {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            "OPTIONS" => Self::Options,
            _ => Self::Other,
        }
    }

    /// How a refusal names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Other => "This method",
        }
    }

    /// Whether it only reads.
    pub const fn reads(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}

/// What a request's first lines hold that every call looks at.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where it was sent.
    pub address: Address,
    /// The header `Authorization`. An empty one is none.
    pub authorization: Option<String>,
    /// The header `Cookie`.
    pub cookie: Option<String>,
    /// The header `Origin`.
    pub origin: Option<String>,
    /// Whether something on the way forwarded it: then it is nobody's on this machine.
    pub is_forwarded: bool,
    /// The headers that few calls look at, if the driver has read them.
    pub rest: Option<Rest>,
    /// The body, if the driver has read it.
    pub body: Option<Vec<u8>>,
}

/// The headers that few calls look at.
#[derive(Clone, Debug, Default)]
pub struct Rest {
    /// `Accept`.
    pub accept: Option<String>,
    /// `CF-Ray`: how the platform names the request.
    pub ray: Option<String>,
    /// `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// `Upgrade`.
    pub upgrade: Option<String>,
    /// `Content-Length`.
    pub content_length: Option<String>,
}

impl Rest {
    /// Whether a page is wanted rather than JSON.
    pub fn wants_html(&self) -> bool {
        self.accept
            .as_ref()
            .is_some_and(|accept| accept.contains("text/html"))
    }

    /// Whether the request announces a body that is too large: it need not be read to be refused.
    pub fn announces_too_much(&self) -> bool {
        let announced = self
            .content_length
            .as_ref()
            .and_then(|length| length.parse().ok());
        announced.is_some_and(|length: usize| length > BODY_MAX)
    }
}

/// Whether these headers say that something on the way forwarded a request. A tunnel to a
/// developer's machine does, and so does a header by which miniflare takes another address for the
/// request's own: the `Host` stays.
pub fn says_forwarded<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> bool {
    headers.into_iter().any(|(name, value)| match name {
        "forwarded" | "via" | "x-real-ip" => true,
        "host" => !Address::read(&format!("http://{value}/")).is_some_and(|host| host.is_loopback),
        // Who the platform was asked by.
        "cf-connecting-ip" => !value.parse().is_ok_and(|peer: IpAddr| peer.is_loopback()),
        _ => name.starts_with("x-forwarded-"),
    })
}

/// Where a browser says that a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// This site's own pages.
    Here,
    /// Another site's page, or one that will not say.
    Elsewhere,
    /// No browser, or a request that carries no `Origin`.
    Unsaid,
}

/// A ticket as a request shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown<'a> {
    /// In `Authorization`.
    Bearer(&'a str),
    /// In the queue's cookie.
    Cookie(&'a str),
    /// Not at all.
    Nothing,
}

impl<'a> Shown<'a> {
    /// The token, wherever it was.
    pub const fn token(self) -> Option<&'a str> {
        match self {
            Self::Bearer(token) | Self::Cookie(token) => Some(token),
            Self::Nothing => None,
        }
    }
}

impl Request {
    /// Whether development keys are good for it. The platform routes by host name, so nobody
    /// outside reaches a deployed Worker as loopback; somebody behind a tunnel to a developer's
    /// machine would.
    pub const fn reach(&self) -> Reach {
        if self.address.is_loopback && !self.is_forwarded {
            Reach::Loopback
        } else {
            Reach::Public
        }
    }

    /// Where it comes from.
    pub fn from(&self) -> From {
        match &self.origin {
            Some(origin) if origin == self.address.origin() => From::Here,
            Some(_) => From::Elsewhere,
            None => From::Unsaid,
        }
    }

    /// The token in `Authorization`; an empty one where that is of another scheme, so that it is
    /// refused rather than overlooked.
    pub fn bearer(&self) -> Option<&str> {
        let header = self
            .authorization
            .as_deref()
            .filter(|header| !header.is_empty())?;
        let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
        Some(if scheme.eq_ignore_ascii_case("bearer") {
            token.trim()
        } else {
            ""
        })
    }

    /// The ticket that it shows for a queue; a bearer wins over a cookie.
    pub fn shown(&self, queue: &QueueId) -> Shown<'_> {
        match self.bearer() {
            Some(token) => Shown::Bearer(token),
            None => self
                .cookie_named(&super::cookies::ticket(queue))
                .map_or(Shown::Nothing, Shown::Cookie),
        }
    }

    /// The value of a cookie.
    pub fn cookie_named(&self, name: &str) -> Option<&str> {
        self.cookie.as_ref()?.split(';').find_map(|pair| {
            let (known, value) = pair.trim().split_once('=')?;
            (known == name).then_some(value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(authorization: Option<&str>, cookie: Option<&str>) -> Request {
        Request {
            method: Method::Get,
            address: Address::read("https://shop.example/v1/queues/lamp/status").unwrap(),
            authorization: authorization.map(str::to_owned),
            cookie: cookie.map(str::to_owned),
            origin: None,
            is_forwarded: false,
            rest: None,
            body: None,
        }
    }

    #[test]
    fn a_bearer_wins_over_a_cookie_and_an_empty_header_is_none() {
        let lamp = "lamp".parse().unwrap();
        let cookies = "a=b; __Host-tidegate-lamp=in-cookie; __Host-tidegate-lam=other";
        for (authorization, expected) in [
            (Some("Bearer one"), Shown::Bearer("one")),
            (Some("bearer  one "), Shown::Bearer("one")),
            (Some("Basic one"), Shown::Bearer("")),
            (Some("Bearer"), Shown::Bearer("")),
            (Some(""), Shown::Cookie("in-cookie")),
            (None, Shown::Cookie("in-cookie")),
        ] {
            assert_eq!(request(authorization, Some(cookies)).shown(&lamp), expected);
        }
        assert_eq!(request(Some(""), None).shown(&lamp), Shown::Nothing);
    }

    #[test]
    fn a_tunnel_and_another_address_are_forwarding() {
        let own = [
            ("host", "localhost:8787"),
            ("cf-connecting-ip", "127.0.0.1"),
            ("accept", "*/*"),
        ];
        assert!(!says_forwarded(own));
        assert!(!says_forwarded([
            ("host", "[::1]:8787"),
            ("cf-connecting-ip", "::1")
        ]));
        for more in [
            ("forwarded", "for=192.0.2.1"),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-host", "localhost"),
            ("x-real-ip", "127.0.0.1"),
            ("via", "1.1 proxy"),
            ("host", "shop.example"),
            ("host", ""),
            ("cf-connecting-ip", "192.0.2.1"),
            ("cf-connecting-ip", "unknown"),
        ] {
            assert!(says_forwarded(own.into_iter().chain([more])), "{more:?}");
        }
    }

    #[test]
    fn what_was_forwarded_is_nobody_s_on_this_machine() {
        let mut request = request(None, None);
        request.address = Address::read("http://localhost:8787/").unwrap();
        assert_eq!(request.reach(), Reach::Loopback);
        request.is_forwarded = true;
        assert_eq!(request.reach(), Reach::Public);
    }
}
