//! What pages are made of, and how personal ones are answered.

use core::fmt;

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use tidegate_origin::UnixMillis;

use crate::payment::Cents;

/// The only thing on sale.
pub const PRODUCT: Product = Product {
    name: "Tide Lamp",
    path: "/products/tide-lamp",
    price: Cents(18_900),
    delivery: Cents(0),
};

/// A thing on sale.
pub struct Product {
    /// Its name.
    pub name: &'static str,
    /// Its page.
    pub path: &'static str,
    /// Its price.
    pub price: Cents,
    /// What delivery costs.
    pub delivery: Cents,
}

impl Product {
    /// What one of it costs, delivered.
    pub const fn total(&self) -> Cents {
        Cents(self.price.0.saturating_add(self.delivery.0))
    }
}

impl fmt::Display for Cents {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (euros, cents) = (self.0 / 100, self.0 % 100);
        if self.0 == 0 {
            formatter.write_str("Free")
        } else {
            write!(formatter, "€{euros}.{cents:02}")
        }
    }
}

/// What every page is set in.
pub struct Frame {
    /// The style sheet's path.
    pub style: String,
    /// The icon's path.
    pub icon: String,
}

/// A time of day, and how far off it is, in words.
pub struct Until {
    /// As `14:32`, in UTC: the shop does not know where its shopper is.
    pub clock: String,
    /// As `9 minutes`.
    pub left: String,
}

impl Until {
    /// The time `at`, seen from `now`.
    pub fn new(at: UnixMillis, now: UnixMillis) -> Self {
        let minute_of_day = (at / 60_000) % 1440;
        let clock = format!("{:02}:{:02}", minute_of_day / 60, minute_of_day % 60);
        let left = match at.saturating_sub(now) / 60_000 {
            0 => String::from("less than a minute"),
            1 => String::from("1 minute"),
            minutes => format!("{minutes} minutes"),
        };
        Self { clock, left }
    }
}

/// Answers with a page that is for one shopper's eyes.
pub fn personal(status: StatusCode, page: &impl Template) -> Response {
    let headers = [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_TYPE, "text/html; charset=utf-8"),
    ];
    match page.render() {
        Ok(html) => (status, headers, html).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Sends the browser on, with GET.
pub fn see_other(path: &str) -> Response {
    let headers = [
        (CACHE_CONTROL, "no-store"),
        (axum::http::header::LOCATION, path),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_written_out() {
        assert_eq!(PRODUCT.total().to_string(), "€189.00");
        assert_eq!(Cents(5).to_string(), "€0.05");
        assert_eq!(Cents(0).to_string(), "Free");
    }

    #[test]
    fn times_are_written_out() {
        // 2027-01-15 08:00:00 UTC.
        let now = 1_800_000_000_000;
        let until = Until::new(now + 599_000, now);
        assert_eq!(
            (until.clock.as_str(), until.left.as_str()),
            ("08:09", "9 minutes")
        );
        assert_eq!(Until::new(now, now + 1).left, "less than a minute");
    }
}
