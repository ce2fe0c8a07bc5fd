//! How long to wait before trying again: exponential, with full jitter, so that a crowd which failed
//! together does not come back together.

use core::time::Duration;

const BASE: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(30);

/// The waits of one client.
#[derive(Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The next wait, and never less than the server asked for.
    pub fn next(&mut self, retry_after: Option<Duration>) -> Duration {
        let ceiling = BASE.saturating_mul(1 << self.failures.min(5)).min(MOST);
        self.failures = self.failures.saturating_add(1);
        let jittered = ceiling.mul_f64(fastrand::f64());
        retry_after.map_or(jittered, |least| least.min(MOST).saturating_add(jittered))
    }

    /// How often it failed since it last went well.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Notes that it went well.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_are_spread() {
        let mut longest = Duration::ZERO;
        let mut distinct = std::collections::HashSet::new();
        for _ in 0..200 {
            let mut backoff = Backoff::default();
            for failures in 0..10_u32 {
                let wait = backoff.next(None);
                assert!(wait <= BASE * 2_u32.pow(failures.min(5)) && wait <= MOST);
                longest = longest.max(wait);
                distinct.insert(wait);
            }
        }
        assert!(longest > MOST / 2 && distinct.len() > 100);
    }

    #[test]
    fn what_the_server_asks_for_is_waited_for() {
        let asked = Duration::from_secs(7);
        assert!(Backoff::default().next(Some(asked)) >= asked);
    }
}
