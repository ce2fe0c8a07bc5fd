//! What follows from every event by itself: time ends admissions, free slots go to the lowest who
//! is present, and boarding calls up the next.

use super::boarding::hearing::HEARING_MILLIS;
use super::boarding::pace;
use super::boarding::{
    HORIZON_MILLIS, SOON_MILLIS, SPARE_PART, note_session, scale, session_millis, share,
};
use super::machine::Machine;
use super::state::claim::ClaimState;
use crate::UnixMillis;
use crate::view::snapshot::Phase;

impl Machine {
    /// Lets time do what is due.
    pub(super) fn pass_time(&mut self, now: UnixMillis) {
        self.open_if_due(now);
        self.fetch_if_due(now);
        self.place_if_due(now);
        self.lapse(now);
        self.recent.forget(now);
        if self.head.phase(now) == Phase::Open {
            if self.was_held_up(now) {
                self.begin_afresh(HEARING_MILLIS, now);
            }
            self.end_hearings(now);
            self.lapse_presences(now);
        }
        while let Some((at, index)) = self.deadlines.first().copied() {
            if at > now {
                break;
            }
            self.end(index, ClaimState::Expired, now);
        }
        self.reckon(now);
        // Slots that time freed are given out before the event is looked at: who was next is
        // next.
        self.settle(now);
    }

    /// Ends an active claim and frees its slot.
    pub(super) fn end(&mut self, index: u64, state: ClaimState, now: UnixMillis) {
        let Some(mut claim) = self.active.remove(&index) else {
            return;
        };
        self.deadlines.remove(&(claim.ends_at.unwrap_or(0), index));
        claim.state = state;
        claim.ends_at = Some(now);
        if let Some(admitted_at) = claim.admitted_at {
            note_session(&mut self.head, now.saturating_sub(admitted_at));
        }
        self.save(claim);
    }

    /// Gives out what is free and calls up who is next.
    pub(super) fn settle(&mut self, now: UnixMillis) {
        let rate = self.head.config.admit_rate_per_minute;
        self.recent.follow(rate.unwrap_or(0));
        let open = self.head.phase(now) == Phase::Open;
        if open {
            self.admit(now);
            if self.is_draw() {
                self.call_up_winners(now);
            } else {
                self.call_up(now);
            }
        }
        let free = self.slots(now) > 0;
        pace::sample(&mut self.head, open, free, now);
    }

    fn call_up(&mut self, now: UnixMillis) {
        let soon = scale(self.wanted(SOON_MILLIS, now), 1.0 / share(&self.head));
        let lead = soon.max(self.slots_at_most().saturating_mul(4));
        let (boarding, entered) = (self.head.boarding, self.head.entered);
        let moved = self.head.soon.step(boarding, entered, lead, now);
        let present = u64::try_from(self.present.len()).unwrap_or(u64::MAX);
        let (wanted, expected) = (self.wanted(HORIZON_MILLIS, now), self.expected(now));
        let count = self
            .controller
            .step(&self.head, wanted, present, expected, now);
        let limit = self.head.soon.ripe(now);
        let hearing = HEARING_MILLIS.max(self.head.rare_until.saturating_sub(now));
        if self.call_up_next(count, limit, hearing, now) > 0 {
            self.controller.called_up(now);
        }
        self.dirty.head |= moved || self.head.boarding > boarding;
    }

    fn admit(&mut self, now: UnixMillis) {
        while let Some(position) = self.present.first_key_value().map(|(at, _)| *at) {
            // One is kept back for each who stands before and may not have heard yet.
            // In a draw the stock has a place for each of them already.
            let free = if self.is_draw() && self.slots(now) > 0 {
                self.capacity(0, 0, false, now)
            } else {
                self.slots(now)
            };
            if free <= self.unheard_below(position, now) {
                return;
            }
            let Some(mut claim) = self.present.remove(&position) else {
                return;
            };
            self.presence.remove(position);
            let ends_at = now
                .saturating_add(u64::from(self.head.config.handoff_seconds).saturating_mul(1000));
            claim.state = ClaimState::Admitted;
            claim.admitted_at = Some(now);
            claim.ends_at = Some(ends_at);
            self.deadlines.insert((ends_at, claim.index));
            self.recent.add(self.head.config.admit_rate_per_minute, now);
            self.head.admitted = self.head.admitted.saturating_add(1);
            self.head.admitted_to = self.head.admitted_to.max(position.saturating_add(1));
            self.save(claim.clone());
            self.active.insert(claim.index, claim);
        }
    }

    /// Admissions held now.
    pub(super) fn active_count(&self) -> u64 {
        u64::try_from(self.active.len()).unwrap_or(u64::MAX)
    }

    /// Admissions that the stock still allows.
    pub(super) fn remaining(&self) -> Option<u64> {
        let most = self.head.config.max_admissions?;
        Some(
            most.saturating_sub(self.head.completed)
                .saturating_sub(self.active_count()),
        )
    }

    /// How many may be admitted at this moment.
    pub(super) fn slots(&self, now: UnixMillis) -> u64 {
        self.capacity(0, 0, true, now)
    }

    /// How many will be wanted present within so many milliseconds: one more than there will be
    /// slots, and some to spare.
    fn wanted(&self, within: u64, now: UnixMillis) -> u64 {
        // Of those at the checkout, as many go as fit into their sessions.
        let (active, session) = (self.active_count(), session_millis(&self.head));
        let freeing = active.saturating_mul(within.min(session));
        // Rounded up from a sixth on: a short session may end before the next has heard.
        let most = session.saturating_mul(5) / 6;
        let freeing = freeing.saturating_add(most).checked_div(session);
        let freeing = freeing.unwrap_or(0);
        let slots = self.slots_at_most();
        let spare = slots.saturating_add(SPARE_PART - 2).checked_div(SPARE_PART);
        let spare = spare.unwrap_or(0);
        // Where few come, chance leaves a slot without anybody more often: one more.
        let few = u64::from(share(&self.head) < 0.5);
        let freeing = freeing
            .saturating_add(spare)
            .saturating_add(1)
            .saturating_add(few);
        self.capacity(within, freeing, true, now)
    }

    /// How many may be admitted within so many milliseconds, if so many slots become free, by all
    /// limits or by all but the stock.
    fn capacity(&self, within: u64, freeing: u64, by_stock: bool, now: UnixMillis) -> u64 {
        let config = &self.head.config;
        let by_active = config
            .max_active
            // The most that memory holds, where nothing else limits who is active.
            .unwrap_or(crate::config::MAX_ACTIVE);
        let by_active = u64::from(by_active)
            .saturating_sub(self.active_count())
            .saturating_add(freeing);
        let later = now.saturating_add(within);
        let by_rate = config.admit_rate_per_minute.map_or(u64::MAX, |rate| {
            u64::from(self.recent.room_by(rate, now, later))
        });
        let by_stock = self.remaining().filter(|_| by_stock).unwrap_or(u64::MAX);
        by_active.min(by_rate).min(by_stock)
    }

    /// The slots that there are, or, where nothing but a rate limits them, what a quarter of a
    /// minute gives.
    fn slots_at_most(&self) -> u64 {
        let config = &self.head.config;
        let by_rate = config
            .admit_rate_per_minute
            .map_or(u64::MAX, |rate| u64::from(rate / 4).max(1));
        let by_active = config.max_active.map_or(u64::MAX, u64::from);
        by_active.min(by_rate)
    }

    /// When time alone changes something next: the object's alarm.
    pub fn next_timeout(&self) -> Option<UnixMillis> {
        let now = self.head.clock;
        let ends = self.deadlines.first().map(|(at, _)| *at);
        let opening = self.head.opened.is_none().then(|| self.head.opens_at());
        let serving = self.head.phase(now) == Phase::Open;
        let served = serving.then(|| self.next_served_at(now)).flatten();
        [
            ends,
            opening,
            served,
            self.next_fetch_at(),
            self.next_placing_at(),
            self.next_piece_at(),
            self.next_push_at(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// When time alone admits somebody, calls somebody up, or lets something lapse.
    fn next_served_at(&self, now: UnixMillis) -> Option<UnixMillis> {
        let rate = self.head.config.admit_rate_per_minute;
        let room = rate.map(|rate| self.recent.next_room(rate, now).unwrap_or(now));
        let someone = !self.present.is_empty();
        let in_line = self.head.line() > 0 && !self.is_draw();
        let soon = now.saturating_add(1_000);
        let window = self.head.windows.first().map(|window| window.ends_at);
        [
            room.filter(|at| someone && *at > now),
            self.next_hearing_end(),
            self.next_lapse(),
            window,
            // Boarding begins before there is room.
            room.filter(|_| in_line)
                .map(|at| at.saturating_sub(HORIZON_MILLIS).max(soon)),
            (in_line && self.head.boarding >= self.head.soon.ripe(now))
                .then(|| self.head.soon.next_ripe(now)),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}
