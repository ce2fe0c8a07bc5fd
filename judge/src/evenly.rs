//! How much of a rate is left at a moment, where a minute's admissions are spread evenly.

use std::collections::VecDeque;

use tidegate_core::UnixMillis;

/// What admissions used up of a rate.
#[derive(Default)]
pub struct Evenly {
    rate: u32,
    /// Up to when, in microseconds.
    used_to: u64,
}

impl Evenly {
    /// Notes an admission.
    pub fn admitted(&mut self, at: UnixMillis) {
        if self.rate == 0 {
            return;
        }
        let (share, most) = self.share();
        let at = at * 1_000;
        self.used_to = (self.used_to.max(at) + share).min(at + most);
    }

    /// How many more a rate allows now. One that is new is reckoned with as if it had always been.
    pub fn room(&mut self, rate: u32, recent: &VecDeque<UnixMillis>, now: UnixMillis) -> u64 {
        if self.rate != rate {
            (self.rate, self.used_to) = (rate, 0);
            for at in recent {
                self.admitted(*at);
            }
        }
        let (share, most) = self.share();
        let now = now * 1_000;
        (now + most).saturating_sub(self.used_to.max(now)) / share
    }

    /// What one admission takes of the time, and how much of it may be taken at once, in
    /// microseconds.
    fn share(&self) -> (u64, u64) {
        let share = 60_000_000 / u64::from(self.rate.max(1));
        let early = match self.rate / 60 {
            0 if share > 1_000_000 => (share - 1_000_000).min(share / 2),
            0 | 1 => share / 2,
            _ => 0,
        };
        (share, share * u64::from(self.rate / 60).max(1) + early)
    }
}
