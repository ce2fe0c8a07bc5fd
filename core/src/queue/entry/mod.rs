//! Shoppers and their lanes: indices, tickets and whose they are, claims, leaving, and who left.

pub mod gone;
pub mod holders;
pub(super) mod pacing;
pub mod shoppers;
