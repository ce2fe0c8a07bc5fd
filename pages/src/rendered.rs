//! The pages as the edge asks for them.

use tidegate_core::edge::pages::{Asset, Failure as Failed, Pages, Room};

use crate::assets::asset;
use crate::policy::content_security_policy;
use crate::problem::{Failure, Retry, problem_page};
use crate::room::{Granted, RoomPage};

/// Renders the pages of this crate.
pub struct Rendered;

impl Pages for Rendered {
    fn room(&self, room: &Room) -> Option<String> {
        let granted = room.held.as_ref().map(|(grant, token)| Granted {
            handoff_token: token,
            checkout_url: &grant.checkout_url,
            expires_at: grant.expires_at,
        });
        let page = RoomPage {
            snapshot: &room.view.snapshot,
            product: room.view.product.as_ref(),
            status: &room.status,
            granted,
            message: room.message,
            entry_key: Some(room.entry_key),
        };
        page.render().ok()
    }

    fn failure(&self, failed: &Failed<'_>) -> Option<String> {
        let failure = if failed.is_shop {
            Failure::ShopUnreachable
        } else {
            Failure::from(failed.code)
        };
        let retry = failed.again.map(|path| Retry {
            path,
            after_seconds: failed.after_seconds,
        });
        problem_page(failure, failed.request_id, retry).ok()
    }

    fn asset(&self, path: &str) -> Option<Asset> {
        asset(path)
    }

    fn policy(&self, checkout: Option<&str>) -> String {
        content_security_policy(checkout)
    }
}
