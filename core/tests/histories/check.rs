//! The invariants, checked from outside after every event: what the queue wrote is held against
//! limits and orders that are reckoned here anew.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_core::UnixMillis;
use tidegate_core::queue::{Claim, ClaimState, Effect};

use crate::world::Limits;

/// What an observer remembers of a queue.
#[derive(Default)]
pub struct Observer {
    /// When each index was admitted.
    granted: BTreeMap<u64, UnixMillis>,
    /// The ranges leased so far.
    leased: Vec<(u64, u32)>,
    last: BTreeMap<u64, ClaimState>,
}

impl Observer {
    /// Looks at what one event wrote. `before` and `after` are all claims around it.
    pub fn saw(
        &mut self,
        effects: &[Effect],
        before: &BTreeMap<u64, Claim>,
        after: &BTreeMap<u64, Claim>,
        limits: &Limits,
    ) {
        for effect in effects {
            if let Effect::SaveLane(mark) = effect {
                self.leased.push((mark.first, mark.granted));
            }
        }
        let mut granted_now = Vec::new();
        for claim in after.values() {
            if let Some(at) = claim.admitted_at {
                let known = *self.granted.entry(claim.index).or_insert_with(|| {
                    granted_now.push(claim);
                    at
                });
                assert_eq!(known, at, "one each: {claim:?} was admitted a second time");
            }
            let was = self.last.insert(claim.index, claim.state);
            let ended = was.is_some_and(|was| !was.is_live());
            let late = claim.state == ClaimState::Completed && claim.redeemed_at.is_some();
            assert!(
                !ended || Some(claim.state) == was || late,
                "{claim:?} came back from {was:?}"
            );
        }
        if !granted_now.is_empty() {
            self.check_limits(&granted_now, after, limits);
            check_order(&granted_now, before, after);
        }
    }

    fn check_limits(&self, granted: &[&Claim], after: &BTreeMap<u64, Claim>, limits: &Limits) {
        let active = count(after, |claim| claim.state.is_active());
        let completed = count(after, |claim| claim.state == ClaimState::Completed);
        if let Some(most) = limits.max_active {
            assert!(active <= u64::from(most), "{active} active of {most}");
        }
        if let Some(most) = limits.max_admissions {
            assert!(
                active + completed <= most,
                "{active} + {completed} of {most}"
            );
        }
        if let Some(rate) = limits.rate {
            for claim in granted {
                let now = claim.admitted_at.unwrap();
                let recent = self
                    .granted
                    .values()
                    .filter(|at| **at + 60_000 > now && **at <= now);
                assert!(
                    recent.count() <= rate as usize,
                    "more than {rate} within a minute"
                );
            }
        }
    }

    /// Indices are 0…n−1, each leased once.
    pub fn check_dense(&self, entered: u64) {
        let mut ranges = self.leased.clone();
        ranges.sort_unstable();
        let mut next = 0;
        for (first, granted) in ranges {
            assert_eq!(first, next, "a gap or an overlap at {next}");
            next += u64::from(granted);
        }
        assert_eq!(next, entered);
    }

    /// What lanes wrote down is what the queue leased.
    pub fn check_ranges(&self, written: &[(u64, u32)]) {
        let leased: BTreeSet<_> = self.leased.iter().copied().collect();
        let distinct: BTreeSet<_> = written.iter().copied().collect();
        assert_eq!(distinct.len(), written.len(), "two groups hold one range");
        assert!(
            distinct.is_subset(&leased),
            "a lane holds a range that was never leased"
        );
    }
}

/// Whoever was present before an event and still waits after it stands behind all it admitted.
fn check_order(granted: &[&Claim], before: &BTreeMap<u64, Claim>, after: &BTreeMap<u64, Claim>) {
    let highest = granted.iter().map(|claim| claim.position).max().unwrap();
    let still = |claim: &&Claim| {
        claim.state == ClaimState::Present
            && after
                .get(&claim.index)
                .is_some_and(|now| now.state == ClaimState::Present)
    };
    for waiting in before.values().filter(still) {
        assert!(
            waiting.position > highest,
            "{} was passed by {highest}",
            waiting.position
        );
    }
}

/// While someone is present, no slot is free within the limits.
pub fn check_live(claims: &BTreeMap<u64, Claim>, limits: &Limits, now: UnixMillis) {
    if count(claims, |claim| claim.state == ClaimState::Present) == 0 {
        return;
    }
    let active = count(claims, |claim| claim.state.is_active());
    let completed = count(claims, |claim| claim.state == ClaimState::Completed);
    let recent = count(claims, |claim| {
        claim.admitted_at.is_some_and(|at| at + 60_000 > now)
    });
    let full = limits
        .max_active
        .is_some_and(|most| active >= u64::from(most))
        || limits
            .max_admissions
            .is_some_and(|most| active + completed >= most)
        || limits.rate.is_some_and(|rate| recent >= u64::from(rate));
    assert!(full, "someone is present, and a slot is free");
}

fn count(claims: &BTreeMap<u64, Claim>, wanted: impl Fn(&Claim) -> bool) -> u64 {
    claims.values().filter(|claim| wanted(claim)).count() as u64
}
