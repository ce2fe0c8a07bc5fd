//! Hearing times: how long a called-up shopper has to hear of it before a free slot goes past them.
//!
//! Boarding is public, but nobody learns of it at the moment it moves. A shopper near the front
//! polls every two or three seconds, what they are told is up to three seconds old, and their claim
//! takes a moment. While that time runs, one slot is kept back for them (invariant 3). Positions
//! that were called up within a second share one batch, so the queue's row keeps a handful of
//! numbers.

use serde::{Deserialize, Serialize};

use crate::UnixMillis;
use crate::queue::boarding::note_show;
use crate::queue::machine::Machine;
use crate::queue::state::claim::Claim;
use crate::view::frontier::VIEW_AGE_MILLIS;
use crate::view::status::{POLL_IDLE_MILLIS, POLL_NEAR_MILLIS};

/// A poll, on the oldest state there is, and the claim's way back.
pub const HEARING_MILLIS: u64 = POLL_NEAR_MILLIS + VIEW_AGE_MILLIS + 1_000;
/// The same for those who are told to look rarely: a draw's reserves, and everybody while a queue
/// is closed.
pub const IDLE_HEARING_MILLIS: u64 = POLL_IDLE_MILLIS + VIEW_AGE_MILLIS + 1_000;
/// Positions that are called up within this time share a batch.
const SHARED_MILLIS: u64 = 1_000;
/// So many positions that were left are noted one by one within a batch; a longer stretch ends the
/// batch.
const GAP_MAX: u64 = 64;
/// An alarm that is later than this was held up, and so were the shoppers.
const GAP_MILLIS: u64 = 10_000;

/// Positions that were called up together and have time to hear of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// The first position.
    pub from: u64,
    /// The position after the last.
    pub to: u64,
    /// When the first of them was called up.
    pub at: UnixMillis,
    /// Until when they have time.
    pub hears_by: UnixMillis,
    /// How many of them came or left.
    pub answered: u64,
    /// How many of them came.
    pub came: u64,
}

/// That positions from `from` on, up to the next call-up's, were called up then: a row for the
/// fairness report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallUp {
    /// The first position.
    pub from: u64,
    /// When it was called up.
    pub at: UnixMillis,
    /// Until when a slot was kept back for it, at least.
    pub hears_by: UnixMillis,
}

impl Batch {
    fn has(&self, position: u64) -> bool {
        (self.from..self.to).contains(&position)
    }

    /// How many of them neither came nor left.
    pub fn unanswered(&self) -> u64 {
        self.to
            .saturating_sub(self.from)
            .saturating_sub(self.answered)
    }
}

impl Machine {
    /// How many called-up positions below this one still have time to hear of it: a free slot is
    /// kept back for each.
    pub(in crate::queue) fn unheard_below(&self, position: u64, now: UnixMillis) -> u64 {
        let hearing = self.head.batches.iter();
        let hearing = hearing.filter(|batch| batch.hears_by > now && batch.from < position);
        hearing.fold(0, |sum, batch| {
            let unheard = if batch.to <= position {
                batch.unanswered()
            } else {
                let answered = self.answered.range(batch.from..position).count();
                let answered = u64::try_from(answered).unwrap_or(u64::MAX);
                position.saturating_sub(batch.from).saturating_sub(answered)
            };
            sum.saturating_add(unheard)
        })
    }

    /// How many called-up positions still have time to hear of it.
    pub(in crate::queue) fn unheard(&self) -> u64 {
        let batches = self.head.batches.iter();
        batches.fold(0, |sum, batch| sum.saturating_add(batch.unanswered()))
    }

    /// How many called-up positions may still come: fewer as their time runs, for most come early.
    pub(in crate::queue) fn expected(&self, now: UnixMillis) -> u64 {
        let batches = self.head.batches.iter();
        batches.fold(0, |sum, batch| {
            let left = batch.hears_by.saturating_sub(now);
            let time = batch.hears_by.saturating_sub(batch.at);
            let expected = batch.unanswered().saturating_mul(left).checked_div(time);
            sum.saturating_add(expected.unwrap_or(0))
        })
    }

    /// Moves boarding past so many positions whose holders may come, not beyond `limit`, and gives
    /// them `hearing` milliseconds. Who left is passed over. Returns how many may come.
    pub(in crate::queue) fn call_up_next(
        &mut self,
        count: u64,
        limit: u64,
        hearing: u64,
        now: UnixMillis,
    ) -> u64 {
        let (boarding, entered) = (self.head.boarding, self.head.entered);
        let advance = self.gone.advance(boarding, count, entered);
        let (mut at, mut called) = (boarding, 0_u64);
        while at < advance.until {
            let (from, end) = self.gone.standing_from(at, advance.until);
            let to = end.min(limit.max(from));
            if from < to {
                called = called.saturating_add(self.note_called(from, to, hearing, now));
            }
            at = to;
            if to < end {
                break;
            }
        }
        let passed = self.gone.pass(boarding, at);
        self.head.passed = self.head.passed.saturating_add(passed);
        self.head.boarding = at;
        called
    }

    /// Notes a call-up. Returns how many of these positions may still be held.
    fn note_called(&mut self, from: u64, to: u64, hearing: u64, now: UnixMillis) -> u64 {
        let hears_by = now.saturating_add(hearing);
        let shared = |batch: &&mut Batch| {
            now < batch.at.saturating_add(SHARED_MILLIS)
                && from.saturating_sub(batch.to) <= GAP_MAX
                && hears_by.saturating_sub(batch.hears_by) <= SHARED_MILLIS
        };
        // Of those among them who left, where it is not known which.
        let gone = self.gone.count_in(from, to);
        let called = to.saturating_sub(from).saturating_sub(gone);
        if let Some(batch) = self.head.batches.last_mut().filter(shared) {
            self.answered.extend(batch.to..from);
            let gap = from.saturating_sub(batch.to);
            batch.answered = batch.answered.saturating_add(gap).saturating_add(gone);
            batch.to = to;
            batch.hears_by = hears_by;
            return called;
        }
        self.head.batches.push(Batch {
            from,
            to,
            at: now,
            hears_by,
            answered: gone,
            came: 0,
        });
        self.dirty.call_ups.push(CallUp {
            from,
            at: now,
            hears_by,
        });
        called
    }

    /// The holder of a called-up position came for the first time, or left: nobody waits for them
    /// any more. Says whether they were in time.
    pub(in crate::queue) fn has_answered(&mut self, position: u64, came: bool) -> bool {
        let batches = &mut self.head.batches;
        let Some(batch) = batches.iter_mut().find(|batch| batch.has(position)) else {
            return false;
        };
        if self.answered.insert(position) {
            batch.answered = batch.answered.saturating_add(1);
            batch.came = batch.came.saturating_add(u64::from(came));
        }
        true
    }

    /// Ends hearing times that are over: those who did not come count as absent until they do.
    pub(in crate::queue) fn end_hearings(&mut self, now: UnixMillis) {
        let batches = core::mem::take(&mut self.head.batches);
        for batch in batches {
            if batch.hears_by > now {
                self.head.batches.push(batch);
                continue;
            }
            let left = batch.answered.saturating_sub(batch.came);
            let called = batch.to.saturating_sub(batch.from).saturating_sub(left);
            note_show(&mut self.head, called, batch.came);
            self.dirty.head = true;
        }
        match self.head.batches.first() {
            Some(first) => self.answered = self.answered.split_off(&first.from),
            None => self.answered.clear(),
        }
    }

    /// When the next hearing time ends.
    pub(in crate::queue) fn next_hearing_end(&self) -> Option<UnixMillis> {
        let batches = self.head.batches.iter();
        batches.map(|batch| batch.hears_by).min()
    }

    /// Whether events were held up: the alarm that was due did not come.
    pub(in crate::queue) fn was_held_up(&self, now: UnixMillis) -> bool {
        let due = [self.next_hearing_end(), self.next_lapse()];
        let due = due.into_iter().flatten().min();
        due.is_some_and(|due| due.saturating_add(GAP_MILLIS) < now)
    }

    /// Nobody could come, or be served, for a while: hearing times, presences and rounds begin
    /// anew.
    pub(in crate::queue) fn begin_afresh(&mut self, hearing: u64, now: UnixMillis) {
        let hears_by = now.saturating_add(hearing);
        // In a draw, nobody is waited for beyond their window.
        let hears_by = if self.is_draw() { 0 } else { hears_by };
        for batch in &mut self.head.batches {
            batch.hears_by = batch.hears_by.max(hears_by);
        }
        self.controller.begin_afresh();
        self.renew_all(now);
    }

    /// Which called-up positions answered, as far as memory must know: of `claims`, those within a
    /// batch.
    pub(in crate::queue) fn recall_answered<'a>(
        &mut self,
        claims: impl Iterator<Item = &'a Claim>,
    ) {
        self.recall_positions(claims.map(|claim| claim.position));
    }

    /// The same, of positions alone.
    pub(in crate::queue) fn recall_positions(&mut self, positions: impl Iterator<Item = u64>) {
        let batches = &self.head.batches;
        let known = positions.filter(|at| batches.iter().any(|batch| batch.has(*at)));
        self.answered.extend(known);
    }
}
