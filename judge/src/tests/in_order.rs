//! Tests.

use super::story::{Story, T, expect};
use crate::Judge;
use crate::event::{Event, Reader};
use crate::ledger::Ledger;
use crate::promises::in_order::*;
use crate::verdict::{Promise::InOrder as THIS, Verdict};

#[test]
fn a_grant_past_somebody_present_is_found_by_the_queues_own_times() {
    expect(
        THIS,
        "position 3 was admitted at 1795000003000 while 2 was present",
        |story| {
            story.account(1)[3].admitted_at = Some(T + 3_000);
        },
    );
    expect(
        THIS,
        "position 3 was admitted at 1795000004005 while 2 was present",
        |story| {
            story.account(1).remove(2);
            story
                .history
                .calls
                .retain(|call| call.said.admission_id != Some(Story::id(2)));
            story.snapshots(|snapshot| snapshot.admitted = snapshot.admitted.min(3));
        },
    );
}

#[test]
fn who_comes_in_the_millisecond_of_a_grant_or_let_their_presence_lapse_may_be_passed_over() {
    let mut story = Story::good();
    let wait = story
        .history
        .calls
        .iter_mut()
        .find(|call| call.status == Some(202) && call.entry == "c");
    wait.unwrap().said.server_time = Some(T + 3_005);
    story.account(1)[2].admitted_at = Some(T + 4_005);
    story.account(1)[3].admitted_at = Some(T + 3_005);
    story.said("claim", "c");
    story.answered("claim", "c", 4_050);
    story.is_good();
    for (after, expected) in [(50_000, &[THIS][..]), (150_000, &[])] {
        let mut story = Story::of(
            "enter a 0 200 index=0; enter b 20 200 index=1; claim a 1000 202 serverTime=1005",
        );
        story.history.queue.alone = false;
        story.call(&format!("claim b {after} 200 admission=1"));
        story.audit(200_000, &format!("1 admitted {} 400000", after + 5));
        assert_eq!(story.found(), expected);
    }
}

#[test]
fn who_still_waits_while_somebody_behind_came_later_and_went_first_is_found_by_answers_alone() {
    let entered = "enter a 0 200 index=0; enter b 20 200 index=1; claim a 1000 202";
    for (rest, expected) in [
        (
            "claim b 2000 200 admission=1; claim a 3000 202",
            &[THIS][..],
        ),
        // b claimed before a was present for certain.
        (
            "claim b 1005 202; claim b 2000 200 admission=1; claim a 3000 202",
            &[],
        ),
        // b may have been admitted after a was next.
        ("claim b 2995 200 admission=1; claim a 3000 202", &[]),
        // a may have been away meanwhile.
        ("claim b 2000 200 admission=1; claim a 90000 202", &[]),
    ] {
        assert_eq!(
            Story::of(&format!("{entered}; {rest}")).found(),
            expected,
            "{rest}"
        );
    }
}

#[test]
fn boarding_that_goes_back_or_past_the_last_is_found() {
    for (boarding, broken) in [(5, 0), (9, 0), (4, 1), (10, 1)] {
        let (mut ledger, mut verdict) = (Ledger::default(), Verdict::default());
        ledger.boarding = 5;
        boarded(&mut ledger, boarding, 9, &mut verdict);
        assert_eq!(verdict.count(), broken);
    }
}

#[test]
fn an_edge_that_shows_fewer_called_up_than_before_is_found_unless_it_began_anew() {
    let shown = |edge, boarding| Event::Shown {
        edge,
        at: 0,
        taken: 0,
        boarding,
        stale: false,
    };
    let mut judge = Judge::default();
    assert_eq!(judge.see(shown(1, 5)), Ok(()));
    assert_eq!(judge.see(shown(2, 4)), Ok(()), "another edge");
    let broken = judge.see(shown(1, 4)).map_err(|broken| broken.promise);
    assert_eq!(broken, Err(THIS));
    assert_eq!(judge.see(Event::Forgot(Reader::Edge(1))), Ok(()));
    assert_eq!(judge.see(shown(1, 0)), Ok(()));
}
