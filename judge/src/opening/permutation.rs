//! The whole shuffle at once. It is the one of `tidegate_core::fair::shuffle`, but walks the list
//! round by round, so that the hash of a block serves all 256 places of it.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "places in a list that is in memory; not at the edge"
)]

use hmac_sha256::Hash;
use tidegate_core::fair::Seed;

/// Rounds of the shuffle.
pub const ROUNDS: u8 = 90;
const BLOCK: usize = 256;

/// The position of each entrant, by index, both 0-based. `None` where so many do not fit into
/// memory. `watch` hears of every round that is done.
pub fn positions(entrants: u32, seed: &Seed, mut watch: impl FnMut(u8)) -> Option<Vec<u32>> {
    let mut list = Vec::new();
    list.try_reserve_exact(usize::try_from(entrants).ok()?)
        .ok()?;
    list.extend(0..entrants);
    // Each round takes a place to a place. The first of them is the last to be put before the
    // others.
    for (done, round) in (0..ROUNDS).rev().enumerate() {
        swap_round(&mut list, seed, round);
        watch(u8::try_from(done + 1).unwrap_or(ROUNDS));
    }
    Some(list)
}

/// Places mirror each other in the pivot: those up to it among themselves, and those after it.
fn swap_round(list: &mut [u32], seed: &Seed, round: u8) {
    let count = list.len();
    let pivot = first_eight(&hash(seed, round, &[]))
        .checked_rem(u64::try_from(count).unwrap_or(u64::MAX))
        .and_then(|pivot| usize::try_from(pivot).ok());
    let Some((below, above)) = pivot.and_then(|pivot| list.split_at_mut_checked(pivot + 1)) else {
        // There is nobody.
        return;
    };
    let split = below.len();
    mirror(below, 0, seed, round);
    mirror(above, split, seed, round);
}

/// Swaps each pair of mirrored places whose bit is set. `start`: the place of the first of them.
fn mirror(places: &mut [u32], start: usize, seed: &Seed, round: u8) {
    let mut higher = start + places.len();
    let (left, right) = places.split_at_mut(places.len() / 2);
    let mut bits = None;
    for (low, high) in left.iter_mut().zip(right.iter_mut().rev()) {
        higher -= 1;
        if bits.is_none() || higher % BLOCK == BLOCK - 1 {
            let block = u32::try_from(higher / BLOCK).unwrap_or(u32::MAX);
            bits = Some(hash(seed, round, &block.to_le_bytes()));
        }
        let byte = bits
            .as_ref()
            .and_then(|bits| bits.get(higher % BLOCK / 8))
            .copied()
            .unwrap_or_default();
        if (byte >> (higher % 8)) & 1 == 1 {
            core::mem::swap(low, high);
        }
    }
}

fn hash(seed: &Seed, round: u8, block: &[u8]) -> [u8; 32] {
    let mut hash = Hash::new();
    hash.update(seed.as_bytes());
    hash.update([round]);
    hash.update(block);
    hash.finalize()
}

fn first_eight(bytes: &[u8; 32]) -> u64 {
    bytes
        .iter()
        .take(8)
        .rev()
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// Whether each of the positions is there once.
pub fn is_permutation(positions: &[u32]) -> bool {
    let mut seen = vec![false; positions.len()];
    positions.iter().all(|position| {
        usize::try_from(*position)
            .ok()
            .and_then(|position| seen.get_mut(position))
            .is_some_and(|seen| !core::mem::replace(seen, true))
    })
}

#[cfg(test)]
mod tests {
    use tidegate_core::fair::shuffle::position;

    use super::*;

    #[test]
    fn the_list_is_what_each_place_is_alone() {
        for (seed, entrants) in (0..).zip([0, 1, 2, 3, 4, 5, 7, 8, 255, 256, 257, 511, 513, 1_500])
        {
            let seed = Seed::from_bytes([seed; 32]);
            let positions = positions(entrants, &seed, |_| {}).unwrap();
            let alone: Vec<_> = (0..u64::from(entrants))
                .map(|index| position(index, u64::from(entrants), &seed).unwrap())
                .collect();
            let listed: Vec<_> = positions.iter().map(|place| u64::from(*place)).collect();
            assert_eq!(listed, alone, "{entrants} entrants");
            assert!(is_permutation(&positions));
        }
    }

    #[test]
    fn a_place_that_is_there_twice_or_not_at_all_is_noticed() {
        assert!(!is_permutation(&[0, 2, 2]));
        assert!(!is_permutation(&[0, 1, 3]));
    }
}
