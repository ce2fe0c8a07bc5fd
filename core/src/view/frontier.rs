//! How a poll near the front is told when to come back. The queue moves the frontier
//! ([`Soon`](crate::queue::soon::Soon)), and everybody else reckons from the snapshot how soon it
//! can reach a place.

/// How old the state is, at most, that a poll is answered from: a second each at isolate, cache and
/// relay.
pub const VIEW_AGE_MILLIS: u64 = 3_000;
/// How often the frontier moves.
pub const STEP_MILLIS: u64 = 15_000;

/// Within how many milliseconds this position can become one that is called up soon, at the
/// earliest; 0 where it may be one already.
pub fn reached_after(below: u64, stride: u64, position: u64) -> u64 {
    let beyond = position.saturating_sub(below);
    // After k steps the frontier has moved by at most 2^k - 1 strides, and one step may come at
    // once.
    let strides = beyond.checked_div(stride).unwrap_or(0).saturating_add(1);
    let steps = (strides / 2).checked_ilog2().unwrap_or(0);
    u64::from(steps)
        .saturating_mul(STEP_MILLIS)
        .saturating_sub(VIEW_AGE_MILLIS)
}
