//! A lane: it gathers the entries of its share of the shoppers into groups, writes a group down as
//! pending, and then leases indices for it from the queue.
//!
//! The order of those two steps, and one sequence number a group that is never used again, are what
//! makes indices dense and unique, no matter who dies in between: a group that is found pending is
//! leased again under its number and gets the range it has.

pub mod leaving;
pub mod questions;
mod refusals;
pub mod rows;

use std::collections::BTreeSet;

use crate::UnixMillis;
use crate::calls::LaneName;
use crate::fair::Root;
use crate::fair::log::group_root;
use crate::ids::ShopperId;
use crate::problem::{Code, Problem};
use crate::queue::Refusal;
use crate::queue::event::Called;

use self::refusals::Refusals;

/// The most shoppers that wait for the next group; more are asked to come back.
const GATHERING_MAX: usize = 5_000;

/// A shopper's row, with what its group's row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The group that it belongs to.
    pub sequence: u64,
    /// Its place in the group.
    pub place: u32,
    /// The group's first index, once it is leased.
    pub first: Option<u64>,
    /// The index that is marked as leaving, if one is.
    pub leaving: Option<u64>,
}

impl Entry {
    /// Its index, once its group is leased.
    pub fn index(self) -> Option<u64> {
        self.first?.checked_add(u64::from(self.place))
    }
}

/// A group that is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its number; it grows by one from group to group.
    pub sequence: u64,
    /// Its members by place. A place whose entry was forgotten stays taken.
    pub members: Vec<ShopperId>,
    /// When it was written down.
    pub at: UnixMillis,
    /// The Merkle root over its members' entries.
    pub root: Root,
}

/// What a shopper who enters hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Their entry has this index.
    Index(u64),
    /// Their entry has this index and was called up: ask the queue whether it still stands; see
    /// [`questions`].
    CalledUp(u64),
    /// Their entry has this index and is marked as [leaving]: finish that first.
    Leaving(u64),
}

/// What the lane's worker does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Work {
    /// Write this group down as pending; then ask again.
    Write(Group),
    /// Tell these: nobody who has no entry is taken now. Then ask again.
    Tell(Outcomes),
    /// Lease this many indices for the group of this number.
    Lease {
        /// The group's number.
        sequence: u64,
        /// How many members it has.
        count: u32,
        /// The root over them.
        root: Root,
    },
}

/// Who hears what. Who is not told yet waits for their group.
pub type Outcomes = Vec<(ShopperId, Result<Heard, Problem>)>;

/// A lane in memory. Where work fails, drop it, tell those who wait to come back, and restore it
/// from what is stored: a group that is pending stays so, and its members' retries find it.
#[derive(Default)]
pub struct Lane {
    last_sequence: u64,
    pending: Option<Group>,
    /// Who arrived and was not looked up yet; somebody who asks twice may be here twice.
    arrived: Vec<ShopperId>,
    gathering: Vec<ShopperId>,
    /// Everybody in `gathering` or `pending`.
    under_way: BTreeSet<ShopperId>,
    called: Called,
    /// When the pending group's lease was last wanted.
    leased_at: UnixMillis,
    refusals: Refusals,
}

impl Lane {
    /// Brings a lane back from storage: the number of its last group, and that group if it is still
    /// pending.
    pub fn restore(last_sequence: u64, pending: Option<Group>) -> Self {
        let mut under_way = BTreeSet::new();
        under_way.extend(
            pending
                .iter()
                .flat_map(|group| group.members.iter().copied()),
        );
        Self {
            last_sequence,
            pending,
            under_way,
            ..Self::default()
        }
    }

    /// A shopper wants to enter, and knows how far tickets are `called` up. They hear when they
    /// were looked up or, where they have no entry, when their group is through.
    pub fn arrive(&mut self, shopper: ShopperId, called: Called) -> Result<(), Problem> {
        self.called = self.called.max(called);
        if self.under_way.contains(&shopper) {
            return Ok(());
        }
        if self.arrived.len().saturating_add(self.gathering.len()) >= GATHERING_MAX {
            return Err(too_many());
        }
        self.arrived.push(shopper);
        Ok(())
    }

    /// Takes what an edge that forwards an enter knows; see `Refusals::heed`.
    pub fn heed(&mut self, refusal: Option<Problem>, as_of: UnixMillis, now: UnixMillis) {
        self.refusals.heed(refusal, as_of, now);
    }

    /// Who arrived since they were last asked for. Look their entries up, all together, and say
    /// what was found.
    pub fn arrivals(&mut self) -> Vec<ShopperId> {
        core::mem::take(&mut self.arrived)
    }

    /// `arrivals` were looked up; `entry_of` says what is stored of each. Who has an index is
    /// told; all others join the next group.
    pub fn looked_up(
        &mut self,
        arrivals: Vec<ShopperId>,
        entry_of: impl Fn(ShopperId) -> Option<Entry>,
    ) -> Outcomes {
        let mut told = Outcomes::new();
        for shopper in arrivals {
            let entry = entry_of(shopper);
            match entry.and_then(Entry::index) {
                index @ Some(leaving) if entry.and_then(|entry| entry.leaving) == index => {
                    told.push((shopper, Ok(Heard::Leaving(leaving))));
                }
                Some(index) if self.called.may_include(index) => {
                    told.push((shopper, Ok(Heard::CalledUp(index))));
                }
                Some(index) => told.push((shopper, Ok(Heard::Index(index)))),
                None if self.under_way.insert(shopper) => self.gathering.push(shopper),
                None => {}
            }
        }
        told
    }

    /// What is to be done next; `None` when the lane is idle. A pending group comes before a new
    /// one, and those who arrived are looked up before either.
    pub fn next_work(&mut self, name: &LaneName, now: UnixMillis) -> Option<Work> {
        if let Some(group) = &self.pending {
            self.leased_at = now;
            let count = u32::try_from(group.members.len()).unwrap_or(u32::MAX);
            return Some(Work::Lease {
                sequence: group.sequence,
                count,
                root: group.root,
            });
        }
        if self.gathering.is_empty() {
            return None;
        }
        if let Some(problem) = self.refusals.standing(now).cloned() {
            // Nothing is written for who cannot enter.
            let members = core::mem::take(&mut self.gathering);
            for shopper in &members {
                self.under_way.remove(shopper);
            }
            let told = |shopper| (shopper, Err(problem.clone()));
            return Some(Work::Tell(members.into_iter().map(told).collect()));
        }
        self.last_sequence = self.last_sequence.saturating_add(1);
        let members = core::mem::take(&mut self.gathering);
        let root = group_root(name.epoch, name.number, self.last_sequence, now, &members);
        let group = Group {
            sequence: self.last_sequence,
            members,
            at: now,
            root,
        };
        self.pending = Some(group.clone());
        Some(Work::Write(group))
    }

    /// The pending group got its range. Write the range down, then tell the members.
    pub fn leased(&mut self, first: u64, granted: u32, called: Called) -> Outcomes {
        self.called = self.called.max(called);
        let group = self.take_pending();
        if u64::from(granted) < u64::try_from(group.len()).unwrap_or(u64::MAX) {
            self.refusals
                .remember(&Refusal::Full.into(), self.leased_at);
        }
        let outcome = |(place, shopper): (u64, ShopperId)| {
            let index = first
                .checked_add(place)
                .filter(|_| place < u64::from(granted));
            (
                shopper,
                index.map(Heard::Index).ok_or_else(|| Refusal::Full.into()),
            )
        };
        (0_u64..).zip(group).map(outcome).collect()
    }

    /// The queue refused the pending group for good: remove its rows, then tell the members. Its
    /// number is spent: a late copy of the lease must never meet another group under it.
    pub fn refused(&mut self, problem: &Problem) -> Outcomes {
        self.refusals.remember(problem, self.leased_at);
        self.take_pending()
            .into_iter()
            .map(|shopper| (shopper, Err(problem.clone())))
            .collect()
    }

    /// How far tickets are called up, as far as the lane knows.
    pub fn called(&self) -> Called {
        self.called
    }

    fn take_pending(&mut self) -> Vec<ShopperId> {
        let members = self
            .pending
            .take()
            .map(|group| group.members)
            .unwrap_or_default();
        for shopper in &members {
            self.under_way.remove(shopper);
        }
        members
    }
}

fn too_many() -> Problem {
    Problem::new(
        Code::ServiceUnavailable,
        "This lane has more entries at once than it can take. Try again; you lose nothing.",
    )
}

#[cfg(test)]
mod tests;
