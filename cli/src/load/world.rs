//! What all parts of a run share: the way to the deployment, the queue, the history, and how many
//! shoppers are where.

use core::time::Duration;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use super::args::LoadArgs;
use super::keys::Keys;
use super::push::Push;
use super::record::Record;
use super::target::Target;
use super::wire::Wire;

/// The most remarks that are kept.
const NOTES_KEPT: usize = 30;

/// A run.
pub struct World {
    pub wire: Wire,
    pub keys: Keys,
    pub target: Target,
    pub record: Record,
    pub push: Push,
    pub crowd: Crowd,
    pub began: Instant,
    /// How long a shopper stays in the checkout.
    pub checkout: Duration,
    /// The longest wait for one answer.
    pub timeout: Duration,
    /// The paths of the queue's calls.
    pub paths: Paths,
    /// How many relays serve sockets, as the queue said last.
    pub relays: AtomicU16,
    notes: Mutex<Vec<String>>,
}

/// How many shoppers are where.
#[derive(Default)]
pub struct Crowd {
    pub came: AtomicU64,
    pub entered: AtomicU64,
    pub admitted: AtomicU64,
    pub served: AtomicU64,
    /// Told that the queue is over, sold out or full.
    pub turned_away: AtomicU64,
    /// Who gave up after errors.
    pub gave_up: AtomicU64,
}

/// A crowd at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub came: u64,
    pub entered: u64,
    pub admitted: u64,
    pub served: u64,
    pub turned_away: u64,
    pub gave_up: u64,
}

impl Counts {
    /// Those who came and are still on their way.
    pub const fn under_way(&self) -> u64 {
        self.came
            .saturating_sub(self.served + self.turned_away + self.gave_up)
    }
}

impl Crowd {
    pub fn counts(&self) -> Counts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            came: read(&self.came),
            entered: read(&self.entered),
            admitted: read(&self.admitted),
            served: read(&self.served),
            turned_away: read(&self.turned_away),
            gave_up: read(&self.gave_up),
        }
    }
}

/// The paths of a queue's calls, made once.
pub struct Paths {
    pub snapshot: String,
    pub enter: String,
    pub status: String,
    pub claim: String,
    pub leave: String,
    pub admissions: String,
}

impl Paths {
    fn of(queue: &str) -> Self {
        let snapshot = format!("/v1/queues/{queue}");
        Self {
            enter: format!("{snapshot}/enter"),
            status: format!("{snapshot}/status"),
            claim: format!("{snapshot}/claim"),
            leave: format!("{snapshot}/leave"),
            admissions: format!("{snapshot}/admissions"),
            snapshot,
        }
    }
}

impl World {
    pub fn new(wire: Wire, keys: Keys, target: Target, args: &LoadArgs) -> Self {
        Self {
            wire,
            keys,
            record: Record::new(target.promises(), target.start.clone()),
            paths: Paths::of(target.id.as_str()),
            relays: AtomicU16::new(target.relays),
            target,
            push: Push::new(args.bounds().push_p99),
            crowd: Crowd::default(),
            began: Instant::now(),
            checkout: args.checkout(),
            timeout: args.timeout,
            notes: Mutex::default(),
        }
    }

    /// Keeps a remark for the report, each once.
    pub fn note(&self, remark: String) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.len() < NOTES_KEPT && !notes.contains(&remark) {
            notes.push(remark);
        }
    }

    pub fn notes(&self) -> Vec<String> {
        self.notes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
