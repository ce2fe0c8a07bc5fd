//! What is stored of a queue: its own row, its tickets' records, and what several events write of
//! them.

pub mod claim;
pub mod head;
pub mod rows;
pub(super) mod writes;
