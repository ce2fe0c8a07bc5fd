//! The promises of the design, each in a file of its own: what of it shows in what a queue wrote,
//! and what in a history of clients.

pub mod calm_failure;
pub mod durable;
pub mod in_order;
pub mod live;
pub mod never_over_admitted;
pub mod one_each;
pub mod polls_are_free;
pub mod real_time_order;
pub mod recomputable;
pub mod sealed;
pub mod unique_and_dense;
