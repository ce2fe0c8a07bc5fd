//! What is shown: the public snapshot of a queue, and what one ticket means under it.

pub mod called;
pub mod frontier;
pub mod line;
pub mod snapshot;
pub mod status;
pub mod wait;
