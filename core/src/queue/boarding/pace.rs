//! How fast boarding moves, measured where there is a line: what shown waits are reckoned from.

use crate::UnixMillis;
use crate::queue::boarding::share;
use crate::queue::state::head::Head;

/// How far apart samples are taken.
const STEP_MILLIS: u64 = 5_000;
/// The most that are kept; then the older ones are thinned out.
const SAMPLES_MAX: usize = 24;
/// How far back the pace is measured: half the wait of the last in line, within these. A long wait
/// needs a steady pace, a short one the latest.
const SPAN_MIN_MILLIS: u64 = 120_000;
const SPAN_MAX_MILLIS: u64 = 1_800_000;
/// With less time, or fewer tickets, than this the pace is not known yet.
const KNOWN_MILLIS: u64 = 60_000;
const KNOWN_TICKETS: u64 = 10;

/// Samples boarding's pace. Without a line it would measure arrivals; and what fills slots that
/// stand free at the beginning says nothing of what comes after, so sampling begins when none is
/// `free`.
pub fn sample(head: &mut Head, serving: bool, free: bool, now: UnixMillis) {
    if !serving || head.line() == 0 {
        head.pace.clear();
        return;
    }
    let due = match head.pace.last() {
        Some((at, _)) => now.saturating_sub(*at) >= STEP_MILLIS,
        None => !free,
    };
    if !due {
        return;
    }
    head.pace.push((now, head.called_up()));
    let span = span(head);
    while head
        .pace
        .get(1)
        .is_some_and(|(at, _)| now.saturating_sub(*at) >= span)
    {
        head.pace.remove(0);
    }
    if head.pace.len() > SAMPLES_MAX {
        let older = head.pace.len() / 2;
        let mut at = 0_usize;
        head.pace.retain(|_| {
            at = at.saturating_add(1);
            at > older || at % 2 == 1
        });
    }
}

/// How far back to look.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate, positive, and bounded right away"
)]
fn span(head: &Head) -> u64 {
    let wait = measured(head).map_or(0.0, |rate| head.line() as f64 * 1000.0 / rate);
    ((wait / 2.0) as u64).clamp(SPAN_MIN_MILLIS, SPAN_MAX_MILLIS)
}

/// How many were called up since the first sample, and in how many milliseconds.
pub fn measured_over(head: &Head, now: UnixMillis) -> Option<(u64, u64)> {
    let (since, from) = head.pace.first()?;
    let span = now.saturating_sub(*since);
    (span >= STEP_MILLIS).then(|| (head.called_up().saturating_sub(*from), span))
}

/// Tickets called up a second, from the first sample to the last.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn measured(head: &Head) -> Option<f64> {
    let ((since, from), (until, to)) = (head.pace.first()?, head.pace.last()?);
    let (span, moved) = (until.saturating_sub(*since), to.saturating_sub(*from));
    let known =
        moved >= KNOWN_TICKETS && span >= KNOWN_MILLIS || moved > 0 && span >= SPAN_MAX_MILLIS;
    known.then(|| moved as f64 * 1000.0 / span as f64)
}

/// Tickets called up a second: measured, else what the configured rate comes to, else unknown.
pub fn rate_per_second(head: &Head, serving: bool) -> Option<f64> {
    if !serving {
        return None;
    }
    let configured = match (head.config.max_active, head.config.admit_rate_per_minute) {
        (None, Some(rate)) => Some(f64::from(rate) / 60.0 / share(head)),
        _ => None,
    };
    measured(head).or(configured)
}
