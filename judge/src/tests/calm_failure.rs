//! Tests.

use super::story::Story;
use crate::promises::calm_failure::*;
use crate::verdict::{Promise::CalmFailure as THIS, Verdict};

#[test]
fn an_old_state_that_is_shown_as_fresh_is_found() {
    for (at, stale, expected) in [
        (11_000, "", &[THIS][..]),
        (10_999, "", &[]),
        (11_000, "stale", &[]),
    ] {
        let mut story = Story::good();
        story.call(&format!("status a {at} 200 serverTime=1000 {stale}"));
        assert_eq!(story.found(), expected);
    }
    for (at, stale, broken) in [(7_999, false, 0), (8_000, true, 0), (8_000, false, 1)] {
        let mut verdict = Verdict::default();
        shown(1, at, 0, stale, &mut verdict);
        assert_eq!(verdict.count(), broken);
    }
}
