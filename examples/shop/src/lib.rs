//! A small shop behind Tidegate: product pages that anybody may cache, and a checkout that lets in
//! those who bring a handoff token. It works without JavaScript.
//!
//! What a merchant would copy is [`arrival`] (from token to session) and [`order`] (from session to
//! a paid order); the rest is what any shop has.

#![forbid(unsafe_code)]

pub mod arrival;
pub mod messages;
pub mod order;
pub mod pages;
pub mod payment;
pub mod sessions;
pub mod settings;
pub mod storefront;
pub mod visit;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{FromRef, State};
use axum::response::Response;
use axum::routing::{get, post};
use tidegate_origin::{ConfigError, Edge, UnixMillis, Verifier};

use crate::payment::SimulatedTill;
use crate::sessions::Sessions;
use crate::settings::Settings;
use crate::storefront::Storefront;

/// What every request may use.
#[derive(Clone)]
pub struct Shop {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    verifier: Verifier,
    edge: Edge,
    sessions: Sessions,
    till: SimulatedTill,
    storefront: Storefront,
}

impl Shop {
    /// Sets the shop up; nothing is sent or fetched yet.
    pub fn new(settings: Settings) -> Result<Self, ConfigError> {
        let verifier = Verifier::builder(&settings.edge_url, settings.queue.clone())
            .audience(&settings.audience)
            .issuer(&settings.issuer)
            .build()?;
        let edge = Edge::new(&settings.edge_url, &settings.origin_key)?;
        let storefront = Storefront::new(&settings);
        let inner = Inner {
            settings,
            verifier,
            edge,
            sessions: Sessions::default(),
            till: SimulatedTill::default(),
            storefront,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Its configuration.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The edge, for calls about admissions.
    pub fn edge(&self) -> &Edge {
        &self.inner.edge
    }

    /// The shoppers at the checkout.
    pub fn sessions(&self) -> &Sessions {
        &self.inner.sessions
    }

    /// Where the simulated money goes.
    pub fn till(&self) -> &SimulatedTill {
        &self.inner.till
    }

    /// The public pages and assets.
    pub fn storefront(&self) -> &Storefront {
        &self.inner.storefront
    }
}

impl FromRef<Shop> for Verifier {
    fn from_ref(shop: &Shop) -> Self {
        shop.inner.verifier.clone()
    }
}

/// All of the shop's routes.
pub fn router(shop: Shop) -> Router {
    Router::new()
        .route("/", get(storefront::home))
        .route("/products/tide-lamp", get(storefront::product))
        .route("/assets/{name}", get(storefront::asset))
        .route("/checkout", get(order::show).post(arrival::arrive))
        .route("/checkout/pay", post(order::pay))
        .route("/checkout/extend", post(order::extend))
        .route("/checkout/cancel", post(order::cancel))
        .route("/orders/{id}", get(order::paid))
        .fallback(not_found)
        .with_state(shop)
}

async fn not_found(State(shop): State<Shop>, visit: visit::Visit) -> Response {
    messages::not_found().answer(&shop, &visit)
}

/// The time.
pub fn now() -> UnixMillis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixMillis::try_from(since.as_millis()).unwrap_or(UnixMillis::MAX)
}
