//! How long a wait can be: a range by what is known of the queue, which narrows as it is measured.

use serde::{Deserialize, Serialize};

/// A wait is between these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitRange {
    /// Seconds.
    pub at_least_seconds: u64,
    /// Seconds; `None` where nothing bounds it.
    pub at_most_seconds: Option<u64>,
}

/// How slowly one limit of the queue can let people in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Turns {
    /// So many need not wait for it.
    pub free: u64,
    /// The next one waits for so long at most, in seconds.
    pub first_seconds: f64,
    /// And each further one so much longer.
    pub each_seconds: f64,
}

/// What bounds everybody's wait. With it, each ticket's range follows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitBounds {
    /// The boarding that these are of: who was called up since may take what was free.
    pub boarding: u64,
    /// The limits, all of which hold. Where there are none, nothing bounds a wait.
    pub turns: Vec<Turns>,
    /// The least and the most that are called up a second, by what was measured so far.
    pub slowest_per_second: Option<f64>,
    /// See `slowest_per_second`.
    pub fastest_per_second: Option<f64>,
}

/// What a call-up may take to be heard and answered, beyond all limits.
const HEARD_SECONDS: f64 = 15.0;

impl WaitBounds {
    /// The wait of somebody with so many people ahead, of whom some were called up since.
    /// `estimate` is within it.
    #[expect(clippy::cast_precision_loss, reason = "a bound in seconds")]
    pub fn range(&self, ahead: u64, estimate: Option<u64>) -> WaitRange {
        let ahead = ahead as f64;
        let after = |turns: &Turns| {
            let waiting = ahead + 1.0 - turns.free as f64;
            let further = (waiting - 1.0).max(0.0) * turns.each_seconds;
            HEARD_SECONDS
                + if waiting > 0.0 {
                    turns.first_seconds + further
                } else {
                    0.0
                }
        };
        let by_limits = self.turns.iter().map(after).reduce(f64::max);
        let by_measure = self.slowest_per_second.map(|rate| (ahead + 1.0) / rate);
        let most = [by_limits, by_measure]
            .into_iter()
            .flatten()
            .reduce(f64::min);
        let least = self.fastest_per_second.map_or(0.0, |rate| ahead / rate);
        let at_most = most.map(|most| seconds(most.ceil()).max(estimate.unwrap_or(0)));
        let at_least = seconds(least.floor()).min(estimate.unwrap_or(u64::MAX));
        WaitRange {
            at_least_seconds: at_least.min(at_most.unwrap_or(u64::MAX)),
            at_most_seconds: at_most,
        }
    }
}

/// Nobody waits for longer than this, in seconds: it is still exact in JSON.
const FOR_EVER: f64 = 9_007_199_254_740_991.0;

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bounded right before"
)]
fn seconds(value: f64) -> u64 {
    if value.is_nan() {
        0
    } else {
        value.clamp(0.0, FOR_EVER) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(bounds: &WaitBounds, ahead: u64) -> (u64, Option<u64>) {
        let range = bounds.range(ahead, None);
        (range.at_least_seconds, range.at_most_seconds)
    }

    #[test]
    fn where_nothing_is_known_nothing_bounds_a_wait() {
        assert_eq!(range(&WaitBounds::default(), 10), (0, None));
    }

    #[test]
    fn slots_and_sessions_bound_it_and_the_slower_limit_decides() {
        let slots = Turns {
            free: 2,
            first_seconds: 600.0,
            each_seconds: 300.0,
        };
        let rate = Turns {
            free: 0,
            first_seconds: 60.0,
            each_seconds: 60.0,
        };
        let bounds = |turns: &[Turns]| WaitBounds {
            turns: turns.to_vec(),
            ..WaitBounds::default()
        };
        for (ahead, most) in [(0, 15), (1, 15), (2, 615), (4, 1_215)] {
            assert_eq!(range(&bounds(&[slots]), ahead), (0, Some(most)));
        }
        for (ahead, most) in [(0, 75), (1, 135), (2, 615), (4, 1_215)] {
            assert_eq!(range(&bounds(&[slots, rate]), ahead), (0, Some(most)));
        }
    }

    #[test]
    fn measurements_narrow_it_and_an_estimate_is_always_within() {
        let bounds = WaitBounds {
            boarding: 0,
            turns: vec![Turns {
                free: 0,
                first_seconds: 720.0,
                each_seconds: 720.0,
            }],
            slowest_per_second: Some(0.01),
            fastest_per_second: Some(0.04),
        };
        assert_eq!(range(&bounds, 9), (225, Some(1_000)));
        let with = |estimate| bounds.range(9, Some(estimate));
        assert_eq!(with(100).at_least_seconds, 100);
        assert_eq!(with(2_000).at_most_seconds, Some(2_000));
    }
}
