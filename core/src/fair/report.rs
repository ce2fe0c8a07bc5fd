//! The fairness report: what came of a queue that is over, reckoned anew from its records and not
//! from what the machine thought while it ran.

use serde_json::{Value, json};

use super::spans::Spans;
use crate::UnixMillis;

/// The parts that positions are told by.
const TENTHS: u64 = 10;

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
    /// When they were called up, and until when they had time to hear of it, if that was kept.
    pub called_up: Option<(UnixMillis, UnixMillis)>,
}

impl Record {
    /// From when to when they were present and waited. Who was admitted as soon as they came never
    /// did.
    fn waited(&self) -> Option<(UnixMillis, UnixMillis)> {
        let since = self.claimed_at?;
        let until = self.admitted_at.or(self.left_at).unwrap_or(UnixMillis::MAX);
        (until > since).then_some((since, until))
    }
}

/// The tenth of the called-up positions that is being counted.
#[derive(Default)]
struct Tenth {
    number: u64,
    came: u64,
    waits: Vec<u64>,
}

/// What is counted of records that come in the order of their positions, one after the other.
pub struct Counted {
    /// Positions below this were called up.
    called: u64,
    came: u64,
    /// Called-up positions that a record tells of.
    known: u64,
    inversions: u64,
    /// When somebody whose position was counted already was present and waited.
    waited: Spans,
    tenth: Tenth,
    tenths: Vec<Value>,
    /// Whether call-ups were kept.
    is_kept: bool,
    /// When somebody was called up and had not come, who then came within the time to hear of it,
    /// or after it, and had to wait.
    within: Spans,
    after: Spans,
    overtaken: (u64, u64),
}

impl Counted {
    /// Nothing yet, of a queue that called up the positions below `called`.
    pub fn new(called: u64) -> Self {
        Self {
            called,
            came: 0,
            known: 0,
            inversions: 0,
            waited: Spans::default(),
            tenth: Tenth::default(),
            tenths: Vec::new(),
            is_kept: false,
            within: Spans::default(),
            after: Spans::default(),
            overtaken: (0, 0),
        }
    }

    /// Counts the next record: of a position above all before.
    pub fn add(&mut self, record: &Record) {
        let is_called = record.position < self.called;
        let came = record.claimed_at.is_some();
        self.known = self.known.saturating_add(is_called.into());
        self.is_kept |= record.called_up.is_some();
        self.came = self.came.saturating_add(came.into());
        while is_called && record.position >= self.bound(self.tenth.number.saturating_add(1)) {
            self.end_tenth();
        }
        if is_called {
            self.tenth.came = self.tenth.came.saturating_add(came.into());
        }
        if let Some(at) = record.admitted_at {
            self.inversions = self.inversions.saturating_add(self.waited.hold(at).into());
            let (within, after) = &mut self.overtaken;
            if self.within.hold(at) {
                *within = within.saturating_add(1);
            } else if self.after.hold(at) {
                *after = after.saturating_add(1);
            }
            if is_called {
                let wait = at.saturating_sub(record.waits_since);
                self.tenth.waits.push(wait);
            }
        }
        if let Some((since, until)) = record.waited() {
            // What happened in the same millisecond may have come before or after.
            let (first, last) = (since.saturating_add(1), until.saturating_sub(1));
            self.waited.add(first, last);
            if let Some((called_at, hears_by)) = record.called_up {
                // Since they were called up, slots may have gone to others.
                let spans = if since <= hears_by {
                    &mut self.within
                } else {
                    &mut self.after
                };
                spans.add(called_at.saturating_add(1), since.saturating_sub(1));
            }
        }
    }

    /// What all the records come to: `came`, `known`, `inversions`, `overtaken` and `tenths`.
    pub fn end(mut self) -> Facts {
        while self.tenth.number < TENTHS {
            self.end_tenth();
        }
        let (within, after) = self.overtaken;
        Facts {
            came: self.came,
            known: self.known,
            inversions: self.inversions,
            overtaken: self
                .is_kept
                .then(|| json!({ "withinHearing": within, "afterHearing": after })),
            tenths: self.tenths,
        }
    }

    fn bound(&self, part: u64) -> u64 {
        self.called.saturating_mul(part) / TENTHS
    }

    fn end_tenth(&mut self) {
        let Tenth {
            number,
            came,
            mut waits,
        } = core::mem::take(&mut self.tenth);
        let next = number.saturating_add(1);
        self.tenth.number = next;
        let (from, to) = (self.bound(number), self.bound(next));
        waits.sort_unstable();
        self.tenths.push(json!({
            "fromPosition": from.saturating_add(1),
            "toPosition": to,
            "calledUp": to.saturating_sub(from),
            "came": came,
            "admitted": waits.len(),
            "medianWaitMs": quantile(&waits, 50),
            "p90WaitMs": quantile(&waits, 90),
        }));
    }
}

/// What records come to.
pub struct Facts {
    /// How many claimed.
    pub came: u64,
    /// How many called-up positions a record tells of.
    pub known: u64,
    /// How many admissions were given while somebody with a lower position was present.
    pub inversions: u64,
    /// How many were given while somebody with a lower position was called up and had not come, who
    /// had to wait when they did; `None` where call-ups were not kept.
    pub overtaken: Option<Value>,
    /// For each tenth of the called-up positions: how many came, how many were admitted, and how
    /// long those waited.
    pub tenths: Vec<Value>,
}

/// The least of the values that so many percent do not exceed: never one that flatters.
fn quantile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = sorted.len().saturating_mul(percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(position: u64, claimed_at: u64, admitted_at: Option<u64>) -> Record {
        Record {
            position,
            waits_since: 0,
            claimed_at: Some(claimed_at),
            admitted_at,
            left_at: None,
            called_up: None,
        }
    }

    /// What is counted of these records.
    fn facts(records: &[Record], called: u64) -> Facts {
        let mut ordered = records.to_vec();
        ordered.sort_unstable_by_key(|record| record.position);
        let mut counted = Counted::new(called);
        for record in &ordered {
            counted.add(record);
        }
        counted.end()
    }

    fn inversions(records: &[Record]) -> u64 {
        facts(records, 100).inversions
    }

    fn tenths(records: &[Record], called: u64) -> Vec<Value> {
        facts(records, called).tenths
    }

    #[test]
    fn who_comes_late_and_waits_was_overtaken_within_their_time_or_after_it() {
        let overtaken = |records: &[Record]| {
            let mut counted = Counted::new(10);
            for record in records {
                let called_up = Some((100, 200));
                counted.add(&Record {
                    called_up,
                    ..*record
                });
            }
            counted.end().overtaken.unwrap()
        };
        let said = |within, after| json!({ "withinHearing": within, "afterHearing": after });
        let taken = record(5, 120, Some(130));
        assert_eq!(overtaken(&[record(0, 150, Some(400)), taken]), said(1, 0));
        assert_eq!(overtaken(&[record(0, 250, Some(400)), taken]), said(0, 1));
        assert_eq!(
            overtaken(&[record(0, 150, Some(150)), taken]),
            said(0, 0),
            "a slot was kept for them"
        );
        assert_eq!(
            overtaken(&[record(0, 110, Some(400)), taken]),
            said(0, 0),
            "they had come: that is an inversion"
        );
        let unkept = facts(&[record(0, 150, Some(400)), taken], 10);
        assert_eq!(unkept.overtaken, None);
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

    /// Somebody at each place: when they claimed, and how long after it they were admitted, or
    /// left, if they were or did.
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
        let told = tenths(&records, 100);
        assert_eq!(told.len(), 10);
        let third = json!({"fromPosition": 21, "toPosition": 30, "calledUp": 10, "came": 5,
            "admitted": 5, "medianWaitMs": 24_000, "p90WaitMs": 28_000});
        assert_eq!(told[2], third);
        let nobody = tenths(&[], 0);
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
}
