//! Draws: the places below `maxAdmissions` win. Who is called up has the claim window to come;
//! a place that lapses, or that its holder gives back, calls up the next in order, as often as it
//! takes.

use serde::{Deserialize, Serialize};

use crate::UnixMillis;
use crate::config::Access;
use crate::queue::boarding::hearing::{HEARING_MILLIS, IDLE_HEARING_MILLIS};
use crate::queue::machine::Machine;
use crate::queue::refusal::Refusal;
use crate::view::called::{AwaitedPlaces, CalledPlaces};

/// Places that are called up within this part of a window share one: there are never many windows,
/// and nobody's is shorter than was said.
const SHARED_PART: u64 = 64;
/// The most windows at a time: as many as there can be while the window's length stays as it is.
/// Only an operator who lengthens it again and again comes so far, and then the last one takes in
/// who is called up.
pub const WINDOWS_MAX: usize = 66;

/// Places that were called up together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// The first position.
    pub from: u64,
    /// The position after the last.
    pub to: u64,
    /// How many of them may still come.
    pub outstanding: u64,
    /// When the first of them was called up.
    pub began_at: UnixMillis,
    /// When they lapse.
    pub ends_at: UnixMillis,
}

impl Machine {
    pub(in crate::queue) fn is_draw(&self) -> bool {
        self.head.config.access == Access::Draw
    }

    /// Places that nobody has or may come for.
    pub(in crate::queue) fn free_places(&self) -> u64 {
        let windows = self.head.windows.iter();
        let awaited = windows.fold(0_u64, |sum, window| sum.saturating_add(window.outstanding));
        let present = u64::try_from(self.present.len()).unwrap_or(u64::MAX);
        self.remaining()
            .unwrap_or(0)
            .saturating_sub(present)
            .saturating_sub(awaited)
    }

    /// Pieces that nobody has, and that nobody was told they may come for and is in time.
    pub(in crate::queue) fn unpromised(&self) -> u64 {
        // In a draw, who may still hear of it is within their window.
        let hearing = if self.is_draw() { 0 } else { self.unheard() };
        self.free_places().saturating_sub(hearing)
    }

    /// What a draw makes public of the places that are called up.
    pub(in crate::queue) fn called_places(&self) -> Option<CalledPlaces> {
        let windows = self.head.windows.iter().map(|window| AwaitedPlaces {
            from: window.from,
            to: window.to,
            claim_by: window.ends_at,
        });
        self.is_draw().then(|| CalledPlaces {
            awaited: windows.collect(),
            free: self.free_places(),
            still_since: self.head.still_since,
        })
    }

    /// Calls up as many as there are places free.
    pub(in crate::queue) fn call_up_winners(&mut self, now: UnixMillis) {
        let free = self.free_places();
        if free == 0 || self.head.line() == 0 {
            return;
        }
        let from = self.head.boarding;
        // The first are called up at the opening, when everybody looks.
        let hearing = if from == 0 {
            HEARING_MILLIS
        } else {
            IDLE_HEARING_MILLIS
        };
        let length = u64::from(self.head.config.claim_window_seconds).saturating_mul(1000);
        let called = self.call_up_next(free, u64::MAX, hearing.min(length), now);
        self.dirty.head = true;
        let (to, ends_at) = (self.head.boarding, now.saturating_add(length));
        let shared = |window: &Window| {
            // Both, for the length may have grown since.
            let age = now.saturating_sub(window.began_at);
            let gain = ends_at.saturating_sub(window.ends_at);
            age.max(gain) < length.checked_div(SHARED_PART).unwrap_or(0)
        };
        let is_full = self.head.windows.len() >= WINDOWS_MAX;
        let last = self.head.windows.last_mut();
        if let Some(window) = last.filter(|window| is_full || shared(window)) {
            window.to = to;
            window.outstanding = window.outstanding.saturating_add(called);
            window.ends_at = window.ends_at.max(ends_at);
        } else if called > 0 {
            self.head.windows.push(Window {
                from,
                to,
                outstanding: called,
                began_at: now,
                ends_at,
            });
        }
    }

    /// Lets places lapse whose holders did not come. No window runs while the queue is paused, or
    /// closed: it may be reopened.
    pub(in crate::queue) fn lapse(&mut self, now: UnixMillis) {
        if self.head.paused || self.head.closed {
            return;
        }
        let before = self.head.windows.len();
        self.head.windows.retain(|window| window.ends_at > now);
        self.dirty.head |= self.head.windows.len() < before;
    }

    /// Who comes for a place that lapsed is served only if no backup holds it.
    pub(in crate::queue) fn check_place(&self, position: u64) -> Result<(), Refusal> {
        let in_time = self.head.windows.iter().any(|window| window.has(position));
        if !self.is_draw() || in_time || self.free_places() > 0 {
            return Ok(());
        }
        Err(Refusal::Lapsed)
    }

    /// The holder of a called-up place came, or left: nobody waits for them any more.
    pub(in crate::queue) fn no_longer_awaited(&mut self, position: u64) {
        let mut windows = self.head.windows.iter_mut();
        if let Some(window) = windows.find(|window| window.has(position)) {
            window.outstanding = window.outstanding.saturating_sub(1);
        }
    }

    /// Somebody who had come is away: their place is awaited as before.
    pub(in crate::queue) fn is_awaited_again(&mut self, position: u64) {
        let mut windows = self.head.windows.iter_mut();
        if let Some(window) = windows.find(|window| window.has(position)) {
            window.outstanding = window.outstanding.saturating_add(1);
            self.dirty.head = true;
        }
    }

    /// Windows go on from where a pause or a closing stopped them.
    /// Shoppers who look again need so many milliseconds to hear of it.
    pub(in crate::queue) fn run_windows_on(&mut self, hearing: u64, now: UnixMillis) {
        let Some(since) = self.head.still_since.take() else {
            return;
        };
        let still = now.saturating_sub(since);
        for window in &mut self.head.windows {
            window.began_at = window.began_at.saturating_add(still);
            window.ends_at = window.ends_at.saturating_add(still);
        }
        for batch in &mut self.head.batches {
            batch.hears_by = batch.hears_by.saturating_add(still);
        }
        self.begin_afresh(hearing, now);
    }
}

impl Window {
    fn has(&self, position: u64) -> bool {
        (self.from..self.to).contains(&position)
    }
}
