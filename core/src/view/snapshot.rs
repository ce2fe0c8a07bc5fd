//! The snapshot: the small public fact that every waiting shopper shares. It is the same for all,
//! so it can be cached; what a single shopper needs beyond it is in their ticket.

use serde::{Deserialize, Serialize};

use super::called::CalledPlaces;
use super::line::Left;
use super::wait::{WaitBounds, WaitRange};
use crate::UnixMillis;
use crate::config::{Access, Product, UniqueBy};
use crate::fair::{Commitment, Root, Seed, shuffle};
use crate::ids::{Epoch, QueueId};
use crate::problem::{Code, Problem};
use crate::terms::Called;

/// When to ask again for an audit while the queue waits for randomness: half a minute, or as long
/// as it takes.
const SEALING_MILLIS: u64 = 5_000;
/// How far a measured rate may move before the waits that follow from it are told anew.
const RATE_TOLERANCE: f64 = 0.1;

/// Where a queue is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// Entry has not opened.
    Scheduled,
    /// Shoppers enter without order; the shuffle comes at the opening.
    Entry,
    /// The opening waits for public randomness.
    Sealing,
    /// Serving.
    Open,
    /// Entry goes on, admissions stand still.
    Paused,
    /// Every admission there was to give is completed.
    SoldOut,
    /// Over.
    Closed,
}

/// How loudly a notice speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Good to know.
    Info,
    /// Something is slower or other than expected.
    Warning,
    /// Something is wrong.
    Critical,
}

/// A sentence from the operator to everybody in the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Notice {
    /// How loudly it speaks.
    pub level: Level,
    /// What it says, plain text, 1 to 500 characters.
    pub text: String,
}

/// Whom one must trust for the shuffle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// The operator, not to have tried secrets before they committed to one.
    Operator,
    /// Nobody: public randomness came in after the entrants were fixed.
    Beacon,
}

/// What is public about the opening shuffle. In a queue that was open from the start there are no
/// entrants, and all else is null.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are described in docs/http.md")]
pub struct Shuffle {
    pub commitment: Option<Commitment>,
    pub trust: Option<Trust>,
    pub root: Option<Root>,
    pub beacon_round: Option<u64>,
    pub seed: Option<Seed>,
    pub entrants: Option<u64>,
}

impl Shuffle {
    /// The position of a ticket, 0-based, once it is known: the shuffled index of an entrant, the
    /// index itself of one who came after the opening.
    pub fn position(&self, index: u64) -> Option<u64> {
        let entrants = self.entrants?;
        if index >= entrants {
            return Some(index);
        }
        shuffle::position(index, entrants, self.seed.as_ref()?)
    }
}

/// A queue's public state at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// The queue.
    pub id: QueueId,
    /// By order or by lot.
    pub access: Access,
    /// Where the queue is in its life.
    pub phase: Phase,
    /// When entry opens or opened, if it was set.
    pub entry_opens_at: Option<UnixMillis>,
    /// When service begins or began, if it was set.
    pub opens_at: Option<UnixMillis>,
    /// When it ends, if it was set.
    pub closes_at: Option<UnixMillis>,
    /// The queue's epoch; tickets of another are void.
    pub epoch: Epoch,
    /// Entries so far.
    pub entered: u64,
    /// As many entries stand as may: who has none is refused.
    #[serde(default)]
    pub full: bool,
    /// Entries that neither came when called nor left.
    pub waiting: u64,
    /// Called-up shoppers who have claimed and have no admission yet.
    pub present: u64,
    /// Admissions given so far.
    pub admitted: u64,
    /// Admissions held now.
    pub active: u64,
    /// Admissions completed.
    pub completed: u64,
    /// Admissions still to give, where they are limited.
    pub remaining: Option<u64>,
    /// Tickets with a position, counted from 0, below this are called up: places 1 to `boarding` as
    /// shoppers read them. It only grows.
    pub boarding: u64,
    /// Tickets with a position below this may be called up soon, and are told to poll fast.
    pub soon_below: u64,
    /// How far `soon_below` moves within a quarter of a minute, at the most.
    pub soon_stride: u64,
    /// How many of which stretch of the line left.
    #[serde(default)]
    pub left: Left,
    /// Every present shopper below this has an admission to collect.
    pub admitted_below: u64,
    /// In a draw, the places that are called up.
    pub draw: Option<CalledPlaces>,
    /// How fast boarding moves, where that was measured or follows from the configuration.
    pub rate_per_second: Option<f64>,
    /// What somebody who enters now will wait, where that is known.
    pub estimated_wait_seconds: Option<u64>,
    /// Whether the wait is known.
    pub wait_known: bool,
    /// Between what it is for somebody who enters now, while places are given.
    #[serde(default)]
    pub wait_range: Option<WaitRange>,
    /// What bounds everybody's wait.
    #[serde(default)]
    pub wait_bounds: WaitBounds,
    /// The opening shuffle.
    pub shuffle: Shuffle,
    /// How many relays serve sockets.
    pub relays: u16,
    /// What the operator has to say.
    pub notice: Option<Notice>,
    /// Where a granted shopper takes the handoff token.
    pub checkout_url: String,
    /// Grows with every change.
    pub version: u64,
    /// The queue object's clock, Unix milliseconds.
    pub server_time: UnixMillis,
}

impl Snapshot {
    /// Whether a shopper who sees `self` would see something else in `later`, its notice apart. The
    /// clock, the version and what is only an estimate of the same rate are nothing to see.
    pub fn looks_other_than(&self, later: &Self) -> bool {
        let same_rate = match (self.rate_per_second, later.rate_per_second) {
            (Some(before), Some(after)) => (after - before).abs() <= before * RATE_TOLERANCE,
            (before, after) => before == after,
        };
        let unseen = Self {
            rate_per_second: later.rate_per_second,
            estimated_wait_seconds: later.estimated_wait_seconds,
            wait_known: later.wait_known,
            soon_below: later.soon_below,
            soon_stride: later.soon_stride,
            wait_range: later.wait_range,
            wait_bounds: later.wait_bounds.clone(),
            notice: later.notice.clone(),
            version: later.version,
            server_time: later.server_time,
            ..self.clone()
        };
        !same_rate || unseen != *later
    }

    /// How far tickets are called up.
    pub fn called(&self) -> Called {
        Called {
            boarding: self.boarding,
            entrants: self.shuffle.entrants.unwrap_or(0),
        }
    }

    /// Before entry opens, nobody's request need go further than the edge.
    pub fn check_entry_open(&self, now: UnixMillis) -> Result<(), Problem> {
        let opens_at = self.entry_opens_at.unwrap_or(0);
        if self.phase == Phase::Scheduled && now < opens_at {
            return Err(not_open(opens_at, now, "Entry is not open yet."));
        }
        Ok(())
    }

    /// Nor need anybody's who asks for an audit before there is one.
    pub fn check_sealed(&self) -> Result<(), Problem> {
        if self.shuffle.seed.is_some() || self.shuffle.entrants == Some(0) {
            return Ok(());
        }
        // A queue that has no opening of its own opens when entry does.
        let times = [self.entry_opens_at, self.opens_at];
        let opens_at = times.into_iter().flatten().max().unwrap_or(0);
        let at = match self.phase {
            Phase::Sealing => self.server_time.saturating_add(SEALING_MILLIS),
            _ => opens_at,
        };
        Err(not_open(at, self.server_time, NO_AUDIT))
    }

    /// Whether the queue is over by its time or its stock, so that no operator can reopen it as it
    /// is.
    pub fn cannot_reopen(&self) -> bool {
        let is_sold_out = self.remaining == Some(0) && self.active == 0;
        self.closes_at.is_some_and(|at| self.server_time >= at) || is_sold_out
    }

    /// Whether nobody is admitted any more.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::SoldOut | Phase::Closed)
    }
}

/// What an edge keeps of a queue: the public snapshot, and the little of its configuration that
/// routing and headers need.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EdgeView {
    /// The public part.
    pub snapshot: Snapshot,
    /// How many lanes take entries.
    pub lanes: u16,
    /// What entering once goes by.
    pub unique_by: UniqueBy,
    /// Other sites' origins that may call with a bearer.
    pub allowed_origins: Vec<String>,
    /// What handoff tokens name as `aud`.
    pub audience: String,
    /// How many pages the audit has, once there is one.
    pub audit_pages: u64,
    /// When this epoch of the queue began, by its clock.
    pub since: UnixMillis,
    /// When this edge last knew a place to come free, which the snapshot may not show yet.
    #[serde(skip)]
    pub freed_at: UnixMillis,
    /// How many places beyond boarding may be called up before this is renewed.
    pub reach: u64,
    /// What is on sale.
    #[serde(with = "crate::wire::as_text")]
    pub product: Option<Product>,
}

impl EdgeView {
    /// Somebody left: a place is free, whatever the snapshot says.
    pub fn place_is_free(&mut self, now: UnixMillis) {
        self.snapshot.full = false;
        self.freed_at = self.freed_at.max(now);
    }

    /// When entries stood as this says.
    pub fn as_of(&self) -> UnixMillis {
        self.snapshot.server_time.max(self.freed_at)
    }
}

/// What is said to those who ask for an audit too early.
pub const NO_AUDIT: &str = "There is nothing to audit before the queue has opened.";

/// What is said before it is time.
pub fn not_open(at: UnixMillis, now: UnixMillis, what: &str) -> Problem {
    let seconds = at.saturating_sub(now).div_ceil(1000).max(1);
    Problem {
        retry_after_seconds: Some(u32::try_from(seconds).unwrap_or(u32::MAX)),
        ..Problem::new(Code::NotOpen, what)
    }
}
