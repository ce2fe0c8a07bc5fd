//! A queue's limits, and how much they leave at a moment.

use super::Check;
use crate::violation::{Violation, ensure, named};
use tidegate_core::UnixMillis;

/// Admissions are limited over this window.
const WINDOW_MILLIS: u64 = 60_000;

/// A queue's limits as they stand.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Admissions held at once.
    pub max_active: Option<u32>,
    /// Admissions in any minute.
    pub rate: Option<u32>,
    /// Admissions in all.
    pub max_admissions: Option<u64>,
    /// Entries that stand at once: all but those whose holders left.
    pub max_participants: Option<u64>,
}

impl Check {
    /// Redeemed and not ended: never more than slots, whoever left meanwhile.
    pub(crate) fn check_checkouts(&mut self, limits: &Limits) -> Result<(), Violation> {
        let most = limits.max_active.map_or(u64::MAX, u64::from);
        let held = self.active.max(self.at_checkout);
        self.checkouts_max = most.max(self.checkouts_max.min(held));
        let (at_checkout, most) = (self.at_checkout, self.checkouts_max);
        ensure(at_checkout <= most, named::CHECKOUTS, || {
            format!("{at_checkout} are redeemed and not ended, of {most} slots")
        })
    }

    pub(crate) fn check_limits(
        &mut self,
        limits: &Limits,
        now: UnixMillis,
    ) -> Result<(), Violation> {
        let recent = self.recent(now);
        let (active, completed) = (self.active, self.completed);
        let within = limits
            .max_active
            .is_none_or(|most| active <= u64::from(most))
            && limits
                .max_admissions
                .is_none_or(|most| active + completed <= most)
            && limits.rate.is_none_or(|rate| recent <= u64::from(rate));
        ensure(within, named::LIMITS, || {
            format!("{active} active, {completed} completed, {recent} in a minute, of {limits:?}")
        })
    }

    /// Whether the limits allow no admission at this moment.
    pub fn is_full(&mut self, limits: &Limits, now: UnixMillis) -> bool {
        self.room(limits, now) == 0
    }

    /// How many more the limits allow at this moment.
    pub fn room(&mut self, limits: &Limits, now: UnixMillis) -> u64 {
        let recent = self.recent(now);
        let active = limits
            .max_active
            .map(|most| u64::from(most).saturating_sub(self.active));
        let stock = limits
            .max_admissions
            .map(|most| most.saturating_sub(self.active + self.completed));
        let rate = limits.rate.map(|rate| {
            u64::from(rate)
                .saturating_sub(recent)
                .min(self.evenly.room(rate, &self.recent, now))
        });
        [active, stock, rate]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(u64::MAX)
    }

    fn recent(&mut self, now: UnixMillis) -> u64 {
        // Not by `now`: a crash takes the clock back to when the queue last wrote.
        let over = |at: &UnixMillis| at + WINDOW_MILLIS <= self.clock;
        while self.recent.front().is_some_and(over) {
            self.recent.pop_front();
        }
        let old = self.recent.partition_point(|at| at + WINDOW_MILLIS <= now);
        (self.recent.len() - old) as u64
    }
}
