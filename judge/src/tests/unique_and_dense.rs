//! Tests.

use super::story::{Story, expect};
use crate::ledger::Ledger;
use crate::promises::unique_and_dense::*;
use crate::verdict::{Promise::UniqueAndDense as THIS, Verdict};
use tidegate_core::queue::LaneMark;

#[test]
fn an_index_that_two_hold_one_that_is_nobodys_and_one_past_the_last_are_found() {
    expect(THIS, "entry a and entry c both hold index 0", |story| {
        story.said("enter", "c").index = Some(0);
    });
    expect(
        THIS,
        "1 of 7 indices are nobody's, the first of them 6",
        |story| {
            story.snapshots(|snapshot| snapshot.entered += 1);
        },
    );
    expect(THIS, "index 5 was given, and the queue counts 5", |story| {
        story.snapshots(|snapshot| snapshot.entered = 5);
    });
    expect(THIS, "position 3, and is shown 4", |story| {
        story.said("enter", "c").shown = Some(4);
    });
}

#[test]
fn who_never_heard_may_hold_an_index_or_none_and_so_may_others_who_are_not_alone() {
    let mut story = Story::good();
    story.call("enter g 150 -");
    story.is_good();
    story.snapshots(|snapshot| snapshot.entered += 1);
    story.is_good();
    story.snapshots(|snapshot| snapshot.entered += 1);
    story.history.queue.alone = false;
    story.is_good();
}

#[test]
fn ranges_and_numbers_of_lanes_are_each_given_once() {
    let found = |given: &[_]| {
        let mut verdict = Verdict::default();
        ranges(given, 9, &mut verdict);
        verdict.count()
    };
    assert_eq!(found(&[(0, 3, 3), (3, 2, 4), (7, 2, 2)]), 0);
    assert_eq!(found(&[(0, 3, 3), (2, 2, 2)]), 1);
    assert_eq!(found(&[(0, 3, 2)]), 1);
    assert_eq!(found(&[(8, 2, 2)]), 1);
    let (mut dense, mut verdict) = (Dense::default(), Verdict::default());
    for (sequence, broken) in [(1, 0), (2, 0), (2, 1)] {
        dense.gathered(3, sequence, &mut verdict);
        assert_eq!(verdict.count(), broken);
    }
}

#[test]
fn a_range_that_does_not_follow_the_last_is_found() {
    let mark = |sequence, first| LaneMark {
        lane: 0,
        sequence,
        count: 2,
        first,
        granted: 2,
        total: 2,
    };
    for (second, broken) in [(mark(2, 2), 0), (mark(2, 3), 1), (mark(1, 2), 1)] {
        let (mut ledger, mut verdict) = (Ledger::default(), Verdict::default());
        for mark in [mark(1, 0), second] {
            leased(&mut ledger, &mark, &mut verdict);
        }
        assert_eq!(verdict.count(), broken);
    }
}
