//! The log's Merkle trees, by RFC 6962.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{InclusionProof, RootHash};
use hmac_sha256::Hash;
use tidegate_core::fair::Root;

use super::hex::Hex;

/// The root over the leaves, in order.
pub fn root(leaves: impl Iterator<Item = Vec<u8>>) -> Root {
    let mut tree = MemoryBackedTree::<Hash, Vec<u8>>::new();
    for leaf in leaves {
        tree.push(leaf);
    }
    Root::from_bytes((*tree.root().as_bytes()).into())
}

/// A leaf's hash in its tree.
pub fn leaf_hash(leaf: &[u8]) -> [u8; 32] {
    let mut hash = Hash::new();
    hash.update([0]);
    hash.update(leaf);
    hash.finalize()
}

/// Whether `leaf` is number `number` of the `count` leaves below `root`. `path`: the nodes beside
/// the way up, from the bottom.
pub fn includes(root: &Root, count: u64, number: u64, leaf: &[u8], path: &[Hex<32>]) -> bool {
    let nodes: Vec<u8> = path.iter().flat_map(|node| node.0).collect();
    InclusionProof::<Hash>::try_from_bytes(nodes).is_ok_and(|proof| {
        RootHash::<Hash>::new((*root.as_bytes()).into(), count)
            .verify_inclusion(&leaf, number, &proof)
            .is_ok()
    })
}
