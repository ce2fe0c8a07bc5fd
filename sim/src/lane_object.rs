//! A Lane object's state as its object keeps it: the real lane in memory, which a crash takes, and
//! rows, which stay.

use std::collections::BTreeMap;

use tidegate_core::ids::ShopperId;
use tidegate_core::lane::{Entry, Group, Lane, Outcomes, leaving};

/// See the module's documentation.
#[derive(Default)]
pub struct LaneObject {
    rows: Rows,
    memory: Option<Lane>,
}

#[derive(Default)]
struct Rows {
    groups: BTreeMap<u64, GroupRow>,
    /// Each shopper's group and place.
    entries: BTreeMap<ShopperId, (u64, u32)>,
    /// The index of each entry that is marked as leaving.
    leaving: BTreeMap<ShopperId, u64>,
}

struct GroupRow {
    count: usize,
    /// What reading the rows of a pending group gives; nothing once it is not.
    pending: Option<Group>,
    /// The first index and how many were granted, once that is known; none granted if refused.
    outcome: Option<(Option<u64>, u32)>,
}

impl LaneObject {
    /// The lane in memory, read back if need be.
    pub fn lane(&mut self) -> &mut Lane {
        self.memory.get_or_insert_with(|| self.rows.restore())
    }

    /// Looks up those who arrived.
    pub fn look_up(&mut self) -> Outcomes {
        let lane = self.memory.get_or_insert_with(|| self.rows.restore());
        let arrivals = lane.arrivals();
        lane.looked_up(arrivals, |shopper| self.rows.entry(shopper))
    }

    /// The index that a shopper's row stands for.
    pub fn index(&self, shopper: ShopperId) -> Option<u64> {
        self.rows.entry(shopper)?.index()
    }

    /// Writes a group down as pending.
    pub fn write_group(&mut self, group: &Group) {
        let rows = &mut self.rows;
        for (place, shopper) in (0_u32..).zip(&group.members) {
            rows.entries.insert(*shopper, (group.sequence, place));
        }
        let row = GroupRow {
            count: group.members.len(),
            pending: Some(group.clone()),
            outcome: None,
        };
        rows.groups.insert(group.sequence, row);
    }

    /// Writes what became of a group, and removes the entries that got no index.
    pub fn write_outcome(
        &mut self,
        sequence: u64,
        first: Option<u64>,
        granted: u32,
        outcomes: &Outcomes,
    ) {
        if let Some(row) = self.rows.groups.get_mut(&sequence) {
            row.outcome = Some((first, granted));
            row.pending = None;
        }
        for (shopper, _) in outcomes.iter().filter(|(_, outcome)| outcome.is_err()) {
            self.rows.entries.remove(shopper);
        }
    }

    /// Marks an entry as leaving. `false`: there is no such entry.
    pub fn mark_leaving(&mut self, shopper: ShopperId, index: u64) -> bool {
        let is_here = leaving::is_for(self.rows.entry(shopper), index);
        if is_here {
            self.rows.leaving.insert(shopper, index);
        }
        is_here
    }

    /// Removes the mark of an entry that stays.
    pub fn stay(&mut self, shopper: ShopperId, index: u64) {
        if self.rows.leaving.get(&shopper) == Some(&index) {
            self.rows.leaving.remove(&shopper);
        }
    }

    /// Removes an entry that stands for nothing any more, and its mark; a newer one stays.
    pub fn forget(&mut self, shopper: ShopperId, index: u64) {
        if self.index(shopper) == Some(index) {
            self.rows.entries.remove(&shopper);
        }
        self.stay(shopper, index);
    }

    /// Memory is gone.
    pub fn crash(&mut self) {
        self.memory = None;
    }

    /// The ranges that the lane has written down, and how large each group is.
    fn ranges(&self) -> impl Iterator<Item = (u64, u32, usize)> {
        self.rows.groups.values().filter_map(|row| {
            let (first, granted) = row.outcome?;
            Some((first?, granted, row.count))
        })
    }
}

/// The ranges that lanes have written down, in order.
pub fn ranges<'a>(lanes: impl Iterator<Item = &'a LaneObject>) -> Vec<(u64, u32, usize)> {
    let mut ranges: Vec<_> = lanes.flat_map(LaneObject::ranges).collect();
    ranges.sort_unstable();
    ranges
}

impl Rows {
    fn restore(&self) -> Lane {
        let last = self.groups.last_key_value();
        let pending = last.and_then(|(_, row)| row.pending.clone());
        Lane::restore(last.map_or(0, |(sequence, _)| *sequence), pending)
    }

    /// A shopper's row, with what its group's row says.
    fn entry(&self, shopper: ShopperId) -> Option<Entry> {
        let (sequence, place) = *self.entries.get(&shopper)?;
        let row = self.groups.get(&sequence)?;
        Some(Entry {
            sequence,
            place,
            first: row.outcome.and_then(|(first, _)| first),
            leaving: self.leaving.get(&shopper).copied(),
        })
    }
}
