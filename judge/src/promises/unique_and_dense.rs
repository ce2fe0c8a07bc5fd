//! Promise 1. The entries of an epoch have the indices 0 to n − 1, each once.

use std::collections::{BTreeMap, HashMap, HashSet};

use tidegate_core::queue::LaneMark;

use crate::ledger::Ledger;
use crate::seen::Seen;
use crate::verdict::{Promise::UniqueAndDense as THIS, Verdict};

/// Who holds each index, and the last number that each lane used.
#[derive(Default)]
pub struct Dense {
    owners: HashMap<u64, u32>,
    gathered: BTreeMap<u16, u64>,
}

impl Dense {
    /// An entry is told its index.
    pub fn told(&mut self, entry: u32, index: u64, verdict: &mut Verdict) {
        let owner = *self.owners.entry(index).or_insert(entry);
        if owner != entry {
            let both = (verdict.name(owner), verdict.name(entry));
            let evidence = format!("{} and {} both hold index {index}", both.0, both.1);
            verdict.broken(THIS, evidence);
        }
    }

    /// A lane writes down a group: it never used that number before.
    pub fn gathered(&mut self, lane: u16, sequence: u64, verdict: &mut Verdict) {
        let before = self.gathered.insert(lane, sequence);
        verdict.ensure(before < Some(sequence), THIS, || {
            format!("lane {lane} used number {sequence} after {before:?}")
        });
    }
}

/// The queue gives a lane a range, which follows the last.
pub fn leased(ledger: &mut Ledger, mark: &LaneMark, verdict: &mut Verdict) {
    let end = ledger.leased;
    let before = ledger.lease(mark);
    verdict.ensure(mark.first == end && mark.granted > 0, THIS, || {
        format!("after {end} indices, {mark:?}")
    });
    verdict.ensure(before < Some(mark.sequence), THIS, || {
        format!("after group {before:?}, {mark:?}")
    });
}

/// Somebody is present at this position: nobody else is.
pub fn present(ledger: &mut Ledger, position: u64, verdict: &mut Verdict) {
    let alone = ledger.come(position);
    verdict.ensure(alone, THIS, || {
        format!("two are present at position {position}")
    });
}

/// What lanes wrote down is what the queue leased, each index once. The ranges are in order.
pub fn ranges(ranges: &[(u64, u32, usize)], leased: u64, verdict: &mut Verdict) {
    let mut end = 0;
    for (first, granted, count) in ranges.iter().copied() {
        let whole = u64::try_from(count).is_ok_and(|count| count >= u64::from(granted));
        verdict.ensure(first >= end && whole, THIS, || {
            format!("a group of {count} holds {granted} from {first}; {end} are held")
        });
        end = first.saturating_add(u64::from(granted));
    }
    verdict.ensure(end <= leased, THIS, || {
        format!("lanes hold {end} of {leased} indices")
    });
}

/// Of a history: no index is nobody's, and none is past the last. Who never heard of theirs may
/// have one.
pub fn judge(seen: &Seen<'_>, verdict: &mut Verdict) {
    let known: HashSet<u64> = seen.known().map(|(_, index)| index).collect();
    verdict.observe(THIS, known.len());
    for entry in &seen.entries {
        let told = entry
            .acknowledged()
            .filter_map(|call| Some((call.said.position?, call.said.shown?)));
        for (position, shown) in told.filter(|(position, shown)| position + 1 != *shown) {
            let evidence = format!(
                "entry {} has a ticket for position {}, and is shown {shown}",
                entry.name,
                position + 1
            );
            verdict.broken(THIS, evidence);
        }
    }
    let highest = known.iter().max().copied();
    let counted = seen.audits.last().map(|audit| audit.last().entered);
    if let (Some(highest), Some(counted)) = (highest, counted) {
        verdict.ensure(highest < counted, THIS, || {
            format!("index {highest} was given, and the queue counts {counted} entries")
        });
    }
    let end = counted
        .unwrap_or(0)
        .max(highest.map_or(0, |highest| highest + 1));
    let nobodys = end.saturating_sub(known.len() as u64);
    let unheard = seen
        .entries
        .iter()
        .filter(|entry| entry.index.is_none())
        .count() as u64;
    verdict.ensure(!seen.alone || nobodys <= unheard, THIS, || {
        let gap = (0..end).find(|index| !known.contains(index));
        format!(
            "{nobodys} of {end} indices are nobody's, the first of them {}; {unheard} never heard \
             of theirs",
            gap.unwrap_or_default()
        )
    });
}
