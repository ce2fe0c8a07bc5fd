//! Invariants 1 and 2, and entering twice.

use super::*;

#[test]
fn an_index_given_twice_is_found() {
    let checker = checker_of(rules());
    enter(&checker, &[0, 1, 1]);
    assert_found(
        &checker.finish(true, None, None),
        &[Invariant::UniqueAndDense, Invariant::RealTimeOrder],
    );
}

#[test]
fn a_gap_is_found_where_nobody_else_can_be_in_it() {
    for (alone, expected) in [(true, &[Invariant::UniqueAndDense][..]), (false, &[])] {
        let checker = checker_of(rules());
        enter(&checker, &[0, 1, 3]);
        assert_found(&checker.finish(alone, None, None), expected);
    }
}

#[test]
fn a_gap_may_be_somebody_whose_answer_was_lost() {
    let checker = checker_of(rules());
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
        let checker = checker_of(rules());
        enter(&checker, &[0, 1]);
        assert_found(&checker.finish(alone, Some(entered), None), expected);
    }
}

#[test]
fn a_position_that_is_not_the_tickets_is_found() {
    let checker = checker_of(rules());
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
    let checker = checker_of(rules());
    enter(&checker, &[1, 0]);
    assert_found(
        &checker.finish(true, None, None),
        &[Invariant::RealTimeOrder],
    );
}

#[test]
fn those_who_asked_at_once_may_stand_either_way() {
    let checker = checker_of(rules());
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
    let checker = checker_of(rules());
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
    let checker = checker_of(rules());
    enter(&checker, &[0]);
    checker.entries(|entries, found| entries.entered_again(0, place(0), found));
    assert_eq!(checker.count(), 0);
    checker.entries(|entries, found| entries.entered_again(0, place(1), found));
    assert_found(&checker.finish(true, None, None), &[Invariant::OneEach]);
}
