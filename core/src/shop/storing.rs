//! May this answer of the shop be shared? RFC 9111, read strictly: in doubt it is not stored.

use hmac_sha256::Hash;

use crate::hex::hex;

/// How long a page is fresh where the shop does not say, in seconds.
pub const DEFAULT_FRESH_SECONDS: u64 = 300;
/// What browsers are told of such a page.
pub const DEFAULT_CACHE_CONTROL: &str = "public, max-age=300, stale-while-revalidate=600";
/// The longest that a page is kept.
const FRESH_MAX_SECONDS: u64 = 31_536_000;
/// The largest answer that is stored, in bytes.
pub const STORE_MAX_BYTES: usize = 2 * 1024 * 1024;

/// What decides, of an answer to a request that carried no cookie and no authorization.
pub struct Answer<'a> {
    /// Its status.
    pub status: u16,
    /// Its `Cache-Control`.
    pub cache_control: Option<&'a str>,
    /// Its `Vary`.
    pub vary: Option<&'a str>,
    /// Whether it sets a cookie.
    pub sets_cookie: bool,
    /// Whether it has an `Expires` or a `Pragma`: older words, which only count without `max-age`.
    pub has_older_words: bool,
    /// How old it was already, in seconds: its `Age`.
    pub age_seconds: u64,
}

impl Answer<'_> {
    /// Whether it says of itself that it is one visitor's: not merely a failure or a redirect.
    pub fn is_personal(&self) -> bool {
        let varies = !varies_by_encoding_only(self.vary);
        let private = self.cache_control.unwrap_or("").to_lowercase();
        let private = ["private", "no-store", "no-cache"]
            .iter()
            .any(|word| private.contains(word));
        self.status == 200 && (self.sets_cookie || varies || private)
    }
}

/// For how many seconds the answer may be shared; `None` where it may not.
pub fn fresh_seconds(answer: &Answer<'_>) -> Option<u64> {
    if answer.status != 200 || answer.sets_cookie || !varies_by_encoding_only(answer.vary) {
        return None;
    }
    let directives: Vec<(String, Option<String>)> = answer
        .cache_control
        .unwrap_or("")
        .split(',')
        .map(directive)
        .collect();
    let says = |name: &str| directives.iter().any(|(known, _)| known == name);
    // "no-cache" and "must-revalidate" ask for a question each time, which is not answered yet.
    if [
        "private",
        "no-store",
        "no-cache",
        "must-revalidate",
        "proxy-revalidate",
    ]
    .into_iter()
    .any(says)
    {
        return None;
    }
    let age = |wanted: &str| {
        directives
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| {
                // What is no number is taken as stale, as the RFC advises.
                value
                    .as_deref()
                    .and_then(|value| value.parse::<u64>().ok())
                    .unwrap_or(0)
            })
    };
    let stated = age("s-maxage").or_else(|| age("max-age"));
    if stated.is_none() && answer.has_older_words {
        return None;
    }
    let seconds = stated
        .unwrap_or(DEFAULT_FRESH_SECONDS)
        .min(FRESH_MAX_SECONDS);
    let seconds = seconds.saturating_sub(answer.age_seconds);
    (seconds > 0).then_some(seconds)
}

fn directive(text: &str) -> (String, Option<String>) {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.trim().trim_matches('"').to_owned())),
        None => (text, None),
    };
    (name.trim().to_lowercase(), value)
}

fn varies_by_encoding_only(vary: Option<&str>) -> bool {
    vary.unwrap_or("").split(',').all(|field| {
        field.trim().is_empty() || field.trim().eq_ignore_ascii_case("accept-encoding")
    })
}

/// A strong entity tag of a body, for answers that came without one.
pub fn entity_tag(body: &[u8]) -> String {
    let digest = Hash::hash(body);
    format!("\"{}\"", hex(digest.get(..12).unwrap_or(&digest)))
}

/// Whether `If-None-Match` names this entity tag (weak comparison, RFC 9110 section 13.1.2).
pub fn none_match(if_none_match: &str, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    if_none_match.trim() == "*"
        || if_none_match
            .split(',')
            .any(|candidate| opaque(candidate) == opaque(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Answer<'static> {
        Answer {
            status: 200,
            cache_control: None,
            vary: None,
            sets_cookie: false,
            has_older_words: false,
            age_seconds: 0,
        }
    }

    fn with(cache_control: &'static str) -> Option<u64> {
        fresh_seconds(&Answer {
            cache_control: Some(cache_control),
            ..plain()
        })
    }

    #[test]
    fn a_plain_page_is_shared_for_the_default_time() {
        assert_eq!(fresh_seconds(&plain()), Some(DEFAULT_FRESH_SECONDS));
        assert_eq!(
            fresh_seconds(&Answer {
                vary: Some("Accept-Encoding"),
                ..plain()
            }),
            Some(300)
        );
    }

    #[test]
    fn the_shop_s_word_counts() {
        assert_eq!(with("public, max-age=60"), Some(60));
        assert_eq!(with("max-age=60, s-maxage=600"), Some(600));
        assert_eq!(with("Public, Max-Age=\"60\""), Some(60));
        assert_eq!(with("max-age=0"), None);
        assert_eq!(with("max-age=soon"), None);
        assert_eq!(with("max-age=99999999999"), Some(FRESH_MAX_SECONDS));
    }

    #[test]
    fn nothing_private_is_shared() {
        for private in [
            "private",
            "no-store",
            "public, no-cache",
            "PRIVATE, max-age=60",
            "private=\"x\"",
            "max-age=60, must-revalidate",
        ] {
            assert_eq!(with(private), None, "{private}");
        }
        assert_eq!(
            fresh_seconds(&Answer {
                sets_cookie: true,
                ..plain()
            }),
            None
        );
        for vary in [
            "Cookie",
            "*",
            "Accept-Encoding, User-Agent",
            "Authorization",
        ] {
            assert_eq!(
                fresh_seconds(&Answer {
                    vary: Some(vary),
                    ..plain()
                }),
                None,
                "{vary}"
            );
        }
        for status in [201, 206, 301, 302, 404, 500, 503] {
            assert_eq!(
                fresh_seconds(&Answer { status, ..plain() }),
                None,
                "{status}"
            );
        }
    }

    #[test]
    fn what_is_old_already_is_not_shared_as_fresh() {
        let old = Answer {
            cache_control: Some("max-age=2"),
            age_seconds: 100,
            ..plain()
        };
        assert_eq!(fresh_seconds(&old), None);
        let half = Answer {
            cache_control: Some("max-age=60"),
            age_seconds: 20,
            ..plain()
        };
        assert_eq!(fresh_seconds(&half), Some(40));
        assert_eq!(
            fresh_seconds(&Answer {
                has_older_words: true,
                ..plain()
            }),
            None
        );
        let stated = Answer {
            cache_control: Some("max-age=60"),
            has_older_words: true,
            ..plain()
        };
        assert_eq!(fresh_seconds(&stated), Some(60));
    }

    #[test]
    fn a_failure_is_not_taken_for_a_personal_page() {
        assert!(
            !Answer {
                status: 503,
                sets_cookie: true,
                ..plain()
            }
            .is_personal()
        );
        assert!(!plain().is_personal());
        assert!(
            Answer {
                sets_cookie: true,
                ..plain()
            }
            .is_personal()
        );
        assert!(
            Answer {
                cache_control: Some("Private"),
                ..plain()
            }
            .is_personal()
        );
        assert!(
            Answer {
                vary: Some("Cookie"),
                ..plain()
            }
            .is_personal()
        );
    }

    #[test]
    fn entity_tags_compare_weakly() {
        let tag = entity_tag(b"page");
        assert_eq!(tag, entity_tag(b"page"));
        assert_ne!(tag, entity_tag(b"other"));
        assert!(none_match(&format!("\"x\", W/{tag}"), &tag));
        assert!(none_match("*", &tag));
        assert!(!none_match("\"x\"", &tag));
    }
}
