//! What a judge is shown, one thing after the other. A simulator shows everything as it happens; of
//! a history, the judge shows itself what clients were told of their places (see
//! [`crate::history`]).

use tidegate_core::UnixMillis;
use tidegate_core::ids::AdmissionId;
use tidegate_core::queue::{ClaimState, Effect, Head};

use crate::limits::Limits;

/// One thing that happened. Times are milliseconds, unless they are [`UnixMillis`].
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The queue's limits from here on.
    Limits(Limits),
    /// This entry is asked for, for the first time or anew: who has been answered stands before it.
    Enters(u32),
    /// A shopper, or their checkout, is answered.
    Told {
        /// Their entry.
        entry: u32,
        /// Its index.
        index: u64,
        /// What they are told.
        told: Told,
    },
    /// A lane writes down a group under this number.
    Gathered {
        /// The lane.
        lane: u16,
        /// The group's number.
        sequence: u64,
    },
    /// All lanes' ranges in order: first index, how many were granted, how many were in the group.
    Lanes(&'a [(u64, u32, usize)]),
    /// The queue handled an event: what it wrote, and how it stands.
    Wrote {
        /// What was written, in order.
        effects: &'a [Effect],
        /// The queue afterwards.
        head: &'a Head,
        /// When its alarm is due.
        alarm: Option<UnixMillis>,
    },
    /// The queue came back from its rows.
    ReadBack {
        /// What it read.
        head: &'a Head,
        /// How many are present by it.
        present: u64,
        /// How many admissions are held by it.
        active: u64,
    },
    /// The queue was out of reach until now.
    Restored,
    /// Somebody showed a ticket or a token that was never given.
    Forged {
        /// It was taken.
        accepted: bool,
        /// It made the queue write something.
        wrote: bool,
    },
    /// A reader asks for the public state: an edge a relay, or a relay the queue.
    Asked {
        /// Which.
        reader: Reader,
        /// When.
        at: u64,
    },
    /// A reader's memory is gone, and another takes its place.
    Forgot(Reader),
    /// An edge shows the public state to somebody.
    Shown {
        /// Which edge.
        edge: u32,
        /// When.
        at: u64,
        /// When the state was taken.
        taken: u64,
        /// How far tickets are called up by it.
        boarding: u64,
        /// Whether it is called stale.
        stale: bool,
    },
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The entry has this index.
    Entered {
        /// Its place, 0-based, once that is known.
        position: Option<u64>,
        /// What was read of the row just before, where that was seen.
        row: Row,
    },
    /// Admitted.
    Admitted {
        /// The admission.
        admission: AdmissionId,
        /// Whose it is by the queue: the entry.
        holder: u32,
    },
    /// Present, and to wait.
    Waits,
    /// Not called up, though an edge said so.
    NotCalled,
    /// The admission's state.
    State(ClaimState),
    /// The token is redeemed, under this key.
    Redeemed {
        /// Which idempotency key it was, as a number.
        key: u64,
    },
    /// The place is given up.
    Left,
    /// The place may not be given up: the checkout has it.
    Kept,
    /// The ticket or token is void.
    Void,
}

/// What a lane's row said when an enter was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// It was not seen.
    Unseen,
    /// The lane answered by it at once.
    Says(Option<u64>),
    /// The lane asked the queue first, and something may have come between.
    SaidBefore(Option<u64>),
}

/// Who reads the public state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reader {
    /// An isolate of the edge.
    Edge(u32),
    /// A relay.
    Relay(u32),
}
