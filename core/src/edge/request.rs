//! A request as the edge reads it: the same, however a driver came by its parts.

use core::net::IpAddr;

use url::Url;

use crate::address::is_loopback;
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

/// An address, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The whole of it, without a fragment.
    text: String,
    /// How long scheme and authority are together, and where the query begins.
    origin_end: usize,
    path_end: usize,
    /// Whether its host is this very machine.
    pub is_loopback: bool,
}

impl Address {
    /// Reads the address of a request; `None` where it is none.
    pub fn read(text: &str) -> Option<Self> {
        Self::plain(text).or_else(|| Self::parsed(text))
    }

    /// Takes apart an address that a parser would leave as it is, which nearly every one is.
    fn plain(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("http")?;
        let rest = rest.strip_prefix('s').unwrap_or(rest);
        let rest = rest.strip_prefix("://")?;
        let authority_len = rest.find('/')?;
        let (authority, path) = rest.split_at_checked(authority_len)?;
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        let is_host = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.');
        // A host that ends in a number is an IPv4 address, which has many spellings.
        let is_name = host.starts_with(|first: char| first.is_ascii_lowercase())
            && host.ends_with(|last: char| last.is_ascii_lowercase())
            && !host
                .split('.')
                .any(|label| label.is_empty() || label.starts_with("xn--"));
        let is_known = is_name || host == "127.0.0.1";
        let is_port = |port: &str| {
            let digits = port.bytes().all(|byte| byte.is_ascii_digit());
            digits && port.len() == 4 && !port.starts_with('0')
        };
        let is_path = |byte: u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'~' | b':')
        };
        let is_plain = is_known
            && host.bytes().all(is_host)
            && port.is_none_or(is_port)
            && path.bytes().all(is_path);
        is_plain.then(|| Self {
            text: text.to_owned(),
            origin_end: text.len().saturating_sub(path.len()),
            path_end: text.len(),
            is_loopback: host == "127.0.0.1" || host == "localhost",
        })
    }

    fn parsed(text: &str) -> Option<Self> {
        let mut url = Url::parse(text).ok()?;
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        url.set_fragment(None);
        // A name and password are nobody's business here.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let is_loopback = is_loopback(&url);
        let query_len = url.query().map_or(0, |query| query.len().saturating_add(1));
        let path_len = url.path().len();
        let text = String::from(url);
        let path_end = text.len().saturating_sub(query_len);
        Some(Self {
            text,
            origin_end: path_end.saturating_sub(path_len),
            path_end,
            is_loopback,
        })
    }

    /// Scheme and authority, as a browser writes them in `Origin`.
    pub fn origin(&self) -> &str {
        self.text.get(..self.origin_end).unwrap_or_default()
    }

    /// The path, encoded as it was sent.
    pub fn path(&self) -> &str {
        self.text
            .get(self.origin_end..self.path_end)
            .unwrap_or_default()
    }

    /// What follows the path: nothing, or a question mark and the query.
    pub fn query(&self) -> &str {
        self.text.get(self.path_end..).unwrap_or_default()
    }

    /// The first parameter of this name.
    pub fn parameter(&self, wanted: &str) -> Option<String> {
        let query = self.query().strip_prefix('?')?;
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        let (_, value) = pairs.find(|(name, _)| name == wanted)?;
        Some(value.into_owned())
    }

    /// Whether it is reached by https.
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https:")
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

/// Whether these headers say that something on the way forwarded a request. A tunnel to a developer's machine does,
/// and so does a header by which miniflare takes another address for the request's own: the `Host` stays.
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
    /// Whether development keys are good for it. The platform routes by host name, so nobody outside reaches a
    /// deployed Worker as loopback; somebody behind a tunnel to a developer's machine would.
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

    /// The token in `Authorization`; an empty one where that is of another scheme, so that it is refused rather
    /// than overlooked.
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
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_plain_address_is_what_a_parser_makes_of_it(
            text in "https?://(localhost|127\\.0\\.0\\.1|127\\.1|0x7f\\.1|shop\\.example|a|xn--a|A\\.b|1\\.2|a\\.1|a\\.0x1)(:(8787|0080|443|80|65535|99999|))?/[a-z/.%_~:A-Z0-9\\\\ -]{0,12}",
        ) {
            if let Some(plain) = Address::plain(&text) {
                prop_assert_eq!(Some(plain), Address::parsed(&text), "{}", text);
            }
        }
    }

    #[test]
    fn an_address_has_an_origin_a_path_and_a_query() {
        for (text, origin, path, query) in [
            (
                "http://localhost:8787/v1/queues/lamp",
                "http://localhost:8787",
                "/v1/queues/lamp",
                "",
            ),
            (
                "HTTPS://Shop.Example:443/a/../b?c=d#e",
                "https://shop.example",
                "/b",
                "?c=d",
            ),
            ("http://a.example", "http://a.example", "/", ""),
            (
                "http://user:secret@a.example/x",
                "http://a.example",
                "/x",
                "",
            ),
        ] {
            let address = Address::read(text).unwrap();
            assert_eq!(
                (address.origin(), address.path(), address.query()),
                (origin, path, query)
            );
        }
        assert_eq!(Address::read("ftp://a.example/"), None);
        assert_eq!(Address::read("/v1"), None);
    }

    #[test]
    fn only_this_machine_s_own_requests_are_of_this_machine() {
        for (text, expected) in [
            ("http://localhost:8787/", true),
            ("http://127.0.0.1:8787/", true),
            ("http://127.8.9.1/", true),
            ("http://[::1]:8787/", true),
            ("http://localhost.a.example/", false),
            ("https://shop.example/", false),
        ] {
            assert_eq!(Address::read(text).unwrap().is_loopback, expected, "{text}");
        }
    }

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
