//! What a request says about who makes it: its session, whether a script made it, and from where.

use core::convert::Infallible;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use url::Url;

use crate::Shop;
use crate::sessions::SessionId;

/// The session's cookie.
const SESSION_COOKIE: &str = "shop-session";

/// Which site's page made a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A page of this shop, or of the waiting room in front of it.
    Here,
    /// Another site's page.
    Elsewhere,
    /// The request does not say.
    Unknown,
}

/// Who makes a request.
pub struct Visit {
    /// The session that its cookie names, whether or not there is one.
    pub session: Option<SessionId>,
    /// A script made it (it carries `Authorization`, which no form and no link does): it wants
    /// JSON.
    pub by_script: bool,
    /// Which site's page made it.
    pub sender: Sender,
}

impl<S> FromRequestParts<S> for Visit
where
    S: Send + Sync,
    Shop: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let headers = &parts.headers;
        Ok(Self {
            session: session(headers),
            by_script: headers.contains_key(AUTHORIZATION),
            sender: sender(headers, &Shop::from_ref(state).settings().edge_url),
        })
    }
}

/// The `Set-Cookie` that opens a session.
pub fn session_cookie(id: SessionId, https: bool) -> String {
    let secure = if https { "; Secure" } else { "" };
    format!("{SESSION_COOKIE}={id}; Path=/; HttpOnly; SameSite=Lax{secure}")
}

/// The `Set-Cookie` that ends a session.
pub fn no_session_cookie(https: bool) -> String {
    let secure = if https { "; Secure" } else { "" };
    format!("{SESSION_COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{secure}")
}

fn session(headers: &HeaderMap) -> Option<SessionId> {
    let cookies = headers
        .get_all(COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    let mut pairs = cookies
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(name, _)| name.trim() == SESSION_COOKIE)?
        .1
        .trim()
        .parse()
        .ok()
}

/// Browsers name the page's site in `Sec-Fetch-Site` and `Origin`, and let no page change them.
/// Behind the edge `Host` is the shop's own and no browser's, so what counts is the edge's URL and
/// the host that the edge forwards; `Host` counts for those who visit the shop itself.
fn sender(headers: &HeaderMap, edge_url: &str) -> Sender {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text("sec-fetch-site") == Some("same-origin") {
        return Sender::Here;
    }
    let Some(origin) = text("origin") else {
        return Sender::Unknown;
    };
    let Some(page) = Url::parse(origin).ok().as_ref().and_then(place) else {
        return Sender::Elsewhere;
    };
    let scheme = origin.split(':').next().unwrap_or_default();
    let own = ["x-forwarded-host", "host"]
        .into_iter()
        .filter_map(text)
        .map(|host| format!("{scheme}://{host}"))
        .chain([edge_url.to_owned()]);
    let mut places = own.filter_map(|url| place(&Url::parse(&url).ok()?));
    if places.any(|own| own == page) {
        Sender::Here
    } else {
        Sender::Elsewhere
    }
}

/// Host and port. `localhost` and `127.0.0.1` are the same machine, whichever one the browser was
/// given.
fn place(url: &Url) -> Option<(String, u16)> {
    let host = match url.host_str()? {
        "127.0.0.1" | "[::1]" => "localhost",
        host => host,
    };
    Some((host.to_owned(), url.port_or_known_default()?))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    fn sent(pairs: &[(&'static str, &'static str)]) -> Sender {
        sender(&headers(pairs), "https://drops.example")
    }

    #[test]
    fn own_pages_are_known_by_each_of_the_shops_names() {
        assert_eq!(sent(&[("origin", "https://drops.example")]), Sender::Here);
        assert_eq!(
            sent(&[("origin", "https://drops.example:443")]),
            Sender::Here
        );
        let forwarded = [
            ("origin", "https://www.example"),
            ("x-forwarded-host", "www.example"),
        ];
        assert_eq!(sent(&forwarded), Sender::Here);
        let direct = [
            ("origin", "http://localhost:8788"),
            ("host", "127.0.0.1:8788"),
        ];
        assert_eq!(sent(&direct), Sender::Here);
        let private = [("origin", "null"), ("sec-fetch-site", "same-origin")];
        assert_eq!(sent(&private), Sender::Here);
    }

    #[test]
    fn other_pages_are_told_apart() {
        for origin in [
            "null",
            "https://evil.example",
            "http://drops.example",
            "https://drops.example:8443",
            "https://drops.example.evil.example",
        ] {
            let pairs = [
                ("origin", origin),
                ("host", "127.0.0.1:8788"),
                ("sec-fetch-site", "cross-site"),
            ];
            assert_eq!(sent(&pairs), Sender::Elsewhere, "{origin}");
        }
        assert_eq!(sent(&[("host", "127.0.0.1:8788")]), Sender::Unknown);
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let cookie = "a=b; shop-session=00000000000000000000000000000007;c=d";
        assert!(session(&headers(&[("cookie", cookie)])).is_some());
        for other in [
            "shop-session=x",
            "xshop-session=00000000000000000000000000000007",
            "",
        ] {
            assert!(session(&headers(&[("cookie", other)])).is_none(), "{other}");
        }
    }
}
