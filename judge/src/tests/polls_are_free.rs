//! Tests.

use super::story::Story;
use crate::history::{Asked, Micros};
use crate::verdict::Promise::PollsAreFree as THIS;

#[test]
fn a_reader_that_asks_twice_within_a_second_is_found() {
    for (number, at, expected) in [(1, 999, &[THIS][..]), (1, 1_000, &[]), (2, 5, &[])] {
        let mut story = Story::good();
        let asked = |number, at: u64| Asked {
            relay: true,
            number,
            at: Micros(at * 1_000),
        };
        story.history.asked = vec![asked(1, 0), asked(number, at)];
        assert_eq!(story.found(), expected);
    }
}
