//! The shuffle: swap-or-not with 90 rounds of SHA-256, as `compute_shuffled_index` of Ethereum's
//! consensus specification defines it. Any one place costs the same, however many entrants there
//! are, and nothing is stored or moved.

use hmac_sha256::Hash;

use super::Seed;

const ROUNDS: u8 = 90;
/// The most entrants: the specification numbers blocks of 256 places by 32 bits.
pub const ENTRANTS_MAX: u64 = 1 << 40;

/// The position of entrant `index` of `count`, both 0-based; `None` where there is no such entrant.
pub fn position(index: u64, count: u64, seed: &Seed) -> Option<u64> {
    if index >= count || count > ENTRANTS_MAX {
        return None;
    }
    (0..ROUNDS).try_fold(index, |place, round| swap_or_not(place, count, seed, round))
}

/// Places change in pairs that mirror each other in the round's pivot. One bit for each pair
/// decides.
fn swap_or_not(place: u64, count: u64, seed: &Seed, round: u8) -> Option<u64> {
    let pivot = first_eight(&hash(seed, round, &[])).checked_rem(count)?;
    // Below twice 2^40.
    let flip = pivot
        .checked_add(count)?
        .checked_sub(place)?
        .checked_rem(count)?;
    let higher = place.max(flip);
    let block = u32::try_from(higher / 256).ok()?;
    let bits = hash(seed, round, &block.to_le_bytes());
    let byte = bits.get(usize::try_from(higher % 256 / 8).ok()?)?;
    let is_swapped = (byte >> (higher % 8)) & 1 == 1;
    Some(if is_swapped { flip } else { place })
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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn vectors() -> Value {
        serde_json::from_str(include_str!("../../tests/vectors/shuffle.json")).unwrap()
    }

    fn seed(of: &Value) -> Seed {
        of["seed"].as_str().unwrap().parse().unwrap()
    }

    #[test]
    fn whole_permutations_are_the_reference_s() {
        for vector in vectors()["whole"].as_array().unwrap() {
            let count = vector["count"].as_u64().unwrap();
            let seed = seed(vector);
            let positions: Vec<_> = (0..count)
                .map(|index| position(index, count, &seed))
                .collect();
            let expected: Vec<_> = vector["positions"]
                .as_array()
                .unwrap()
                .iter()
                .map(Value::as_u64)
                .collect();
            assert_eq!(positions, expected, "{count} entrants");
        }
    }

    #[test]
    fn single_places_among_millions_are_the_reference_s() {
        for vector in vectors()["single"].as_array().unwrap() {
            let (index, count) = (vector["index"].as_u64(), vector["count"].as_u64());
            let found = position(index.unwrap(), count.unwrap(), &seed(vector));
            assert_eq!(found, vector["position"].as_u64(), "{index:?} of {count:?}");
        }
    }

    #[test]
    fn who_is_no_entrant_has_no_place() {
        let seed = Seed::from_bytes([1; 32]);
        assert_eq!(position(0, 0, &seed), None);
        assert_eq!(position(5, 5, &seed), None);
        assert_eq!(position(0, ENTRANTS_MAX + 1, &seed), None);
    }
}
