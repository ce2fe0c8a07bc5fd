//! For whom a slot must be kept back, reckoned from what a queue wrote: when it called which
//! positions up, and who came or left.

use std::collections::{BTreeSet, VecDeque};

use tidegate_core::UnixMillis;
use tidegate_core::queue::hearing::CallUp;

/// The called-up positions whose time to hear of it may run still.
#[derive(Default)]
pub struct Hearing {
    /// In order.
    call_ups: VecDeque<CallUp>,
    /// Positions, not before the first of those, whose holders came or left.
    answered: BTreeSet<u64>,
    /// Called-up shoppers who let their time pass.
    absent: u64,
    /// How many left before they had a place: which place that was is not known here.
    left_early: u64,
}

impl Hearing {
    /// Positions from this one on were called up.
    pub fn called_up(&mut self, call_up: CallUp) {
        self.call_ups.push_back(call_up);
    }

    /// Somebody left before they had a place.
    pub fn left_early(&mut self) {
        self.left_early += 1;
    }

    /// The holder of this position came, or left.
    pub fn answers(&mut self, position: u64) {
        let first = self.call_ups.front();
        if first.is_none_or(|first| first.from <= position) {
            self.answered.insert(position);
        }
    }

    /// Forgets those whose time is over.
    pub fn forget(&mut self, now: UnixMillis) {
        while let [first, second, ..] = self.call_ups.make_contiguous() {
            if first.hears_by > now {
                return;
            }
            let (from, to) = (first.from, second.from);
            self.absent += to - from - self.answered_in(from, to);
            self.answered = self.answered.split_off(&to);
            self.call_ups.pop_front();
        }
    }

    /// How many positions below this one, of those below `boarding`, neither came nor left, and
    /// have time still.
    pub fn unheard_below(&self, position: u64, boarding: u64, now: UnixMillis) -> u64 {
        let ends = self.call_ups.iter().skip(1).map(|call_up| call_up.from);
        let hearing = self.call_ups.iter().zip(ends.chain([boarding]));
        let unheard: u64 = hearing
            .filter(|(call_up, _)| call_up.hears_by > now && call_up.from < position)
            .map(|(call_up, end)| {
                let end = end.min(position).max(call_up.from);
                end - call_up.from - self.answered_in(call_up.from, end)
            })
            .sum();
        unheard.saturating_sub(self.left_early)
    }

    /// Whether somebody below this position, of those below `boarding`, has not come.
    pub fn is_missed(&self, position: u64, boarding: u64) -> bool {
        let first = self
            .call_ups
            .front()
            .map_or(boarding, |call_up| call_up.from);
        let answered = self.answered_in(0, position);
        self.absent > 0 || position.saturating_sub(first) > answered
    }

    fn answered_in(&self, from: u64, to: u64) -> u64 {
        self.answered.range(from..to).count() as u64
    }
}
