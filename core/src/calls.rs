//! What the Worker and the objects say to each other: for each object one enum in and one out. They
//! travel as `wire` writes them; [`Reply`] is what every call comes back with.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::UnixMillis;
use crate::fair::audit::{Audit, GroupProof};
use crate::fair::receipt::Receipt;
use crate::ids::{Epoch, QueueId, ShopperId};
use crate::problem::Problem;
use crate::queue::claim::{AdmissionReport, ClaimState};
use crate::queue::event::{Answer, Event};
use crate::terms::{Called, Closing};
use crate::view::snapshot::EdgeView;

pub use crate::terms::{DirectoryEntry, LaneName, RelayName};

/// What a call comes back with.
pub type Reply<T> = Result<T, Problem>;

/// The most admissions in one page of a listing.
pub const ADMISSIONS_PAGE: u32 = 100;

/// What an object is called with.
pub trait Call: Serialize + DeserializeOwned {
    /// What the call is for, and of which queue if it says so: for a watcher.
    fn label(&self) -> String;
}

impl Call for QueueCall {
    fn label(&self) -> String {
        let name = match self {
            Self::Event(event) => match **event {
                Event::View => "View",
                Event::Watch { .. } => "Watch",
                Event::Lease { .. } => "Lease",
                Event::Stands { .. } => "Stands",
                Event::Claim(_) => "Claim",
                Event::Look(_) => "Look",
                Event::Leave(_) => "Leave",
                _ => "Event",
            },
            Self::Admissions { .. } => "Admissions",
            Self::Audit { .. } => "Audit",
            Self::Fairness => "Fairness",
            Self::Prove { .. } => "Prove",
        };
        String::from(name)
    }
}

impl Call for LaneCall {
    fn label(&self) -> String {
        match self {
            Self::Enter { lane, .. } => format!("Enter \"{}\"", lane.queue),
            Self::Leave { lane, .. } => format!("Leave \"{}\"", lane.queue),
            Self::Show { .. } => String::from("Show"),
            Self::Retire => String::from("Retire"),
        }
    }
}

impl Call for RelayCall {
    fn label(&self) -> String {
        let (name, relay) = match self {
            Self::View(relay) => ("View", relay),
            Self::Live(relay) => ("Live", relay),
            Self::Push(relay, _) => ("Push", relay),
            Self::Close(relay, _) => ("Close", relay),
        };
        format!("{name} \"{}\"", relay.queue)
    }
}

impl Call for DirectoryCall {
    fn label(&self) -> String {
        let name = match self {
            Self::Reserve(_) => "Reserve",
            Self::Confirm { .. } => "Confirm",
            Self::Update { .. } => "Update",
            Self::Remove { .. } => "Remove",
            Self::List => "List",
        };
        String::from(name)
    }
}

/// To a Queue object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum QueueCall {
    /// Something happens to the queue.
    Event(Box<Event>),
    /// A page of its admissions, by index.
    Admissions {
        /// Only those in this state.
        state: Option<ClaimState>,
        /// Only those with a larger index.
        after: Option<u64>,
    },
    /// A page of the opening's audit.
    Audit {
        /// Which page, from 0.
        page: u64,
    },
    /// What the fairness report says.
    Fairness,
    /// The inclusion proof of a group in the log.
    Prove {
        /// The epoch of the queue that it is of.
        epoch: Epoch,
        /// The group's first index.
        first: u64,
    },
}

/// From a Queue object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum QueueReply {
    /// What the event is answered with.
    Answer(Answer),
    /// A page of admissions; `next` is the `after` of the page that follows, if one does.
    Admissions {
        /// The admissions.
        admissions: Vec<AdmissionReport>,
        /// Where the next page begins.
        next: Option<u64>,
    },
    /// A page of the opening's audit.
    Audit(Box<Audit>),
    /// A group's inclusion proof.
    Proof(GroupProof),
    /// The fairness report, without what only the shuffle tells.
    Fairness(#[serde(with = "crate::wire::as_text")] Map<String, Value>),
}

/// To a Lane object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum LaneCall {
    /// Enter a shopper, or find their entry.
    Enter {
        /// Which lane this is: an object does not know its own name.
        lane: LaneName,
        /// Who enters.
        shopper: ShopperId,
        /// How far tickets are called up, as far as the caller knows.
        called: Called,
        /// Why nobody enters who has no entry, as far as the caller knows.
        refusal: Option<Problem>,
        /// When the queue stood as the caller knows it.
        as_of: UnixMillis,
    },
    /// Give an entry up: at the queue, and here, so that the shopper may enter anew. Repeating it
    /// changes nothing.
    Leave {
        /// Which lane this is.
        lane: LaneName,
        /// Who leaves.
        shopper: ShopperId,
        /// The entry that is given up; a newer one stays.
        index: u64,
    },
    /// Show an entrant's receipt.
    Show {
        /// Who entered.
        shopper: ShopperId,
        /// The entry's index.
        index: u64,
    },
    /// The epoch is over: remove all that is stored.
    Retire,
}

/// From a Lane object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LaneReply {
    /// The shopper's entry.
    Entered {
        /// Its index.
        index: u64,
        /// The latest boarding that the lane knows of.
        boarding: u64,
        /// The receipt of an entrant.
        receipt: Option<Box<Receipt>>,
    },
    /// An entry's receipt, if it is in the log.
    Receipt(Option<Box<Receipt>>),
    /// It is done.
    Done,
}

/// To a Relay object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum RelayCall {
    /// What an edge keeps of the queue, at most a second old.
    View(RelayName),
    /// Hold a socket and tell it what changes. Comes as an upgrade, and is answered with the
    /// socket.
    Live(RelayName),
    /// What the queue shows has changed.
    Push(RelayName, Box<EdgeView>),
    /// The epoch is over: close all sockets.
    Close(RelayName, Closing),
}

/// From a Relay object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RelayReply {
    /// What an edge keeps.
    View(Box<EdgeView>),
    /// It is done, and the relay holds this many sockets.
    Sockets(u32),
}

/// To the Directory object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum DirectoryCall {
    /// List a name for a queue that is about to be made; one that is listed stays as it is.
    Reserve(DirectoryEntry),
    /// A queue was just made: list it, unless a newer epoch of it is.
    Confirm {
        /// The queue, and its epoch.
        entry: DirectoryEntry,
        /// When that began, by the queue's clock.
        since: UnixMillis,
    },
    /// Note the epoch of a queue, if it is listed, and not in a newer one.
    Update {
        /// The queue, and its epoch.
        entry: DirectoryEntry,
        /// When that began, by the queue's clock.
        since: UnixMillis,
    },
    /// List a queue no more, if it is listed in one of the epochs that were deleted; a newer one
    /// stays.
    Remove {
        /// The queue.
        id: QueueId,
        /// The epochs.
        epochs: Vec<Epoch>,
    },
    /// All queues, by id.
    List,
}

/// From the Directory object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DirectoryReply {
    /// It is done.
    Done,
    /// All queues.
    Queues(Vec<DirectoryEntry>),
}
