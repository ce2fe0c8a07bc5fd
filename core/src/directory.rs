//! The directory: the names of the queues that there are, each with its epoch that was last known.
//! A name is listed before its queue is made, and no longer than until it is deleted: a crash in
//! between leaves a name without a queue, which can be put again or deleted, and never a queue
//! without a name.

use std::collections::BTreeMap;

use crate::UnixMillis;
use crate::calls::{DirectoryCall, DirectoryEntry, DirectoryReply, Reply};
use crate::ids::{Epoch, QueueId};
use crate::problem::{Code, Problem};

/// The most queues of one deployment: every edge keeps the whole list.
pub const QUEUES_MAX: usize = 1_000;

/// What is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// List this name with this epoch.
    List(QueueId, Life),
    /// List this name no more.
    Unlist(QueueId),
}

/// An epoch of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// Its epoch.
    pub epoch: Epoch,
    /// When it began, by the queue's clock; 0 while it is only reserved.
    pub since: UnixMillis,
}

/// See the module's documentation.
#[derive(Default)]
pub struct Directory {
    queues: BTreeMap<QueueId, Life>,
}

impl Directory {
    /// A directory of these queues.
    pub fn new(queues: impl IntoIterator<Item = (QueueId, Life)>) -> Self {
        Self {
            queues: queues.into_iter().collect(),
        }
    }

    /// Answers a call; the change, if there is one, is to be written first.
    pub fn handle(&mut self, call: DirectoryCall) -> (Reply<DirectoryReply>, Option<Change>) {
        let change = match call {
            DirectoryCall::List => return (Ok(DirectoryReply::Queues(self.list())), None),
            DirectoryCall::Reserve(entry) => {
                let is_known = self.queues.contains_key(&entry.id);
                if !is_known && self.queues.len() >= QUEUES_MAX {
                    return (Err(too_many()), None);
                }
                (!is_known).then(|| self.set(entry, 0)).flatten()
            }
            // Who made it had reserved the name: it is not one too many.
            DirectoryCall::Confirm { entry, since } => self.set(entry, since),
            DirectoryCall::Update { entry, since } => {
                let is_known = self.queues.contains_key(&entry.id);
                is_known.then(|| self.set(entry, since)).flatten()
            }
            DirectoryCall::Remove { id, epochs } => {
                let listed = self.queues.get(&id);
                let is_meant = listed.is_some_and(|life| epochs.contains(&life.epoch));
                is_meant.then(|| {
                    self.queues.remove(&id);
                    Change::Unlist(id)
                })
            }
        };
        (Ok(DirectoryReply::Done), change)
    }

    /// Lists an epoch, unless a newer one is: who tells of it may have been slow.
    fn set(&mut self, entry: DirectoryEntry, since: UnixMillis) -> Option<Change> {
        let DirectoryEntry { id, epoch } = entry;
        let life = Life { epoch, since };
        let known = self.queues.get(&id);
        if known.is_some_and(|known| known.since > since || *known == life) {
            return None;
        }
        self.queues.insert(id.clone(), life);
        Some(Change::List(id, life))
    }

    fn list(&self) -> Vec<DirectoryEntry> {
        let entry = |(id, life): (&QueueId, &Life)| DirectoryEntry {
            id: id.clone(),
            epoch: life.epoch,
        };
        self.queues.iter().map(entry).collect()
    }
}

fn too_many() -> Problem {
    Problem::new(
        Code::Conflict,
        format!("There are {QUEUES_MAX} queues already; delete one first. Nothing was created."),
    )
}
