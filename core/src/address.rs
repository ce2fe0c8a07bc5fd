//! Where an address leads. Keys, tokens and cookies go over https; plain http, which anybody on the
//! way reads and alters, is for this very machine.

use url::{Host, Url};

/// Whether an address is on this very machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether nobody on the way can read what is sent there: by https, or on this very machine.
pub fn is_confidential(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => is_loopback(url),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine() {
        for (text, expected) in [
            ("https://a.example", true),
            ("http://a.example", false),
            ("http://localhost:1", true),
            ("http://localhost.a.example", false),
            ("http://127.0.0.1:1/x", true),
            ("http://127.8.9.1", true),
            ("http://[::1]:1", true),
            ("http://10.0.0.1", false),
            ("ftp://localhost", false),
            ("mailto:a@localhost", false),
        ] {
            assert_eq!(
                is_confidential(&Url::parse(text).unwrap()),
                expected,
                "{text}"
            );
        }
    }
}
