//! How far boarding may come while an edge's view of it is on its way.

use crate::config::{Access, QueueConfig};
use crate::view::snapshot::Snapshot;

/// How many seconds of boarding's pace a view may be behind: three layers each keep it for a
/// second, and a claim travels.
const BEHIND_SECONDS: f64 = 8.0;
/// How many places may be called up at once, beside that: for each slot, since rounds call up more
/// than will come, and in any case.
const REACH_BY_SLOT: u64 = 4;
const REACH_AT_LEAST: u64 = 30;
/// More slots than this do not become free all at once.
const SLOTS_MAX: u64 = 1_000;

/// How many places beyond boarding may be called up before a fresh view is renewed.
pub fn reach(snapshot: &Snapshot, config: &QueueConfig) -> u64 {
    if snapshot.access == Access::Draw {
        // A draw calls up as many as it has places left, which may all lapse together.
        return snapshot
            .remaining
            .unwrap_or(0)
            .saturating_add(REACH_AT_LEAST);
    }
    let by_active = config.max_active.map_or(SLOTS_MAX, u64::from);
    let by_rate = config
        .admit_rate_per_minute
        .map_or(SLOTS_MAX, |rate| u64::from(rate).div_ceil(6));
    let slots = by_active.min(by_rate).min(SLOTS_MAX);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate, positive; what is too large stops at the largest number"
    )]
    let moved = (snapshot.rate_per_second.unwrap_or(0.0) * BEHIND_SECONDS).ceil() as u64;
    // Call-ups never pass those who were told to be near, who grow by a stride at the most.
    let near = snapshot.soon_below.saturating_sub(snapshot.boarding);
    moved
        .saturating_add(slots.saturating_mul(REACH_BY_SLOT))
        .max(near.saturating_add(snapshot.soon_stride))
        .saturating_add(REACH_AT_LEAST)
}
