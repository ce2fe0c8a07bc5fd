//! One page, one key: addresses that mean the same page share a cache entry, and nothing that a
//! shopper's link carries (a campaign, a click id) splits it.

use url::form_urlencoded;

/// Query parameters that say where a visitor came from, and nothing about the page.
const TRACKING: [&str; 12] = [
    "fbclid", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "msclkid", "mc_cid", "mc_eid",
    "igshid", "ttclid", "_ga",
];

/// How many parameters are sorted.
const SORTED_MAX: usize = 100;

/// The key of a page: its path, and its query sorted and without tracking parameters.
pub fn cache_key(path: &str, query: Option<&str>) -> String {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (name, value) in form_urlencoded::parse(query.unwrap_or("").as_bytes()) {
        if !is_tracking(&name) {
            // By name, then as they came: the order of a repeated parameter can mean something.
            // Past so many, no page has a meaning for their order that is worth the sorting.
            let place = match pairs.len() {
                0..SORTED_MAX => pairs.partition_point(|(known, _)| **known <= *name),
                count => count,
            };
            pairs.insert(place, (name.into_owned(), value.into_owned()));
        }
    }
    if pairs.is_empty() {
        return path.to_owned();
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    format!("{path}?{query}")
}

fn is_tracking(name: &str) -> bool {
    name.starts_with("utm_") || TRACKING.contains(&name)
}

/// Paths that always reach the origin: `/checkout*` and the like, separated by commas.
pub struct PassThrough(Vec<String>);

impl PassThrough {
    /// Reads the list; what is no path is passed over.
    pub fn read(list: &str) -> Self {
        let patterns = list
            .split(',')
            .map(str::trim)
            .filter(|pattern| pattern.starts_with('/'));
        Self(patterns.map(str::to_lowercase).collect())
    }

    /// Whether `path` is in the list. Case, percent-encoding and doubled slashes are no way around
    /// it: origins differ in what they take for the same.
    pub fn covers(&self, path: &str) -> bool {
        let decoded = percent_encoding::percent_decode_str(path)
            .decode_utf8_lossy()
            .to_lowercase();
        let mut plain = String::with_capacity(decoded.len());
        for character in decoded.chars() {
            if character != '/' || !plain.ends_with('/') {
                plain.push(character);
            }
        }
        self.0
            .iter()
            .any(|pattern| match pattern.strip_suffix('*') {
                Some(prefix) => plain.starts_with(prefix),
                None => plain == *pattern,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_one_page_share_its_key() {
        assert_eq!(cache_key("/p", None), "/p");
        assert_eq!(cache_key("/p", Some("")), "/p");
        assert_eq!(cache_key("/p", Some("utm_source=x&gclid=1")), "/p");
        assert_eq!(cache_key("/p", Some("b=2&a=1&utm_medium=y")), "/p?a=1&b=2");
        assert_eq!(
            cache_key("/p", Some("a=1&b=2")),
            cache_key("/p", Some("b=2&a=1"))
        );
    }

    #[test]
    fn what_differs_keeps_its_own_key() {
        assert_ne!(cache_key("/p", Some("a=1")), cache_key("/p", Some("a=2")));
        assert_ne!(
            cache_key("/p", Some("a=1&a=2")),
            cache_key("/p", Some("a=2&a=1"))
        );
        assert_ne!(
            cache_key("/p", Some("a=1%26b=2")),
            cache_key("/p", Some("a=1&b=2"))
        );
        assert_ne!(cache_key("/P", None), cache_key("/p", None));
    }

    #[test]
    fn no_spelling_slips_past_the_list() {
        let list = PassThrough::read("/checkout*, /cart ,nonsense");
        for path in [
            "/checkout",
            "/checkout/pay",
            "/Checkout",
            "/%63heckout",
            "//checkout",
            "/cart",
            "/CART",
        ] {
            assert!(list.covers(path), "{path}");
        }
        for path in ["/", "/products/checkout", "/cart/2", "/nonsense"] {
            assert!(!list.covers(path), "{path}");
        }
    }
}
