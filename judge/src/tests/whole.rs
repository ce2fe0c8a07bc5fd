//! Tests.

use super::story::Story;
use crate::*;

#[test]
fn a_history_in_which_all_went_well_shows_no_violation_and_is_looked_at_in_full() {
    let verdict = judge(&Story::good().history);
    assert_eq!(verdict.violations, []);
    for promise in [
        Promise::UniqueAndDense,
        Promise::RealTimeOrder,
        Promise::InOrder,
        Promise::NeverOverAdmitted,
        Promise::OneEach,
        Promise::Durable,
        Promise::Recomputable,
    ] {
        assert!(verdict.observed(promise) > 0, "{promise:?}");
    }
}

#[test]
fn all_violations_are_counted_and_the_first_are_kept() {
    let mut story = Story::good();
    for number in 0..30 {
        story.call(&format!("claim x{number} 500 200"));
        story.history.calls.last_mut().unwrap().forged = true;
    }
    let verdict = judge(&story.history);
    assert_eq!((verdict.count(), verdict.violations.len()), (30, 20));
    assert_eq!(verdict.count_of(Promise::Sealed), 30);
}

#[test]
fn what_is_of_another_epoch_is_left_out() {
    let mut story = Story::good();
    story.call("enter g 5100 200 index=0 position=0");
    assert_ne!(story.found(), []);
    let [ours, other] = [1, 2].map(|byte| Some(tidegate_core::ids::Epoch::from_bytes([byte; 16])));
    for call in &mut story.history.calls {
        call.said.epoch = call.said.index.and(ours);
    }
    story.history.calls.last_mut().unwrap().said.epoch = other;
    story.is_good();
}

#[test]
fn of_what_happens_the_first_violation_is_told_at_once() {
    let mut judge = Judge::default();
    assert_eq!(
        judge.see(Event::Asked {
            reader: Reader::Edge(1),
            at: 0
        }),
        Ok(())
    );
    let asked = judge.see(Event::Asked {
        reader: Reader::Edge(1),
        at: 10,
    });
    assert_eq!(asked.unwrap_err().promise, Promise::PollsAreFree);
    assert_eq!(judge.see(Event::Restored), Ok(()));
}
