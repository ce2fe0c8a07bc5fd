//! The words that several machines share, on the floor below all of them: names, whose ticket it
//! is, how far tickets are called up. What only one machine says stands with that machine.

use serde::{Deserialize, Serialize};

use crate::ids::{Epoch, QueueId, ShopperId};

/// The most relays of a queue.
pub const RELAYS_MAX: u16 = 256;
/// The shortest time between two snapshots.
pub const SNAPSHOT_EVERY_MILLIS: u64 = 1_000;
/// The shortest time between two notices.
pub const NOTICE_EVERY_MILLIS: u64 = 250;

/// How places are given: in order of arrival, or by lot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// First come, first served.
    #[default]
    Queue,
    /// Places by shuffle among all who entered in time.
    Draw,
}

/// Whose ticket an event is about, as its signature vouches for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Holder {
    /// The epoch of the queue that the ticket is of.
    pub epoch: Epoch,
    /// Its index, 0-based.
    pub index: u64,
    /// Its position, 0-based, as the ticket or the edge has it. The queue computes it anew, and
    /// refuses another.
    pub position: Option<u64>,
    /// Who holds it.
    pub shopper: ShopperId,
}

/// How far tickets are called up, as far as an index alone can tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Called {
    /// Positions below this are called up.
    pub boarding: u64,
    /// Indices below this were shuffled.
    pub entrants: u64,
}

impl Called {
    /// Whether the ticket of this index may have been called up.
    pub fn may_include(self, index: u64) -> bool {
        self.boarding > 0 && index < self.boarding.max(self.entrants)
    }

    /// The later of two.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            boarding: self.boarding.max(other.boarding),
            entrants: self.entrants.max(other.entrants),
        }
    }
}

/// A lane's place in the deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneName {
    /// The queue.
    pub queue: QueueId,
    /// The queue's epoch.
    pub epoch: Epoch,
    /// The lane's number.
    pub number: u16,
}

impl LaneName {
    /// The name that the lane's object is found by.
    pub fn object_name(&self) -> String {
        format!("{}/{}/{}", self.queue, self.epoch, self.number)
    }
}

/// A relay's place in the deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayName {
    /// The queue.
    pub queue: QueueId,
    /// The queue's epoch.
    pub epoch: Epoch,
    /// The relay's number.
    pub number: u16,
}

impl RelayName {
    /// The name that the relay's object is found by.
    pub fn object_name(&self) -> String {
        format!("{}/{}/{}", self.queue, self.epoch, self.number)
    }
}

/// A queue that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryEntry {
    /// The queue.
    pub id: QueueId,
    /// Its present epoch.
    pub epoch: Epoch,
}

/// Why a relay closes a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Closing {
    /// The queue began a new epoch.
    Reset,
    /// There is no such queue any more.
    Deleted,
    /// No ping came for a minute.
    Silent,
    /// Something else than a ping came.
    Talked,
}
