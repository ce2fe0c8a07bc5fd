//! What a merchant's checkout links, so that only admitted shoppers get through.
//!
//! Tidegate's edge gives each admitted shopper a *handoff token*: a JWT that stands for one
//! admission. A checkout does three things with it:
//!
//! 1. **Verify** it offline, with [`Verifier`], against the edge's published keys. Forged, expired
//!    and foreign tokens end here and cost nobody a request.
//! 2. **Redeem** it once, with [`Edge::redeem`], for an [`Admission`]: a place that is held for the
//!    shopper until it expires. Open the shopper's session on it.
//! 3. **Extend** the admission before money is captured, **complete** it when the order stands, or
//!    **release** it when the shopper gives up: the place goes to the next in line.
//!
//! Everything cheap to clone is meant to be cloned; everything that can fail says in its type what
//! the caller can do about it.
//!
//! # A checkout in axum
//!
//! ```no_run
//! # #[cfg(feature = "axum")] mod checkout {
//! use axum::Router;
//! use axum::extract::{FromRef, State};
//! use axum::http::StatusCode;
//! use axum::routing::post;
//! use tidegate_origin::{Edge, EdgeError, QueueId, VerifiedHandoff, Verifier};
//!
//! #[derive(Clone, FromRef)]
//! struct Shop {
//!     queue: QueueId,
//!     verifier: Verifier,
//!     edge: Edge,
//! }
//!
//! /// Takes the token from `Authorization: Bearer` or from the form field `handoffToken`.
//! async fn arrive(
//!     State(shop): State<Shop>,
//!     arrival: VerifiedHandoff,
//! ) -> Result<String, StatusCode> {
//!     match shop.edge.redeem(&shop.queue, arrival.token.as_str(), None).await {
//!         Ok(admission) => Ok(format!("place {} is yours", admission.position())),
//!         Err(EdgeError::AlreadyRedeemed) => Err(StatusCode::UNAUTHORIZED),
//!         Err(error) if error.is_retryable() => Err(StatusCode::SERVICE_UNAVAILABLE),
//!         Err(_) => Err(StatusCode::FORBIDDEN),
//!     }
//! }
//!
//! pub fn router(queue: QueueId) -> Result<Router, tidegate_origin::ConfigError> {
//!     let shop = Shop {
//!         verifier: Verifier::new("https://drops.example.com", queue.clone())?,
//!         queue,
//!         edge: Edge::new("https://drops.example.com", "the origin key")?,
//!     };
//!     Ok(Router::new().route("/checkout", post(arrive)).with_state(shop))
//! }
//! # }
//! ```

#![forbid(unsafe_code)]

mod admission;
mod edge;
mod error;
#[cfg(feature = "axum")]
mod extract;
mod http;
mod idempotency;
mod keys;
mod reply;
mod retry;
mod verifier;

pub use admission::{Admission, AdmissionState, State};
pub use edge::{Edge, EdgeBuilder};
pub use error::{ConfigError, EdgeError, VerifyError};
#[cfg(feature = "axum")]
pub use extract::{HandoffRejection, HandoffToken, VerifiedHandoff};
pub use idempotency::IdempotencyKey;
pub use tidegate_core::UnixMillis;
pub use tidegate_core::config::Access;
pub use tidegate_core::ids::{AdmissionId, QueueId, ShopperId};
pub use tidegate_core::token::handoff::Handoff;
pub use verifier::{Verifier, VerifierBuilder};
