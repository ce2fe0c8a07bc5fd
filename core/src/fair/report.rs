//! The fairness report: what came of a queue that is over, reckoned anew from its records and not from
//! what the machine thought while it ran.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Seed, shuffle};
use crate::UnixMillis;

/// The parts that positions are told by.
const TENTHS: u64 = 10;
/// How many entrants the table of arrival and place looks at, evenly among all.
const SAMPLE: u64 = 2_000;

/// A record of somebody who claimed, or left.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// Where they stood, 0-based.
    pub position: u64,
    /// Since when the wait counts: from the opening for an entrant, from entering for others.
    pub waits_since: UnixMillis,
    /// When they claimed; `None` for those who only left.
    pub claimed_at: Option<UnixMillis>,
    /// When they were admitted, if they were.
    pub admitted_at: Option<UnixMillis>,
    /// When they gave up being present, if they did.
    pub left_at: Option<UnixMillis>,
}

/// How many admissions were given while somebody with a lower position was present.
pub fn inversions(records: &[Record]) -> u64 {
    // Whoever was admitted as soon as they came was never kept waiting.
    let mut came: Vec<_> = timed(records, |record| {
        let until = record.admitted_at.or(record.left_at);
        record
            .claimed_at
            .filter(|since| until.is_none_or(|until| until > *since))
    });
    let mut left: Vec<_> = timed(records, |record| record.left_at);
    let mut admitted: Vec<_> = timed(records, |record| record.admitted_at);
    for times in [&mut came, &mut left, &mut admitted] {
        times.sort_unstable();
    }
    let (mut came, mut left) = (came.into_iter().peekable(), left.into_iter().peekable());
    let (mut present, mut inverted) = (BTreeSet::new(), 0_u64);
    for (at, position) in admitted {
        // Whoever came in the same millisecond may have come after.
        while let Some((_, other)) = came.next_if(|(since, _)| *since < at) {
            present.insert(other);
        }
        while let Some((_, other)) = left.next_if(|(until, _)| *until <= at) {
            present.remove(&other);
        }
        present.remove(&position);
        if present.first().is_some_and(|lowest| *lowest < position) {
            inverted = inverted.saturating_add(1);
        }
    }
    inverted
}

fn timed(
    records: &[Record],
    time: impl Fn(&Record) -> Option<UnixMillis>,
) -> Vec<(UnixMillis, u64)> {
    let timed = |record: &Record| Some((time(record)?, record.position));
    records.iter().filter_map(timed).collect()
}

/// For each tenth of the `called` positions: how many came, how many were admitted, and how long those
/// waited.
pub fn tenths(records: &[Record], called: u64) -> Vec<Value> {
    let tenth = |number: u64| {
        let bound = |part: u64| called.saturating_mul(part) / TENTHS;
        let (from, to) = (bound(number), bound(number.saturating_add(1)));
        let own = || {
            let within = move |record: &&Record| (from..to).contains(&record.position);
            records.iter().filter(within)
        };
        let mut waits: Vec<u64> = own()
            .filter_map(|record| Some(record.admitted_at?.saturating_sub(record.waits_since)))
            .collect();
        waits.sort_unstable();
        json!({
            "fromPosition": from.saturating_add(1),
            "toPosition": to,
            "calledUp": to.saturating_sub(from),
            "came": own().filter(|record| record.claimed_at.is_some()).count(),
            "admitted": waits.len(),
            "medianWaitMs": quantile(&waits, 50),
            "p90WaitMs": quantile(&waits, 90),
        })
    };
    (0..TENTHS).map(tenth).collect()
}

/// The least of the values that so many percent do not exceed: never one that flatters.
fn quantile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = sorted.len().saturating_mul(percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

/// Arrival beside place, of evenly chosen entrants, a row for each tenth of arrivals and a column for
/// each tenth of places; with chi-squared, and how many standard deviations it is from what a blind
/// shuffle makes (by Wilson and Hilferty's approximation).
#[expect(
    clippy::cast_precision_loss,
    reason = "a statistic over some thousand, in floating point"
)]
pub fn chance(seed: &Seed, entrants: u64) -> Map<String, Value> {
    let sampled = entrants.min(SAMPLE);
    let mut table = [[0_u32; 10]; 10];
    for number in 0..sampled {
        let index = number
            .saturating_mul(entrants)
            .checked_div(sampled)
            .unwrap_or(0);
        let tenth = |place: u64| {
            let tenth = place
                .saturating_mul(TENTHS)
                .checked_div(entrants)
                .unwrap_or(0);
            usize::try_from(tenth).unwrap_or(0)
        };
        let place = shuffle::position(index, entrants, seed).unwrap_or(0);
        let row = table.get_mut(tenth(index));
        if let Some(cell) = row.and_then(|row| row.get_mut(tenth(place))) {
            *cell = cell.saturating_add(1);
        }
    }
    let column = |number: usize| table.iter().filter_map(|row| row.get(number)).sum::<u32>();
    let columns: Vec<f64> = (0..10).map(|number| f64::from(column(number))).collect();
    let mut squared = 0.0;
    for row in &table {
        let sum = f64::from(row.iter().sum::<u32>());
        for (count, column) in row.iter().zip(&columns) {
            let expected = sum * column / sampled.max(1) as f64;
            if expected > 0.0 {
                squared += (f64::from(*count) - expected).powi(2) / expected;
            }
        }
    }
    let freedom = 81_u32;
    let spread = 2.0 / (9.0 * f64::from(freedom));
    let deviations = ((squared / f64::from(freedom)).cbrt() - (1.0 - spread)) / spread.sqrt();
    // Below five in a cell the approximation says nothing.
    let is_enough = sampled >= 500;
    let mut chance = Map::new();
    for (name, value) in [
        ("sampled", sampled.into()),
        ("table", json!(table)),
        ("chiSquared", json!(is_enough.then_some(squared))),
        ("degreesOfFreedom", freedom.into()),
        ("deviations", json!(is_enough.then_some(deviations))),
    ] {
        chance.insert(name.into(), value);
    }
    chance
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fair::{Root, Secret};

    fn record(position: u64, claimed_at: u64, admitted_at: Option<u64>) -> Record {
        Record {
            position,
            waits_since: 0,
            claimed_at: Some(claimed_at),
            admitted_at,
            left_at: None,
        }
    }

    #[test]
    fn an_inversion_is_an_admission_over_somebody_who_was_there() {
        let served = [record(0, 1, Some(10)), record(1, 2, Some(20))];
        assert_eq!(inversions(&served), 0);
        let overtaken = [record(0, 1, Some(20)), record(1, 2, Some(10))];
        assert_eq!(inversions(&overtaken), 1);
        let late = [record(0, 15, Some(20)), record(1, 2, Some(10))];
        assert_eq!(inversions(&late), 0, "they were not there yet");
        let never = [
            record(0, 1, None),
            record(1, 2, Some(10)),
            record(2, 2, Some(11)),
        ];
        assert_eq!(inversions(&never), 2, "they were never admitted");
        let gone = Record {
            left_at: Some(9),
            ..record(0, 1, None)
        };
        assert_eq!(
            inversions(&[gone, record(1, 2, Some(10))]),
            0,
            "they had left"
        );
        let at_once = [
            record(0, 10, Some(10)),
            record(1, 20, Some(20)),
            record(2, 21, Some(30)),
        ];
        assert_eq!(inversions(&at_once), 0, "each was admitted on coming");
        let together = [record(0, 1, Some(10)), record(1, 2, Some(10))];
        assert_eq!(inversions(&together), 0);
    }

    /// Somebody at each place: when they claimed, and how long after it they were admitted, or left, if
    /// they were or did.
    fn somebodies() -> impl Strategy<Value = Vec<Record>> {
        let after = || proptest::option::of(0..6_u64);
        let times = proptest::collection::vec((0..12_u64, after(), after()), 0..12);
        times.prop_map(|times| {
            let mut records = Vec::new();
            for (position, (came, wait, patience)) in (0..).zip(times) {
                let then = |millis| came.saturating_add(millis);
                records.push(Record {
                    left_at: patience.filter(|_| wait.is_none()).map(then),
                    ..record(position, came, wait.map(then))
                });
            }
            records
        })
    }

    proptest! {
        #[test]
        fn inversions_are_those_that_looking_at_every_pair_finds(records in somebodies()) {
            let was_there = |other: &Record, at: u64| {
                let until = other.admitted_at.or(other.left_at);
                other.claimed_at.is_some_and(|since| since < at)
                    && until.is_none_or(|until| until > at)
            };
            let overtakes = |record: &&Record| {
                let lower = |other: &&Record| other.position < record.position;
                let over = |at| records.iter().filter(lower).any(|other| was_there(other, at));
                record.admitted_at.is_some_and(over)
            };
            let found = records.iter().filter(overtakes).count();
            prop_assert_eq!(inversions(&records), u64::try_from(found).unwrap());
        }
    }

    #[test]
    fn tenths_tell_who_came_and_how_long_they_waited() {
        let records: Vec<Record> = (0..100)
            .filter(|position| position % 2 == 0)
            .map(|position| record(position, 5, Some(position * 1_000)))
            .collect();
        let tenths = tenths(&records, 100);
        assert_eq!(tenths.len(), 10);
        let third = json!({"fromPosition": 21, "toPosition": 30, "calledUp": 10, "came": 5,
            "admitted": 5, "medianWaitMs": 24_000, "p90WaitMs": 28_000});
        assert_eq!(tenths[2], third);
        let nobody = super::tenths(&[], 0);
        assert_eq!(nobody[9]["medianWaitMs"], Value::Null);
    }

    #[test]
    fn nine_in_ten_waited_no_longer_than_is_said() {
        let within = |count: u64| {
            let waited = |position: u64| record(position, 1, Some(position.saturating_add(1)));
            let records: Vec<Record> = (0..count).map(waited).collect();
            let first = tenths(&records, count.saturating_mul(10)).remove(0);
            (first["medianWaitMs"].clone(), first["p90WaitMs"].clone())
        };
        for (count, median, ninety) in [(1, 1, 1), (2, 1, 2), (5, 3, 5), (10, 5, 9), (11, 6, 10)] {
            assert_eq!(within(count), (median.into(), ninety.into()), "of {count}");
        }
    }

    #[test]
    fn tenths_hold_each_called_up_place_once() {
        for called in [1, 3, 9, 10, 11, 19, 101] {
            let came = |position| record(position, 1, None);
            let records: Vec<Record> = (0..called + 5).map(came).collect();
            let (mut next, mut came) = (1, 0);
            for tenth in tenths(&records, called) {
                assert_eq!(tenth["fromPosition"], next, "of {called}");
                assert_eq!(tenth["calledUp"], tenth["came"], "of {called}");
                next = tenth["toPosition"].as_u64().unwrap() + 1;
                came += tenth["came"].as_u64().unwrap();
            }
            assert_eq!((next, came), (called + 1, called));
        }
    }

    #[test]
    fn chance_is_near_zero_deviations_for_a_blind_shuffle() {
        let seed = Secret::from_bytes([1; 32]).seed(&Root::from_bytes([2; 32]), &[]);
        for entrants in [500, 2_000, 1_000_000] {
            let chance = chance(&seed, entrants);
            let deviations = chance["deviations"].as_f64().unwrap();
            assert!(deviations.abs() < 4.0, "{entrants}: {deviations}");
            assert_eq!(chance["sampled"], entrants.min(2_000));
        }
        assert_eq!(chance(&seed, 100)["deviations"], Value::Null);
    }
}
