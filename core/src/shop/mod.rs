//! What of the shop may be cached, and under which key.

pub mod cache_key;
pub mod storing;
