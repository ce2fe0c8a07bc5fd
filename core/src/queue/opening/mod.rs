//! The opening: one moment, from which on it is fixed who is shuffled, and by what.

pub mod placing;
pub mod sealing;

use serde_json::{Map, Value, json};

use crate::UnixMillis;
use crate::config::Beacon as Source;
use crate::fair::Root;
use crate::fair::audit::{ALGORITHM, Life, PAGE_GROUPS};
use crate::fair::beacon::Beacon;
use crate::fair::log::{Group, Logged};
use crate::fair::merkle::leaf_hash;
use crate::queue::event::LaneMark;
use crate::queue::machine::Machine;
use crate::queue::refusal::Refusal;
use crate::queue::state::head::Opened;
use crate::view::snapshot::{Shuffle, Trust};

impl Machine {
    /// Opens the queue if it is time. The entrants are the indices leased so far: nobody else need
    /// answer, and nothing is moved.
    pub(in crate::queue) fn open_if_due(&mut self, now: UnixMillis) {
        if self.head.opened.is_some() || now < self.head.opens_at() {
            return;
        }
        let entrants = self.head.entered;
        let config = &self.head.config;
        let has_beacon = entrants > 0 && config.beacon == Some(Source::Drand);
        self.head.opened = Some(Opened {
            entrants,
            groups: Some(self.log.size()),
            root: (entrants > 0).then(|| self.log.root()),
            seed: None,
            at: now,
            winners: config.max_admissions.filter(|_| self.is_draw()),
            beacon: has_beacon.then(|| Beacon {
                round: self.head.chain.deciding_round(now),
                chain: self.head.chain.clone(),
                signature: None,
            }),
        });
        self.dirty.head = true;
        self.seal(now);
    }

    /// Entry is not open yet, or, in a draw, not any more.
    pub(in crate::queue) fn check_entry_open(&self, now: UnixMillis) -> Result<(), Refusal> {
        let opens_at = self.head.config.entry_opens_at.unwrap_or(0);
        if now < opens_at {
            return Err(Refusal::EntryNotOpen { at: opens_at, now });
        }
        if self.is_draw() && self.head.opened.is_some() {
            return Err(Refusal::DrawHeld);
        }
        Ok(())
    }

    /// Logs a group of entrants; those who come after the opening stand by their index alone.
    pub(in crate::queue) fn log_group(&mut self, mark: &LaneMark, root: Root) {
        if self.head.opened.is_some() {
            return;
        }
        let group = Group {
            lane: mark.lane,
            sequence: mark.sequence,
            first: mark.first,
            granted: mark.granted,
            root,
        };
        let number = self.log.size();
        let mut nodes = self.log.push(leaf_hash(&group.leaf(self.head.epoch)));
        // Its own leaf follows from its row.
        nodes.remove(0);
        self.dirty.logged = Some(Logged {
            number,
            group,
            nodes,
        });
    }

    /// What is public about the shuffle.
    pub(in crate::queue) fn shuffle(&self) -> Shuffle {
        let opened = self.head.opened.as_ref();
        let entrants = opened.map(|opened| opened.entrants);
        let is_shuffled = entrants != Some(0);
        let beacon = opened.and_then(|opened| opened.beacon.as_ref());
        Shuffle {
            commitment: is_shuffled.then(|| self.head.secret.commitment()),
            trust: is_shuffled.then_some(self.trust()),
            root: opened.and_then(|opened| opened.root),
            beacon_round: beacon.map(|beacon| beacon.round),
            seed: opened.and_then(|opened| opened.seed),
            entrants,
        }
    }

    fn trust(&self) -> Trust {
        match self.head.config.beacon {
            Some(_) => Trust::Beacon,
            None => Trust::Operator,
        }
    }

    /// The opening, once everybody has a place by it.
    fn sealed(&self) -> Result<&Opened, Refusal> {
        let head = &self.head;
        let opened = head.opened.as_ref();
        let beacon = opened.and_then(|opened| opened.beacon.as_ref());
        let sealed_at = beacon.map_or(head.opens_at(), |beacon| beacon.chain.made_at(beacon.round));
        opened
            .filter(|_| !head.is_sealing())
            .ok_or(Refusal::NoAuditYet {
                at: sealed_at,
                now: head.clock,
            })
    }

    /// Refuses as [`Machine::audit`] does, before anything is read.
    pub fn check_page(&self, page: u64) -> Result<(), Refusal> {
        self.sealed()?;
        if page < self.head.audit_pages() {
            return Ok(());
        }
        Err(Refusal::NoSuchPage)
    }

    /// Refuses as [`Machine::audit`] does, before there is one.
    pub fn check_sealed(&self) -> Result<(), Refusal> {
        self.sealed().map(|_| ())
    }

    /// What a page of the audit says but its groups, of which the log has so many, and the epochs
    /// before: those that are listed, and how many there were.
    pub fn audit(
        &self,
        page: u64,
        groups: u64,
        lives: &[Life],
        earlier: u64,
    ) -> Result<Map<String, Value>, Refusal> {
        let (head, opened) = (&self.head, self.sealed()?);
        let pages = groups.div_ceil(PAGE_GROUPS).max(1);
        if page >= pages {
            return Err(Refusal::NoSuchPage);
        }
        let beacon = opened.beacon.as_ref().map(|beacon| {
            json!({
                "network": "drand",
                "chain": beacon.chain.chain,
                "publicKey": beacon.chain.public_key,
                "genesisAt": beacon.chain.genesis_at,
                "periodSeconds": beacon.chain.period_seconds,
                "round": beacon.round,
                "signature": beacon.signature,
                "randomness": beacon.randomness().map(|bytes| crate::hex::hex(&bytes)),
            })
        });
        let root = opened.root.unwrap_or_else(|| self.log.root());
        let facts = json!({
            "format": 1,
            "algorithm": ALGORITHM,
            "queueId": head.id,
            "access": head.config.access,
            "epoch": head.epoch,
            "openedAt": opened.at,
            "commitment": head.secret.commitment(),
            "secret": head.secret,
            "trust": if beacon.is_some() { Trust::Beacon } else { Trust::Operator },
            "beacon": beacon,
            "root": root,
            "seed": opened.seed.unwrap_or_else(|| head.secret.seed(&root, &[])),
            "entrants": opened.entrants,
            "winners": opened.winners,
            "epochs": lives,
            "earlierEpochs": earlier,
            "pages": pages,
        });
        match facts {
            Value::Object(facts) => Ok(facts),
            _ => Ok(Map::new()),
        }
    }

    /// What stays listed of this epoch when it ends.
    pub(in crate::queue) fn life(&self, now: UnixMillis) -> Life {
        let opened = self.head.opened.as_ref();
        Life {
            epoch: self.head.epoch,
            commitment: self.head.secret.commitment(),
            created_at: self.head.created_at,
            ended_at: now,
            entered: self.head.entered,
            opened: opened.is_some_and(|opened| opened.entrants > 0),
        }
    }
}
