//! Headers that every answer has, whoever wrote its body.

use worker::{Headers, Result};

use crate::site::Site;

/// What every answer carries.
pub fn common(https: bool) -> impl Iterator<Item = (&'static str, &'static str)> {
    const ALWAYS: [(&str, &str); 3] = [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        (
            "content-security-policy",
            "base-uri 'self'; frame-ancestors 'none'; object-src 'none'",
        ),
    ];
    const SECURE: (&str, &str) = (
        "strict-transport-security",
        "max-age=31536000; includeSubDomains",
    );
    ALWAYS.into_iter().chain(https.then_some(SECURE))
}

/// What a document carries besides. JSON has no links and no camera, and a poll's headers cost more
/// than its body.
const DOCUMENT: [(&str, &str); 2] = [
    // A form post must still carry its Origin, which "no-referrer" would make null.
    ("referrer-policy", "strict-origin-when-cross-origin"),
    (
        "permissions-policy",
        "camera=(), geolocation=(), microphone=(), interest-cohort=()",
    ),
];

/// Sets what is missing of the headers that such an answer has; what the shop said itself stays.
pub fn secure(headers: &Headers, site: &Site) -> Result<()> {
    let kind = headers.get("content-type")?.unwrap_or_default();
    let is_json =
        kind.starts_with("application/json") || kind.starts_with("application/problem+json");
    let documents = DOCUMENT.into_iter().filter(|_| !is_json);
    for (name, value) in common(site.url.scheme() == "https").chain(documents) {
        if !headers.has(name)? {
            headers.set(name, value)?;
        }
    }
    Ok(())
}

/// Never stored anywhere: what is one shopper's, or a secret's.
pub const NO_STORE: &str = "no-store";
