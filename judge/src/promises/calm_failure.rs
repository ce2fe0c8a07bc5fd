//! Promise 11. With an object out of reach, shoppers see the last known state, marked stale.

use crate::history::Verb;
use crate::seen::Seen;
use crate::verdict::{Promise::CalmFailure as THIS, Verdict};

/// A state older than this is called stale. It lay at a relay for the second that is fresh, was two
/// slow ways long under way, and lay at an edge for the five seconds after which that calls it
/// stale.
const OLD_MILLIS: u64 = 8_000;
/// How far the client's clock and the queue's may be apart.
const SKEW_MILLIS: u64 = 2_000;

/// An edge shows a state.
pub fn shown(edge: u32, at: u64, taken: u64, stale: bool, verdict: &mut Verdict) {
    verdict.ensure(stale || at.saturating_sub(taken) < OLD_MILLIS, THIS, || {
        format!("at {at} edge {edge} shows a view of {taken} as if it were fresh")
    });
}

/// Of a history: what was shown when it was asked for.
pub fn judge(seen: &Seen<'_>, verdict: &mut Verdict) {
    for entry in &seen.entries {
        for call in entry.done(Verb::Status) {
            let Some(taken) = call.said.server_time else {
                continue;
            };
            verdict.observe(THIS, 1);
            let age = (call.sent.0 / 1_000).saturating_sub(taken);
            let is_stale = call.said.stale == Some(true);
            verdict.ensure(is_stale || age < OLD_MILLIS + SKEW_MILLIS, THIS, || {
                format!(
                    "entry {} was shown a state {age} ms old as if it were fresh",
                    entry.name
                )
            });
        }
    }
}
