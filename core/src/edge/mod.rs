//! Rules of the edge that need no object: what of the shop may be cached, and under which key; who it is
//! that enters, what a ticket is worth, and for how long.

pub mod cache_key;
pub mod claims;
pub mod cookies;
pub mod doors;
pub mod judging;
pub mod lifetime;
pub mod naming;
pub mod recall;
pub mod storing;
