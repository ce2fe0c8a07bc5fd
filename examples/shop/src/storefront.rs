//! What anybody may see and any cache may keep: product pages and assets. They are made once, at
//! start.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use hmac_sha256::Hash;

use crate::Shop;
use crate::messages;
use crate::pages::{Frame, PRODUCT, Product};
use crate::settings::Settings;
use crate::visit::Visit;

const PAGE_TYPE: &str = "text/html; charset=utf-8";
/// Pages may change with the next deploy.
const PAGE_CACHING: &str = "public, max-age=300";
/// Assets never change: their names hold their hashes.
const ASSET_CACHING: &str = "public, max-age=31536000, immutable";

/// The public pages and assets.
pub struct Storefront {
    home: Cached,
    product: Cached,
    assets: Vec<(String, Cached)>,
    frame: Frame,
}

/// A body with what caches need to know.
struct Cached {
    body: String,
    content_type: &'static str,
    caching: &'static str,
    etag: String,
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage<'a> {
    frame: &'a Frame,
    product: &'a Product,
    room: &'a str,
}

#[derive(Template)]
#[template(path = "product.html")]
struct ProductPage<'a> {
    frame: &'a Frame,
    product: &'a Product,
    room: &'a str,
}

impl Storefront {
    /// Makes the pages for the shop's queue.
    pub fn new(settings: &Settings) -> Self {
        let style = include_str!("../assets/shop.css");
        let icon = include_str!("../assets/icon.svg");
        let named = |stem: &str, kind: &str, text: &str| format!("{stem}-{}.{kind}", digest(text));
        let (style_name, icon_name) = (named("shop", "css", style), named("icon", "svg", icon));
        let frame = Frame {
            style: format!("/assets/{style_name}"),
            icon: format!("/assets/{icon_name}"),
        };
        let (product, room) = (&PRODUCT, settings.room());
        let home = HomePage {
            frame: &frame,
            product,
            room: &room,
        }
        .render();
        let page = ProductPage {
            frame: &frame,
            product,
            room: &room,
        }
        .render();
        let cached = |body: String| Cached::new(body, PAGE_TYPE, PAGE_CACHING);
        Self {
            // Rendering into a string cannot fail.
            home: cached(home.unwrap_or_default()),
            product: cached(page.unwrap_or_default()),
            assets: vec![
                (
                    style_name,
                    Cached::new(style.into(), "text/css; charset=utf-8", ASSET_CACHING),
                ),
                (
                    icon_name,
                    Cached::new(icon.into(), "image/svg+xml", ASSET_CACHING),
                ),
            ],
            frame,
        }
    }

    /// What every page is set in.
    pub fn frame(&self) -> &Frame {
        &self.frame
    }
}

impl Cached {
    fn new(body: String, content_type: &'static str, caching: &'static str) -> Self {
        let etag = format!("\"{}\"", digest(&body));
        Self {
            body,
            content_type,
            caching,
            etag,
        }
    }

    fn answer(&self, request: &HeaderMap) -> Response {
        let facts = [(CACHE_CONTROL, self.caching), (ETAG, self.etag.as_str())];
        if self.is_known_to(request) {
            return (StatusCode::NOT_MODIFIED, facts).into_response();
        }
        (
            facts,
            [(CONTENT_TYPE, self.content_type)],
            self.body.clone(),
        )
            .into_response()
    }

    /// `If-None-Match` (RFC 9110, 13.1.2): a list of tags, compared weakly.
    fn is_known_to(&self, request: &HeaderMap) -> bool {
        let values = request.get_all(IF_NONE_MATCH).into_iter();
        let mut tags = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|text| text.split(','));
        tags.any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.etag
        })
    }
}

/// `GET /`
pub async fn home(State(shop): State<Shop>, request: HeaderMap) -> Response {
    shop.storefront().home.answer(&request)
}

/// `GET /products/tide-lamp`
pub async fn product(State(shop): State<Shop>, request: HeaderMap) -> Response {
    shop.storefront().product.answer(&request)
}

/// `GET /assets/{name}`
pub async fn asset(
    State(shop): State<Shop>,
    Path(name): Path<String>,
    visit: Visit,
    request: HeaderMap,
) -> Response {
    match shop
        .storefront()
        .assets
        .iter()
        .find(|(known, _)| *known == name)
    {
        Some((_, asset)) => asset.answer(&request),
        None => messages::not_found().answer(&shop, &visit),
    }
}

/// The first 64 bits of a text's SHA-256, in hex.
fn digest(text: &str) -> String {
    let first = Hash::hash(text.as_bytes())
        .iter()
        .take(8)
        .fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
    format!("{first:016x}")
}
