//! How many may be admitted now: exact at every grant, whatever came before.

use std::collections::VecDeque;

use crate::UnixMillis;

/// "In any 60 s" is the half-open window `(now - 60 s, now]`.
const WINDOW_MILLIS: u64 = 60_000;

/// When admissions were given in the last minute. Grants of one millisecond share an entry, so there
/// are at most 60,000 whatever the rate.
#[derive(Default)]
pub struct RateWindow {
    grants: VecDeque<(UnixMillis, u32)>,
    total: u32,
}

impl RateWindow {
    /// Notes a grant. Times must not run back.
    pub fn add(&mut self, now: UnixMillis) {
        match self.grants.back_mut() {
            Some((at, count)) if *at == now => *count = count.saturating_add(1),
            _ => self.grants.push_back((now, 1)),
        }
        self.total = self.total.saturating_add(1);
    }

    /// Forgets what is a minute old.
    pub fn forget(&mut self, now: UnixMillis) {
        while let Some((at, count)) = self.grants.front().copied() {
            if now.saturating_sub(at) < WINDOW_MILLIS {
                break;
            }
            self.grants.pop_front();
            self.total = self.total.saturating_sub(count);
        }
    }

    /// How many `rate` will allow by `later`, if none is given until then.
    pub fn room_by(&self, rate: u32, later: UnixMillis) -> u32 {
        let aged = self
            .grants
            .iter()
            .take_while(|(at, _)| later.saturating_sub(*at) >= WINDOW_MILLIS);
        let gone = aged.fold(0_u32, |sum, (_, count)| sum.saturating_add(*count));
        rate.saturating_sub(self.total.saturating_sub(gone))
    }

    /// When `rate` allows the next grant; `None` where it does now.
    pub fn next_room(&self, rate: u32) -> Option<UnixMillis> {
        let mut excess = self.total.checked_sub(rate)?;
        for (at, count) in &self.grants {
            match excess.checked_sub(*count) {
                Some(rest) => excess = rest,
                None => return Some(at.saturating_add(WINDOW_MILLIS)),
            }
        }
        None
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_minute_holds_more_than_the_rate(
            rate in 1_u32..20,
            steps in prop::collection::vec(0_u64..8_000, 1..300),
        ) {
            let (mut window, mut given, mut now) = (RateWindow::default(), Vec::new(), 1_000_000);
            for step in steps {
                now += step;
                window.forget(now);
                if window.room_by(rate, now) > 0 {
                    window.add(now);
                    given.push(now);
                } else {
                    let next = window.next_room(rate).unwrap();
                    prop_assert!(next > now && next <= now + WINDOW_MILLIS);
                    prop_assert!(window.room_by(rate, next) > 0);
                    prop_assert_eq!(window.room_by(rate, next - 1), 0);
                }
                let recent = given.iter().filter(|at| **at > now - WINDOW_MILLIS).count();
                prop_assert!(recent <= rate as usize);
            }
        }
    }

    #[test]
    fn a_lowered_rate_waits_until_enough_have_aged() {
        let mut window = RateWindow::default();
        for at in [1_000, 2_000, 3_000] {
            window.add(at);
        }
        assert_eq!(window.next_room(4), None);
        assert_eq!(window.next_room(3), Some(61_000));
        assert_eq!(window.next_room(1), Some(63_000));
    }
}
