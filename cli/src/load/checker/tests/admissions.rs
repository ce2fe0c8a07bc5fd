//! Invariants 3 to 5 by what shoppers were answered.

use super::*;

#[test]
fn a_higher_place_that_came_later_and_went_first_is_found() {
    let checker = checker_of(unlimited());
    wait(&checker, 0, SECOND);
    admit(&checker, 1, 2 * SECOND);
    wait(&checker, 0, 3 * SECOND);
    assert_found(&checker.finish(true, None, None), &[Invariant::InOrder]);
}

#[test]
fn a_higher_place_goes_first_where_the_lower_one_was_not_there_or_may_be_next() {
    let checker = checker_of(unlimited());
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
fn one_more_than_max_active_is_found() {
    let checker = checker_of(Rules {
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
    let checker = checker_of(Rules {
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
    let checker = checker_of(rules());
    checker.admissions(|admissions, found| {
        admissions.says_active(1, 2, found);
        admissions.says_active(2, 3, found);
    });
    assert_found(
        &checker.finish(true, None, None),
        &[Invariant::NeverOverAdmitted],
    );
}

#[test]
fn more_active_than_the_limit_may_only_grow_fewer() {
    for (seen, expected) in [
        // From before the run began; then those who drain.
        (
            &[(4, 9), (5, 9), (6, 5), (7, 4), (8, 4), (9, 2)][..],
            &[][..],
        ),
        // An older state, told late.
        (&[(7, 3), (6, 5), (8, 2)], &[]),
        (&[(6, 6)], &[Invariant::NeverOverAdmitted]),
        (&[(6, 3), (7, 4)], &[Invariant::NeverOverAdmitted]),
        (&[(6, 1), (7, 3)], &[Invariant::NeverOverAdmitted]),
    ] {
        let start = Start {
            version: 5,
            active: 5,
            ..Start::default()
        };
        let checker = Checker::new(rules(), start);
        for (version, active) in seen {
            checker.admissions(|admissions, found| {
                admissions.says_active(*version, *active, found);
            });
        }
        assert_found(&checker.finish(false, None, None), expected);
    }
}

#[test]
fn more_than_the_stock_is_found() {
    let checker = checker_of(Rules {
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
    let checker = checker_of(Rules {
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
fn a_second_admission_of_one_ticket_is_found() {
    let checker = checker_of(unlimited());
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
    let checker = checker_of(unlimited());
    admit(&checker, 0, SECOND);
    checker.admissions(|admissions, found| {
        admissions.claims(1, 1, 1, SECOND);
        admissions.granted(1, &id(0).to_string(), 2 * SECOND, found);
    });
    assert_found(&checker.finish(true, None, None), &[Invariant::OneEach]);
}

#[test]
fn an_admission_taken_back_is_found() {
    let checker = checker_of(unlimited());
    admit(&checker, 0, SECOND);
    wait(&checker, 0, 2 * SECOND);
    assert_found(&checker.finish(true, None, None), &[Invariant::OneEach]);
}

#[test]
fn a_token_redeemed_twice_is_found() {
    let checker = checker_of(unlimited());
    checker.admissions(|admissions, found| {
        admissions.redeemed_again(0, 409, found);
        admissions.redeemed_again(1, 503, found);
        admissions.redeemed_again(2, 200, found);
    });
    assert_found(&checker.finish(true, None, None), &[Invariant::OneEach]);
}
