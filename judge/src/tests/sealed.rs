//! Tests.

use super::story::{Story, ledger};
use crate::promises::sealed::*;
use crate::verdict::{Promise::Sealed as THIS, Verdict};

#[test]
fn what_is_forged_and_taken_is_found() {
    for (status, expected) in [
        ("200", &[THIS][..]),
        ("202", &[THIS]),
        ("401", &[]),
        ("503", &[]),
        ("-", &[]),
    ] {
        let mut story = Story::good();
        story.call(&format!("claim x 500 {status}"));
        story.history.calls.last_mut().unwrap().forged = true;
        assert_eq!(story.found(), expected, "{status}");
    }
    let mut verdict = Verdict::default();
    for (accepted, wrote, broken) in [(false, false, 0), (true, false, 1), (false, true, 2)] {
        forged(accepted, wrote, &mut verdict);
        assert_eq!(verdict.count(), broken);
    }
}

#[test]
fn a_record_for_an_index_that_was_never_given_is_found() {
    let ledger = ledger(3);
    for (index, broken) in [(2, 0), (3, 1)] {
        let mut verdict = Verdict::default();
        recorded(&ledger, index, &mut verdict);
        assert_eq!(verdict.count(), broken);
    }
}
