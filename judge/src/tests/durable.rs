//! Tests.

use super::story::{Story, T, claim, expect, ledger};
use crate::event::Row;
use crate::promises::durable::*;
use crate::verdict::{Promise::Durable as THIS, Verdict};
use tidegate_core::queue::ClaimState;

#[test]
fn what_was_acknowledged_and_is_lost_is_found() {
    expect(THIS, "index 5 is told Enter: 5 have entered", |story| {
        story.history.audits[0].before.entered = 5;
    });
    expect(THIS, "is lost", |story| {
        story.account(1).remove(3);
    });
    expect(THIS, "its redemption is lost", |story| {
        story.account(0)[1].redeemed_at = None;
    });
    expect(THIS, "it was Completed, and is Some(Expired)", |story| {
        story.account(1)[1].state = ClaimState::Expired;
    });
    expect(THIS, "it was left, and is Some(Admitted)", |story| {
        story.account(1)[0].state = ClaimState::Admitted;
    });
}

#[test]
fn counts_that_forget_or_go_back_are_found() {
    expect(
        THIS,
        "4 admitted by the list, 3 to 3 by the count",
        |story| {
            story.snapshots(|snapshot| snapshot.admitted = snapshot.admitted.min(3));
        },
    );
    expect(
        THIS,
        "1 completed by the list, 0 to 0 by the count",
        |story| {
            story.snapshots(|snapshot| snapshot.completed = 0);
        },
    );
    expect(THIS, "boarding went back from 4 to 3", |story| {
        story.snapshots(|snapshot| {
            if snapshot.boarding == 5 {
                snapshot.boarding = 3;
            }
        });
    });
}

#[test]
fn what_is_done_anew_is_found() {
    expect(THIS, "was given anew", |story| {
        story.account(1)[0].admitted_at = Some(T + 1_006);
    });
    expect(THIS, "the redemption of", |story| {
        story.account(1)[1].redeemed_at = Some(T + 1_086);
    });
    expect(THIS, "entry e had ended, and was served again", |story| {
        story.call("claim e 5100 202");
    });
}

#[test]
fn a_history_without_a_whole_account_is_held_against_the_counts_only() {
    let mut story = Story::good();
    story.history.audits[1].admissions = None;
    story.history.audits[1].after = None;
    story.is_good();
    story.history.audits[1].before.entered = 5;
    assert!(story.found().contains(&THIS));
}

#[test]
fn answers_that_no_row_holds_are_found() {
    let mut ledger = ledger(2);
    ledger.note(&claim(1, ClaimState::Present, None));
    for (index, row, broken) in [
        (1, Row::Says(Some(1)), 0),
        (1, Row::Unseen, 0),
        (1, Row::SaidBefore(None), 1),
        (2, Row::Says(Some(2)), 1),
    ] {
        let mut verdict = Verdict::default();
        entered(&ledger, (3, index, row), &mut verdict);
        assert_eq!(verdict.count(), broken);
    }
    for (index, broken) in [(1, 0), (0, 1)] {
        let mut verdict = Verdict::default();
        stored(
            &ledger,
            (3, index, "wait"),
            |state| state == ClaimState::Present,
            &mut verdict,
        );
        assert_eq!(verdict.count(), broken);
    }
}
