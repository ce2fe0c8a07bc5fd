//! The queue's own row: configuration and counters. [`rows`](crate::queue::state::rows) reads and
//! writes it, and its golden tests are `core/tests/stored.rs`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::rows::FORMAT;
use crate::UnixMillis;
use crate::config::QueueConfig;
use crate::fair::audit::PAGE_GROUPS;
use crate::fair::beacon::{Beacon, Chain};
use crate::fair::{Fresh, Root, Secret, Seed};
use crate::ids::{Epoch, INDEX_MAX, QueueId};
use crate::queue::admission::draw::Window;
use crate::queue::boarding::hearing::Batch;
use crate::queue::boarding::soon::Soon;
use crate::queue::event::Called;
use crate::queue::opening::placing::Placing;
use crate::view::snapshot::{Notice, Phase};

/// What outlives an event, beside claims and lanes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// The format of this row.
    pub format: u32,
    /// The queue.
    pub id: QueueId,
    /// Its configuration.
    pub config: QueueConfig,
    /// What a later version stored in the configuration, and this one does not serve: it goes back
    /// into the row.
    #[serde(skip)]
    pub unserved: Map<String, Value>,
    /// Its present epoch.
    pub epoch: Epoch,
    /// When this epoch began.
    pub created_at: UnixMillis,
    /// The latest time that an event was handled at; time never runs back before it.
    pub clock: UnixMillis,
    /// Admissions stand still.
    pub paused: bool,
    /// The operator closed it.
    pub closed: bool,
    /// What the operator has to say.
    pub notice: Option<Notice>,
    /// Entries, and so the next index.
    pub entered: u64,
    /// Tickets that ever claimed.
    pub claimed: u64,
    /// Tickets that left without ever claiming.
    pub left: u64,
    /// When the fairness report of the queue, which is over, was made and stored.
    #[serde(default)]
    pub reported_at: Option<UnixMillis>,
    /// Tickets that had claimed and then left.
    #[serde(default)]
    pub left_after_claiming: u64,
    /// Admissions ever given.
    pub admitted: u64,
    /// Admissions completed.
    pub completed: u64,
    /// Tickets with a position below this are called up.
    pub boarding: u64,
    /// Grows with every write.
    pub version: u64,
    /// Called-up tickets that had their time to come, and those that came: recent ones weigh more.
    pub called: u64,
    /// See `called`.
    pub came: u64,
    /// How many had been called up of those who stand, at times of the last two minutes.
    pub pace: Vec<(UnixMillis, u64)>,
    /// How many relays serve sockets. It only grows.
    #[serde(default = "one_relay")]
    pub relays: u16,
    /// The relays that hold sockets, and so are told what changes.
    #[serde(default)]
    pub watching: Vec<u16>,
    /// What this epoch's shuffle is made of. It stays in the object until the queue has opened.
    #[serde(default = "no_secret")]
    pub secret: Secret,
    /// What the opening came to, once it has been.
    #[serde(default = "open_from_the_start")]
    pub opened: Option<Opened>,
    /// Whose randomness this epoch's shuffle waits for, if it has a beacon.
    #[serde(default = "Chain::quicknet")]
    pub chain: Chain,
    /// In a draw, the places that are called up and awaited, in order.
    #[serde(default)]
    pub windows: Vec<Window>,
    /// The positions that were called up and have time to hear of it, in order.
    #[serde(default)]
    pub batches: Vec<Batch>,
    /// Who may be called up soon.
    #[serde(default)]
    pub soon: Soon,
    /// No position from this on was ever admitted.
    #[serde(default = "anywhere")]
    pub admitted_to: u64,
    /// How long admissions are held, on average, once some have ended.
    #[serde(default)]
    pub session_millis: Option<u64>,
    /// Until when there may be shoppers who were told to look rarely, wherever they stand.
    #[serde(default)]
    pub rare_until: UnixMillis,
    /// Since when admissions stand still: the queue is paused, or closed, or both.
    #[serde(default, rename = "pausedAt")]
    pub still_since: Option<UnixMillis>,
    /// Tickets that left before there were places and whose place was not computed.
    #[serde(default)]
    pub left_unplaced: u64,
    /// How many of the places below boarding were passed over, for their holders had left.
    #[serde(default)]
    pub passed: u64,
    /// While those are placed who left before there were places: how far that has come.
    #[serde(default)]
    pub placing: Option<Placing>,
    /// Whether who left is stored by stretches. A row of before there were any says nothing.
    #[serde(default)]
    pub keeps_gone: bool,
}

/// What ends a queue beside its operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its `closesAt`.
    Time,
    /// Every admission there was to give is completed.
    Stock,
}

/// An opening.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Opened {
    /// How many had entered: they are shuffled. None in a queue that was open from the start.
    pub entrants: u64,
    /// How many groups their log has; not known of openings before it was counted.
    pub groups: Option<u64>,
    /// The root of their log.
    pub root: Option<Root>,
    /// What their places follow from.
    pub seed: Option<Seed>,
    /// When it was.
    pub at: UnixMillis,
    /// In a draw, how many places win.
    pub winners: Option<u64>,
    /// The public randomness that the seed waits for.
    pub beacon: Option<Beacon>,
}

/// What a row that was written before there were openings says of one: nobody was shuffled.
#[expect(clippy::unnecessary_wraps, reason = "it stands for the field")]
fn open_from_the_start() -> Option<Opened> {
    Some(Opened::default())
}

/// What a row that was written before this was kept says of it.
const fn anywhere() -> u64 {
    INDEX_MAX
}

fn no_secret() -> Secret {
    Secret::from_bytes([0; 32])
}

/// What a row that was written before there were sockets says of relays.
fn one_relay() -> u16 {
    1
}

impl Head {
    /// A queue that begins its life now.
    pub fn new(id: QueueId, config: QueueConfig, fresh: Fresh, now: UnixMillis) -> Self {
        Self {
            format: FORMAT,
            id,
            config,
            unserved: Map::new(),
            epoch: fresh.epoch,
            created_at: now,
            clock: now,
            paused: false,
            closed: false,
            notice: None,
            entered: 0,
            claimed: 0,
            left: 0,
            left_after_claiming: 0,
            reported_at: None,
            admitted: 0,
            completed: 0,
            boarding: 0,
            version: 1,
            called: 0,
            came: 0,
            pace: Vec::new(),
            relays: one_relay(),
            watching: Vec::new(),
            secret: fresh.secret,
            opened: None,
            chain: fresh.chain,
            windows: Vec::new(),
            still_since: None,
            left_unplaced: 0,
            passed: 0,
            placing: None,
            keeps_gone: true,
            batches: Vec::new(),
            soon: Soon::default(),
            admitted_to: 0,
            session_millis: None,
            rare_until: 0,
        }
    }

    /// When the queue opens or opened. One that opens when entry does shuffles nobody.
    pub fn opens_at(&self) -> UnixMillis {
        let times = [self.config.entry_opens_at, self.config.opens_at];
        times.into_iter().flatten().max().unwrap_or(0)
    }

    /// Whether this index is, or as things stand will be, one of those that are shuffled.
    pub fn is_entrant(&self, index: u64) -> bool {
        let opened = self.opened.as_ref();
        opened.is_none_or(|opened| index < opened.entrants)
    }

    /// How far tickets are called up.
    pub fn called(&self) -> Called {
        Called {
            boarding: self.boarding,
            entrants: self.opened.as_ref().map_or(0, |opened| opened.entrants),
        }
    }

    /// What has ended the queue by `now`, the operator's closing apart. In a draw nothing takes it
    /// back: those who did not win are told so by then, and not before.
    pub fn end(&self, now: UnixMillis) -> Option<End> {
        let most = self.config.max_admissions;
        if self.config.closes_at.is_some_and(|at| now >= at) {
            Some(End::Time)
        } else if most.is_some_and(|most| self.completed >= most) {
            Some(End::Stock)
        } else {
            None
        }
    }

    /// Where the queue is in its life at `now`.
    pub fn phase(&self, now: UnixMillis) -> Phase {
        let end = self.end(now);
        if self.closed || end == Some(End::Time) {
            Phase::Closed
        } else if end == Some(End::Stock) {
            Phase::SoldOut
        } else if self.config.entry_opens_at.is_some_and(|at| now < at) {
            Phase::Scheduled
        } else if self.opened.is_none() {
            Phase::Entry
        } else if self.is_sealing() {
            Phase::Sealing
        } else if self.paused {
            Phase::Paused
        } else {
            Phase::Open
        }
    }

    /// The entrants are fixed, and wait for the randomness that their places follow from.
    pub fn is_sealing(&self) -> bool {
        let opened = self.opened.as_ref();
        opened.is_some_and(|opened| opened.entrants > 0 && opened.seed.is_none())
    }

    /// Whether it matters still who left before there were places: their places are not computed
    /// yet.
    pub fn needs_left_early(&self) -> bool {
        let is_placed = self.keeps_gone && self.placing.is_none();
        self.opened.is_none() || self.is_sealing() || !is_placed
    }

    /// Entries that were called up, those apart who had left before.
    pub fn called_up(&self) -> u64 {
        self.boarding.saturating_sub(self.passed)
    }

    /// How many pages the audit has: as many as its groups fill, and at most as many as there would
    /// be with a group for each entrant.
    pub fn audit_pages(&self) -> u64 {
        let opened = self.opened.as_ref();
        let groups = opened.map_or(0, |opened| opened.groups.unwrap_or(opened.entrants));
        groups.div_ceil(PAGE_GROUPS).max(1)
    }

    /// Entries that are not called up yet.
    pub fn line(&self) -> u64 {
        self.entered.saturating_sub(self.boarding)
    }

    /// Entries that stand: all but those whose holders left. One whose admission ended had its
    /// turn, and stands.
    pub fn standing(&self) -> u64 {
        self.entered
            .saturating_sub(self.left)
            .saturating_sub(self.left_after_claiming)
    }

    /// How many more may enter, where that is limited.
    pub fn places(&self) -> Option<u64> {
        let most = self.config.max_participants?;
        Some(most.saturating_sub(self.standing()))
    }

    /// Entries that neither claimed nor left.
    pub fn waiting(&self) -> u64 {
        self.entered
            .saturating_sub(self.claimed)
            .saturating_sub(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_says_how_many_pages_its_audit_has_or_at_most() {
        let config = serde_json::json!({"maxActive": 1});
        let id = "demo".parse().unwrap();
        let config = QueueConfig::parse(&config, &id).unwrap();
        let mut head = Head::new(id, config, Fresh::known(Epoch::from_bytes([1; 16])), 5);
        assert_eq!(head.audit_pages(), 1);
        for (groups, pages) in [(r#","groups":5000"#, 1), (r#","groups":5001"#, 2), ("", 3)] {
            let opened = format!(r#"{{"entrants":12000{groups}}}"#);
            head.opened = serde_json::from_str(&opened).unwrap();
            assert_eq!(head.audit_pages(), pages, "{opened}");
        }
    }
}
