//! What both halves need of HTTP: URLs that keys may be sent to, clients that give up in time, and
//! replies of bounded size.

use core::time::Duration;
use std::error::Error;
use std::fmt::Write;

use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use tidegate_core::address::is_loopback;

use crate::error::ConfigError;

/// The longest reply that is read. A key set of 32 keys has 5 KiB.
pub(crate) const REPLY_MAX: usize = 64 * 1024;
/// The longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Reads a URL that keys may come from and credentials may go to.
pub(crate) fn trusted_url(text: &str) -> Result<Url, ConfigError> {
    let invalid = || ConfigError::InvalidUrl(text.to_owned());
    let url = Url::parse(text).map_err(|_| invalid())?;
    if !url.has_host() {
        return Err(invalid());
    }
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    match url.scheme() {
        "https" if bare => Ok(url),
        "http" if bare && is_loopback(&url) => Ok(url),
        "http" if bare => Err(ConfigError::NotHttps(text.to_owned())),
        _ => Err(invalid()),
    }
}

/// The URL of `path` below `base`.
pub(crate) fn below(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    // Fails for URLs such as `mailto:` only, which `trusted_url` lets nobody have.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

/// A client that follows no redirects: what answers elsewhere is not the edge.
pub(crate) fn client(timeout: Duration) -> Result<Client, ConfigError> {
    Client::builder()
        .user_agent(concat!("tidegate-origin/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT.min(timeout))
        .timeout(timeout)
        .redirect(Policy::none())
        .build()
        .map_err(|error| ConfigError::HttpClient(causes(&error)))
}

/// Why a reply's body could not be had.
pub(crate) enum BodyError {
    /// It is longer than [`REPLY_MAX`].
    TooLong,
    /// The connection broke or the time ran out.
    Lost(String),
}

/// Reads a reply's body, up to [`REPLY_MAX`].
pub(crate) async fn read_body(mut response: Response) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len().saturating_add(chunk.len()) > REPLY_MAX => {
                return Err(BodyError::TooLong);
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) => return Err(BodyError::Lost(causes(&error))),
        }
    }
}

/// An error with its causes, outermost first; reqwest's own text stops at the first.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        // Writing to a string cannot fail.
        let _ = write!(text, ": {cause}");
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_only() {
        for good in [
            "https://a.example",
            "http://localhost:1",
            "http://127.0.0.1:1",
            "http://[::1]:1",
        ] {
            assert!(trusted_url(good).is_ok(), "{good}");
        }
        let refused = trusted_url("http://a.example");
        assert_eq!(
            refused,
            Err(ConfigError::NotHttps("http://a.example".into()))
        );
    }

    #[test]
    fn a_url_with_more_than_a_place_in_it_is_refused() {
        for bad in [
            "",
            "a.example",
            "ftp://a.example",
            "https://u:p@a.example",
            "https://a.example/?x",
            "https://a.example/#x",
        ] {
            assert_eq!(
                trusted_url(bad),
                Err(ConfigError::InvalidUrl(bad.into())),
                "{bad}"
            );
        }
    }

    #[test]
    fn paths_go_below_the_base_and_cannot_leave_it() {
        for base in ["https://a.example/gate", "https://a.example/gate/"] {
            let base = trusted_url(base).unwrap();
            assert_eq!(
                below(&base, &["v1", "x/../y"]).as_str(),
                "https://a.example/gate/v1/x%2F..%2Fy"
            );
        }
    }
}
