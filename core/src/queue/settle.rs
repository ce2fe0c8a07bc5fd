//! What follows from every event by itself: time ends admissions, free slots go to the lowest who is
//! present, and boarding calls up the next.

use serde_json::json;

use super::boarding::{HORIZON_MILLIS, REVIEW_MILLIS};
use super::claim::ClaimState;
use super::event::Answer;
use super::machine::Machine;
use super::pace;
use crate::UnixMillis;
use crate::view::snapshot::{EdgeView, Phase, Snapshot};
use crate::view::status::wait_seconds;

impl Machine {
    /// Lets time do what is due.
    pub(super) fn pass_time(&mut self, now: UnixMillis) {
        self.open_if_due(now);
        self.fetch_if_due(now);
        self.lapse(now);
        self.recent.forget(now);
        self.controller.mature(&mut self.head, now);
        while let Some((at, index)) = self.deadlines.first().copied() {
            if at > now {
                break;
            }
            self.end(index, ClaimState::Expired, now);
        }
        // Slots that time freed are given out before the event is looked at: whoever was next is next.
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
        self.controller.freed(now);
        self.save(claim);
    }

    /// Gives out what is free and calls up who is next.
    pub(super) fn settle(&mut self, now: UnixMillis) {
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
        let wanted = self.wanted(now);
        let present = u64::try_from(self.present.len()).unwrap_or(u64::MAX);
        let idle = present == 0 && self.slots(now) > 0;
        let (head, gone) = (&mut self.head, &mut self.gone);
        let moved = self
            .controller
            .board(head, gone, wanted, present, idle, now);
        self.dirty.head |= moved;
    }

    fn admit(&mut self, now: UnixMillis) {
        while self.slots(now) > 0 {
            let Some((_, mut claim)) = self.present.pop_first() else {
                return;
            };
            let ends_at = now
                .saturating_add(u64::from(self.head.config.handoff_seconds).saturating_mul(1000));
            claim.state = ClaimState::Admitted;
            claim.admitted_at = Some(now);
            claim.ends_at = Some(ends_at);
            self.deadlines.insert((ends_at, claim.index));
            self.recent.add(now);
            self.head.admitted = self.head.admitted.saturating_add(1);
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
    fn slots(&self, now: UnixMillis) -> u64 {
        self.capacity(|rate| self.recent.room_by(rate, now), 0)
    }

    /// How many will be wanted present within the horizon.
    fn wanted(&self, now: UnixMillis) -> u64 {
        let later = now.saturating_add(HORIZON_MILLIS);
        self.capacity(
            |rate| self.recent.room_by(rate, later),
            self.controller.freeing_soon(now),
        )
    }

    fn capacity(&self, room: impl Fn(u32) -> u32, freeing: u64) -> u64 {
        let config = &self.head.config;
        let by_active = config
            .max_active
            // The most that memory holds, where nothing else limits who is active.
            .unwrap_or(crate::config::MAX_ACTIVE);
        let by_active = u64::from(by_active)
            .saturating_sub(self.active_count())
            .saturating_add(freeing);
        let by_rate = config
            .admit_rate_per_minute
            .map_or(u64::MAX, |rate| u64::from(room(rate)));
        let by_stock = self.remaining().unwrap_or(u64::MAX);
        by_active.min(by_rate).min(by_stock)
    }

    /// When time alone changes something next: the object's alarm.
    pub fn next_timeout(&self) -> Option<UnixMillis> {
        let now = self.head.clock;
        let ends = self.deadlines.first().map(|(at, _)| *at);
        let serving = self.head.phase(now) == Phase::Open;
        let rate = self.head.config.admit_rate_per_minute.filter(|_| serving);
        let someone = !self.present.is_empty() || self.head.line() > 0;
        let room = rate
            .filter(|_| someone)
            .and_then(|rate| self.recent.next_room(rate));
        let window = self.head.windows.first().filter(|_| serving);
        let wants_more = serving
            && !self.is_draw()
            && self.head.line() > 0
            && self.wanted(now) > u64::try_from(self.present.len()).unwrap_or(u64::MAX);
        let review = wants_more.then(|| now.saturating_add(REVIEW_MILLIS));
        let opening = self.head.opened.is_none().then(|| self.head.opens_at());
        [
            ends,
            room,
            review,
            opening,
            window.map(|window| window.ends_at),
            self.next_fetch_at(),
            self.next_push_at(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The public state at `now`.
    pub fn snapshot(&self, now: UnixMillis) -> Snapshot {
        let head = &self.head;
        let phase = head.phase(now);
        let present = u64::try_from(self.present.len()).unwrap_or(u64::MAX);
        let rate = pace::rate_per_second(head, phase == Phase::Open);
        let ahead = head.line().saturating_add(present);
        let wait = match (phase, ahead) {
            (Phase::Open, 0) => Some(0),
            _ => rate.and_then(|rate| wait_seconds(ahead, rate)),
        };
        Snapshot {
            id: head.id.clone(),
            access: head.config.access,
            phase,
            entry_opens_at: head.config.entry_opens_at,
            opens_at: head.config.opens_at,
            closes_at: head.config.closes_at,
            epoch: head.epoch,
            entered: head.entered,
            full: head.places() == Some(0),
            waiting: head.waiting(),
            present,
            admitted: head.admitted,
            active: self.active_count(),
            completed: head.completed,
            remaining: self.remaining(),
            boarding: head.boarding,
            admitted_below: self
                .present
                .first_key_value()
                .map_or(head.boarding, |(at, _)| *at),
            draw: self.called_places(),
            rate_per_second: rate,
            estimated_wait_seconds: wait,
            wait_known: wait.is_some(),
            shuffle: self.shuffle(),
            relays: head.relays,
            notice: head.notice.clone(),
            checkout_url: head.config.checkout_url.clone(),
            version: head.version,
            server_time: now,
        }
    }

    pub(super) fn view(&self, now: UnixMillis) -> Answer {
        Answer::View(self.edge_view(now))
    }

    pub(super) fn edge_view(&self, now: UnixMillis) -> Box<EdgeView> {
        let head = &self.head;
        Box::new(EdgeView::new(
            self.snapshot(now),
            head.created_at,
            &head.config,
        ))
    }

    pub(super) fn report(&self, now: UnixMillis) -> Answer {
        Answer::Report(json!({
            "id": self.head.id,
            "config": self.head.config,
            "snapshot": self.snapshot(now),
            "createdAt": self.head.created_at,
        }))
    }
}
