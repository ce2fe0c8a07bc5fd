//! How far to call up: enough shoppers that the next seconds' slots find somebody present, and no
//! more than come. Boarding only grows; it decides nothing about order or limits, so an estimate that
//! is off costs waiting or idle time, never fairness.

use std::collections::VecDeque;

use super::gone::Gone;
use super::head::Head;
use crate::UnixMillis;

/// How far ahead admissions are foreseen: about the time a shopper takes to hear of their call.
pub const HORIZON_MILLIS: u64 = 5_000;
/// How long a called-up shopper has before they count as absent: a poll and a stale snapshot.
const ARRIVAL_MILLIS: u64 = 10_000;
/// How long they are waited for while a slot stands idle.
const IDLE_MILLIS: u64 = 3_000;
/// How often the next call-up is doubled while a slot stands idle and nobody comes.
const DOUBLINGS_MAX: u64 = 20;
/// How often boarding is thought over while slots are free and nobody comes.
pub const REVIEW_MILLIS: u64 = 1_000;
/// Over how long freed slots are averaged.
const FREED_OVER_MILLIS: f64 = 30_000.0;
/// What is assumed before anything was seen: 4 of 5 come. It weighs as much as two shoppers seen.
const PRIOR_CAME: f64 = 1.6;
const PRIOR_CALLED: f64 = 2.0;
/// The lowest share reckoned with: below it, calling up more at once would only swamp.
const SHARE_MIN: f64 = 0.02;
/// Old shows fade when this many were counted.
const FADE_AT: u64 = 400;

/// Tickets that were called up together.
struct CallUp {
    at: UnixMillis,
    called: u64,
    /// How many of them may still come.
    outstanding: u64,
}

/// What the controller knows beyond the stored head. Lost with an eviction, and soon seen again.
#[derive(Default)]
pub struct Controller {
    /// Call-ups of the last seconds.
    in_flight: VecDeque<CallUp>,
    /// Since when shoppers are called up for an idle slot and nobody came.
    nobody_since: Option<UnixMillis>,
    /// Slots freed, fading, and when that was reckoned.
    freed: f64,
    freed_at: UnixMillis,
}

impl Controller {
    /// Notes that a called-up shopper came for the first time.
    pub fn came(&mut self, head: &mut Head) {
        head.came = head.came.saturating_add(1);
        if let Some(call) = self.in_flight.iter_mut().find(|call| call.outstanding > 0) {
            call.outstanding = call.outstanding.saturating_sub(1);
        }
        self.nobody_since = None;
    }

    /// Notes that somebody who was called up and had not claimed left: nobody need wait for them.
    pub fn left(&mut self) {
        let mut calls = self.in_flight.iter_mut().rev();
        if let Some(call) = calls.find(|call| call.outstanding > 0) {
            call.called = call.called.saturating_sub(1);
            call.outstanding = call.outstanding.saturating_sub(1);
        }
    }

    /// Notes that a slot became free.
    pub fn freed(&mut self, now: UnixMillis) {
        self.freed = self.fade(now) + 1.0;
        self.freed_at = now;
    }

    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn fade(&self, now: UnixMillis) -> f64 {
        let since = now.saturating_sub(self.freed_at) as f64;
        self.freed * (-since / FREED_OVER_MILLIS).exp()
    }

    /// How many slots will become free within the horizon, going by the last half minute.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small positive estimate"
    )]
    pub fn freeing_soon(&self, now: UnixMillis) -> u64 {
        (self.fade(now) * (HORIZON_MILLIS as f64) / FREED_OVER_MILLIS).ceil() as u64
    }

    /// Counts as absent whom was called long ago.
    pub fn mature(&mut self, head: &mut Head, now: UnixMillis) {
        let is_old = |call: &CallUp| now.saturating_sub(call.at) >= ARRIVAL_MILLIS;
        while self.in_flight.front().is_some_and(is_old) {
            let Some(call) = self.in_flight.pop_front() else {
                return;
            };
            head.called = head.called.saturating_add(call.called);
            if head.called > FADE_AT {
                head.called /= 2;
                head.came /= 2;
            }
        }
    }

    /// Moves boarding so that about `wanted` shoppers are or soon will be present; says whether it
    /// moved. `present` of them are here already; `idle` says that a slot is free and nobody is.
    pub fn board(
        &mut self,
        head: &mut Head,
        gone: &mut Gone,
        wanted: u64,
        present: u64,
        idle: bool,
        now: UnixMillis,
    ) -> bool {
        self.mature(head, now);
        if !idle || head.line() == 0 {
            self.nobody_since = None;
        }
        let share = share(head);
        let patience = if idle { IDLE_MILLIS } else { ARRIVAL_MILLIS };
        let still_expected = |call: &&CallUp| now.saturating_sub(call.at) < patience;
        let expected = self.in_flight.iter().filter(still_expected);
        let outstanding = expected.fold(0_u64, |sum, call| sum.saturating_add(call.outstanding));
        let coming = scale(outstanding, share);
        let shortfall = wanted.saturating_sub(present).saturating_sub(coming);
        if shortfall == 0 {
            return false;
        }
        let step = scale(shortfall, 1.0 / share).max(1);
        let alone = self
            .nobody_since
            .map_or(0, |since| now.saturating_sub(since) / IDLE_MILLIS);
        let step = step.saturating_mul(1_u64 << alone.min(DOUBLINGS_MAX));
        let before = head.boarding;
        let advance = call_up(head, gone, step);
        if advance == 0 {
            // It may have moved past those who left.
            return head.boarding > before;
        }
        if idle {
            self.nobody_since.get_or_insert(now);
        }
        match self.in_flight.back_mut() {
            Some(call) if now.saturating_sub(call.at) < REVIEW_MILLIS => {
                call.called = call.called.saturating_add(advance);
                call.outstanding = call.outstanding.saturating_add(advance);
            }
            _ => self.in_flight.push_back(CallUp {
                at: now,
                called: advance,
                outstanding: advance,
            }),
        }
        true
    }
}

/// Moves boarding past `count` tickets whose holders may come, and past those who left among them.
/// Returns how many of the former there were.
pub(super) fn call_up(head: &mut Head, gone: &mut Gone, count: u64) -> u64 {
    let advance = gone.advance(head.boarding, count, head.entered);
    head.boarding = advance.until;
    gone.forget_below(head.boarding);
    advance.called
}

/// The share of called-up shoppers who come.
#[expect(clippy::cast_precision_loss, reason = "counts below a thousand")]
pub fn share(head: &Head) -> f64 {
    let came = head.came as f64 + PRIOR_CAME;
    let called = head.called as f64 + PRIOR_CALLED;
    (came / called).clamp(SHARE_MIN, 1.0)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate, positive"
)]
fn scale(count: u64, factor: f64) -> u64 {
    (count as f64 * factor).ceil() as u64
}
