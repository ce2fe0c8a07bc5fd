//! Headers that every answer has, whoever wrote its body.

use worker::{Headers, Result};

use crate::site::Site;

/// Sets what is missing of the security headers; what the shop said itself stays.
pub fn secure(headers: &Headers, site: &Site) -> Result<()> {
    let mut wanted = vec![
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        // A form post must still carry its Origin, which "no-referrer" would make null.
        ("referrer-policy", "strict-origin-when-cross-origin"),
        (
            "permissions-policy",
            "camera=(), geolocation=(), microphone=(), interest-cohort=()",
        ),
        (
            "content-security-policy",
            "base-uri 'self'; frame-ancestors 'none'; object-src 'none'",
        ),
    ];
    if site.url.scheme() == "https" {
        wanted.push((
            "strict-transport-security",
            "max-age=31536000; includeSubDomains",
        ));
    }
    for (name, value) in wanted {
        if !headers.has(name)? {
            headers.set(name, value)?;
        }
    }
    Ok(())
}

/// Never stored anywhere: what is one shopper's, or a secret's.
pub const NO_STORE: &str = "no-store";
