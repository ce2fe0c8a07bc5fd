//! A lane: it gathers the entries of its share of the shoppers into groups, writes a group down as
//! pending, and then leases indices for it from the queue.
//!
//! The order of those two steps, and one sequence number a group that is never used again, are what
//! makes indices dense and unique whoever dies in between: a group that is found pending is leased
//! again under its number and gets the range it has.

use std::collections::BTreeSet;

use crate::ids::ShopperId;
use crate::problem::{Code, Problem};

/// The most shoppers that wait for the next group; more are asked to come back.
pub const GATHERING_MAX: usize = 5_000;

/// A shopper's row, with what its group's row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The group that it belongs to.
    pub sequence: u64,
    /// Its place in the group.
    pub place: u32,
    /// The group's first index, once it is leased.
    pub first: Option<u64>,
}

/// A group that is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its number; it grows by one from group to group.
    pub sequence: u64,
    /// Its members by place. A place whose entry was forgotten stays taken.
    pub members: Vec<ShopperId>,
}

/// What to do for a shopper who enters.
#[derive(Debug, PartialEq, Eq)]
pub enum Enter {
    /// Their entry has this index.
    Known(u64),
    /// Their entry has this index and was called up: ask the queue whether it still stands.
    Ask(u64),
    /// They are in a group that is under way: wait for its outcome.
    Join,
    /// Nothing can be done now.
    Refuse(Problem),
}

/// What the lane's worker does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Work {
    /// Write this group down as pending; then ask again.
    Write(Group),
    /// Lease this many indices for the group of this number.
    Lease {
        /// The group's number.
        sequence: u64,
        /// How many members it has.
        count: u32,
    },
}

/// What a leased group's members get: an index each, or, past `granted`, the news that it is full.
pub type Outcomes = Vec<(ShopperId, Result<u64, Problem>)>;

/// A lane in memory.
#[derive(Default)]
pub struct Lane {
    last_sequence: u64,
    pending: Option<Group>,
    gathering: Vec<ShopperId>,
    /// Everybody in `gathering` or `pending`.
    under_way: BTreeSet<ShopperId>,
    boarding: u64,
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

    /// A shopper wants to enter; `entry` is what is stored of them.
    pub fn enter(&mut self, shopper: ShopperId, entry: Option<Entry>, boarding: u64) -> Enter {
        self.boarding = self.boarding.max(boarding);
        if self.under_way.contains(&shopper) {
            return Enter::Join;
        }
        let index = entry.and_then(|entry| entry.first?.checked_add(u64::from(entry.place)));
        match index {
            Some(index) if index < self.boarding => Enter::Ask(index),
            Some(index) => Enter::Known(index),
            None => self.enter_anew(shopper),
        }
    }

    /// A shopper who has no entry, or whose entry stands for nothing any more, joins the next group.
    pub fn enter_anew(&mut self, shopper: ShopperId) -> Enter {
        if self.gathering.len() >= GATHERING_MAX {
            return Enter::Refuse(too_many());
        }
        if self.under_way.insert(shopper) {
            self.gathering.push(shopper);
        }
        Enter::Join
    }

    /// What is to be done next; `None` when the lane is idle. A pending group comes first.
    pub fn next_work(&mut self) -> Option<Work> {
        if let Some(group) = &self.pending {
            let count = u32::try_from(group.members.len()).unwrap_or(u32::MAX);
            return Some(Work::Lease {
                sequence: group.sequence,
                count,
            });
        }
        if self.gathering.is_empty() {
            return None;
        }
        self.last_sequence = self.last_sequence.saturating_add(1);
        let members = core::mem::take(&mut self.gathering);
        let group = Group {
            sequence: self.last_sequence,
            members,
        };
        self.pending = Some(group.clone());
        Some(Work::Write(group))
    }

    /// The pending group got its range. Write the range down, then tell the members.
    pub fn leased(&mut self, first: u64, granted: u32, boarding: u64) -> Outcomes {
        self.boarding = self.boarding.max(boarding);
        let group = self.take_pending();
        let outcome = |(place, shopper): (u64, ShopperId)| {
            let index = first
                .checked_add(place)
                .filter(|_| place < u64::from(granted));
            (shopper, index.ok_or_else(full))
        };
        (0_u64..).zip(group).map(outcome).collect()
    }

    /// The queue refused the pending group for good: remove its rows, then tell the members. Its
    /// number is spent: a late copy of the lease must never meet another group under it.
    pub fn refused(&mut self, problem: &Problem) -> Outcomes {
        self.take_pending()
            .into_iter()
            .map(|shopper| (shopper, Err(problem.clone())))
            .collect()
    }

    /// The queue could not be reached: whoever waits is told to come back. The group stays pending,
    /// and a retry finds it.
    pub fn lease_failed(&mut self) -> Outcomes {
        let pending = self
            .pending
            .iter()
            .flat_map(|group| group.members.iter().copied());
        let outcomes = pending
            .chain(self.gathering.iter().copied())
            .map(|shopper| {
                (
                    shopper,
                    Err(busy("The queue is out of reach for a moment.")),
                )
            })
            .collect();
        for shopper in self.gathering.drain(..) {
            self.under_way.remove(&shopper);
        }
        outcomes
    }

    /// The group could not be written: its members have no entry.
    pub fn write_failed(&mut self) -> Outcomes {
        let problem = busy("The entry could not be written.");
        let mut outcomes = self.refused(&problem);
        outcomes.extend(self.lease_failed());
        outcomes
    }

    /// The latest boarding that the lane knows of.
    pub fn boarding(&self) -> u64 {
        self.boarding
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

/// What is said to those past [`GATHERING_MAX`].
pub fn too_many() -> Problem {
    busy("This lane has more entries at once than it can take.")
}

fn busy(detail: &str) -> Problem {
    Problem::new(
        Code::ServiceUnavailable,
        format!("{detail} Try again; you lose nothing."),
    )
}

fn full() -> Problem {
    Problem::new(
        Code::QueueFull,
        "The queue has as many entries as it may have.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shopper(number: u8) -> ShopperId {
        ShopperId::from_bytes([number; 16])
    }

    fn entry(sequence: u64, place: u32, first: Option<u64>) -> Entry {
        Entry {
            sequence,
            place,
            first,
        }
    }

    #[test]
    fn a_group_is_written_before_it_is_leased() {
        let mut lane = Lane::default();
        assert_eq!(lane.enter(shopper(1), None, 0), Enter::Join);
        assert_eq!(
            lane.enter(shopper(1), None, 0),
            Enter::Join,
            "a retry joins its own entry"
        );
        assert_eq!(lane.enter(shopper(2), None, 0), Enter::Join);
        let group = Group {
            sequence: 1,
            members: vec![shopper(1), shopper(2)],
        };
        assert_eq!(lane.next_work(), Some(Work::Write(group)));
        assert_eq!(
            lane.next_work(),
            Some(Work::Lease {
                sequence: 1,
                count: 2
            })
        );
        let outcomes = lane.leased(7, 2, 0);
        assert_eq!(outcomes, [(shopper(1), Ok(7)), (shopper(2), Ok(8))]);
        assert_eq!(lane.next_work(), None);
    }

    #[test]
    fn a_failed_lease_leaves_the_group_for_the_retry() {
        let mut lane = Lane::default();
        lane.enter(shopper(1), None, 0);
        lane.next_work();
        lane.enter(shopper(2), None, 0);
        let told = lane.lease_failed();
        assert_eq!(
            told.len(),
            2,
            "those who gathered meanwhile are told as well"
        );
        assert_eq!(
            lane.enter(shopper(1), Some(entry(1, 0, None)), 0),
            Enter::Join
        );
        assert_eq!(
            lane.next_work(),
            Some(Work::Lease {
                sequence: 1,
                count: 1
            })
        );
    }

    #[test]
    fn a_restored_pending_group_is_leased_under_its_own_number() {
        let group = Group {
            sequence: 9,
            members: vec![shopper(3)],
        };
        let mut lane = Lane::restore(9, Some(group));
        assert_eq!(lane.enter(shopper(4), None, 0), Enter::Join);
        assert_eq!(
            lane.next_work(),
            Some(Work::Lease {
                sequence: 9,
                count: 1
            })
        );
        lane.leased(0, 1, 0);
        let later = Group {
            sequence: 10,
            members: vec![shopper(4)],
        };
        assert_eq!(lane.next_work(), Some(Work::Write(later)));
    }

    #[test]
    fn a_refused_group_s_number_is_never_used_again() {
        let mut lane = Lane::default();
        lane.enter(shopper(1), None, 0);
        lane.next_work();
        lane.refused(&full());
        lane.enter(shopper(2), None, 0);
        let Some(Work::Write(group)) = lane.next_work() else {
            panic!("a group to write")
        };
        assert_eq!(group.sequence, 2);
    }

    #[test]
    fn members_past_the_last_place_hear_that_it_is_full() {
        let mut lane = Lane::default();
        lane.enter(shopper(1), None, 0);
        lane.enter(shopper(2), None, 0);
        lane.next_work();
        let outcomes = lane.leased(5, 1, 0);
        assert_eq!(outcomes[0], (shopper(1), Ok(5)));
        assert_eq!(outcomes[1].1.as_ref().unwrap_err().code, Code::QueueFull);
    }

    #[test]
    fn an_entry_that_was_called_up_is_asked_about() {
        let mut lane = Lane::default();
        assert_eq!(
            lane.enter(shopper(1), Some(entry(1, 3, Some(4))), 7),
            Enter::Known(7)
        );
        assert_eq!(
            lane.enter(shopper(1), Some(entry(1, 3, Some(4))), 8),
            Enter::Ask(7)
        );
    }

    #[test]
    fn a_lane_refuses_more_than_it_can_hold() {
        let mut lane = Lane::default();
        for number in 0..u128::try_from(GATHERING_MAX).unwrap() {
            let shopper = ShopperId::from_bytes(number.to_be_bytes());
            assert_eq!(lane.enter(shopper, None, 0), Enter::Join);
        }
        assert!(matches!(
            lane.enter(shopper(255), None, 0),
            Enter::Refuse(_)
        ));
    }
}
