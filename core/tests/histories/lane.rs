//! A Lane object as its object would run it: memory that a crash takes, and rows that stay.

use std::collections::BTreeMap;

use tidegate_core::ids::ShopperId;
use tidegate_core::lane::{Entry, Group, Lane, Outcomes};

#[derive(Default)]
struct GroupRow {
    members: Vec<ShopperId>,
    /// The first index and how many were granted, once that is known; none granted if refused.
    outcome: Option<(Option<u64>, u32)>,
}

#[derive(Default)]
pub struct LaneObject {
    groups: BTreeMap<u64, GroupRow>,
    /// Each shopper's group and place.
    entries: BTreeMap<ShopperId, (u64, u32)>,
    memory: Option<Lane>,
    /// The shoppers whose request waits for an answer here.
    pub waiting: Vec<ShopperId>,
}

impl LaneObject {
    pub fn lane(&mut self) -> &mut Lane {
        if self.memory.is_none() {
            let pending = self
                .groups
                .iter()
                .find(|(_, row)| row.outcome.is_none())
                .map(|(sequence, row)| Group {
                    sequence: *sequence,
                    members: row.members.clone(),
                });
            let last = self
                .groups
                .last_key_value()
                .map_or(0, |(sequence, _)| *sequence);
            self.memory = Some(Lane::restore(last, pending));
        }
        self.memory.as_mut().unwrap()
    }

    pub fn entry(&self, shopper: ShopperId) -> Option<Entry> {
        let (sequence, place) = *self.entries.get(&shopper)?;
        let first = self
            .groups
            .get(&sequence)?
            .outcome
            .and_then(|(first, _)| first);
        Some(Entry {
            sequence,
            place,
            first,
        })
    }

    pub fn write_group(&mut self, group: &Group) {
        for (place, shopper) in (0_u32..).zip(&group.members) {
            self.entries.insert(*shopper, (group.sequence, place));
        }
        let row = GroupRow {
            members: group.members.clone(),
            outcome: None,
        };
        assert!(
            self.groups.insert(group.sequence, row).is_none(),
            "a number is used once"
        );
    }

    pub fn write_outcome(
        &mut self,
        sequence: u64,
        first: Option<u64>,
        granted: u32,
        outcomes: &Outcomes,
    ) {
        self.groups.get_mut(&sequence).unwrap().outcome = Some((first, granted));
        for (shopper, outcome) in outcomes {
            if outcome.is_err() {
                self.entries.remove(shopper);
            }
        }
    }

    pub fn forget(&mut self, shopper: ShopperId, index: u64) {
        let known = self
            .entry(shopper)
            .and_then(|entry| entry.first.map(|first| first + u64::from(entry.place)));
        if known == Some(index) {
            self.entries.remove(&shopper);
        }
    }

    /// Memory is gone, and with it every request that waited.
    pub fn crash(&mut self) {
        self.memory = None;
        self.waiting.clear();
    }

    /// The ranges that the lane has written down.
    pub fn ranges(&self) -> Vec<(u64, u32)> {
        let leased = |row: &GroupRow| {
            row.outcome
                .and_then(|(first, granted)| Some((first?, granted)))
        };
        self.groups.values().filter_map(leased).collect()
    }
}
