//! A queue and its clock: what a test sends, what is answered, and what everybody may read then.
//! Where nothing is said of it, shoppers tell the place that the queue gave them.

use serde_json::Value;
use tidegate_core::UnixMillis;
use tidegate_core::fair::{Fresh, Root};
use tidegate_core::ids::{AdmissionId, Epoch, ShopperId};
use tidegate_core::problem::Problem;
use tidegate_core::queue::event::Holder;
use tidegate_core::queue::{Answer, ClaimState, Effect, Event, Head, Machine};
use tidegate_core::token::ticket::Ticket;
use tidegate_core::view::snapshot::Snapshot;
use tidegate_sim::queue_object::{Crash, QueueObject};

pub const EPOCH: Epoch = Epoch::from_bytes([9; 16]);
pub const START: UnixMillis = 1_800_000_000_000;
const ID: &str = "line";

pub struct World {
    pub queue: QueueObject,
    pub now: UnixMillis,
    /// Of its only lane's last group.
    sequence: u64,
}

impl Default for World {
    /// No queue yet.
    fn default() -> Self {
        Self {
            queue: QueueObject::default(),
            now: START,
            sequence: 0,
        }
    }
}

impl World {
    /// A queue that nobody has entered.
    pub fn with(config: Value) -> Self {
        let mut world = Self::default();
        world.put(config).unwrap();
        world
    }

    pub fn with_entrants(config: Value, count: u32) -> Self {
        let mut world = Self::with(config);
        world.enter(count);
        world
    }

    /// What is answered, and what is written.
    pub fn step(&mut self, event: Event) -> (Result<Answer, Problem>, Vec<Effect>) {
        let handled = self.queue.event(event, self.now, Crash::None);
        (handled.answer.unwrap(), handled.effects)
    }

    pub fn event(&mut self, event: Event) -> Result<Answer, Problem> {
        self.step(event).0
    }

    pub fn event_at(&mut self, now: UnixMillis, event: Event) -> Result<Answer, Problem> {
        self.now = now;
        self.event(event)
    }

    pub fn must(&mut self, event: Event) -> Answer {
        self.event(event).unwrap()
    }

    pub fn wake_at(&mut self, now: UnixMillis) -> &mut Self {
        self.event_at(now, Event::Wake).unwrap();
        self
    }

    pub fn pass(&mut self, millis: u64) {
        self.wake_at(self.now + millis);
    }

    /// The operator's answer to a call that has one.
    pub fn report(&mut self, event: Event) -> Result<Value, Problem> {
        match self.event(event)? {
            Answer::Report(report) => Ok(report),
            other => panic!("{other:?}"),
        }
    }

    pub fn put(&mut self, config: Value) -> Result<Value, Problem> {
        self.report(put(ID, config))
    }

    pub fn patch(&mut self, patch: Value) -> Result<Value, Problem> {
        let fresh = Fresh::known(EPOCH);
        self.report(Event::Patch { patch, fresh })
    }

    pub fn machine(&mut self) -> &Machine {
        self.queue.machine().unwrap()
    }

    pub fn head(&mut self) -> &Head {
        self.machine().head()
    }

    pub fn snapshot(&mut self) -> Snapshot {
        let now = self.now;
        self.machine().snapshot(now)
    }

    /// What is stored of who holds this index.
    pub fn state(&self, index: u64) -> Option<ClaimState> {
        self.queue.claim(index).map(|claim| claim.state)
    }

    /// So many enter, as one group.
    pub fn enter(&mut self, count: u32) {
        self.sequence += 1;
        self.must(lease(self.sequence, count));
    }

    /// The place of who holds this index, 0-based; `None` before there are places.
    pub fn place(&mut self, index: u64) -> Option<u64> {
        self.snapshot().shuffle.position(index)
    }

    /// The index of who stands at this place.
    pub fn index_at(&mut self, place: u64) -> u64 {
        let snapshot = self.snapshot();
        let stands_there = |index: &u64| snapshot.shuffle.position(*index) == Some(place);
        (0..snapshot.entered).find(stands_there).unwrap()
    }

    pub fn holder(&mut self, index: u64) -> Holder {
        holder(index, self.place(index))
    }

    pub fn claim(&mut self, index: u64) -> Result<Answer, Problem> {
        let holder = self.holder(index);
        self.event(Event::Claim(holder))
    }

    pub fn is_granted(&mut self, index: u64) -> bool {
        matches!(self.claim(index), Ok(Answer::Granted(_)))
    }

    pub fn leave(&mut self, index: u64) {
        let holder = self.holder(index);
        self.must(Event::Leave(holder));
    }

    pub fn redeem(&mut self, index: u64) {
        self.must(redeem(index));
    }

    pub fn complete(&mut self, index: u64) -> Result<Answer, Problem> {
        self.event(Event::Complete(admission(index)))
    }

    /// From the claim to the paid order.
    pub fn buy(&mut self, index: u64) {
        assert!(self.is_granted(index), "{index} holds no admission");
        self.redeem(index);
        self.complete(index).unwrap();
    }
}

pub fn put(id: &str, config: Value) -> Event {
    Event::Put {
        id: id.parse().unwrap(),
        config,
        fresh: Fresh::known(EPOCH),
    }
}

pub fn lease(sequence: u64, count: u32) -> Event {
    Event::Lease {
        epoch: EPOCH,
        lane: 0,
        sequence,
        count,
        root: Root::from_bytes([3; 32]),
    }
}

pub fn redeem(index: u64) -> Event {
    Event::Redeem {
        admission: admission(index),
        idempotency_key: None,
    }
}

pub fn admission(index: u64) -> AdmissionId {
    AdmissionId {
        epoch: EPOCH,
        index,
    }
}

/// Each index has its own shopper.
fn shopper(index: u64) -> ShopperId {
    ShopperId::from_bytes(u128::from(index).to_be_bytes())
}

/// What a ticket says of its holder: the place that is on it, if one is.
pub fn holder(index: u64, position: Option<u64>) -> Holder {
    Holder {
        epoch: EPOCH,
        index,
        position,
        shopper: shopper(index),
    }
}

pub fn ticket(index: u64, position: u64) -> Ticket {
    Ticket {
        queue: ID.parse().unwrap(),
        epoch: EPOCH,
        shopper: shopper(index),
        index,
        position: Some(position),
        issued_at: START,
    }
}
