//! Invariants 3 to 5 by the times that the queue itself wrote down.

use super::*;

#[test]
fn the_queues_own_times_tell_who_was_passed_over() {
    for (first, second, expected) in [
        (Some(9_000), Some(8_000), &[Invariant::InOrder][..]),
        (None, Some(8_000), &[Invariant::InOrder]),
        (Some(8_000), Some(8_000), &[]),
    ] {
        let checker = Checker::new(unlimited());
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
        let checker = Checker::new(Rules {
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
    let checker = Checker::new(Rules {
        max_active: Some(1),
        ..rules()
    });
    let records = [
        record(0, "completed", Some(0), Some(900_000)),
        record(1, "completed", Some(600_000), Some(601_000)),
    ];
    assert_found(&checker.finish(true, None, Some(&records)), &[]);
}

#[test]
fn a_grant_that_the_queue_does_not_know_of_is_found() {
    let checker = Checker::new(unlimited());
    admit(&checker, 0, SECOND);
    let other = [record(1, "admitted", Some(1_000), Some(9_000))];
    assert_found(
        &checker.finish(true, None, Some(&other)),
        &[Invariant::OneEach],
    );
}
