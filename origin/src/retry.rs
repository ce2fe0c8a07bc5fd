//! When to try again: few times, within a bound, and not all at the same moment.

use core::time::Duration;
use std::time::Instant;

/// The first pause is up to this long, and each next one up to twice the last.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// No pause of our own choice is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The bounds of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Tries in all, the first included.
    pub(crate) tries: u32,
    /// The time after which no further try begins.
    pub(crate) patience: Duration,
}

/// The tries of one call.
pub(crate) struct Tries {
    limits: Limits,
    begun: Instant,
    made: u32,
}

impl Tries {
    pub(crate) fn begin(limits: Limits) -> Self {
        Self {
            limits,
            begun: Instant::now(),
            made: 0,
        }
    }

    /// How long to pause after a failed try, or nothing where it was the last. `asked` is what the
    /// other side's `Retry-After` says; it is never undercut.
    pub(crate) fn pause(&mut self, asked: Option<Duration>) -> Option<Duration> {
        self.made = self.made.saturating_add(1);
        let longest = FIRST_PAUSE
            .saturating_mul(2_u32.saturating_pow(self.made.saturating_sub(1)))
            .min(LONGEST_PAUSE);
        let pause = asked.unwrap_or_default().saturating_add(jitter(longest));
        let in_time = self.begun.elapsed().saturating_add(pause) <= self.limits.patience;
        (self.made < self.limits.tries && in_time).then_some(pause)
    }
}

/// A random time up to `longest`: full jitter, which spreads callers best.
fn jitter(longest: Duration) -> Duration {
    // Without randomness the whole pause: later than need be, never sooner.
    let parts = getrandom::u32().unwrap_or(u32::MAX);
    longest.mul_f64(f64::from(parts) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tries(tries: u32) -> Tries {
        Tries::begin(Limits {
            tries,
            patience: Duration::from_secs(10),
        })
    }

    #[test]
    fn tries_are_few() {
        let mut tries = tries(3);
        assert!(tries.pause(None).is_some());
        assert!(tries.pause(None).is_some());
        assert_eq!(tries.pause(None), None);
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        let mut tries = tries(100);
        for longest in [200, 400, 800, 1600, 2000, 2000] {
            assert!(tries.pause(None).unwrap() <= Duration::from_millis(longest));
        }
    }

    #[test]
    fn what_the_other_side_asks_for_is_never_undercut() {
        let asked = Duration::from_secs(3);
        assert!(tries(2).pause(Some(asked)).unwrap() >= asked);
    }

    #[test]
    fn nobody_waits_past_their_patience() {
        assert_eq!(tries(3).pause(Some(Duration::from_secs(11))), None);
    }
}
