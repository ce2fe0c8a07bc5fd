//! Tests.

use super::story::{Story, T, expect};
use crate::history::{Snapshot, Start};
use crate::limits::Limits;
use crate::verdict::Promise::NeverOverAdmitted as THIS;

#[test]
fn a_snapshot_that_says_too_many_is_found() {
    expect(THIS, "a snapshot says 3 active", |story| {
        story.history.audits[1].after.as_mut().unwrap().active = 3;
    });
    expect(THIS, "a snapshot says 3 completed or active", |story| {
        story.history.queue.limits.max_admissions = Some(2);
    });
}

#[test]
fn more_active_than_the_limit_may_only_grow_fewer() {
    let one: &[_] = &[THIS];
    for (seen, expected) in [
        // From before the history began; then those who drain.
        (
            &[(4, 9), (5, 9), (6, 5), (7, 4), (8, 4), (9, 2)][..],
            &[][..],
        ),
        // An older state, told late.
        (&[(7, 3), (6, 5), (8, 2)], &[]),
        (&[(6, 6)], one),
        (&[(6, 3), (7, 4)], one),
        (&[(6, 1), (7, 3)], one),
    ] {
        let mut story = Story::of("");
        story.history.queue.alone = false;
        let state = |(version, active): (u64, u64)| Snapshot {
            active,
            version,
            ..Snapshot::default()
        };
        story.history.start = Some(Start {
            snapshot: state((5, 5)),
            held: Vec::new(),
        });
        story.history.snapshots = seen.iter().copied().map(state).collect();
        assert_eq!(story.found(), expected, "{seen:?}");
    }
}

#[test]
fn what_the_queues_own_times_show_is_found() {
    expect(
        THIS,
        "3 were active at 1795000003004, of at most 2",
        |story| {
            story.account(1)[2].admitted_at = Some(T + 3_004);
        },
    );
    expect(
        THIS,
        "3 were completed or active at 1795000003005, of at most 2",
        |story| {
            story.history.queue.limits.max_admissions = Some(2);
            story.snapshots(|snapshot| snapshot.active = snapshot.active.min(1));
        },
    );
    expect(
        THIS,
        "4 were admitted within the minute before 1795000004005, of at most 3",
        |story| {
            story.history.queue.limits.rate = Some(3);
        },
    );
}

#[test]
fn the_window_of_a_rate_is_half_open() {
    for (last, expected) in [(60_999, &[THIS][..]), (61_000, &[])] {
        let mut story = Story::of("");
        story.history.queue.limits = Limits {
            rate: Some(2),
            ..Limits::default()
        };
        story.history.queue.alone = false;
        story.audit(
            90_000,
            &format!("0 left 1000 1001; 1 left 1000 1001; 2 left {last} 62000"),
        );
        assert_eq!(story.found(), expected);
    }
}

#[test]
fn a_completion_counts_after_its_time_ran_out_and_takes_no_slot_meanwhile() {
    let mut story = Story::good();
    story.history.queue.limits.session_seconds = Some(1);
    story.account(1)[2].admitted_at = Some(T + 2_600);
    story.is_good();
    // By what was told, where durations are not known.
    story.history.queue.limits.session_seconds = None;
    assert_eq!(story.found(), [THIS]);
    for verb in ["claim", "redeem"] {
        story.said(verb, "b").expires_at = Some(T + 2_500);
    }
    story.is_good();
}

#[test]
fn what_was_admitted_under_a_higher_limit_may_drain_and_counts_until_it_surely_ended() {
    let history = |most, held: &str, account: &str| {
        let mut story = Story::of("");
        story.history.queue.limits = Limits {
            max_active: Some(most),
            ..story.history.queue.limits
        };
        story.history.queue.alone = false;
        story.audit(0, held);
        let held = story.history.audits.remove(0).admissions.unwrap();
        let snapshot = Snapshot {
            server_time: T + 100_000,
            active: 3,
            ..Snapshot::default()
        };
        story.history.start = Some(Start { snapshot, held });
        story.audit(900_000, account);
        story.found()
    };
    let held = "0 admitted 99000 400000; 1 admitted 99000 400000; 2 admitted 99000 400000";
    for (at, expected) in [(109_999, &[THIS][..]), (110_000, &[])] {
        let account = format!(
            "0 completed 99000 101000; 1 completed 99000 102000; 2 completed 99000 110000; 3 \
             expired {at} 230000"
        );
        assert_eq!(history(1, held, &account), expected);
    }
    for (third, at, expected) in [
        ("2 completed 90000 500000", 399_999, &[THIS][..]),
        // Their time had run out, and the completion came late.
        ("2 completed 90000 500000", 400_000, &[]),
        // It was redeemed meanwhile; the two others may have ended.
        ("2 completed 90000 500000 150000", 400_000, &[]),
        // It was not held when the history began, whatever became of it since.
        ("8 completed 90000 500000", 399_999, &[]),
    ] {
        let account = format!(
            "0 completed 90000 500000; 1 completed 90000 500000; {third}; 3 expired {at} 401000"
        );
        assert_eq!(history(3, held, &account), expected, "{third} {at}");
    }
}

#[test]
fn what_clients_held_at_once_completed_and_were_granted_in_a_minute_is_found() {
    expect(
        THIS,
        "clients held 3 admissions at once, of at most 2",
        |story| {
            story.resent("claim", "d", 2_900);
        },
    );
    expect(
        THIS,
        "clients held or completed 1 admissions, of at most 0",
        |story| {
            story.history.queue.limits.max_admissions = Some(0);
        },
    );
    expect(
        THIS,
        "clients were granted 4 admissions within 60 s, of at most Some(3)",
        |story| {
            story.history.queue.limits.rate = Some(3);
        },
    );
}

#[test]
fn what_may_have_run_out_is_not_counted_as_held() {
    for (third, expected) in [(121_100, &[][..]), (120_000, &[THIS])] {
        let mut story = Story::of("");
        for (entry, at) in [("a", 1_000), ("b", 1_000), ("c", third)] {
            let index = u64::from(entry.as_bytes()[0] - b'a');
            story.call(&format!("enter {entry} {} 200 index={index}", index * 20));
            story.call(&format!("claim {entry} {at} 200 admission={index}"));
        }
        assert_eq!(story.found(), expected);
    }
}
