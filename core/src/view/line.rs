//! Who is really in line: how many of which stretch of it left, in a few dozen numbers that
//! everybody reads. With them "people ahead" counts people.

use serde::{Deserialize, Serialize};

/// The most stretches that are published: with their ends, some 800 bytes at ten million.
pub const STRETCHES_MAX: usize = 40;
/// How far "people ahead" may be off, as a share of those who are there.
const SHARE: f64 = 0.05;
/// Rounding takes this of it.
const ROUNDING: f64 = 0.5;
/// How far it may be off where that share is less. Under one half rounds to the exact number.
const LEAST: f64 = 0.49;
/// What the share grows by while the stretches are too many.
const WIDEN: f64 = 1.1;

/// How many left, as pairs of a place, 0-based, and how many of the places before it were left,
/// from the first pair on. Between two pairs they are spread evenly; after the last nobody left.
/// Empty where nobody did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Left(Vec<(u64, u64)>);

impl Left {
    /// Thins out `exact`, which says the same with any number of pairs and begins with boarding and
    /// 0. What follows from it is within 5 % of what is so, or within one, unless a line is more
    /// ragged than so few stretches can tell: then it is as near as they can.
    pub fn thinned(mut exact: Vec<(u64, u64)>) -> Self {
        if exact.last().is_none_or(|(_, gone)| *gone == 0) {
            return Self::default();
        }
        let all = exact.last().map_or(0, |(_, gone)| *gone);
        let last = exact.partition_point(|(_, gone)| *gone < all);
        exact.truncate(last.saturating_add(1));
        exact_where_it_matters(&mut exact);
        let mut share = SHARE;
        loop {
            let pairs = fit(&exact, share);
            // With so wide a share a single stretch is near enough.
            if pairs.len() <= STRETCHES_MAX.saturating_add(1) || share > 100.0 {
                return Self(pairs);
            }
            share *= WIDEN;
        }
    }

    /// How many of the places from `from` to before `until` were left.
    pub fn between(&self, from: u64, until: u64) -> u64 {
        self.before(until).saturating_sub(self.before(from))
    }

    fn before(&self, place: u64) -> u64 {
        let at = self.0.partition_point(|(until, _)| *until <= place);
        let before = at.checked_sub(1).and_then(|at| self.0.get(at)).copied();
        let (Some((from, gone)), Some((until, more))) = (before, self.0.get(at).copied()) else {
            return before.map_or(0, |(_, gone)| gone);
        };
        let length = u128::from(until.saturating_sub(from));
        let part = u128::from(place.saturating_sub(from));
        let product = part.saturating_mul(more.saturating_sub(gone).into());
        // To the nearest.
        let rounded = product.saturating_add(length / 2).checked_div(length);
        gone.saturating_add(
            rounded
                .and_then(|gone| u64::try_from(gone).ok())
                .unwrap_or(0),
        )
    }
}

/// How many stand before a pair's place.
#[expect(
    clippy::cast_precision_loss,
    reason = "compared with a share of itself"
)]
fn standing(exact: &[(u64, u64)], (place, gone): (u64, u64)) -> f64 {
    let first = exact.first().map_or(0, |(place, _)| *place);
    place.saturating_sub(first).saturating_sub(gone) as f64
}

/// Adds a pair where the share begins to count: a straight line that is near enough at both ends of
/// a stretch is near enough within it only where what is near enough grows evenly.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small and positive"
)]
fn exact_where_it_matters(exact: &mut Vec<(u64, u64)>) {
    let few = (LEAST + ROUNDING) / SHARE;
    let after = exact.partition_point(|pair| standing(exact, *pair) < few);
    let Some((place, gone)) = after.checked_sub(1).and_then(|at| exact.get(at)).copied() else {
        return;
    };
    let missing = (few - standing(exact, (place, gone))).floor() as u64;
    let is_gap = exact.get(after).is_some_and(|(_, next)| *next == gone);
    if missing > 0 && is_gap {
        exact.insert(after, (place.saturating_add(missing), gone));
    }
}

/// The fewest straight lines, each from where the last ended, that stay near enough to every pair.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of people, and rounding is allowed for"
)]
fn fit(exact: &[(u64, u64)], share: f64) -> Vec<(u64, u64)> {
    let mut pairs: Vec<(u64, u64)> = exact.first().copied().into_iter().collect();
    let mut at = 1;
    while let (Some((from, begun)), true) = (pairs.last().copied(), at < exact.len()) {
        // No more can have left than there are places, and no fewer than none.
        let (mut low, mut high) = (0.0_f64, 1.0_f64);
        let mut reached = None;
        for (index, (place, gone)) in exact.iter().copied().enumerate().skip(at) {
            let near = (standing(exact, (place, gone)) * share - ROUNDING).max(LEAST);
            let (length, rise) = (
                place.saturating_sub(from) as f64,
                gone as f64 - begun as f64,
            );
            low = low.max((rise - near) / length);
            high = high.min((rise + near) / length);
            if low > high {
                break;
            }
            // Where a whole number fits, the line may end.
            let (least, most) = ((low * length - 1e-6).ceil(), (high * length + 1e-6).floor());
            if least <= most {
                let end = begun.saturating_add(rise.clamp(least, most) as u64);
                reached = Some((index, (place, end)));
            }
        }
        // The next pair is always near enough: the line there is as far off as it was.
        let Some((index, pair)) = reached else { break };
        pairs.push(pair);
        at = index.saturating_add(1);
    }
    pairs
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// The pairs that say exactly who left: each stretch as (how many stand before it, how many
    /// left).
    fn exact(first: u64, stretches: &[(u64, u64)]) -> Vec<(u64, u64)> {
        let (mut pairs, mut place, mut gone) = (vec![(first, 0)], first, 0_u64);
        for (stand, left) in stretches {
            for (further, more) in [(*stand, 0), (*left, *left)] {
                if further > 0 {
                    (place, gone) = (place.strict_add(further), gone.strict_add(more));
                    pairs.push((place, gone));
                }
            }
        }
        pairs
    }

    /// Compares what is published with what is so, at each place where the difference can be
    /// greatest.
    fn check(first: u64, stretches: &[(u64, u64)], share: f64) -> Result<(), TestCaseError> {
        let pairs = exact(first, stretches);
        let left = Left::thinned(pairs.clone());
        prop_assert!(
            left.0.len() <= STRETCHES_MAX.strict_add(1),
            "{}",
            left.0.len()
        );
        for (place, gone) in pairs {
            let (real, told) = (
                place.strict_sub(first).strict_sub(gone),
                place
                    .strict_sub(first)
                    .strict_sub(left.between(first, place)),
            );
            #[expect(clippy::cast_precision_loss, reason = "a test")]
            let allowed = (real as f64 * share).max(1.0);
            #[expect(clippy::cast_precision_loss, reason = "a test")]
            let off = real.abs_diff(told) as f64;
            prop_assert!(off <= allowed, "{told} for {real} before {place}, {left:?}");
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn few_numbers_tell_within_5_per_cent_how_many_stand(
            first in 0_u64..1_000_000,
            stretches in vec((0_u64..40, 0_u64..40), 0..300),
        ) {
            check(first, &stretches, 0.05)?;
        }

        /// Crowds of any size leave together, others stand.
        #[test]
        fn stretches_of_any_size_are_told_within_5_per_cent(
            stretches in vec((0_u32..17, 0_u32..17), 0..24),
        ) {
            let sizes = |(stand, left): &(u32, u32)| (1 << *stand, 1 << *left);
            check(0, &stretches.iter().map(sizes).collect::<Vec<_>>(), 0.05)?;
        }
    }

    #[test]
    fn each_second_one_and_everybody_from_100_to_5000() {
        check(0, &vec![(1, 1); 5_000], 0.05).unwrap();
        check(100, &vec![(1, 1); 5_000], 0.05).unwrap();
        check(0, &[(100, 4_900), (10_000, 0)], 0.0).unwrap();
        check(7, &[(0, 4_900), (10_000, 1), (1, 0)], 0.05).unwrap();
    }

    /// The worst that can be made of stretches: with each, the line doubles.
    #[test]
    fn stairs_take_no_more_room_than_they_may() {
        let stairs = |steps: u32| -> Vec<(u64, u64)> {
            (0..steps).map(|step| (1 << step, 1 << step)).collect()
        };
        check(0, &stairs(16), 0.05).unwrap();
        // Ten million people would have to leave in this order.
        let stairs = stairs(23);
        check(0, &stairs, 0.2).unwrap();
        let text = serde_json::to_string(&Left::thinned(exact(0, &stairs))).unwrap();
        assert!(text.len() <= 800, "{} bytes: {text}", text.len());
    }

    #[test]
    fn where_nobody_left_nothing_is_said() {
        let left = Left::thinned(exact(5, &[(10, 0)]));
        assert_eq!(serde_json::to_string(&left).unwrap(), "[]");
        assert_eq!(left.between(0, 1_000), 0);
    }

    #[test]
    fn an_edge_that_knows_of_a_later_boarding_counts_from_there() {
        let left = Left::thinned(exact(10, &[(5, 5), (10, 0)]));
        assert_eq!(
            serde_json::to_string(&left).unwrap(),
            "[[10,0],[15,0],[20,5]]"
        );
        assert_eq!(left.between(17, 30), 3);
        assert_eq!(left.between(40, 50), 0);
    }
}
