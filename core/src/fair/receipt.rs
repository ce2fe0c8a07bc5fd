//! What a shopper who entered before the opening can show: that their entry is in a group, and that
//! the group got its range.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Root;
use super::log::{Entry, leaves};
use super::merkle::{Tree, path};
use crate::UnixMillis;
use crate::hex::hex;
use crate::ids::{Epoch, QueueId, ShopperId};

/// An entry's place in its group, and the group's in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Who entered.
    pub shopper: ShopperId,
    /// The entry's place in the group.
    pub place: u32,
    /// The inclusion proof of the entry in the group.
    pub path: Vec<Root>,
    /// The group.
    pub group: Range,
}

/// A lane's group and the indices that it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The lane.
    pub lane: u16,
    /// The group's number in that lane.
    pub sequence: u64,
    /// When it was written down.
    pub at: UnixMillis,
    /// How many entries it has.
    pub count: u32,
    /// The root over them.
    pub root: Root,
    /// The first index that it got.
    pub first: u64,
    /// How many it got.
    pub granted: u32,
}

impl Receipt {
    /// The bytes of the entry's leaf.
    pub fn leaf(&self, epoch: Epoch) -> Vec<u8> {
        let entry = Entry {
            epoch,
            lane: self.group.lane,
            sequence: self.group.sequence,
            place: self.place,
            shopper: self.shopper,
            at: self.group.at,
        };
        entry.leaf()
    }

    /// The entry's index.
    pub fn index(&self) -> u64 {
        self.group.first.saturating_add(self.place.into())
    }

    /// The receipt as the shopper keeps it; `statement` is the group's, signed.
    pub fn shown(&self, epoch: Epoch, statement: &str) -> Value {
        json!({
            "shopper": self.shopper,
            "leaf": hex(&self.leaf(epoch)),
            "place": self.place,
            "path": self.path,
            "statement": statement,
        })
    }
}

/// A group that is in the log, and so the receipts of all its members.
pub struct Receipts {
    group: Range,
    members: Vec<ShopperId>,
    nodes: BTreeMap<(u8, u64), Root>,
}

impl Receipts {
    /// Those of the `group` that has these members, by place.
    pub fn new(epoch: Epoch, group: Range, members: Vec<ShopperId>) -> Self {
        let (mut tree, mut nodes) = (Tree::default(), BTreeMap::new());
        for leaf in leaves(epoch, group.lane, group.sequence, group.at, &members) {
            let completed = tree.push(leaf).into_iter();
            nodes.extend(completed.map(|node| ((node.level, node.number), node.hash)));
        }
        Self {
            group,
            members,
            nodes,
        }
    }

    /// The receipt of the entry with this index; `None` where it is not of this group.
    pub fn of(&self, index: u64) -> Option<Receipt> {
        let place = u32::try_from(index.checked_sub(self.group.first)?).ok()?;
        let shopper = *self.members.get(usize::try_from(place).ok()?)?;
        if place >= self.group.granted {
            return None;
        }
        let node = |level, number| self.nodes.get(&(level, number)).copied().ok_or(());
        Some(Receipt {
            shopper,
            place,
            path: path(place.into(), self.group.count.into(), node).ok()?,
            group: self.group,
        })
    }
}

impl Range {
    /// What Tidegate's signature on a receipt vouches for.
    pub fn claims(&self, queue: &QueueId, epoch: Epoch) -> Map<String, Value> {
        let mut claims = Map::new();
        for (name, value) in [
            ("queue", json!(queue)),
            ("epoch", json!(epoch)),
            ("lane", self.lane.into()),
            ("sequence", self.sequence.into()),
            ("first", self.first.into()),
            ("granted", self.granted.into()),
            ("count", self.count.into()),
            ("root", json!(self.root)),
        ] {
            claims.insert(name.into(), value);
        }
        claims
    }
}
