//! The opening: one moment, from which on everybody who entered has a place.

use super::event::LaneMark;
use super::head::Opened;
use super::machine::Machine;
use crate::UnixMillis;
use crate::fair::Root;
use crate::fair::log::Group;
use crate::problem::{Code, Problem};
use crate::view::snapshot::{Shuffle, Trust};

impl Machine {
    /// Opens the queue if it is time. The entrants are the indices leased so far: nobody else need answer,
    /// and nothing is moved.
    pub(super) fn open_if_due(&mut self, now: UnixMillis) {
        if self.head.opened.is_some() || now < self.head.opens_at() {
            return;
        }
        let entrants = self.head.entered;
        let root = (entrants > 0).then(|| self.log.root());
        let seed = root.map(|root| self.head.secret.seed(&root, &[]));
        self.head.opened = Some(Opened {
            entrants,
            root,
            seed,
        });
        self.dirty.head = true;
    }

    /// Entry is not open yet.
    pub(super) fn check_entry_open(&self, now: UnixMillis) -> Result<(), Problem> {
        let opens_at = self.head.config.entry_opens_at.unwrap_or(0);
        if now >= opens_at {
            return Ok(());
        }
        Err(not_open(opens_at, now))
    }

    /// Logs a group of entrants; those who come after the opening stand by their index alone.
    pub(super) fn log_group(&mut self, mark: &LaneMark, root: Root) {
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
        self.log.push(group.leaf(self.head.epoch));
        self.dirty.group = Some(group);
    }

    /// What is public about the shuffle.
    pub(super) fn shuffle(&self) -> Shuffle {
        let opened = self.head.opened;
        let entrants = opened.map(|opened| opened.entrants);
        let is_shuffled = entrants != Some(0);
        Shuffle {
            commitment: is_shuffled.then(|| self.head.secret.commitment()),
            trust: is_shuffled.then_some(Trust::Operator),
            root: opened.and_then(|opened| opened.root),
            beacon_round: None,
            seed: opened.and_then(|opened| opened.seed),
            entrants,
        }
    }
}

/// What is said before entry opens.
pub fn not_open(opens_at: UnixMillis, now: UnixMillis) -> Problem {
    let seconds = opens_at.saturating_sub(now).div_ceil(1000).max(1);
    Problem {
        retry_after_seconds: Some(u32::try_from(seconds).unwrap_or(u32::MAX)),
        ..Problem::new(Code::NotOpen, "Entry is not open yet.")
    }
}
