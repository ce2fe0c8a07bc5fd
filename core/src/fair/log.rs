//! The log of who entered before the opening. Each lane's group is a Merkle tree of its entries, and the
//! groups, in the order of their indices, are the leaves of one tree above them; both by RFC 6962. The
//! root is fixed at the opening, before anybody can know the shuffle.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use hmac_sha256::Hash;
use serde::{Deserialize, Serialize};

use super::Root;
use crate::UnixMillis;
use crate::ids::{Epoch, ShopperId};

/// Formats of what is hashed. They outlive deploys: tests hold them.
const ENTRY_LABEL: &[u8] = b"tidegate/entry/v1";
const GROUP_LABEL: &[u8] = b"tidegate/group/v1";
const BLIND_LABEL: &[u8] = b"tidegate/blind/v1";

/// One entry, as the log commits to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The queue's life.
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
    /// The bytes of its leaf: a label, then its fields in order, integers with the highest byte first.
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

/// A Merkle tree that grows leaf by leaf.
#[derive(Default)]
pub struct Log(MemoryBackedTree<Hash, Vec<u8>>);

impl Log {
    /// Appends a leaf.
    pub fn push(&mut self, leaf: Vec<u8>) {
        self.0.push(leaf);
    }

    /// The root over all that was appended.
    pub fn root(&self) -> Root {
        Root::from_bytes((*self.0.root().as_bytes()).into())
    }
}

/// The root over a lane's group, whose members are in the order of their places.
pub fn group_root(
    epoch: Epoch,
    lane: u16,
    sequence: u64,
    at: UnixMillis,
    members: &[ShopperId],
) -> Root {
    let mut log = Log::default();
    for (place, shopper) in (0_u32..).zip(members) {
        let entry = Entry {
            epoch,
            lane,
            sequence,
            place,
            shopper: *shopper,
            at,
        };
        log.push(entry.leaf());
    }
    log.root()
}

#[cfg(test)]
mod tests {
    use super::super::Secret;
    use super::*;
    use crate::hex::hex;

    const EPOCH: Epoch = Epoch::from_bytes([1; 16]);

    /// The tree of RFC 6962, section 2.1, written out.
    fn tree_hash(leaves: &[Vec<u8>]) -> [u8; 32] {
        match leaves {
            [] => Hash::hash(b""),
            [leaf] => Hash::hash(&[&[0][..], leaf].concat()),
            _ => {
                let left = leaves.len().next_power_of_two() / 2;
                let (left, right) = leaves.split_at(left);
                Hash::hash(&[&[1][..], &tree_hash(left), &tree_hash(right)].concat())
            }
        }
    }

    #[test]
    fn roots_are_those_of_rfc_6962() {
        let mut log = Log::default();
        let mut leaves = Vec::new();
        for number in 0..40_u8 {
            assert_eq!(
                log.root().as_bytes(),
                &tree_hash(&leaves),
                "{number} leaves"
            );
            let leaf = vec![number; usize::from(number % 5)];
            log.push(leaf.clone());
            leaves.push(leaf);
        }
    }

    /// Whoever changes a format breaks every receipt that was given.
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
