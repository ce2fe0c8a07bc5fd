//! Tests.

use super::story::{Story, expect};
use crate::verdict::Promise::RealTimeOrder as THIS;

#[test]
fn who_asked_later_and_stands_before_is_found() {
    expect(
        THIS,
        "d was asked for after entry c was answered, and stands at 2, not behind 3",
        |story| {
            story.place("c", 3);
            story.place("d", 2);
        },
    );
}

#[test]
fn those_who_asked_at_once_may_stand_either_way_and_before_the_opening_there_is_no_order() {
    let mut story = Story::good();
    story.call("enter g 160 200 index=7 position=7");
    story.call("enter h 165 200 index=6 position=6");
    story.snapshots(|snapshot| snapshot.entered = 8);
    story.is_good();
    let mut story =
        Story::of("enter a 0 200 index=1; enter b 50 200 index=0; enter a 90 200 index=1");
    story.is_good();
    story.said("enter", "a").position = Some(1);
    story.said("enter", "b").position = Some(0);
    assert_eq!(story.found(), [THIS]);
}
