use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// What [`Gone`] stands for while it need not merge: the places themselves.
fn advance_by_places(left: &BTreeSet<u64>, boarding: u64, count: u64, entered: u64) -> Advance {
    let (mut until, mut called) = (boarding, 0);
    while until < entered && (left.contains(&until) || called < count) {
        if !left.contains(&until) {
            called = called.saturating_add(1);
        }
        until = until.saturating_add(1);
    }
    Advance { until, called }
}

fn leaving(places: impl IntoIterator<Item = u64>) -> Gone {
    let mut gone = Gone::default();
    for place in places {
        gone.leave(place, 0);
    }
    gone
}

/// How many of the places from `from` to before `until` were left.
fn count_in(gone: &Gone, from: u64, until: u64) -> u64 {
    gone.exact(from, until).last().unwrap().1
}

/// Gone through storage: what is written, applied to what was stored.
fn written(gone: &mut Gone, stored: &mut BTreeMap<u64, Stretch>) -> Gone {
    for (from, stretch) in gone.take_changes() {
        match stretch {
            Some(stretch) => stored.insert(from, stretch),
            None => stored.remove(&from),
        };
    }
    Gone::restore(stored.values().copied().collect())
}

proptest! {
    #[test]
    fn calling_up_passes_over_exactly_those_who_left(
        places in vec(0_u64..200, 0..150),
        counts in vec(0_u64..12, 1..12),
    ) {
        let left: BTreeSet<u64> = places.iter().copied().collect();
        let mut gone = leaving(places);
        let mut boarding = 0;
        for count in counts {
            let advance = gone.advance(boarding, count, 210);
            prop_assert_eq!(advance, advance_by_places(&left, boarding, count, 210));
            boarding = advance.until;
            gone.pass(0, boarding);
            let ahead = u64::try_from(left.range(boarding..).count()).unwrap();
            prop_assert_eq!(count_in(&gone, boarding, 210), ahead);
        }
    }

    #[test]
    fn what_is_stored_is_what_is_remembered(
        steps in vec((0_u64..300, 0_u64..3), 1..200),
    ) {
        let (mut gone, mut stored, mut boarding) = (Gone::default(), BTreeMap::new(), 0);
        for (place, step) in steps {
            gone.leave(place, boarding);
            boarding = gone.advance(boarding, step, 300).until;
            gone.pass(0, boarding);
            let restored = written(&mut gone, &mut stored);
            prop_assert_eq!(&restored.stretches, &gone.stretches);
        }
    }
}

#[test]
fn a_loop_of_entering_and_leaving_is_one_stretch() {
    let gone = leaving(0..100_000);
    assert_eq!(gone.stretches.len(), 1);
    assert_eq!(gone.advance(0, 0, 100_001).until, 100_000);
    // In any order.
    let odd_then_even = (0..5_000)
        .map(|half| half * 2 + 1)
        .chain((0..5_000).map(|half| half * 2));
    assert_eq!(leaving(odd_then_even).stretches.len(), 1);
}

#[test]
fn whoever_leaves_the_stretches_are_bounded_and_all_are_counted() {
    // Every second place of a long line: no two of them touch.
    let many = 60_000_u64;
    let (mut gone, mut stored, mut rows_most) = (Gone::default(), BTreeMap::new(), 0);
    for half in 0..many {
        gone.leave(half * 2, 0);
        assert!(gone.stretches.len() <= STRETCHES_MAX);
        if half % 1_000 == 0 {
            let restored = written(&mut gone, &mut stored);
            assert_eq!(restored.stretches, gone.stretches);
            rows_most = rows_most.max(stored.len());
        }
    }
    assert!(rows_most <= STRETCHES_MAX, "{rows_most} rows");
    assert_eq!(count_in(&gone, 0, many * 2), many);
    // At the front it is still known exactly who left.
    for place in 0..500 {
        let called = gone.advance(place, 0, many * 2).until;
        assert_eq!(called, place + (place + 1) % 2, "from place {place}");
    }
}

#[test]
fn a_place_left_twice_is_counted_once() {
    let mut gone = leaving([5, 5, 6, 5]);
    assert_eq!(count_in(&gone, 0, 10), 2);
    gone.leave(2, 3);
    assert_eq!(
        count_in(&gone, 0, 10),
        2,
        "what is called up is no longer in line"
    );
}

/// In a draw each place that is called up and may be taken keeps one of the winners' places.
#[test]
fn a_merged_stretch_never_counts_too_few_who_may_come() {
    let merged = Stretch {
        from: 10,
        until: 30,
        gone: 15,
    };
    for boarding in 0..30 {
        for count in 0..40 {
            let gone = Gone::restore(vec![merged]);
            let Advance { until, called } = gone.advance(boarding, count, 40);
            // Those who left may be anywhere in it: at worst all beyond what was called up.
            let passed = |from: u64, to: u64| to.clamp(10, 30) - from.clamp(10, 30);
            let inside = passed(boarding, until);
            let may_stand = inside.min(5);
            let outside = until - boarding - inside;
            assert!(
                called >= outside + may_stand,
                "{boarding} {count}: {called}"
            );
            assert!(called <= count, "{boarding} {count}: {called}");
        }
    }
}
