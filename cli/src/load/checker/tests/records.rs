//! Invariants 3 to 5 by the times that the queue itself wrote down.

use super::*;

#[test]
fn the_queues_own_times_tell_who_was_passed_over() {
    for (first, second, expected) in [
        (Some(9_000), Some(8_000), &[Invariant::InOrder][..]),
        (None, Some(8_000), &[Invariant::InOrder]),
        (Some(8_000), Some(8_000), &[]),
    ] {
        let checker = checker_of(unlimited());
        wait(&checker, 0, SECOND);
        wait(&checker, 1, 2 * SECOND);
        let state = |at: Option<u64>| if at.is_some() { "admitted" } else { "present" };
        let records = [
            record(1, state(second), second, Some(100_000)),
            record(0, state(first), first, Some(100_000)),
        ];
        assert_found(&checker.finish(true, None, Some(&records)), expected);
    }
}

#[test]
fn the_queues_own_times_tell_when_limits_were_passed() {
    let both = [Invariant::NeverOverAdmitted; 2];
    for (last, expected) in [(60_999, &both[..]), (61_000, &both[1..]), (71_000, &[])] {
        let checker = checker_of(Rules {
            max_active: Some(3),
            ..rules()
        });
        let ended = |index| record(index, "completed", Some(1_000), Some(70_000));
        let records = [
            ended(0),
            ended(1),
            ended(2),
            record(3, "admitted", Some(last), Some(last + 9)),
        ];
        assert_found(&checker.finish(true, None, Some(&records)), expected);
    }
}

#[test]
fn a_late_completion_is_not_taken_for_a_held_slot() {
    let checker = checker_of(Rules {
        max_active: Some(1),
        ..rules()
    });
    let records = [
        record(0, "completed", Some(1), Some(900_000)),
        record(1, "completed", Some(600_001), Some(601_000)),
    ];
    assert_found(&checker.finish(true, None, Some(&records)), &[]);
}

#[test]
fn a_grant_that_the_queue_does_not_know_of_is_found() {
    let checker = checker_of(unlimited());
    admit(&checker, 0, SECOND);
    let other = [record(1, "admitted", Some(1_000), Some(9_000))];
    assert_found(
        &checker.finish(true, None, Some(&other)),
        &[Invariant::OneEach],
    );
}

/// A run that begins at 100 s, when the admissions 0, 1 and 2 are held until 400 s.
fn checker_of_a_lowered_limit(rules: Rules) -> Checker {
    let start = Start {
        server_time: 100_000,
        version: 7,
        active: 3,
        held: (0..3).map(|index| (id(index), 400_000)).collect(),
    };
    Checker::new(rules, start)
}

#[test]
fn what_was_admitted_under_a_higher_limit_may_drain() {
    let lowered = Rules {
        max_active: Some(1),
        rate_per_minute: Some(2),
        ..rules()
    };
    let first = |index, ends| record(index, "completed", Some(99_000), Some(ends));
    let next = |at| record(3, "admitted", Some(at), Some(at + 120_000));
    for (admitted_at, expected) in [
        // Another is still active, and three were admitted within the minute.
        (109_999, &[Invariant::NeverOverAdmitted; 2][..]),
        (110_000, &[Invariant::NeverOverAdmitted]),
        (158_999, &[Invariant::NeverOverAdmitted]),
        (159_000, &[]),
    ] {
        let checker = checker_of_a_lowered_limit(lowered.clone());
        let records = [
            first(0, 101_000),
            first(1, 102_000),
            first(2, 110_000),
            next(admitted_at),
        ];
        assert_found(&checker.finish(false, None, Some(&records)), expected);
    }
}

#[test]
fn what_is_held_from_before_counts_until_it_surely_ended() {
    let rules = Rules {
        max_active: Some(3),
        ..unlimited()
    };
    let held = |index| record(index, "completed", Some(90_000), Some(500_000));
    let redeemed = Record {
        redeemed_at: Some(150_000),
        ..held(2)
    };
    for (third, admitted_at, expected) in [
        (held(2), 399_999, &[Invariant::NeverOverAdmitted][..]),
        // Their time had run out, and the completion came late.
        (held(2), 400_000, &[]),
        // It was redeemed meanwhile; still the two others may have ended.
        (redeemed, 400_000, &[]),
        // It was not held when the run began, whatever became of it since.
        (held(8), 399_999, &[]),
    ] {
        let checker = checker_of_a_lowered_limit(rules.clone());
        let last = record(3, "admitted", Some(admitted_at), Some(admitted_at + 9));
        let records = [held(0), held(1), third, last];
        assert_found(&checker.finish(false, None, Some(&records)), expected);
    }
}
