//! The content security policy of every page here.

/// The value of `Content-Security-Policy`. `checkout_origin`, such as `https://shop.example`, is
/// where forms may go besides this site; `None` where the checkout is on this site. Anything that
/// is not a plain `http(s)` origin is left out, so that no value can widen the policy.
///
/// Browsers hold redirects that follow a form to `form-action` too: a checkout that answers the
/// handoff with a redirect to a further site needs that site to be its own `checkoutUrl`.
pub fn content_security_policy(checkout_origin: Option<&str>) -> String {
    let form_action = match checkout_origin.filter(|origin| is_plain_origin(origin)) {
        Some(origin) => format!("'self' {origin}"),
        None => String::from("'self'"),
    };
    format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
         img-src 'self'; form-action {form_action}; base-uri 'none'; frame-ancestors 'none'"
    )
}

fn is_plain_origin(text: &str) -> bool {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        !host.is_empty() && host.bytes().all(plain)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_site_is_allowed_and_nothing_inline() {
        let policy = content_security_policy(None);
        assert!(policy.starts_with("default-src 'none'; "));
        for directive in [
            "style-src 'self';",
            "script-src 'self';",
            "connect-src 'self';",
            "img-src 'self';",
            "form-action 'self';",
            "base-uri 'none';",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(directive), "{policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("data:"));
    }

    #[test]
    fn forms_may_go_to_the_checkout() {
        for origin in [
            "https://shop.example",
            "http://127.0.0.1:9000",
            "https://[::1]:8443",
        ] {
            let policy = content_security_policy(Some(origin));
            assert!(
                policy.contains(&format!("form-action 'self' {origin};")),
                "{policy}"
            );
        }
    }

    #[test]
    fn a_hostile_origin_does_not_widen_the_policy() {
        for bad in [
            "https://a.example; script-src *",
            "https://a.example https://b.example",
            "https://*",
            "*",
            "https://",
            "javascript:alert(1)",
            "https://shop.example/path",
            "'unsafe-inline'",
        ] {
            assert_eq!(
                content_security_policy(Some(bad)),
                content_security_policy(None),
                "{bad}"
            );
        }
    }
}
