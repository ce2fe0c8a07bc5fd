//! Merkle trees by RFC 6962, which grow leaf by leaf and keep no more than one hash for each level:
//! the log of ten million groups takes a kilobyte of memory. What has a path to prove keeps the
//! nodes that [`Tree::push`] completes, wherever it likes, and finds the path with one look for
//! each level.

use hmac_sha256::Hash;
use serde::{Deserialize, Serialize};

use super::Root;

/// A complete subtree: of 2^`level` leaves, the `number`th of that size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// How high it is: 0 for a leaf.
    pub level: u8,
    /// Which one of its level, from 0.
    pub number: u64,
    /// Its hash.
    pub hash: Root,
}

/// A tree that grows.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    size: u64,
    /// The complete subtrees that it is made of, the largest first.
    peaks: Vec<Root>,
}

impl Tree {
    /// Brings back a tree of `size` leaves, from the hash of each complete subtree: its level and
    /// number.
    pub fn restore<E>(
        size: u64,
        mut node: impl FnMut(u8, u64) -> Result<Root, E>,
    ) -> Result<Self, E> {
        let mut peaks = Vec::new();
        for level in (0..64_u8).rev() {
            let subtrees = size >> level;
            if subtrees & 1 == 1 {
                peaks.push(node(level, subtrees.saturating_sub(1))?);
            }
        }
        Ok(Self { size, peaks })
    }

    /// How many leaves it has.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf by its hash. Returns the subtrees that it completes, itself first.
    pub fn push(&mut self, leaf: Root) -> Vec<Node> {
        let mut node = Node {
            level: 0,
            number: self.size,
            hash: leaf,
        };
        let mut completed = vec![node];
        while node.number & 1 == 1
            && let Some(left) = self.peaks.pop()
        {
            node = Node {
                level: node.level.saturating_add(1),
                number: node.number >> 1,
                hash: parent(&left, &node.hash),
            };
            completed.push(node);
        }
        self.peaks.push(node.hash);
        self.size = self.size.saturating_add(1);
        completed
    }

    /// The root over all that was appended.
    pub fn root(&self) -> Root {
        let mut peaks = self.peaks.iter().rev();
        let last = peaks.next().copied();
        last.map_or(Root::from_bytes(Hash::hash(b"")), |last| {
            peaks.fold(last, |right, left| parent(left, &right))
        })
    }
}

/// The hash of a leaf's bytes.
pub fn leaf_hash(leaf: &[u8]) -> Root {
    let mut hash = Hash::new();
    hash.update([0]);
    hash.update(leaf);
    Root::from_bytes(hash.finalize())
}

fn parent(left: &Root, right: &Root) -> Root {
    let mut hash = Hash::new();
    hash.update([1]);
    hash.update(left.as_bytes());
    hash.update(right.as_bytes());
    Root::from_bytes(hash.finalize())
}

/// The inclusion proof of leaf `index` in a tree of `size` leaves, from the leaf's sibling upwards.
pub fn path<E>(
    index: u64,
    size: u64,
    mut node: impl FnMut(u8, u64) -> Result<Root, E>,
) -> Result<Vec<Root>, E> {
    let (mut start, mut count, mut path) = (0_u64, size, Vec::new());
    while count > 1 {
        let left = half(count);
        let middle = start.saturating_add(left);
        let right = count.saturating_sub(left);
        if index < middle {
            path.push(subtree(middle, right, &mut node)?);
            count = left;
        } else {
            path.push(subtree(start, left, &mut node)?);
            (start, count) = (middle, right);
        }
    }
    path.reverse();
    Ok(path)
}

/// The root over `count` leaves from `start` on, which is a multiple of the power of two that holds
/// them.
fn subtree<E>(
    start: u64,
    count: u64,
    node: &mut impl FnMut(u8, u64) -> Result<Root, E>,
) -> Result<Root, E> {
    if count.is_power_of_two() {
        let level = count.trailing_zeros();
        return node(u8::try_from(level).unwrap_or(u8::MAX), start >> level);
    }
    let left = half(count);
    let right = count.saturating_sub(left);
    let (first, second) = (
        subtree(start, left, node)?,
        subtree(start.saturating_add(left), right, node)?,
    );
    Ok(parent(&first, &second))
}

/// The largest power of two below `count`.
const fn half(count: u64) -> u64 {
    count.div_ceil(2).next_power_of_two()
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use std::collections::HashMap;

    use ct_merkle::mem_backed_tree::MemoryBackedTree;

    use super::*;

    fn leaf(number: u64) -> Vec<u8> {
        vec![number as u8; (number % 5) as usize]
    }

    /// Trees of up to 70 leaves, beside those of a crate that is not ours.
    #[test]
    fn roots_and_paths_are_those_of_rfc_6962() {
        let mut tree = Tree::default();
        let mut reference = MemoryBackedTree::<Hash, Vec<u8>>::default();
        let mut nodes = HashMap::new();
        for size in 0..70 {
            let root: [u8; 32] = (*reference.root().as_bytes()).into();
            assert_eq!(tree.root().as_bytes(), &root, "{size} leaves");
            let node = |level, number| nodes.get(&(level, number)).copied().ok_or(());
            let restored = Tree::restore(size, node).unwrap();
            assert_eq!((restored.root(), restored.size()), (tree.root(), size));
            for index in 0..size {
                let proof = reference.prove_inclusion(index as usize);
                let path = path(index, size, node).unwrap();
                let bytes: Vec<u8> = path.iter().flat_map(|hash| *hash.as_bytes()).collect();
                assert_eq!(bytes, proof.as_bytes(), "leaf {index} of {size}");
            }
            reference.push(leaf(size));
            let completed = tree.push(leaf_hash(&leaf(size)));
            nodes.extend(
                completed
                    .iter()
                    .map(|node| ((node.level, node.number), node.hash)),
            );
        }
    }

    #[test]
    fn ten_million_leaves_are_one_hash_a_level() {
        let mut tree = Tree::default();
        let completed: usize = (0..1_u64 << 17)
            .map(|number| tree.push(leaf_hash(&number.to_be_bytes())).len())
            .sum();
        assert_eq!((tree.peaks.len(), completed), (1, (1 << 18) - 1));
        assert!(
            Tree::restore(10_000_000, |_, _| Ok::<_, ()>(tree.root()))
                .unwrap()
                .peaks
                .len()
                < 24
        );
    }
}
