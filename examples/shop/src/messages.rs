//! What the shop says when a shopper cannot go on: kindly, with the way out. One message is a page
//! for browsers and JSON for scripts.

use core::time::Duration;

use askama::Template;
use axum::Json;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::Shop;
use crate::pages::{Frame, PRODUCT, personal};
use crate::visit::Visit;

/// Where a message leads.
#[derive(Clone, Copy)]
enum Way {
    /// To the waiting room.
    Room,
    /// To the order of this browser's session.
    Order,
    /// To the product.
    Product,
}

/// What the form of a message tries again.
enum Again {
    /// To arrive, with this token.
    Arrive(String),
    /// To pay.
    Pay,
    /// To have more time.
    Extend,
}

/// Something to tell a shopper.
pub struct Message {
    status: StatusCode,
    code: &'static str,
    heading: &'static str,
    text: &'static str,
    ways: &'static [Way],
    again: Option<Again>,
    retry_after: Option<Duration>,
}

struct Link {
    path: String,
    label: &'static str,
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'a> {
    frame: &'a Frame,
    message: &'a Message,
    links: Vec<Link>,
}

impl Message {
    const fn new(
        status: StatusCode,
        code: &'static str,
        heading: &'static str,
        text: &'static str,
        ways: &'static [Way],
    ) -> Self {
        Self {
            status,
            code,
            heading,
            text,
            ways,
            again: None,
            retry_after: None,
        }
    }

    /// Answers with it.
    pub fn answer(&self, shop: &Shop, visit: &Visit) -> Response {
        let mut response = if visit.by_script {
            self.for_script(shop)
        } else {
            let links = self.ways.iter().map(|way| way.link(shop)).collect();
            let frame = shop.storefront().frame();
            personal(
                self.status,
                &MessagePage {
                    frame,
                    message: self,
                    links,
                },
            )
        };
        if let Some(wait) = self.retry_after {
            let seconds = HeaderValue::from(wait.as_secs().max(1));
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        response
    }

    fn for_script(&self, shop: &Shop) -> Response {
        let body = json!({
            "code": self.code,
            "detail": self.text,
            "retryable": self.retry_after.is_some(),
            "queueUrl": shop.settings().room(),
        });
        (self.status, [(CACHE_CONTROL, "no-store")], Json(body)).into_response()
    }
}

impl Again {
    /// Where the form posts to.
    const fn path(&self) -> &'static str {
        match self {
            Self::Arrive(_) => "/checkout",
            Self::Pay => "/checkout/pay",
            Self::Extend => "/checkout/extend",
        }
    }
}

impl Way {
    fn link(self, shop: &Shop) -> Link {
        match self {
            Self::Room => Link {
                path: shop.settings().room(),
                label: "Go to the line",
            },
            Self::Order => Link {
                path: "/checkout".into(),
                label: "Go on to your order",
            },
            Self::Product => Link {
                path: PRODUCT.path.into(),
                label: "Back to the lamp",
            },
        }
    }
}

/// Somebody came to the checkout without coming through the line.
pub const fn line_first() -> Message {
    Message::new(
        StatusCode::UNAUTHORIZED,
        "NO_SESSION",
        "Please come through the line",
        "The checkout opens for you when it is your turn. Your place in line is kept, so if you have one, just go back to it.",
        &[Way::Room, Way::Product],
    )
}

/// A token came by the URL.
pub const fn never_in_a_url() -> Message {
    Message::new(
        StatusCode::UNAUTHORIZED,
        "TOKEN_IN_URL",
        "This link cannot open the checkout",
        "A pass to the checkout is never part of a link, because links get shared. Go back to the line: if it is your turn, it lets you in from there.",
        &[Way::Room],
    )
}

/// A token expired, or was never good here.
pub const fn pass_not_good() -> Message {
    Message::new(
        StatusCode::UNAUTHORIZED,
        "TOKEN_NOT_GOOD",
        "This pass is no longer good",
        "Passes to the checkout last a few minutes, and only for what you lined up for. Go back to the line to see where you stand.",
        &[Way::Room],
    )
}

/// A token was redeemed before.
pub const fn pass_used() -> Message {
    Message::new(
        StatusCode::UNAUTHORIZED,
        "TOKEN_USED",
        "This pass was used already",
        "A pass opens the checkout once. If you opened it in this browser, your order is waiting for you.",
        &[Way::Order, Way::Room],
    )
}

/// The place at the checkout has ended.
pub const fn place_over() -> Message {
    Message::new(
        StatusCode::GONE,
        "ADMISSION_EXPIRED",
        "Your time at the checkout is over",
        "The lamp that was held for you went to the next in line. You have not been charged. You are welcome to line up again.",
        &[Way::Room, Way::Product],
    )
}

/// A form came from another site's page.
pub const fn from_elsewhere() -> Message {
    Message::new(
        StatusCode::FORBIDDEN,
        "FOREIGN_ORIGIN",
        "That did not come from this shop",
        "For your safety, orders are changed from this shop's own pages only. Nothing has happened to yours.",
        &[Way::Order],
    )
}

/// The edge refuses for a reason that is not the shopper's.
pub const fn out_of_order() -> Message {
    Message::new(
        StatusCode::BAD_GATEWAY,
        "CHECKOUT_FAILED",
        "Something is wrong on our side",
        "The checkout cannot go on right now, and it is not your fault. You have not been charged. Please go back to the line and try again in a little while.",
        &[Way::Room],
    )
}

/// There is no such page.
pub const fn not_found() -> Message {
    Message::new(
        StatusCode::NOT_FOUND,
        "NOT_FOUND",
        "There is nothing here",
        "The page may have moved, or it was never here.",
        &[Way::Product],
    )
}

/// A token cannot be checked or redeemed right now; the page's button brings it again.
pub fn arrive_again(token: Option<&str>, retry_after: Duration) -> Message {
    Message {
        again: token.map(|token| Again::Arrive(token.to_owned())),
        retry_after: Some(retry_after),
        ..Message::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "TRY_AGAIN",
            "One moment, please",
            "The checkout is busy. Your place is kept; please try again in a few seconds.",
            &[Way::Room],
        )
    }
}

/// An order cannot be paid right now; the page's button tries again.
pub fn pay_again(retry_after: Duration) -> Message {
    Message {
        again: Some(Again::Pay),
        retry_after: Some(retry_after),
        ..Message::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "TRY_AGAIN",
            "Your order is not confirmed yet",
            "We could not reach the line to confirm it. Please try again in a few seconds: you are charged once, however often you try.",
            &[Way::Order],
        )
    }
}

/// More time cannot be had right now; the page's button asks again.
pub fn extend_again(retry_after: Duration) -> Message {
    Message {
        again: Some(Again::Extend),
        retry_after: Some(retry_after),
        ..Message::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "TRY_AGAIN",
            "You do not have more time yet",
            "We could not reach the line to ask for it. Your order is held as before; please try again in a few seconds.",
            &[Way::Order],
        )
    }
}
