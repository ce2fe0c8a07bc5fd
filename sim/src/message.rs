//! What can happen in a deployment, and what its parts say to each other: small values, so that
//! millions of them fit into the agenda. What is larger lies in the world's [`Slab`]s.
//!
//! [`Slab`]: crate::slab::Slab

use tidegate_core::lane::leaving::Left;

/// Who asked, and in which life or attempt: an answer that comes to another one is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asker {
    /// The number of a shopper, a lane, a relay, or a call that an edge has under way.
    pub who: u32,
    /// Their attempt or life; `NOBODY` where no answer is waited for.
    pub turn: u16,
}

/// The turn of a message that is late or a copy: its answer goes to nobody.
pub(crate) const NOBODY: u16 = u16::MAX;

impl Asker {
    /// Who asks by a message that is late or a copy.
    pub const fn nobody(self) -> Self {
        Self {
            turn: NOBODY,
            ..self
        }
    }
}

/// A call of the Queue object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// A lane leases.
    Lease { sequence: u32, count: u32 },
    /// A lane asks for a shopper whose entry was called up.
    Stands { shopper: u32, index: u32 },
    /// A lane gives up an entry that is marked as leaving.
    Leave { shopper: u32, index: u32 },
    /// A relay asks what it last wanted to.
    View,
    /// An edge asks, for a shopper or a checkout, by this letter.
    Edge { letter: u32 },
    /// Somebody shows tickets and tokens that were never given.
    Forge,
    /// The operator does something, by this random number.
    Operate { what: u16 },
    /// The alarm fires.
    Wake,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    /// The next shopper comes.
    Arrive(u32),
    /// A shopper does what is next for them.
    Act(Asker),
    /// An edge's answer reaches a shopper or a checkout.
    Heard { asker: Asker, said: u32 },
    /// A call got no answer, and its caller gives up waiting for it.
    Unheard(Asker),
    /// An object's reply to an edge's call is there.
    Supplied { call: Asker, letter: u32 },
    /// An edge's call goes on without one: it waited long enough.
    Unsupplied(Asker),
    /// An edge's call reaches a lane.
    AtLane { call: Asker, letter: u32 },
    /// An edge's call reaches a relay.
    AtRelay { call: Asker, letter: u32 },
    /// The queue's answer to a lane's leave is there.
    LeftAtQueue {
        lane: Asker,
        shopper: u32,
        index: u32,
        left: Left,
    },
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
        index: u32,
        stands: bool,
    },
    /// A call reaches the Queue object.
    AtQueue(Asker, Call),
    /// The Queue object can go on with its backlog.
    Serve,
    /// The Queue object did not answer, and its caller gives up waiting for it.
    Unanswered(Asker, Call),
    /// The queue's answer reaches a relay.
    Viewed(Asker),
    /// A socket tells its shopper that they are called up, or admitted.
    Told { shopper: u32 },
    /// The scenario's standstill begins, or ends.
    Interrupt { ends: bool },
    /// Once a minute: what may go wrong now.
    Minute,
    /// The outage ends.
    Restored,
}
