//! What is shown of a queue: its snapshot to everybody, what an edge keeps, and the report to
//! operators.

pub(super) mod line;
mod reach;

use serde_json::json;

use self::reach::reach;
use crate::UnixMillis;
use crate::queue::boarding::pace;
use crate::queue::event::Answer;
use crate::queue::machine::Machine;
use crate::view::snapshot::{EdgeView, Phase, Snapshot};
use crate::view::status::wait_seconds;

impl Machine {
    /// The public state at `now`.
    pub fn snapshot(&self, now: UnixMillis) -> Snapshot {
        let head = &self.head;
        let phase = head.phase(now);
        let present = u64::try_from(self.present.len()).unwrap_or(u64::MAX);
        let rate = pace::rate_per_second(head, phase == Phase::Open);
        let ahead = self.ahead_of_next();
        let wait = if phase == Phase::Open && self.is_idle(now) {
            Some(0)
        } else {
            rate.and_then(|rate| wait_seconds(ahead, rate))
        };
        let bounds = self.wait_bounds(now);
        let is_waited = matches!(phase, Phase::Open | Phase::Paused) && !self.is_draw();
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
            soon_below: head.soon.below,
            soon_stride: head.soon.stride,
            admitted_below: self
                .present
                .first_key_value()
                .map_or(head.boarding, |(at, _)| *at)
                .min(head.admitted_to),
            draw: self.called_places(),
            rate_per_second: rate,
            estimated_wait_seconds: wait,
            wait_known: wait.is_some(),
            wait_range: is_waited.then(|| bounds.range(ahead, wait)),
            wait_bounds: bounds,
            left: self.gone.published(head.boarding),
            shuffle: self.shuffle(),
            relays: head.relays,
            notice: head.notice.clone(),
            checkout_url: head.config.checkout_url.clone(),
            version: head.version,
            server_time: now,
        }
    }

    pub(in crate::queue) fn view(&self, now: UnixMillis) -> Answer {
        Answer::View(self.edge_view(now))
    }

    pub(in crate::queue) fn edge_view(&self, now: UnixMillis) -> Box<EdgeView> {
        let (snapshot, head) = (self.snapshot(now), &self.head);
        let config = &head.config;
        Box::new(EdgeView {
            freed_at: 0,
            since: head.created_at,
            audit_pages: head.audit_pages(),
            reach: reach(&snapshot, config),
            snapshot,
            lanes: config.lanes,
            unique_by: config.unique_by,
            allowed_origins: config.allowed_origins.clone(),
            audience: config.audience.clone(),
            product: config.product.clone(),
        })
    }

    pub(in crate::queue) fn report(&self, now: UnixMillis) -> Answer {
        Answer::Report(json!({
            "id": self.head.id,
            "config": self.head.config,
            "snapshot": self.snapshot(now),
            "createdAt": self.head.created_at,
            "waitsFor": self.waits_for(),
        }))
    }
}
