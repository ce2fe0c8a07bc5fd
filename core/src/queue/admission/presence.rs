//! Presence: a called-up shopper who has claimed is here for a while, and renews it by claiming
//! again. What is renewed is in memory alone: after a restart everybody who was present has their
//! time anew.

use std::collections::{BTreeMap, BTreeSet};

use crate::UnixMillis;
use crate::queue::machine::Machine;
use crate::queue::refusal::Refusal;
use crate::queue::state::claim::{Claim, ClaimState};

/// How long a claim keeps a shopper present: three times the longest pause that they are told.
pub const PRESENCE_MILLIS: u64 = 90_000;
/// The pause before a present shopper claims again, for the first in line and for each further one.
const RETRY_BASE_MILLIS: u64 = 2_000;
const RETRY_STEP_MILLIS: u64 = 50;
const RETRY_MAX_MILLIS: u64 = 30_000;
/// The most who are present at once: what memory and a restart can bear.
pub const PRESENT_MAX: usize = 10_000;

/// Until when each of those present is, by position.
#[derive(Default)]
pub struct Presence {
    until: BTreeMap<u64, UnixMillis>,
    in_order: BTreeSet<(UnixMillis, u64)>,
}

impl Presence {
    fn set(&mut self, position: u64, until: UnixMillis) {
        self.remove(position);
        self.until.insert(position, until);
        self.in_order.insert((until, position));
    }

    /// Nobody is present at this position any more.
    pub fn remove(&mut self, position: u64) {
        if let Some(until) = self.until.remove(&position) {
            self.in_order.remove(&(until, position));
        }
    }
}

impl Machine {
    /// Notes that the holder of this record is here.
    pub(in crate::queue) fn is_here(&mut self, claim: Claim, now: UnixMillis) {
        self.renew(claim.position, now);
        self.save(claim.clone());
        self.present.insert(claim.position, claim);
    }

    /// Lets the presence at this position last.
    pub(in crate::queue) fn renew(&mut self, position: u64, now: UnixMillis) {
        self.presence
            .set(position, now.saturating_add(PRESENCE_MILLIS));
    }

    /// Nobody could renew for a while: everybody present has their time anew.
    pub(in crate::queue) fn renew_all(&mut self, now: UnixMillis) {
        let until = now.saturating_add(PRESENCE_MILLIS);
        self.presence = Presence::default();
        for position in self.present.keys() {
            self.presence.set(*position, until);
        }
    }

    /// When the next presence lapses.
    pub(in crate::queue) fn next_lapse(&self) -> Option<UnixMillis> {
        self.presence.in_order.first().map(|(until, _)| *until)
    }

    /// Lets presences lapse that were not renewed. Their holders lose nothing: they stay called up,
    /// and may claim again.
    pub(in crate::queue) fn lapse_presences(&mut self, now: UnixMillis) {
        while let Some((until, position)) = self.presence.in_order.first().copied() {
            if until > now {
                return;
            }
            self.is_away(position, now);
        }
    }

    fn is_away(&mut self, position: u64, now: UnixMillis) {
        self.presence.remove(position);
        if let Some(mut claim) = self.present.remove(&position) {
            claim.state = ClaimState::Away;
            claim.ends_at = Some(now);
            self.is_awaited_again(position);
            self.save(claim);
        }
    }

    /// Refuses somebody for whom there is no room. Who stands further forward takes the room of the
    /// last.
    pub(in crate::queue) fn make_room(
        &mut self,
        position: u64,
        now: UnixMillis,
    ) -> Result<(), Refusal> {
        if self.present.len() < PRESENT_MAX {
            return Ok(());
        }
        match self.present.last_key_value().map(|(last, _)| *last) {
            Some(last) if last > position => {
                self.is_away(last, now);
                Ok(())
            }
            _ => Err(Refusal::NoRoom),
        }
    }

    /// When a present shopper should claim again.
    pub(in crate::queue) fn retry_after(&self, position: u64) -> u64 {
        let before = self.present.range(..position).take(1_000).count();
        let before = u64::try_from(before).unwrap_or(0);
        RETRY_BASE_MILLIS
            .saturating_add(before.saturating_mul(RETRY_STEP_MILLIS))
            .min(RETRY_MAX_MILLIS)
    }
}
