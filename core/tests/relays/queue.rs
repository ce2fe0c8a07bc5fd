//! A Queue object with its one row: what a crash takes, and what stays.

use serde_json::json;
use tidegate_core::UnixMillis;
use tidegate_core::fair::{Fresh, Root};
use tidegate_core::ids::Epoch;
use tidegate_core::queue::machine::Stored;
use tidegate_core::queue::{Answer, Effect, Event, Head, Machine, Push, handle};
use tidegate_core::view::snapshot::Snapshot;

pub struct QueueObject {
    row: String,
    memory: Option<Machine>,
    pub alarm: Option<UnixMillis>,
    group: u64,
    lives: u8,
}

/// What an event leaves to be sent.
pub struct Sent {
    pub answer: Option<Answer>,
    pub push: Option<Push>,
    pub effects: Vec<Effect>,
}

impl QueueObject {
    pub fn new(now: UnixMillis) -> Self {
        let mut queue = Self {
            row: String::new(),
            memory: None,
            alarm: None,
            group: 0,
            lives: 1,
        };
        let put = Event::Put {
            id: "drop".parse().unwrap(),
            config: json!({"maxActive": 3}),
            fresh: Fresh::known(Epoch::from_bytes([1; 16])),
        };
        queue.event(put, now);
        queue
    }

    pub fn event(&mut self, event: Event, now: UnixMillis) -> Sent {
        let mut machine = self.memory.take().or_else(|| self.restore());
        let step = handle(&mut machine, event, None, now);
        if step.effects.contains(&Effect::SaveHead) {
            let head = machine.as_ref().expect("a head to save").head();
            self.row = serde_json::to_string(head).unwrap();
        }
        let push = machine.as_mut().and_then(Machine::next_push);
        let wake_at = machine.as_ref().and_then(Machine::next_timeout);
        // As the object does: an alarm that is armed for an earlier time stays.
        self.alarm = match (self.alarm, wake_at) {
            (Some(armed), Some(at)) => Some(armed.min(at.max(now + 1))),
            (armed, at) => armed.or(at.map(|at| at.max(now + 1))),
        };
        self.memory = machine;
        Sent {
            answer: step.answer.ok(),
            push,
            effects: step.effects,
        }
    }

    pub fn enter(&mut self, now: UnixMillis) -> Sent {
        self.group += 1;
        let (epoch, sequence) = (self.epoch(), self.group);
        let lease = Event::Lease {
            epoch,
            lane: 0,
            sequence,
            count: 1,
            root: Root::from_bytes([0; 32]),
        };
        self.event(lease, now)
    }

    pub fn reset(&mut self, now: UnixMillis) -> Sent {
        self.lives += 1;
        let fresh = Fresh::known(Epoch::from_bytes([self.lives; 16]));
        self.event(Event::Reset { fresh }, now)
    }

    /// Memory is gone. Rows and the alarm stay.
    pub fn crash(&mut self) {
        self.memory = None;
    }

    pub fn head(&self) -> Head {
        serde_json::from_str(&self.row).unwrap()
    }

    pub fn epoch(&self) -> Epoch {
        self.head().epoch
    }

    /// The state as it is, with nothing changed by asking.
    pub fn snapshot(&mut self, now: UnixMillis) -> Snapshot {
        let machine = self.memory.take().or_else(|| self.restore());
        let snapshot = machine.as_ref().expect("a queue").snapshot(now);
        self.memory = machine;
        snapshot
    }

    fn restore(&self) -> Option<Machine> {
        let head = serde_json::from_str(&self.row).ok()?;
        Some(Machine::restore(head, Stored::default()))
    }
}
