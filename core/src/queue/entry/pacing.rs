//! How long a lane lets its next group gather, so that all lanes together lease 200 times a second
//! at the most, however many there are. Time is dealt out in slots of 5 ms: each reply to a lease
//! reserves the next free one for the lane's next lease.

use crate::UnixMillis;

/// One lease in this time: 200 a second.
const SLOT_MILLIS: u64 = 5;
/// A lane that comes so long after its slot has come for it still: it had to write, and to travel.
const LATE_MILLIS: u64 = 500;
/// The longest that a group gathers: two rounds and a half of the most lanes.
const LINGER_MAX_MILLIS: u64 = 3_200;

/// What is dealt out. Lost with an eviction, and dealt out anew.
#[derive(Default)]
pub struct Pacing {
    /// Everything before this is taken.
    taken: UnixMillis,
}

impl Pacing {
    /// Reserves the next slot of a lane whose last one was `slot` and that leases now, one of
    /// `lanes`.
    pub fn reserve(&mut self, slot: UnixMillis, lanes: u16, now: UnixMillis) -> UnixMillis {
        let expected = now < slot.saturating_add(LATE_MILLIS);
        let (cost, from) = if expected {
            (SLOT_MILLIS, now)
        } else {
            // It comes out of turn, and takes a slot of its own. It may be the first of all lanes
            // that a surge wakes: half a round is left to them.
            let round = u64::from(lanes).saturating_mul(SLOT_MILLIS);
            (SLOT_MILLIS.saturating_mul(2), now.saturating_add(round / 2))
        };
        let taken = self.taken.max(from).saturating_add(cost);
        self.taken = taken.min(now.saturating_add(LINGER_MAX_MILLIS));
        self.taken
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Lets so many lanes lease as fast as they may, each `delay` after its slot, and says when.
    fn leases(lanes: u16, delay: u64, until: u64) -> Vec<u64> {
        let mut pacing = Pacing::default();
        let mut slots = vec![0_u64; lanes.into()];
        let mut due: std::collections::BTreeSet<(u64, u16)> =
            (0..lanes).map(|lane| (1_000_000, lane)).collect();
        let mut times = Vec::new();
        while let Some((now, lane)) = due.pop_first() {
            if now > 1_000_000 + until {
                break;
            }
            times.push(now);
            let slot = &mut slots[usize::from(lane)];
            *slot = pacing.reserve(*slot, lanes, now);
            due.insert((*slot + delay, lane));
        }
        times
    }

    proptest! {
        #[test]
        fn no_second_sees_300_leases(lanes in 1_u16..=256, delay in 1_u64..100) {
            let times = leases(lanes, delay, 10_000);
            let crowded = times.windows(300).find(|some| some[299] - some[0] < 1_000);
            prop_assert_eq!(crowded, None);
        }
    }

    #[test]
    fn many_busy_lanes_lease_200_times_a_second() {
        for lanes in [32, 64, 256] {
            let steady = leases(lanes, 30, 20_000)
                .into_iter()
                .filter(|at| *at > 1_010_000)
                .count();
            assert!(
                (1_900..=2_010).contains(&steady),
                "{lanes} lanes: {steady} in ten seconds"
            );
        }
    }

    #[test]
    fn a_lane_alone_waits_a_moment_only() {
        let mut pacing = Pacing::default();
        assert_eq!(pacing.reserve(0, 1, 1_000), 1_012);
        assert_eq!(pacing.reserve(1_012, 1, 1_040), 1_045);
    }
}
