//! Every way to break a promise is fed to the checker and must be found; a correct history must not be.

use tidegate_core::ids::{AdmissionId, Epoch};

use super::*;
use crate::load::ticket::Place;

const SECOND: Micros = 1_000_000;
const EPOCH: Epoch = Epoch::from_bytes([1; 16]);

fn rules() -> Rules {
    Rules {
        max_active: Some(2),
        rate_per_minute: Some(3),
        max_admissions: Some(4),
        handoff: 120 * SECOND,
        session: 600 * SECOND,
    }
}

fn unlimited() -> Rules {
    Rules {
        max_active: None,
        rate_per_minute: None,
        max_admissions: None,
        ..rules()
    }
}

fn place(index: u64) -> Place {
    Place {
        epoch: EPOCH,
        index,
        position: Some(index),
    }
}

/// Enters shoppers 0, 1, 2 … one after the other, who are given these indices.
fn enter(checker: &Checker, indices: &[u64]) {
    for (shopper, index) in (0..).zip(indices) {
        checker.entries(|entries, found| {
            let floor = entries.asks();
            entries.entered(shopper, floor, place(*index), Some(index + 1), found);
        });
    }
}

fn id(index: u64) -> AdmissionId {
    AdmissionId {
        epoch: EPOCH,
        index,
    }
}

/// A shopper, whose number is their place, claims and is admitted, both at `at`.
fn admit(checker: &Checker, shopper: ShopperNumber, at: Micros) {
    let index = u64::from(shopper);
    checker.admissions(|admissions, found| {
        admissions.claims(shopper, index, index, at);
        admissions.granted(shopper, &id(index).to_string(), at + 1, found);
    });
}

fn wait(checker: &Checker, shopper: ShopperNumber, at: Micros) {
    let index = u64::from(shopper);
    checker.admissions(|admissions, found| {
        admissions.claims(shopper, index, index, at);
        admissions.waits(shopper, at, at + 1, found);
    });
}

fn complete(checker: &Checker, shopper: ShopperNumber, at: Micros) {
    checker.admissions(|admissions, found| {
        admissions.redeemed(shopper, at);
        admissions.ends(shopper);
        admissions.completed(at, found);
    });
}

fn record(index: u64, state: &str, admitted_at: Option<u64>, expires_at: Option<u64>) -> Record {
    Record {
        admission_id: id(index),
        state: state.to_owned(),
        admitted_at,
        redeemed_at: admitted_at,
        expires_at,
    }
}

#[track_caller]
fn assert_found(findings: &Findings, expected: &[Invariant]) {
    let found: Vec<Invariant> = findings.violations.iter().map(|v| v.invariant).collect();
    assert_eq!(found, expected, "{:?}", findings.violations);
}

#[test]
fn a_correct_history_is_beyond_reproach() {
    let checker = Checker::new(rules());
    enter(&checker, &[0, 1, 2, 3]);
    admit(&checker, 0, SECOND);
    admit(&checker, 1, SECOND);
    wait(&checker, 3, 2 * SECOND);
    wait(&checker, 2, 3 * SECOND);
    complete(&checker, 0, 4 * SECOND);
    admit(&checker, 2, 5 * SECOND);
    wait(&checker, 3, 6 * SECOND);
    complete(&checker, 1, 7 * SECOND);
    complete(&checker, 2, 7 * SECOND);
    // 59 s after the first, and so not surely within a minute of it.
    wait(&checker, 3, 61 * SECOND);
    admit(&checker, 3, 62 * SECOND);
    let records = [
        record(0, "completed", Some(1_000), Some(4_000)),
        record(1, "completed", Some(1_000), Some(7_000)),
        record(2, "completed", Some(4_000), Some(7_000)),
        record(3, "redeemed", Some(61_000), Some(661_000)),
    ];
    let findings = checker.finish(true, Some(4), Some(&records));
    assert_found(&findings, &[]);
    assert_eq!(findings.count(), 0);
    assert!(
        findings
            .observations
            .iter()
            .filter(|(_, seen)| *seen > 0)
            .count()
            >= 4
    );
}

#[test]
fn an_index_given_twice_is_found() {
    let checker = Checker::new(rules());
    enter(&checker, &[0, 1, 1]);
    assert_found(
        &checker.finish(true, None, None),
        &[Invariant::UniqueAndDense, Invariant::RealTimeOrder],
    );
}

#[test]
fn a_gap_is_found_where_nobody_else_can_be_in_it() {
    for (alone, expected) in [(true, &[Invariant::UniqueAndDense][..]), (false, &[])] {
        let checker = Checker::new(rules());
        enter(&checker, &[0, 1, 3]);
        assert_found(&checker.finish(alone, None, None), expected);
    }
}

#[test]
fn a_gap_may_be_somebody_whose_answer_was_lost() {
    let checker = Checker::new(rules());
    checker.entries(|entries, _| entries.asks());
    enter(&checker, &[1, 2]);
    assert_found(&checker.finish(true, Some(3), None), &[]);
}

#[test]
fn entries_that_the_queue_counts_and_nobody_made_are_found() {
    for (alone, entered, expected) in [
        (true, 3, &[Invariant::UniqueAndDense][..]),
        (false, 3, &[]),
        (false, 1, &[Invariant::UniqueAndDense]),
    ] {
        let checker = Checker::new(rules());
        enter(&checker, &[0, 1]);
        assert_found(&checker.finish(alone, Some(entered), None), expected);
    }
}

#[test]
fn a_position_that_is_not_the_tickets_is_found() {
    let checker = Checker::new(rules());
    checker.entries(|entries, found| {
        let floor = entries.asks();
        entries.entered(0, floor, place(0), Some(2), found);
    });
    assert_found(
        &checker.finish(true, None, None),
        &[Invariant::UniqueAndDense],
    );
}

#[test]
fn whoever_asked_later_and_stands_before_is_found() {
    let checker = Checker::new(rules());
    enter(&checker, &[1, 0]);
    assert_found(
        &checker.finish(true, None, None),
        &[Invariant::RealTimeOrder],
    );
}

#[test]
fn those_who_asked_at_once_may_stand_either_way() {
    let checker = Checker::new(rules());
    let floors = [0, 1].map(|_| checker.entries(|entries, _| entries.asks()));
    for (shopper, (floor, index)) in (0..).zip(floors.into_iter().zip([1, 0])) {
        checker.entries(|entries, found| {
            entries.entered(shopper, floor, place(index), None, found);
        });
    }
    assert_found(&checker.finish(true, None, None), &[]);
}

#[test]
fn entries_before_the_opening_have_no_order() {
    let checker = Checker::new(rules());
    for (shopper, index) in [(0, 1), (1, 0)] {
        checker.entries(|entries, found| {
            let floor = entries.asks();
            let unplaced = Place {
                position: None,
                ..place(index)
            };
            entries.entered(shopper, floor, unplaced, None, found);
        });
    }
    assert_found(&checker.finish(true, None, None), &[]);
}

#[test]
fn a_second_place_for_one_entry_key_is_found() {
    let checker = Checker::new(rules());
    enter(&checker, &[0]);
    checker.entries(|entries, found| entries.entered_again(0, place(0), found));
    assert_eq!(checker.count(), 0);
    checker.entries(|entries, found| entries.entered_again(0, place(1), found));
    assert_found(&checker.finish(true, None, None), &[Invariant::OneEach]);
}

#[test]
fn a_higher_place_that_came_later_and_went_first_is_found() {
    let checker = Checker::new(unlimited());
    wait(&checker, 0, SECOND);
    admit(&checker, 1, 2 * SECOND);
    wait(&checker, 0, 3 * SECOND);
    assert_found(&checker.finish(true, None, None), &[Invariant::InOrder]);
}

#[test]
fn a_higher_place_goes_first_where_the_lower_one_was_not_there_or_may_be_next() {
    let checker = Checker::new(unlimited());
    // 1 claimed before 0 was present for certain.
    wait(&checker, 1, SECOND);
    wait(&checker, 0, SECOND);
    admit(&checker, 1, 2 * SECOND);
    wait(&checker, 0, 3 * SECOND);
    // 3 was answered only after 2 had asked.
    wait(&checker, 2, 4 * SECOND);
    wait(&checker, 2, 5 * SECOND);
    admit(&checker, 3, 5 * SECOND);
    assert_found(&checker.finish(true, None, None), &[]);
}

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
fn one_more_than_max_active_is_found() {
    let checker = Checker::new(Rules {
        rate_per_minute: None,
        ..rules()
    });
    for shopper in 0..3 {
        admit(&checker, shopper, SECOND);
    }
    assert_found(
        &checker.finish(true, None, None),
        &[Invariant::NeverOverAdmitted],
    );
}

#[test]
fn what_may_have_run_out_is_not_counted_as_held() {
    let checker = Checker::new(Rules {
        rate_per_minute: None,
        ..rules()
    });
    admit(&checker, 0, SECOND);
    admit(&checker, 1, SECOND);
    admit(&checker, 2, 121 * SECOND);
    assert_found(&checker.finish(true, None, None), &[]);
}

#[test]
fn a_snapshot_that_says_too_many_are_active_is_found() {
    let checker = Checker::new(rules());
    checker.admissions(|admissions, found| {
        admissions.says_active(2, found);
        admissions.says_active(3, found);
    });
    assert_found(
        &checker.finish(true, None, None),
        &[Invariant::NeverOverAdmitted],
    );
}

#[test]
fn more_than_the_stock_is_found() {
    let checker = Checker::new(Rules {
        rate_per_minute: None,
        ..rules()
    });
    for shopper in 0..5 {
        admit(&checker, shopper, SECOND);
        complete(&checker, shopper, SECOND);
    }
    // Once with the fifth admission, once with its completion.
    let twice = [Invariant::NeverOverAdmitted; 2];
    assert_found(&checker.finish(true, None, None), &twice);
}

#[test]
fn one_more_than_the_rate_is_found() {
    let checker = Checker::new(Rules {
        max_active: None,
        max_admissions: None,
        ..rules()
    });
    for (shopper, at) in [(0, 1), (1, 20), (2, 40), (3, 59)] {
        admit(&checker, shopper, at * SECOND);
    }
    assert_found(
        &checker.finish(true, None, None),
        &[Invariant::NeverOverAdmitted],
    );
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
fn a_second_admission_of_one_ticket_is_found() {
    let checker = Checker::new(unlimited());
    admit(&checker, 0, SECOND);
    admit(&checker, 0, 2 * SECOND);
    assert_eq!(checker.count(), 0);
    checker.admissions(|admissions, found| {
        admissions.granted(0, "another", 3 * SECOND, found);
    });
    assert_found(&checker.finish(true, None, None), &[Invariant::OneEach]);
}

#[test]
fn one_admission_for_two_tickets_is_found() {
    let checker = Checker::new(unlimited());
    admit(&checker, 0, SECOND);
    checker.admissions(|admissions, found| {
        admissions.claims(1, 1, 1, SECOND);
        admissions.granted(1, &id(0).to_string(), 2 * SECOND, found);
    });
    assert_found(&checker.finish(true, None, None), &[Invariant::OneEach]);
}

#[test]
fn an_admission_taken_back_is_found() {
    let checker = Checker::new(unlimited());
    admit(&checker, 0, SECOND);
    wait(&checker, 0, 2 * SECOND);
    assert_found(&checker.finish(true, None, None), &[Invariant::OneEach]);
}

#[test]
fn a_token_redeemed_twice_is_found() {
    let checker = Checker::new(unlimited());
    checker.admissions(|admissions, found| {
        admissions.redeemed_again(0, 409, found);
        admissions.redeemed_again(1, 503, found);
        admissions.redeemed_again(2, 200, found);
    });
    assert_found(&checker.finish(true, None, None), &[Invariant::OneEach]);
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

#[test]
fn all_violations_are_counted_and_the_first_are_kept() {
    let checker = Checker::new(unlimited());
    for shopper in 0..100 {
        checker.admissions(|admissions, found| admissions.redeemed_again(shopper, 200, found));
    }
    let findings = checker.finish(true, None, None);
    assert_eq!((findings.count(), findings.violations.len()), (100, KEPT));
}

#[test]
fn what_was_concluded_from_other_limits_can_be_taken_back() {
    let checker = Checker::new(rules());
    enter(&checker, &[1, 0]);
    checker.admissions(|admissions, found| admissions.says_active(3, found));
    let mut findings = checker.finish(true, None, None);
    findings.take_back(Invariant::NeverOverAdmitted);
    assert_eq!(findings.count_of(Invariant::NeverOverAdmitted), 0);
    assert_found(&findings, &[Invariant::RealTimeOrder]);
}
