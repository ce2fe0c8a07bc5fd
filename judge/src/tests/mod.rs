//! Every way to break a promise is shown to the judge and must be found; a correct history must not
//! be.

mod calm_failure;
mod durable;
mod in_order;
mod live;
mod never_over_admitted;
mod one_each;
mod polls_are_free;
mod reading;
mod real_time_order;
mod recomputable;
mod sealed;
mod story;
mod unique_and_dense;
mod whole;
mod written;
