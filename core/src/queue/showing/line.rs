//! What is said of the line as a whole: who is really in it, and what bounds a wait.

use crate::UnixMillis;
use crate::queue::boarding::pace;
use crate::queue::boarding::share;
use crate::queue::machine::Machine;
use crate::queue::state::claim::{Claim, ClaimState};
use crate::view::snapshot::Phase;
use crate::view::wait::{Turns, WaitBounds};

/// Of more admissions than these it is not looked up when each ends.
const LOOKED_UP_MAX: usize = 256;
/// How far a measured rate is trusted to stay what it is: a fifth to either side.
const STEADY: f64 = 1.2;
/// How many standard deviations a count may be off.
const DEVIATIONS: f64 = 2.0;

impl Machine {
    /// Who stands before somebody who enters now and is not called up at once.
    pub(in crate::queue) fn ahead_of_next(&self) -> u64 {
        let head = &self.head;
        let left = self.gone.published(head.boarding);
        let line = head
            .line()
            .saturating_sub(left.between(head.boarding, head.entered));
        let present = u64::try_from(self.present.len()).unwrap_or(u64::MAX);
        line.saturating_add(present)
    }

    /// Whether somebody who enters now finds a free slot that nobody else may come for.
    pub(in crate::queue) fn is_idle(&self, now: UnixMillis) -> bool {
        self.ahead_of_next() == 0 && self.slots(now) > self.unheard()
    }

    /// What bounds a wait: while nothing moves, nothing does.
    pub(in crate::queue) fn wait_bounds(&self, now: UnixMillis) -> WaitBounds {
        if self.head.phase(now) != Phase::Open || self.is_draw() {
            return WaitBounds {
                boarding: self.head.boarding,
                ..WaitBounds::default()
            };
        }
        let by_rate = self.head.config.admit_rate_per_minute.map(|rate| {
            let each_seconds = 60.0 / f64::from(rate);
            Turns {
                free: 0,
                first_seconds: each_seconds,
                each_seconds,
            }
        });
        let (slowest, fastest) = self.measured_rates(now);
        WaitBounds {
            boarding: self.head.boarding,
            turns: self.by_slots(now).into_iter().chain(by_rate).collect(),
            slowest_per_second: slowest,
            fastest_per_second: fastest,
        }
    }

    /// Slots turn at least once in the time from an admission to the end of its session.
    #[expect(clippy::cast_precision_loss, reason = "a bound in seconds")]
    fn by_slots(&self, now: UnixMillis) -> Option<Turns> {
        let config = &self.head.config;
        let slots = config.max_active?;
        let turn = f64::from(config.handoff_seconds) + f64::from(config.session_seconds);
        let each_seconds = turn / f64::from(slots).max(1.0);
        let session = f64::from(config.session_seconds);
        let ends_in = |claim: &Claim| {
            let left = claim.ends_at.unwrap_or(now).saturating_sub(now) as f64 / 1000.0;
            if claim.state == ClaimState::Admitted {
                left + session
            } else {
                left
            }
        };
        let free = u64::from(slots).saturating_sub(self.active_count());
        let mut first_seconds = turn;
        if self.active.len() <= LOOKED_UP_MAX && free == 0 {
            let mut ends: Vec<f64> = self.active.values().map(ends_in).collect();
            ends.sort_unstable_by(f64::total_cmp);
            let steps = (0_u32..).map(|step| f64::from(step) * each_seconds);
            let beyond = ends.iter().zip(steps).map(|(end, step)| end - step);
            first_seconds = beyond.fold(0.0, f64::max);
        }
        Some(Turns {
            // Who is called up comes before all who are not.
            free: free.saturating_sub(self.unheard()),
            first_seconds,
            each_seconds,
        })
    }

    /// The least and the most that are called up a second, where that can be told.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn measured_rates(&self, now: UnixMillis) -> (Option<f64>, Option<f64>) {
        let config = &self.head.config;
        let by_rate = config.admit_rate_per_minute.map(|rate| {
            let (share, seen) = (share(&self.head), self.head.called as f64 + 1.0);
            let off = DEVIATIONS * (share * (1.0 - share) / seen).sqrt();
            f64::from(rate) / 60.0 / (share - off).max(0.1)
        });
        let Some((moved, millis)) = pace::measured_over(&self.head, now) else {
            return (None, by_rate);
        };
        let (moved, seconds) = (moved as f64, millis as f64 / 1000.0);
        // All slots may turn just before what was measured, or just after.
        let slots = f64::from(config.max_active.unwrap_or(1));
        let off = DEVIATIONS * (moved + slots).sqrt();
        let slowest = (moved - off) / seconds / STEADY;
        let fastest = (moved + off + 1.0) / seconds * STEADY;
        let fastest = by_rate.map_or(fastest, |by_rate| by_rate.min(fastest));
        ((slowest > 0.0).then_some(slowest), Some(fastest))
    }
}
