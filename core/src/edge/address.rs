//! The address of a request, taken apart.

use url::Url;

use crate::address::is_loopback;

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
            byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'~' | b':' | b'.')
        };
        let is_plain = is_known
            && host.bytes().all(is_host)
            && port.is_none_or(is_port)
            && path.bytes().all(is_path)
            // A segment of dots alone leads elsewhere.
            && !path.contains("/.");
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
}
