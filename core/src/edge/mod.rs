//! The edge: everything that is decided between a request and its answer. A driver hands a
//! [`Request`] over to an [`Isolate`], meets what the call demands, and makes a response of the
//! answer.
//!
//! [`Request`]: request::Request
//! [`Isolate`]: isolate::Isolate

pub mod address;
pub mod answer;
mod body;
mod calls;
mod context;
pub mod cookies;
pub mod doors;
pub mod fast_path;
pub mod isolate;
pub mod judging;
pub mod lifetime;
pub mod memory;
pub mod message;
pub mod naming;
pub mod pages;
pub mod pending;
pub mod request;
mod router;
mod tickets;
pub mod typed;
