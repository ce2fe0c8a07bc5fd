//! Who may be called up soon: a frontier ahead of boarding. Positions below it are told to poll
//! every two or three seconds, and boarding stays below where it stood two polls ago. So everybody
//! who is called up is listening by then.
//!
//! The frontier moves in steps of 15 seconds, by at most one stride, and a stride at most doubles
//! from step to step. So a poll can tell those beyond it when to come back: before it can have
//! reached them ([`reached_after`](crate::view::frontier::reached_after)).

use serde::{Deserialize, Serialize};

use crate::UnixMillis;
use crate::view::frontier::{STEP_MILLIS, VIEW_AGE_MILLIS};
use crate::view::status::POLL_NEAR_MILLIS;

/// Two polls, the first of them on the oldest state there is.
const RIPE_MILLIS: u64 = 2 * POLL_NEAR_MILLIS + VIEW_AGE_MILLIS;
/// The least stride: so many browsers that poll fast are nothing to an edge.
pub const STRIDE_MIN: u64 = 60;

/// How many leads the frontier begins with: enough where only one in twenty comes.
const FIRST_LEADS: u64 = 5;
/// How many leads it may be ahead before it goes back.
const LEADS_MAX: u64 = 3;

/// The frontier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Soon {
    /// Positions below this are told to poll fast.
    pub below: u64,
    /// How far it moves at the next step, at the most.
    pub stride: u64,
    /// When it last moved.
    pub since: UnixMillis,
    /// Positions below this have been told so for two polls.
    pub ripe_below: u64,
}

impl Soon {
    /// Positions below this may be called up.
    pub fn ripe(&self, now: UnixMillis) -> u64 {
        if now >= self.since.saturating_add(RIPE_MILLIS) {
            self.below
        } else {
            self.ripe_below
        }
    }

    /// Moves on towards `lead` positions beyond boarding, if it is time. Says whether anything
    /// changed.
    pub fn step(&mut self, boarding: u64, entered: u64, lead: u64, now: UnixMillis) -> bool {
        let lead = lead.max(STRIDE_MIN);
        let target = boarding.saturating_add(lead);
        if self.stride == 0 {
            // The queue has just opened: until now everybody polled at short intervals, and how
            // many come is not known yet.
            let first = boarding.saturating_add(lead.saturating_mul(FIRST_LEADS));
            *self = Self {
                below: first,
                stride: lead,
                since: now,
                ripe_below: first,
            };
            return true;
        }
        // It goes back where it is much too far ahead: those it leaves poll rarely again.
        let most = boarding.saturating_add(lead.saturating_mul(LEADS_MAX));
        let below = if self.below > most {
            target
        } else {
            target.clamp(self.below, self.below.saturating_add(self.stride))
        };
        let next = Self {
            below,
            stride: lead.min(self.stride.saturating_mul(2)),
            since: now,
            ripe_below: self.below.min(below),
        };
        let moves = (next.below, next.stride) != (self.below, self.stride);
        if now < self.since.saturating_add(STEP_MILLIS) || !moves {
            return false;
        }
        // Those who enter behind everybody are told as they enter.
        let ripe_below = if entered <= self.below {
            next.below
        } else {
            next.ripe_below
        };
        *self = Self { ripe_below, ..next };
        true
    }

    /// When boarding may go further than it may at `now`.
    pub fn next_ripe(&self, now: UnixMillis) -> UnixMillis {
        let ripe_at = self.since.saturating_add(RIPE_MILLIS);
        if now < ripe_at {
            ripe_at
        } else {
            self.since
                .saturating_add(STEP_MILLIS)
                .max(now.saturating_add(1_000))
        }
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::view::frontier::reached_after;

    proptest! {
        /// Somebody far back polls when they are told to; the frontier moves as fast as it may.
        #[test]
        fn nobody_is_called_up_who_was_not_told_to_poll_fast_twice(
            position in 100_u64..2_000_000,
            first_lead in 1_u64..5_000,
            leads in prop::collection::vec(1_u64..2_000_000, 1..80),
            phase in 0_u64..15_000,
        ) {
            let mut soon = Soon::default();
            soon.step(0, u64::MAX, first_lead, 0);
            prop_assume!(position >= soon.below);
            let (mut views, mut poll_at, mut fast_polls) = (vec![soon], phase, 0);
            for now in (0..600_000_u64).step_by(500) {
                let lead = leads[usize::try_from(now / 7_500).unwrap() % leads.len()];
                soon.step(soon.ripe(now), u64::MAX, lead, now);
                views.push(soon);
                prop_assert!(soon.ripe(now) <= position || fast_polls >= 2, "called up at {now}");
                while poll_at <= now {
                    // The oldest state that a poll may be answered from.
                    let seen = views[views.len().saturating_sub(6)];
                    let told = reached_after(seen.below, seen.stride, position).max(POLL_NEAR_MILLIS);
                    fast_polls += u64::from(told == POLL_NEAR_MILLIS && position < seen.below);
                    poll_at += told;
                }
            }
        }
    }

    #[test]
    fn a_newcomer_behind_a_short_line_may_be_called_up_at_once() {
        let mut soon = Soon::default();
        soon.step(0, 0, 60, 0);
        assert_eq!(soon.ripe(0), 60 * FIRST_LEADS);
        soon.step(280, 280, 60, 20_000);
        assert_eq!(soon.ripe(20_000), 340);
    }

    #[test]
    fn time_alone_moves_the_frontier_by_one_stride_only() {
        let mut soon = Soon::default();
        soon.step(0, 100_000, 100, 0);
        soon.step(500, 100_000, 10_000, 3_600_000);
        assert_eq!((soon.below, soon.stride), (600, 200));
    }
}
