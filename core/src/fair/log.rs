//! The log of who entered before the opening. Each lane's group is a Merkle tree of its entries,
//! and the groups, in the order of their indices, are the leaves of one tree above them; both by
//! RFC 6962. The root is fixed at the opening, before anybody can know the shuffle.

use hmac_sha256::Hash;
use serde::{Deserialize, Serialize};

use super::Root;
use super::merkle::{Node, Tree, leaf_hash};
use crate::UnixMillis;
use crate::ids::{Epoch, ShopperId};

/// Formats of what is hashed. They outlive deploys: tests hold them.
const ENTRY_LABEL: &[u8] = b"tidegate/entry/v1";
const GROUP_LABEL: &[u8] = b"tidegate/group/v1";
const BLIND_LABEL: &[u8] = b"tidegate/blind/v1";

/// One entry, as the log commits to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The queue's epoch.
    pub epoch: Epoch,
    /// The lane that took it.
    pub lane: u16,
    /// Its group's number in that lane.
    pub sequence: u64,
    /// Its place in the group.
    pub place: u32,
    /// Who entered. The log has a hash of it.
    pub shopper: ShopperId,
    /// When the group was written down, by the lane's clock.
    pub at: UnixMillis,
}

impl Entry {
    /// The bytes of its leaf: a label, then its fields in order, integers with the highest byte
    /// first.
    pub fn leaf(&self) -> Vec<u8> {
        let mut blind = Hash::new();
        blind.update(BLIND_LABEL);
        blind.update(self.shopper.as_bytes());
        [
            ENTRY_LABEL,
            self.epoch.as_bytes(),
            &self.lane.to_be_bytes(),
            &self.sequence.to_be_bytes(),
            &self.place.to_be_bytes(),
            &blind.finalize(),
            &self.at.to_be_bytes(),
        ]
        .concat()
    }
}

/// A group, as the queue logs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The lane.
    pub lane: u16,
    /// The group's number in that lane.
    pub sequence: u64,
    /// The first index that it got.
    pub first: u64,
    /// How many indices it got.
    pub granted: u32,
    /// The root over its entries.
    pub root: Root,
}

impl Group {
    /// The bytes of its leaf, as an entry's.
    pub fn leaf(&self, epoch: Epoch) -> Vec<u8> {
        [
            GROUP_LABEL,
            epoch.as_bytes(),
            &self.lane.to_be_bytes(),
            &self.sequence.to_be_bytes(),
            &self.first.to_be_bytes(),
            &self.granted.to_be_bytes(),
            self.root.as_bytes(),
        ]
        .concat()
    }
}

/// A group as it was logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Which group of the log, from 0.
    pub number: u64,
    /// The group.
    pub group: Group,
    /// The subtrees of the log that it completes, above its own leaf.
    pub nodes: Vec<Node>,
}

/// The leaves of a lane's group, whose members are in the order of their places.
pub fn leaves(
    epoch: Epoch,
    lane: u16,
    sequence: u64,
    at: UnixMillis,
    members: &[ShopperId],
) -> impl Iterator<Item = Root> {
    (0_u32..).zip(members).map(move |(place, shopper)| {
        let entry = Entry {
            epoch,
            lane,
            sequence,
            place,
            shopper: *shopper,
            at,
        };
        leaf_hash(&entry.leaf())
    })
}

/// The root over a lane's group.
pub fn group_root(
    epoch: Epoch,
    lane: u16,
    sequence: u64,
    at: UnixMillis,
    members: &[ShopperId],
) -> Root {
    let mut tree = Tree::default();
    for leaf in leaves(epoch, lane, sequence, at, members) {
        tree.push(leaf);
    }
    tree.root()
}

#[cfg(test)]
mod tests {
    use super::super::Secret;
    use super::*;
    use crate::hex::hex;

    const EPOCH: Epoch = Epoch::from_bytes([1; 16]);

    /// Who changes a format breaks every receipt that was given.
    #[test]
    fn golden_leaves_of_format_1() {
        let entry = Entry {
            epoch: EPOCH,
            lane: 2,
            sequence: 3,
            place: 4,
            shopper: ShopperId::from_bytes([5; 16]),
            at: 6,
        };
        let group = Group {
            lane: 2,
            sequence: 3,
            first: 70,
            granted: 8,
            root: Root::from_bytes([9; 32]),
        };
        // Reckoned by another program.
        assert_eq!(
            hex(&entry.leaf()),
            "74696465676174652f656e7472792f7631010101010101010101010101010101010002000000000000000300000004536fd3b44563ca2a8d7475a91170aff97627afb778ee3d388c1369bb282bf9b20000000000000006"
        );
        assert_eq!(
            hex(&group.leaf(EPOCH)),
            "74696465676174652f67726f75702f763101010101010101010101010101010101000200000000000000030000000000000046000000080909090909090909090909090909090909090909090909090909090909090909"
        );
        let secret = Secret::from_bytes([7; 32]);
        assert_eq!(
            secret.commitment().to_string(),
            "4bb06f8e4e3a7715d201d573d0aa423762e55dabd61a2c02278fa56cc6d294e0"
        );
        let seed = secret.seed(&Root::from_bytes([9; 32]), b"beacon");
        assert_eq!(
            seed.to_string(),
            "034fc5852df24b542a36f3e365ef79c72514eb5c1b7f1e747b534e56217ae18a"
        );
    }
}
