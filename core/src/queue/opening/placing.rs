//! Who left before the opening has a place once the queue is sealed, at which boarding need not
//! wait. The places are computed once, and stored: in pieces, for each takes some 50 microseconds,
//! and shoppers are served meanwhile.

use serde::{Deserialize, Serialize};

use crate::UnixMillis;
use crate::queue::entry::shoppers::LEFT_EARLY_MAX;
use crate::queue::machine::Machine;

/// How many places are computed at once: some ten milliseconds.
pub const PIECE_PLACES: usize = 200;
/// A piece is computed no more often than this.
const PIECE_EVERY_MILLIS: u64 = 50;

/// How far the placing has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Placing {
    /// Indices from this one on are still to be placed.
    pub from: u64,
    /// How many are.
    pub placed: u64,
}

impl Machine {
    /// Begins to place who left before the opening, as soon as places follow from a seed.
    pub(in crate::queue) fn begin_placing(&mut self, now: UnixMillis) {
        if self.shuffle().seed.is_none() {
            return;
        }
        self.head.placing = Some(Placing::default());
        self.place_piece(now);
    }

    /// Goes on with it, if it is time.
    pub(in crate::queue) fn place_if_due(&mut self, now: UnixMillis) {
        if self.next_placing_at().is_some_and(|at| at <= now) {
            self.place_piece(now);
        }
    }

    /// When it goes on.
    pub(in crate::queue) fn next_placing_at(&self) -> Option<UnixMillis> {
        self.head.placing.map(|_| self.places_next_at)
    }

    fn place_piece(&mut self, now: UnixMillis) {
        self.places_next_at = now.saturating_add(PIECE_EVERY_MILLIS);
        let shuffle = self.shuffle();
        for _ in 0..PIECE_PLACES {
            let Some(index) = self.left_early.pop_first() else {
                break;
            };
            if let Some(position) = shuffle.position(index) {
                self.leave_place(position);
                self.head.left_unplaced = self.head.left_unplaced.saturating_sub(1);
            }
            if let Some(placing) = &mut self.head.placing {
                placing.from = index.saturating_add(1);
                placing.placed = placing.placed.saturating_add(1);
            }
        }
        if self.left_early.is_empty() {
            self.head.placing = None;
        }
        self.dirty.head = true;
        self.spread_unplaced();
    }

    /// Those who left and whose places are not computed, or not yet, are reckoned with all the
    /// same.
    pub(in crate::queue) fn spread_unplaced(&mut self) {
        let most = u64::try_from(LEFT_EARLY_MAX).unwrap_or(0);
        let placed = self.head.placing.map_or(most, |placing| placing.placed);
        if let Some(opened) = self.head.opened.as_ref()
            && !self.head.is_sealing()
        {
            self.gone
                .spread(self.head.left_unplaced, opened.entrants, placed);
        }
    }

    /// Makes stretches of what a queue of before there were any stored: each position that was
    /// left.
    pub(in crate::queue) fn keep_gone(&mut self, left: Vec<u64>) {
        if self.head.keeps_gone {
            return;
        }
        for position in left {
            self.gone.leave(position, self.head.boarding);
        }
        self.head.left_unplaced = u64::try_from(self.left_early.len()).unwrap_or(u64::MAX);
        self.begin_placing(self.head.clock);
        self.head.keeps_gone = true;
        self.dirty.head = true;
    }
}
