//! Tests.

use super::story::{Story, claim, expect, ledger};
use crate::event::Row;
use crate::promises::one_each::*;
use crate::verdict::{Promise::OneEach as THIS, Verdict};
use tidegate_core::queue::ClaimState;

#[test]
fn a_second_place_a_second_admission_and_a_shared_one_are_found() {
    expect(THIS, "entry f holds index 5, and was given 6", |story| {
        story.call("enter f 5100 200 index=6 position=6");
        story.snapshots(|snapshot| snapshot.entered += 1);
    });
    expect(THIS, "entry c of index 2 is given the admission", |story| {
        story.call("claim c 3100 200 admission=9");
    });
    expect(THIS, "entry d and entry f were both given", |story| {
        story.call("claim f 5100 200 admission=3");
    });
}

#[test]
fn a_token_that_is_redeemed_twice_is_found_under_two_keys_and_under_none() {
    expect(THIS, "entry b's token was redeemed twice", |story| {
        story
            .history
            .calls
            .iter_mut()
            .find(|call| call.status == Some(409))
            .unwrap()
            .status = Some(200);
    });
    for (calls, expected) in [
        ("redeem b 1100 200 key=1 admission=1", &[][..]),
        ("redeem b 1100 200 admission=1", &[THIS]),
    ] {
        let mut story = Story::good();
        story.call(calls);
        assert_eq!(story.found(), expected, "{calls}");
    }
    let twice =
        "enter a 0 200 index=0; claim a 50 200 admission=0; redeem a 100 200; redeem a 200 200";
    assert_eq!(Story::of(twice).found(), [THIS]);
}

#[test]
fn an_admission_taken_back_one_listed_twice_and_one_that_nobody_claimed_are_found() {
    expect(
        THIS,
        "entry c was admitted, and then told to wait",
        |story| story.call("claim c 5000 202"),
    );
    expect(THIS, "is listed twice", |story| {
        let last = story.account(1)[3].clone();
        story.account(1).push(last);
    });
    expect(
        THIS,
        "index 5 was admitted, and nobody claimed it",
        |story| {
            let mut last = story.account(1)[0].clone();
            last.admission_id.index = 5;
            story.account(1).push(last);
        },
    );
}

#[test]
fn a_record_that_comes_back_or_is_admitted_anew_is_found() {
    use ClaimState::{Admitted, Completed, Expired, Present, Redeemed};
    for (before, after, broken) in [
        ((Present, None), (Admitted, Some(5)), 0),
        ((Admitted, Some(5)), (Redeemed, Some(5)), 0),
        ((Admitted, Some(5)), (Redeemed, Some(6)), 1),
        ((Expired, Some(5)), (Completed, Some(5)), 0),
        ((Expired, Some(5)), (Admitted, Some(5)), 1),
    ] {
        let (mut ledger, mut verdict) = (ledger(1), Verdict::default());
        ledger.note(&claim(0, before.0, before.1));
        let claim = claim(0, after.0, after.1);
        let known = ledger.note(&claim);
        recorded(&known, &claim, &mut verdict);
        assert_eq!(verdict.count(), broken, "{before:?} {after:?}");
    }
}

#[test]
fn another_index_is_given_to_whom_the_queue_knows_as_gone_only() {
    for (state, row, broken) in [
        (ClaimState::Left, Row::Unseen, 0),
        (ClaimState::Present, Row::Unseen, 1),
    ] {
        let (mut each, mut verdict) = (OneEach::default(), Verdict::default());
        let mut ledger = ledger(2);
        ledger.note(&claim(0, state, None));
        each.entered((7, 0, Row::Unseen), &ledger, &mut verdict);
        each.entered((7, 1, row), &ledger, &mut verdict);
        assert_eq!(verdict.count(), broken);
        // And nobody is told an index that they left.
        each.entered((8, 0, Row::Says(Some(0))), &ledger, &mut verdict);
        assert_eq!(verdict.count(), 1);
    }
}
