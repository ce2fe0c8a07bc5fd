//! The edge: everything that is decided between a request and its answer. A driver hands a [`Request`] over to
//! an [`Isolate`], meets what the call demands, and makes a response of the answer.
//!
//! [`Request`]: request::Request
//! [`Isolate`]: isolate::Isolate

pub mod answer;
mod audit;
mod body;
pub mod cache_key;
mod claim;
pub mod claims;
mod context;
pub mod cookies;
pub mod doors;
mod enter;
pub mod freshness;
pub mod isolate;
pub mod judging;
mod leave;
pub mod lifetime;
mod live;
pub mod message;
pub mod naming;
mod once;
mod operator;
mod origin;
pub mod pages;
pub mod pending;
pub mod recall;
mod receipts;
pub mod request;
mod room;
mod router;
mod secrets;
mod status;
pub mod storing;
pub mod text;
mod tickets;
mod views;
