//! Every decision of Tidegate, as plain data in and plain data out.
//!
//! Nothing here does I/O, reads a clock or makes randomness: time, random bytes and stored rows come
//! in as arguments, and what must be written or answered goes out as values. So the whole of it runs
//! natively, in seconds, under property tests. Storage, alarms and sockets are `tidegate-objects`';
//! HTTP is the root crate's.

pub mod address;
pub mod calls;
pub mod client;
pub mod config;
pub mod directory;
pub mod edge;
pub mod fair;
pub mod hex;
pub mod ids;
pub mod lane;
pub mod problem;
pub mod queue;
pub mod reading;
pub mod relay;
pub mod shop;
pub mod terms;
pub mod token;
pub mod view;
pub mod wire;

/// Milliseconds since the Unix epoch.
pub type UnixMillis = u64;
