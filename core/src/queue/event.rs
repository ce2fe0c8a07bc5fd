//! What can come into a queue's machine and what can go out of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::boarding::hearing::CallUp;
use super::entry::gone::Stretch;
use super::opening::sealing::Heard;
use super::state::claim::{AdmissionReport, Claim};
use crate::UnixMillis;
use crate::fair::audit::Life;
use crate::fair::beacon::SignedRound;
use crate::fair::log::Logged;
use crate::fair::{Fresh, Root};
use crate::ids::{AdmissionId, Epoch, QueueId, ShopperId};
use crate::problem::Problem;
use crate::terms::{Access, Closing, RelayName};
use crate::view::snapshot::{EdgeView, Notice};

pub use crate::terms::{Called, Holder};

/// All that can happen to a queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Event {
    /// Create the queue, or replace its configuration.
    Put {
        /// The queue's id.
        id: QueueId,
        /// The configuration, not yet parsed.
        #[serde(with = "crate::wire::as_text")]
        config: Value,
        /// Used if the queue is new, or needs a new epoch.
        fresh: Fresh,
    },
    /// As [`Event::Put`], of an operator who means that what it does not name goes, limits and
    /// product too.
    Replace {
        /// The queue's id.
        id: QueueId,
        /// The configuration, not yet parsed.
        #[serde(with = "crate::wire::as_text")]
        config: Value,
        /// Used if the queue is new, or needs a new epoch.
        fresh: Fresh,
    },
    /// Change the configuration by a JSON Merge Patch.
    Patch {
        /// The patch.
        #[serde(with = "crate::wire::as_text")]
        patch: Value,
        /// For a change that needs a new epoch.
        fresh: Fresh,
    },
    /// Stop admissions; entry goes on.
    Pause,
    /// Go on admitting.
    Resume,
    /// End entry and admission; live admissions run on.
    Close,
    /// Take a [`Event::Close`] back, while that alone has ended the queue.
    Reopen,
    /// Begin a new epoch with the same configuration; every ticket becomes void.
    Reset {
        /// What it begins with.
        fresh: Fresh,
    },
    /// Remove the queue.
    Delete,
    /// Say something to everybody in the room, or nothing any more.
    Notify(Option<Notice>),
    /// Read the configuration and the state, as an operator.
    Read,
    /// Read what an edge keeps.
    View,
    /// A relay that holds sockets reads what an edge keeps, and so says that changes be pushed to
    /// it.
    Watch {
        /// The epoch of the queue that the relay is of.
        epoch: Epoch,
        /// The relay.
        relay: u16,
        /// How many sockets it holds.
        sockets: u32,
        /// How many it may hold.
        capacity: u32,
    },
    /// A lane asks for indices for a group.
    Lease {
        /// The epoch of the queue that the lane is of.
        epoch: Epoch,
        /// The lane.
        lane: u16,
        /// The lane's number for this group; it only grows.
        sequence: u64,
        /// How many entries the group has.
        count: u32,
        /// The Merkle root over them.
        root: Root,
    },
    /// A lane asks whether an entry still stands for anything.
    Stands {
        /// The epoch of the queue that the entry is of.
        epoch: Epoch,
        /// The entry's index.
        index: u64,
    },
    /// A called-up shopper is here.
    Claim(Holder),
    /// What does this ticket hold? Changes nothing.
    Look(Holder),
    /// A shopper gives up what the ticket holds.
    Leave(Holder),
    /// The origin exchanges a handoff token.
    Redeem {
        /// The admission that the token names.
        admission: AdmissionId,
        /// Makes a repeated call the same redemption.
        idempotency_key: Option<String>,
    },
    /// The order is paid.
    Complete(AdmissionId),
    /// The slot is given back.
    Release(AdmissionId),
    /// More time at the checkout.
    Extend(AdmissionId),
    /// Time has passed.
    Wake,
    /// What a [`Push`](super::Push) came to. The queue's own object says so; it never travels.
    // Last, for the wire numbers variants and would miscount after one that it skips.
    #[serde(skip)]
    Pushed {
        /// The epoch of the queue that the relays are of.
        epoch: Epoch,
        /// For each relay, how many sockets it holds; `None` where it did not answer.
        outcomes: Vec<(u16, Option<u32>)>,
    },
    /// What a [`Fetch`](super::opening::sealing::Fetch) came to. It never travels either.
    #[serde(skip)]
    Fetched {
        /// The epoch of the queue that waits for it.
        epoch: Epoch,
        /// The round, if an endpoint had it.
        signed: Option<SignedRound>,
        /// What the endpoints said that had not.
        heard: Vec<Heard>,
    },
}

impl Event {
    /// The ticket index whose record the event is about: pass that record to
    /// [`handle`](super::handle).
    pub fn index(&self) -> Option<u64> {
        match self {
            Self::Stands { index, .. } => Some(*index),
            Self::Claim(holder) | Self::Look(holder) | Self::Leave(holder) => Some(holder.index),
            Self::Redeem { admission, .. }
            | Self::Complete(admission)
            | Self::Release(admission)
            | Self::Extend(admission) => Some(admission.index),
            _ => None,
        }
    }
}

/// What a granted shopper is admitted with; the Worker makes the handoff token of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The admission.
    pub admission_id: AdmissionId,
    /// Who is admitted.
    pub shopper: ShopperId,
    /// The place, 1-based.
    pub position: u64,
    /// By order or by lot.
    pub access: Access,
    /// When the admission runs out as things stand.
    pub expires_at: UnixMillis,
    /// Whom the token is for.
    pub audience: String,
    /// Where it is taken.
    pub checkout_url: String,
}

/// What an event is answered with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// It is done, and there is nothing to say.
    Done,
    /// The queue as its operator reads it: `{id, config, snapshot, createdAt}`, passed on unread.
    Report(#[serde(with = "crate::wire::as_text")] Value),
    /// What an edge keeps of the queue.
    View(Box<EdgeView>),
    /// A range of indices: the group's first `granted` members have `first`, `first + 1`, …; the
    /// others found the queue full.
    Leased {
        /// The first index.
        first: u64,
        /// How many indices.
        granted: u32,
        /// How far tickets are called up.
        called: Called,
        /// Whether the group is in the entrants' log.
        logged: bool,
        /// How long a busy lane lets its next group gather.
        linger_ms: u32,
    },
    /// Whether the entry still stands for anything.
    Stands(bool),
    /// Admitted.
    Granted(Grant),
    /// Present, and next as slots free.
    Boarding {
        /// When to ask again, at the earliest.
        retry_after_ms: u64,
        /// When this was so: an older snapshot knows nothing of it.
        server_time: UnixMillis,
    },
    /// The ticket holds nothing yet.
    Nothing,
    /// In a draw, the time to claim ran out, and the next in order has the place.
    Lapsed,
    /// An admission's state.
    Admission(Box<AdmissionReport>),
    /// The queue was deleted in this epoch of it.
    Deleted(Epoch),
}

/// What must be written before the answer goes out.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Remove all that is stored; what follows in the list is written after.
    Wipe,
    /// Write the queue's own row.
    SaveHead,
    /// Write a ticket's record.
    SaveClaim(Claim),
    /// Write what stands at this place of the stretches whose holders left, or remove what stood
    /// there.
    SaveStretch {
        /// The stretch's first place.
        from: u64,
        /// The stretch, if there is still one.
        stretch: Option<Stretch>,
    },
    /// Write how far a lane has come.
    SaveLane(LaneMark),
    /// Append a group of entrants to the log.
    LogGroup(Logged),
    /// Note when an index was leased.
    SaveArrival(Arrival),
    /// Note when positions were called up.
    SaveCallUp(CallUp),
    /// Write the fairness report.
    SaveReport(String),
    /// List an epoch that is over. It stays listed whatever is removed.
    EndLife(Life),
    /// Tell the lanes of an epoch that is over.
    RetireLanes {
        /// The queue.
        id: QueueId,
        /// The epoch that is over.
        epoch: Epoch,
        /// How many lanes it had.
        lanes: u16,
    },
    /// Tell the relays of an epoch that is over: those that hold sockets.
    CloseRelays {
        /// Their names.
        relays: Vec<RelayName>,
        /// Why.
        closing: Closing,
    },
}

/// What an event comes to.
#[derive(Debug)]
pub struct Step {
    /// What to answer, once the effects are written.
    pub answer: Result<Answer, Problem>,
    /// What to write, in order, in one go.
    pub effects: Vec<Effect>,
}

/// That indices from `first` on were leased from `at` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// An index.
    pub first: u64,
    /// When it was leased.
    pub at: UnixMillis,
}

/// How far a lane has come: its last lease, so that a repeated one gets the same range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneMark {
    /// The lane.
    pub lane: u16,
    /// Its last group's number.
    pub sequence: u64,
    /// How many entries that group has.
    pub count: u32,
    /// The first index it got.
    pub first: u64,
    /// How many it got.
    pub granted: u32,
    /// How many all its groups got.
    pub total: u64,
}
