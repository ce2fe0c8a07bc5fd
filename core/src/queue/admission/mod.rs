//! Slots: who is present, how many may be admitted, what becomes of an admission, and a draw's
//! places.

pub mod draw;
pub(super) mod limits;
mod origin;
pub mod presence;
