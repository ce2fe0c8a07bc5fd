//! How many may be admitted now: exact at every grant, whatever came before, and spread evenly.

use std::collections::VecDeque;

use crate::UnixMillis;

/// "In any 60 s" is the half-open window `(now - 60 s, now]`.
const WINDOW_MILLIS: u64 = 60_000;
const MICROS: u64 = 1_000;
const SECOND_MICROS: u64 = 1_000_000;

/// When admissions were given in the last minute. Grants of one millisecond share an entry, so
/// there are at most 60,000 whatever the rate.
///
/// Two limits hold at once. No minute sees more than the rate. And grants are spread over the
/// minute by the generic cell rate algorithm (ITU-T I.371): a second's share may be given at once,
/// so no second sees more than the share of two, and at least one may always be given.
#[derive(Default)]
pub struct RateWindow {
    grants: VecDeque<(UnixMillis, u32)>,
    total: u32,
    /// The rate that `paced_to` was reckoned with.
    rate: u32,
    /// Up to when the grants so far use up the rate, in microseconds.
    paced_to: u64,
}

impl RateWindow {
    /// Notes a grant under a rate, if there is one. Times must not run back.
    pub fn add(&mut self, rate: Option<u32>, now: UnixMillis) {
        self.follow(rate.unwrap_or(0));
        match self.grants.back_mut() {
            Some((at, count)) if *at == now => *count = count.saturating_add(1),
            _ => self.grants.push_back((now, 1)),
        }
        self.total = self.total.saturating_add(1);
        self.pace(now, 1);
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

    /// Reckons with another rate from now on: what it would have come to, had it always been that.
    pub fn follow(&mut self, rate: u32) {
        if rate == self.rate {
            return;
        }
        (self.rate, self.paced_to) = (rate, 0);
        for at in 0..self.grants.len() {
            if let Some((at, count)) = self.grants.get(at).copied() {
                self.pace(at, count);
            }
        }
    }

    fn pace(&mut self, at: UnixMillis, count: u32) {
        let cost = interval(self.rate).saturating_mul(count.into());
        let at = at.saturating_mul(MICROS);
        // Under another rate there may have been more at once: only the minute counts those.
        let most = at.saturating_add(allowance(self.rate));
        self.paced_to = self.paced_to.max(at).saturating_add(cost).min(most);
    }

    /// How many `rate` will allow from `now` to `later`. It must be the rate that is followed.
    pub fn room_by(&self, rate: u32, now: UnixMillis, later: UnixMillis) -> u32 {
        let aged = self
            .grants
            .iter()
            .take_while(|(at, _)| later.saturating_sub(*at) >= WINDOW_MILLIS);
        let gone = aged.fold(0_u32, |sum, (_, count)| sum.saturating_add(*count));
        let in_window = rate.saturating_sub(self.total.saturating_sub(gone));
        // However long none was given, no more than a second's share has gathered.
        let since = self.paced_to.max(now.saturating_mul(MICROS));
        let until = later.saturating_mul(MICROS).saturating_add(allowance(rate));
        let paced = until.saturating_sub(since).checked_div(interval(rate));
        in_window.min(u32::try_from(paced.unwrap_or(u64::MAX)).unwrap_or(u32::MAX))
    }

    /// When `rate` allows the next grant; `None` where it does at `now`.
    pub fn next_room(&self, rate: u32, now: UnixMillis) -> Option<UnixMillis> {
        if self.room_by(rate, now, now) > 0 {
            return None;
        }
        let paced = self
            .paced_to
            .saturating_add(interval(rate))
            .saturating_sub(allowance(rate))
            .div_ceil(MICROS);
        Some(self.next_in_window(rate).unwrap_or(0).max(paced))
    }

    fn next_in_window(&self, rate: u32) -> Option<UnixMillis> {
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

/// The time that one grant uses up, in microseconds.
fn interval(rate: u32) -> u64 {
    WINDOW_MILLIS
        .saturating_mul(MICROS)
        .checked_div(rate.into())
        .unwrap_or(0)
}

/// How much may be given at once: a second's share, and at least one. Where it is one, the next may
/// come a little early, to make up for one that was late, but never within the same second.
fn allowance(rate: u32) -> u64 {
    let interval = interval(rate);
    let at_once = u64::from(rate / 60).max(1);
    let early = match at_once {
        1 if interval > SECOND_MICROS => interval.saturating_sub(SECOND_MICROS).min(interval / 2),
        1 => interval / 2,
        _ => 0,
    };
    interval.saturating_mul(at_once).saturating_add(early)
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_minute_holds_more_than_the_rate_and_no_second_more_than_two_shares(
            rate in 1_u32..600,
            steps in prop::collection::vec(0_u64..8_000, 1..300),
            greed in 1_u32..40,
        ) {
            let (mut window, mut given, mut now) = (RateWindow::default(), Vec::new(), 1_000_000);
            window.follow(rate);
            for step in steps {
                now += step;
                window.forget(now);
                for _ in 0..greed {
                    if window.room_by(rate, now, now) > 0 {
                        window.add(Some(rate), now);
                        given.push(now);
                    }
                }
                if let Some(next) = window.next_room(rate, now) {
                    prop_assert!(next > now && next <= now + WINDOW_MILLIS);
                    prop_assert!(window.room_by(rate, next, next) > 0);
                    prop_assert_eq!(window.room_by(rate, next - 1, next - 1), 0);
                }
                let within = |millis| given.iter().filter(|at| **at > now - millis).count();
                prop_assert!(within(WINDOW_MILLIS) <= rate as usize);
                prop_assert!(within(1_000) <= (rate as usize / 30).max(1), "{} in a second", within(1_000));
            }
        }

        #[test]
        fn whoever_asks_all_the_time_gets_the_whole_rate(rate in 1_u32..2_000) {
            let (mut window, mut given) = (RateWindow::default(), 0);
            window.follow(rate);
            for now in (1_000_000..1_600_000).step_by(10) {
                window.forget(now);
                while window.room_by(rate, now, now) > 0 {
                    window.add(Some(rate), now);
                    given += 1;
                }
            }
            let even = rate * 10 - rate / 10 - 1..=rate * 10 + 1;
            prop_assert!(even.contains(&given), "{given}, not {even:?}");
        }
    }

    #[test]
    fn a_full_minute_waits_until_enough_have_aged() {
        let mut window = RateWindow::default();
        for at in [1_000, 2_000, 3_000] {
            window.add(None, at);
        }
        window.follow(3);
        assert_eq!(window.next_room(3, 3_000), Some(61_000));
        window.follow(1);
        assert_eq!(window.next_room(1, 3_000), Some(63_000));
    }

    #[test]
    fn a_raised_rate_takes_hold_at_once() {
        let mut window = RateWindow::default();
        window.add(Some(1), 1_000);
        assert_eq!(window.next_room(1, 1_000), Some(61_000));
        window.follow(600);
        assert_eq!(window.room_by(600, 2_000, 2_000), 10);
    }
}
