//! What can happen in a deployment, and what its parts say to each other: small values, so that
//! millions of them fit into the agenda.

use tidegate_core::lane::leaving::Left;

/// Who asked, and in which life or attempt: an answer that comes to another one is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asker {
    /// The number of a shopper, a lane or a relay.
    pub who: u32,
    /// Their attempt or life; `NOBODY` where no answer is waited for.
    pub turn: u16,
}

/// The turn of a message that is late or a copy: its answer goes to nobody.
pub(crate) const NOBODY: u16 = u16::MAX;

/// A call of the Queue object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// A lane leases.
    Lease {
        sequence: u32,
        count: u32,
    },
    /// A lane asks for a shopper whose entry was called up.
    Stands {
        shopper: u32,
    },
    /// A relay asks.
    View,
    Claim,
    /// A lane gives up an entry that is marked as leaving.
    Leave {
        shopper: u32,
        index: u32,
    },
    /// With the token's holder's own idempotency key, or a thief's.
    Redeem {
        own_key: bool,
    },
    Complete,
    Release,
    Extend,
    /// Somebody shows tickets and tokens that were never given.
    Forge,
    /// The operator does something, by this random number.
    Operate {
        what: u16,
    },
    /// The alarm fires.
    Wake,
}

/// What a shopper's call of the Queue object comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Granted,
    /// Present; the queue's clock, milliseconds since the beginning.
    Boarding {
        at: u32,
    },
    /// Called up by what the edge said, and the queue knows nothing of it.
    NotYet,
    /// Paused.
    Later,
    /// Done.
    Done,
    /// Refused for good.
    Over,
    /// May not leave: the checkout has the place.
    Kept,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    /// The next shopper comes.
    Arrive(u32),
    /// A shopper does what is next for them.
    Act(Asker),
    /// An enter reaches its lane.
    AtLane(Asker),
    /// A lane answers an enter with an index.
    Entered { asker: Asker, index: u32 },
    /// A lane answers an enter with a refusal, for good or for now.
    NotEntered { asker: Asker, over: bool },
    /// A leave of this entry reaches its lane.
    LeaveAtLane { asker: Asker, index: u32 },
    /// The queue's answer to a lane's leave is there.
    LeftAtQueue {
        lane: Asker,
        shopper: u32,
        index: u32,
        left: Left,
    },
    /// A leave was not answered.
    NotLeft(Asker),
    /// A lane's worker goes on.
    Work(Asker),
    /// The queue's answer to a lane's lease is there.
    Leased(Asker),
    /// It is time to ask the queue about an entry.
    AskAbout {
        lane: Asker,
        shopper: u32,
        index: u32,
    },
    /// The queue's answer about an entry is there.
    Stood {
        lane: Asker,
        shopper: u32,
        stands: bool,
    },
    /// A call reaches the Queue object.
    AtQueue(Asker, Call),
    /// The Queue object can go on with its backlog.
    Serve,
    /// The Queue object's answer reaches a shopper.
    Answered(Asker, Reply),
    /// A call got no answer, and its caller gives up waiting for it.
    Unanswered(Asker, Call),
    /// An edge asks a relay.
    AtRelay(Asker),
    /// The queue's answer reaches a relay.
    Viewed(Asker),
    /// A relay's answer reaches an edge.
    AtEdge(Asker),
    /// An edge gives up waiting for its relay.
    EdgeGaveUp(Asker),
    /// A socket tells its shopper that they are called up, or admitted.
    Told { shopper: u32 },
    /// The scenario's standstill begins, or ends.
    Interrupt { ends: bool },
    /// Once a minute: what may go wrong now.
    Minute,
    /// The outage ends.
    Restored,
}
