//! Which values a queue's configuration may have.

use url::Url;

use super::{Access, MAX_ACTIVE, MAX_RATE, MAX_TIME, QueueConfig};
use crate::address::is_confidential;
use crate::problem::Problem;
use crate::token::statement::AUDIENCE_PREFIX;

impl QueueConfig {
    pub(super) fn check_values(&self) -> Result<(), Problem> {
        let limits = [
            ("maxParticipants", self.max_participants, 1, MAX_TIME),
            (
                "admitRatePerMinute",
                self.admit_rate_per_minute.map(u64::from),
                1,
                MAX_RATE.into(),
            ),
            (
                "maxActive",
                self.max_active.map(u64::from),
                1,
                MAX_ACTIVE.into(),
            ),
            ("maxAdmissions", self.max_admissions, 1, MAX_TIME),
            (
                "handoffSeconds",
                Some(self.handoff_seconds.into()),
                1,
                86_400,
            ),
            (
                "sessionSeconds",
                Some(self.session_seconds.into()),
                1,
                86_400,
            ),
            (
                "maxSessionSeconds",
                Some(self.max_session_seconds.into()),
                1,
                604_800,
            ),
            (
                "claimWindowSeconds",
                Some(self.claim_window_seconds.into()),
                1,
                2_592_000,
            ),
            ("lanes", Some(self.lanes.into()), 1, 256),
            ("entryOpensAt", self.entry_opens_at, 0, MAX_TIME),
            ("opensAt", self.opens_at, 0, MAX_TIME),
            ("closesAt", self.closes_at, 0, MAX_TIME),
        ];
        for (field, value, least, most) in limits {
            if value.is_some_and(|value| !(least..=most).contains(&value)) {
                return Err(Problem::validation(format!(
                    "{field}: must be {least} to {most}"
                )));
            }
        }
        let is_draw = self.access == Access::Draw;
        let draw_needs = [
            ("opensAt", self.opens_at.is_none()),
            ("closesAt", self.closes_at.is_none()),
            ("maxAdmissions", self.max_admissions.is_none()),
        ];
        if let Some((field, _)) = draw_needs.iter().find(|(_, lacks)| is_draw && *lacks) {
            return Err(Problem::validation(format!("{field}: a draw needs it")));
        }
        if !is_draw && self.admit_rate_per_minute.is_none() && self.max_active.is_none() {
            return Err(Problem::validation(
                "set admitRatePerMinute or maxActive: without either the queue would hold nobody back",
            ));
        }
        if self.session_seconds > self.max_session_seconds {
            return Err(Problem::validation(
                "sessionSeconds: may not exceed maxSessionSeconds",
            ));
        }
        if let (Some(entry_opens_at), Some(opens_at)) = (self.entry_opens_at, self.opens_at)
            && opens_at < entry_opens_at
        {
            return Err(Problem::validation(
                "opensAt: may not be before entryOpensAt",
            ));
        }
        let opens_at = self.opens_at.or(self.entry_opens_at);
        if let (Some(opens_at), Some(closes_at)) = (opens_at, self.closes_at)
            && closes_at <= opens_at
        {
            return Err(Problem::validation("closesAt: must be after the opening"));
        }
        self.check_names()
    }

    fn check_names(&self) -> Result<(), Problem> {
        if !is_path(&self.checkout_url) && !is_http_url(&self.checkout_url) {
            return Err(Problem::validation(
                "checkoutUrl: must be an http(s) URL without query or fragment, or a path such as /checkout",
            ));
        }
        if !(1..=200).contains(&self.audience.len()) {
            return Err(Problem::validation("audience: must have 1 to 200 bytes"));
        }
        if self.audience.starts_with(AUDIENCE_PREFIX) {
            return Err(Problem::validation(format!(
                "audience: what begins with \"{AUDIENCE_PREFIX}\" is Tidegate's own, for statements that are no handoff tokens"
            )));
        }
        if self.allowed_origins.len() > 20 {
            return Err(Problem::validation("allowedOrigins: at most 20"));
        }
        if let Some(bad) = self
            .allowed_origins
            .iter()
            .find(|origin| !is_origin(origin))
        {
            return Err(Problem::validation(format!(
                "allowedOrigins: \"{bad}\" is not an origin such as https://shop.example"
            )));
        }
        let Some(product) = &self.product else {
            return Ok(());
        };
        if !(1..=200).contains(&product.name.chars().count()) {
            return Err(Problem::validation(
                "product.name: must have 1 to 200 characters",
            ));
        }
        if !is_path(&product.path) || product.image.as_ref().is_some_and(|path| !is_path(path)) {
            return Err(Problem::validation(
                "product: path and image are paths such as /products/lamp",
            ));
        }
        Ok(())
    }

    /// Refuses plain http, on which handoff tokens and tickets can be read on their way. What stood
    /// `before` stays: an operator who changes something else must not be kept from it.
    pub(super) fn check_addresses(&self, before: Option<&Self>) -> Result<(), Problem> {
        let stood =
            |origin: &String| before.is_some_and(|before| before.allowed_origins.contains(origin));
        let checkout = Some(&self.checkout_url)
            .filter(|url| before.is_none_or(|before| before.checkout_url != **url));
        let origins = self.allowed_origins.iter().filter(|origin| !stood(origin));
        let named = checkout.map(|url| ("checkoutUrl", url)).into_iter();
        for (field, address) in named.chain(origins.map(|origin| ("allowedOrigins", origin))) {
            if Url::parse(address).is_ok_and(|url| !is_confidential(&url)) {
                return Err(Problem::validation(format!(
                    "{field}: {address} is plain http, which anybody on the way can read; use https (http is for loopback only)"
                )));
            }
        }
        Ok(())
    }

    /// Refuses, by name, what this version does not serve yet: better than a queue that ignores it.
    pub(super) fn check_served(&self) -> Result<(), Problem> {
        let unserved = [("requires", !self.requires.is_empty())];
        match unserved.iter().find(|(_, asked)| *asked) {
            Some((what, _)) => Err(Problem::validation(format!(
                "{what} is not served by this version of Tidegate"
            ))),
            None => Ok(()),
        }
    }
}

/// An absolute path, without query, fragment, `..` or anything a browser would read as a host.
fn is_path(text: &str) -> bool {
    text.len() <= 1000
        && text.starts_with('/')
        && !text.starts_with("//")
        && !text.contains(['?', '#', '\\'])
        && !text.split('/').any(|segment| segment == "..")
        && !text.bytes().any(|byte| byte <= b' ' || byte == 0x7f)
}

/// An absolute http(s) URL that carries no query: a token must never find a place in one.
fn is_http_url(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"'\"<>\\".contains(&byte);
    text.len() <= 1000
        && text.bytes().all(plain)
        && Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.host().is_some()
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        })
}

/// An origin exactly as a browser writes it in the `Origin` header.
fn is_origin(text: &str) -> bool {
    is_http_url(text)
        && Url::parse(text).is_ok_and(|url| url.origin().ascii_serialization() == text)
}
