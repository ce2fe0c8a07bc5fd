//! What an isolate remembers, for how long, and what it decides by that.

pub mod claims;
pub mod freshness;
pub(super) mod once;
pub mod recall;
pub(super) mod receipts;
mod recent;
pub(super) mod secrets;
pub mod single_flight;
pub(super) mod verified;
pub(super) mod views;
