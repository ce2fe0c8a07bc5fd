//! Invariants 3, 4 and 5 once more, by the times that the queue itself wrote down. They are to the
//! millisecond and of one clock, so the limits can be checked exactly.

use serde::Deserialize;
use tidegate_core::ids::AdmissionId;

use super::admissions::{Admissions, Claimant};
use super::{Invariant, Micros, Rules, Start, Violation};

/// "In any 60 s" is the half-open window `(now - 60 s, now]`.
const MINUTE_MILLIS: u64 = 60_000;

/// One line of the queue's account of admissions.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    pub admission_id: AdmissionId,
    pub state: String,
    /// Unix milliseconds; null for whoever is present and waits.
    pub admitted_at: Option<u64>,
    pub redeemed_at: Option<u64>,
    /// When it ended or will end.
    pub expires_at: Option<u64>,
}

/// Checks the account, which must be whole, by itself and against what shoppers were told.
pub fn check(records: &[Record], seen: &Admissions, found: &mut Vec<Violation>) {
    let mut admitted: Vec<u64> = records.iter().filter_map(|line| line.admitted_at).collect();
    admitted.sort_unstable();
    check_rate(&admitted, &seen.rules, &seen.start, found);
    check_active(records, &seen.rules, &seen.start, found);
    check_order(records, seen, found);
    check_granted(records, seen, found);
}

/// Each who was admitted since the run began was one of at most so many within a minute, whoever the
/// others were.
fn check_rate(admitted: &[u64], rules: &Rules, start: &Start, found: &mut Vec<Violation>) {
    let Some(rate) = rules
        .rate_per_minute
        .and_then(|rate| usize::try_from(rate).ok())
    else {
        return;
    };
    let too_close = admitted
        .iter()
        .zip(admitted.iter().skip(rate))
        .find(|(first, last)| **last > start.server_time && *last - *first < MINUTE_MILLIS);
    if let Some((first, last)) = too_close {
        found.push(Violation::new(
            Invariant::NeverOverAdmitted,
            format!(
                "by the queue's own times, more than {rate} were admitted in the {} ms from {first}",
                last - first
            ),
        ));
    }
}

/// Each who was admitted since the run began left no more active than may be.
fn check_active(records: &[Record], rules: &Rules, start: &Start, found: &mut Vec<Violation>) {
    let Some(most) = rules.max_active.and_then(|most| i64::try_from(most).ok()) else {
        return;
    };
    // At the same moment an end comes before a beginning: the slot is free, then given.
    let mut edges: Vec<(u64, i64)> = Vec::with_capacity(records.len() * 2);
    for line in records {
        if let (Some(from), Some(to)) = (line.admitted_at, line.expires_at) {
            // A completion after expiry moves the end, though the slot was free before: what is
            // certain is the time that nothing can have cut short.
            let certain = match line.redeemed_at {
                Some(redeemed) if redeemed > start.server_time => {
                    redeemed.saturating_add(rules.session / 1000)
                }
                None if from > start.server_time => from.saturating_add(rules.handoff / 1000),
                // By other times, perhaps.
                _ => match start.held.get(&line.admission_id) {
                    Some(end) => *end,
                    None => start.server_time,
                },
            };
            edges.extend([(from, 1), (to.min(certain), -1)]);
        }
    }
    edges.sort_unstable();
    let mut active = 0;
    for (at, step) in edges {
        active += step;
        if step > 0 && at > start.server_time && active > most {
            found.push(Violation::new(
                Invariant::NeverOverAdmitted,
                format!(
                    "by the queue's own times, {active} were active at {at}, of at most {most}"
                ),
            ));
            return;
        }
    }
}

/// If A was known to be present before B, who stands behind, sent a first claim, then A is admitted
/// no later than B.
fn check_order(records: &[Record], seen: &Admissions, found: &mut Vec<Violation>) {
    let index_of = |line: &Record| line.admission_id.index;
    let mut by_index: Vec<(u64, &Record)> = records.iter().map(|l| (index_of(l), l)).collect();
    by_index.sort_unstable_by_key(|(index, _)| *index);
    let record_of = |claimant: &Claimant| {
        let at = by_index.binary_search_by_key(&claimant.index, |(index, _)| *index);
        at.ok()
            .and_then(|at| by_index.get(at))
            .map(|(_, line)| *line)
    };

    let mut rows: Vec<Row> = Vec::new();
    for claimant in seen.claimants.values() {
        let Some(line) = record_of(claimant) else {
            continue;
        };
        // Whoever left without an admission is nobody's predecessor.
        let admitted_at = match (line.admitted_at, line.state.as_str()) {
            (Some(at), _) => at,
            (None, "present") => u64::MAX,
            (None, _) => continue,
        };
        rows.push(Row {
            position: claimant.position,
            first_sent: claimant.first_sent,
            present_at: claimant.present_at,
            admitted_at,
        });
    }
    rows.sort_unstable_by_key(|row| row.position);

    let mut latest = LatestBefore::new(rows.len());
    let mut present: Vec<(Micros, usize)> = rows
        .iter()
        .enumerate()
        .filter_map(|(rank, row)| Some((row.present_at?, rank)))
        .collect();
    present.sort_unstable();
    let mut claims: Vec<(Micros, usize)> = rows
        .iter()
        .enumerate()
        .map(|(rank, row)| (row.first_sent, rank))
        .collect();
    claims.sort_unstable();

    let mut present = present.into_iter().peekable();
    for (sent, rank) in claims {
        while let Some((_, earlier)) = present.next_if(|(at, _)| *at < sent) {
            if let Some(row) = rows.get(earlier) {
                latest.insert(earlier, row.admitted_at);
            }
        }
        let Some(row) = rows.get(rank).filter(|row| row.admitted_at < u64::MAX) else {
            continue;
        };
        if latest.below(rank) > row.admitted_at {
            found.push(Violation::new(
                Invariant::InOrder,
                format!(
                    "by the queue's own times, position {} was admitted at {} while a lower \
                     position was present and had to wait longer (0-based)",
                    row.position, row.admitted_at
                ),
            ));
            return;
        }
    }
}

/// Every admission that a shopper was told of stands in the account, once.
fn check_granted(records: &[Record], seen: &Admissions, found: &mut Vec<Violation>) {
    let mut told: Vec<String> = records
        .iter()
        .filter(|line| line.admitted_at.is_some())
        .map(|line| line.admission_id.to_string())
        .collect();
    told.sort_unstable();
    if let Some(pair) = told.windows(2).find(|pair| pair.first() == pair.last()) {
        found.push(Violation::new(
            Invariant::OneEach,
            format!("the queue's account has {} twice", pair.concat()),
        ));
    }
    let missing = seen.by_id.keys().find(|id| told.binary_search(id).is_err());
    if let Some(id) = missing {
        found.push(Violation::new(
            Invariant::OneEach,
            format!("{id} was granted and does not stand in the queue's account"),
        ));
    }
}

/// One shopper who claimed, as far as order is concerned.
struct Row {
    position: u64,
    first_sent: Micros,
    present_at: Option<Micros>,
    /// Unix milliseconds by the queue's clock; the maximum while they wait.
    admitted_at: u64,
}

/// The latest of the values inserted below a rank: a Fenwick tree of maxima.
struct LatestBefore {
    tree: Vec<u64>,
}

impl LatestBefore {
    fn new(ranks: usize) -> Self {
        Self {
            tree: vec![0; ranks + 1],
        }
    }

    fn insert(&mut self, rank: usize, value: u64) {
        let mut at = rank + 1;
        while let Some(slot) = self.tree.get_mut(at) {
            *slot = value.max(*slot);
            at += at & at.wrapping_neg();
        }
    }

    fn below(&self, rank: usize) -> u64 {
        let (mut at, mut latest) = (rank, 0);
        while at > 0 {
            latest = self.tree.get(at).copied().unwrap_or(0).max(latest);
            at -= at & at.wrapping_neg();
        }
        latest
    }
}
