//! The pages that shoppers see: the waiting room, and the page that stands in where one failed.
//!
//! Everything is rendered from plain values; fetching them, cookies and headers are the Worker's.
//! The pages work without script: every action is a form. With `room.js` the room polls, updates
//! itself, claims when called up and hands over to the checkout. Nothing is inline, so that
//! [`content_security_policy`] can be strict.

mod assets;
mod figures;
mod message;
mod policy;
mod problem;
mod rendered;
mod room;
mod text;

pub use askama::Error;
pub use assets::{asset, asset_paths};
pub use policy::content_security_policy;
pub use problem::{Failure, Retry, problem_page};
pub use rendered::Rendered;
pub use room::{Granted, RoomPage};
pub use tidegate_core::edge::message::Message;
pub use tidegate_core::edge::pages::Asset;
