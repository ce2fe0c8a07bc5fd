//! Tests.

use tidegate_core::fair::{Commitment, Seed};
use tidegate_core::view::snapshot::Shuffle;

use super::story::Story;
use crate::verdict::Promise::Recomputable as THIS;

#[test]
fn a_position_that_does_not_follow_from_the_shuffle_and_a_new_commitment_are_found() {
    let mut story = Story::of(
        "enter a 0 200 index=0; enter b 1 200 index=1; enter c 2 200 index=2; enter d 40 200 \
         index=3",
    );
    let shuffle = Shuffle {
        commitment: Some(Commitment::from_bytes([1; 32])),
        seed: Some(Seed::from_bytes([7; 32])),
        entrants: Some(3),
        ..Shuffle::default()
    };
    story.audit(900, "");
    story.snapshots(|snapshot| {
        snapshot.entered = 4;
        snapshot.shuffle = shuffle.clone();
    });
    for (entry, index) in [("a", 0), ("b", 1), ("c", 2), ("d", 3)] {
        story.place(entry, shuffle.position(index).unwrap());
    }
    story.is_good();
    let position = shuffle.position(0).unwrap();
    story.place("a", (position + 1) % 3);
    assert_eq!(story.found(), [THIS]);
    story.place("a", position);
    story.history.audits[0]
        .after
        .as_mut()
        .unwrap()
        .shuffle
        .commitment = Some(Commitment::from_bytes([2; 32]));
    assert_eq!(story.found(), [THIS]);
}
