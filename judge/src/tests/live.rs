//! Tests.

use super::story::Story;
use crate::history::Snapshot;
use crate::verdict::Promise::Live as THIS;
use tidegate_core::view::snapshot::Phase;

#[test]
fn boarding_that_stands_while_slots_are_free_and_people_wait_is_found() {
    let idle = Snapshot {
        phase: Some(Phase::Open),
        entered: 9,
        boarding: 3,
        waiting: 6,
        version: 4,
        ..Snapshot::default()
    };
    let later = |change: &dyn Fn(&mut Snapshot)| {
        let mut later = Snapshot {
            server_time: 60_001,
            ..idle.clone()
        };
        change(&mut later);
        let mut story = Story::of("");
        story.history.queue.alone = false;
        story.history.snapshots = vec![idle.clone(), later];
        story.found()
    };
    assert_eq!(later(&|_| {}), [THIS]);
    assert_eq!(later(&|later| later.server_time = 60_000), []);
    assert_eq!(later(&|later| later.version = 5), []);
    assert_eq!(later(&|later| later.present = 1), []);
    assert_eq!(later(&|later| later.active = 2), []);
    assert_eq!(later(&|later| later.phase = Some(Phase::Paused)), []);
    assert_eq!(later(&|later| later.waiting = 0), []);
}
