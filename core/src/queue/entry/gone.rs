//! The places in line whose holders left, in stretches of neighbouring places. Calling up passes
//! over them, and what is said of the line does not count them.
//!
//! There are never more than [`STRETCHES_MAX`] stretches, whatever shoppers do. Beyond that,
//! neighbours become one stretch that knows only how many of its places were left, not which. Such
//! a stretch is not passed over: its places are called up like those of shoppers who stay away. It
//! still counts. Those are merged first that matter least to the places behind them, so the front
//! stays exact.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::view::line::Left;

/// The most stretches that are kept, in memory and in storage.
pub const STRETCHES_MAX: usize = 10_000;
/// How many fewer there are after a merging: it looks at all of them, so it is done rarely.
const MERGED_AT_ONCE: usize = STRETCHES_MAX / 4;

/// Neighbouring places of which some were left: all of them, unless stretches had to be merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// The first place, 0-based.
    pub from: u64,
    /// The place after the last.
    pub until: u64,
    /// How many of them were left.
    pub gone: u64,
}

/// How far a call-up goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advance {
    /// Places below this are called up.
    pub until: u64,
    /// How many of those that were passed may still be held. Never too few: in a draw each of them
    /// has a place kept.
    pub called: u64,
}

/// See the module's documentation.
#[derive(Default)]
pub struct Gone {
    /// By their first place. They do not overlap, and those of which nobody stands do not touch.
    stretches: BTreeMap<u64, Stretch>,
    /// Rows to write, by first place; `None` is to be removed.
    changed: BTreeMap<u64, Option<Stretch>>,
    spread: Spread,
    /// What is published, and of which boarding.
    published: OnceCell<(u64, Left)>,
}

/// Who left nobody knows where, among those who stand in the first places.
#[derive(Clone, Copy, Default)]
struct Spread {
    until: u64,
    gone: u64,
    of: u64,
}

impl Spread {
    /// How many of so many are expected to have left.
    fn of(self, standing: u64) -> u64 {
        let product = u128::from(self.gone).saturating_mul(standing.into());
        let gone = product.checked_div(self.of.into()).unwrap_or(0);
        u64::try_from(gone).unwrap_or(u64::MAX).min(standing)
    }
}

/// Along the line, from pair to pair.
struct Walk {
    pairs: Vec<(u64, u64)>,
    spread: Spread,
    at: u64,
    /// How many of the places so far are known to be left.
    known: u64,
    /// How many others there are of those that are spread over.
    others: u64,
}

impl Walk {
    /// On to a place, with so many on the way that are known to be left.
    fn go_to(&mut self, place: u64, left: u64) {
        if place <= self.at {
            return;
        }
        let over = place.min(self.spread.until).saturating_sub(self.at);
        self.others = self.others.saturating_add(over.saturating_sub(left));
        self.known = self.known.saturating_add(left);
        self.at = place;
        let gone = self.known.saturating_add(self.spread.of(self.others));
        self.pairs.push((place, gone));
    }
}

impl Stretch {
    fn length(self) -> u64 {
        self.until.saturating_sub(self.from)
    }

    /// How many of its places may be held.
    fn standing(self) -> u64 {
        self.length().saturating_sub(self.gone)
    }

    /// How many of its places below this one were left: in proportion, where it is not known which.
    fn gone_below(self, place: u64) -> u64 {
        let part = place.clamp(self.from, self.until).saturating_sub(self.from);
        let product = u128::from(self.gone).saturating_mul(part.into());
        let gone = product.checked_div(self.length().into()).unwrap_or(0);
        u64::try_from(gone).unwrap_or(self.gone)
    }

    fn with(self, after: Self) -> Self {
        Self {
            from: self.from,
            until: after.until,
            gone: self.gone.saturating_add(after.gone),
        }
    }
}

impl Gone {
    /// Brings back what storage holds of the line from `boarding` on.
    pub fn restore(stored: Vec<Stretch>) -> Self {
        let by_first = |stretch: Stretch| (stretch.from, stretch);
        Self {
            stretches: stored.into_iter().map(by_first).collect(),
            ..Self::default()
        }
    }

    /// Notes that `gone` more of the first `until` places were left, of which `placed` are known.
    /// They are reckoned with as if they were spread evenly over the others.
    pub fn spread(&mut self, gone: u64, until: u64, placed: u64) {
        let of = until.saturating_sub(placed);
        self.spread = Spread { until, gone, of };
        self.published.take();
    }

    /// Notes that the holder of this place left. Places below `boarding` are called up already.
    pub fn leave(&mut self, place: u64, boarding: u64) {
        if place < boarding {
            return;
        }
        let around = self.stretches.range(..=place).next_back();
        let around = around
            .map(|(_, stretch)| *stretch)
            .filter(|stretch| place < stretch.until);
        let left = match around {
            Some(stretch) if stretch.standing() == 0 => return,
            Some(stretch) => Stretch {
                gone: stretch.gone.saturating_add(1),
                ..stretch
            },
            None => Stretch {
                from: place,
                until: place.saturating_add(1),
                gone: 1,
            },
        };
        self.put(left);
        if self.stretches.len() > STRETCHES_MAX {
            self.merge_cheapest(boarding);
        }
    }

    /// Keeps a stretch, as one with its neighbours if nobody stands in it nor in them.
    fn put(&mut self, stretch: Stretch) {
        let mut joined = stretch;
        if stretch.standing() == 0 {
            let is_joined = |other: &Stretch| other.standing() == 0;
            let before = self.stretches.range(..stretch.from).next_back();
            let before = before
                .map(|(_, before)| *before)
                .filter(|before| before.until == stretch.from && is_joined(before));
            if let Some(before) = before {
                self.remove(stretch.from);
                joined = before.with(joined);
            }
            let after = self.stretches.get(&stretch.until).copied();
            if let Some(after) = after.filter(is_joined) {
                self.remove(after.from);
                joined = joined.with(after);
            }
        }
        self.stretches.insert(joined.from, joined);
        self.changed.insert(joined.from, Some(joined));
        self.published.take();
    }

    fn remove(&mut self, from: u64) {
        if self.stretches.remove(&from).is_some() {
            self.changed.insert(from, None);
            self.published.take();
        }
    }

    /// Merges neighbours. A pair costs at most as many places as one may be wrong by in it, as a
    /// share of those who stand before it.
    #[expect(clippy::cast_precision_loss, reason = "costs are only compared")]
    fn merge_cheapest(&mut self, boarding: u64) {
        let all: Vec<Stretch> = self.stretches.values().copied().collect();
        let mut gone_before = 0_u64;
        let mut pairs = Vec::with_capacity(all.len());
        for (at, (stretch, after)) in all.iter().zip(all.iter().skip(1)).enumerate() {
            let both = stretch.with(*after);
            let before = stretch.from.saturating_sub(boarding);
            let standing = before.saturating_sub(gone_before).saturating_add(1);
            let wrong = both.standing().min(both.gone);
            pairs.push((wrong as f64 / standing as f64, at, both));
            gone_before = gone_before.saturating_add(stretch.gone);
        }
        pairs.sort_unstable_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        let mut taken = vec![false; all.len()];
        let mut merged = 0_usize;
        for (_, at, both) in pairs {
            let is_free = |of: usize| taken.get(of) == Some(&false);
            let after = at.saturating_add(1);
            if merged == MERGED_AT_ONCE || !is_free(at) || !is_free(after) {
                continue;
            }
            for of in [at, after] {
                if let Some(flag) = taken.get_mut(of) {
                    *flag = true;
                }
            }
            if let Some(after) = all.get(after) {
                self.remove(after.from);
            }
            self.put(both);
            merged = merged.saturating_add(1);
        }
    }

    /// How far to call up from `boarding` so that about `count` more may come, with those who left
    /// next in line passed over even when enough are called.
    pub fn advance(&self, boarding: u64, count: u64, entered: u64) -> Advance {
        let mut at = boarding;
        let mut wanted = count;
        let around = self.stretches.range(..=boarding).next_back();
        let from = around.map_or(boarding, |(from, _)| *from);
        let ahead = self.stretches.range(from..).map(|(_, stretch)| stretch);
        for stretch in ahead.filter(|stretch| stretch.until > boarding) {
            let free = stretch.from.min(entered).saturating_sub(at);
            let rest = stretch
                .until
                .min(entered)
                .saturating_sub(at.max(stretch.from));
            let standing = stretch.standing().min(rest);
            if free > wanted || free.saturating_add(standing) > wanted || at >= entered {
                break;
            }
            wanted = wanted.saturating_sub(free).saturating_sub(standing);
            at = stretch.until.min(entered);
        }
        let further = wanted.min(entered.saturating_sub(at));
        Advance {
            until: at.saturating_add(further),
            called: count.saturating_sub(wanted).saturating_add(further),
        }
    }

    /// The next places from `at` on, before `until`, that may be held: the first, and the one after
    /// the last.
    pub fn standing_from(&self, at: u64, until: u64) -> (u64, u64) {
        let around = self.stretches.range(..=at).next_back();
        let around = around.filter(|(_, stretch)| stretch.until > at && stretch.standing() == 0);
        let from = around.map_or(at, |(_, stretch)| stretch.until.min(until));
        let mut ahead = self.stretches.range(from..until);
        let next = ahead.find(|(_, stretch)| stretch.standing() == 0);
        (from, next.map_or(until, |(next, _)| *next))
    }

    /// Forgets the places up to `until`, which are called up. Returns how many of those from `from`
    /// on were left.
    pub fn pass(&mut self, from: u64, until: u64) -> u64 {
        let exact = self.exact(from, until);
        let gone = exact.last().map_or(0, |(_, gone)| *gone);
        while let Some((first, stretch)) = self.stretches.first_key_value() {
            if stretch.until > until {
                break;
            }
            let first = *first;
            self.remove(first);
        }
        gone
    }

    /// How many of the places from `from` to before `until` are known to be left.
    pub fn count_in(&self, from: u64, until: u64) -> u64 {
        let overlapping = self.stretches.range(..until).rev();
        overlapping
            .map(|(_, stretch)| *stretch)
            .take_while(|stretch| stretch.until > from)
            .fold(0, |sum: u64, stretch| {
                let gone = stretch
                    .gone_below(until)
                    .saturating_sub(stretch.gone_below(from));
                sum.saturating_add(gone)
            })
    }

    /// How many left of which stretch beyond `boarding`, in few numbers.
    pub fn published(&self, boarding: u64) -> Left {
        let thinned = || Left::thinned(self.exact(boarding, u64::MAX));
        let (of, left) = self.published.get_or_init(|| (boarding, thinned()));
        if *of == boarding {
            left.clone()
        } else {
            thinned()
        }
    }

    /// Pairs of a place and how many of those before it were left, from `from` on, where that
    /// begins with 0, to `until` or the last that was left.
    fn exact(&self, from: u64, until: u64) -> Vec<(u64, u64)> {
        let mut walk = Walk {
            pairs: vec![(from, 0)],
            spread: self.spread,
            at: from,
            known: 0,
            others: 0,
        };
        let around = self.stretches.range(..=from).next_back();
        let first = around.map_or(from, |(first, _)| *first);
        let stretches = self.stretches.range(first..until.max(first));
        for stretch in stretches.map(|(_, stretch)| *stretch) {
            let (begins, ends) = (stretch.from.max(from), stretch.until.min(until));
            if ends <= from {
                continue;
            }
            let left = stretch
                .gone_below(ends)
                .saturating_sub(stretch.gone_below(begins));
            walk.go_to(begins, 0);
            walk.go_to(ends, left);
        }
        if self.spread.gone > 0 {
            walk.go_to(self.spread.until.min(until), 0);
        }
        walk.pairs
    }

    /// The rows that changed since this was last asked: what stands at each first place now.
    pub fn take_changes(&mut self) -> BTreeMap<u64, Option<Stretch>> {
        core::mem::take(&mut self.changed)
    }
}

#[cfg(test)]
mod tests;
