//! Leaving, as one step. A shopper's leave goes to their lane alone: it marks the entry as leaving,
//! tells the queue, and removes entry and mark once the queue has said that the place is given up.
//!
//! No matter who dies in between, the entry never goes before the queue knows; and while it is
//! marked, it is not believed: an enter that finds the mark first finishes the leave. A leave names
//! an index, so a late copy finds no such entry here, and at the queue a record that has ended.

use super::Entry;
use crate::calls::Reply;
use crate::problem::{Code, Problem};
use crate::queue::Refusal;
use crate::queue::event::Answer;

/// What becomes of an entry that is marked as leaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Its place is given up: remove entry and mark.
    Gone,
    /// The queue refused: the entry stays as it was, without the mark.
    Stays,
    /// The queue did not say: the mark stays, for the next leave or enter.
    Unknown,
}

impl Left {
    /// What follows from the queue's answer.
    pub fn of(reply: &Reply<Answer>) -> Self {
        match reply {
            Ok(_) => Self::Gone,
            Err(problem) if problem.code == Code::Conflict => Self::Stays,
            Err(_) => Self::Unknown,
        }
    }
}

/// Whether a leave of `index` is for this entry: mark it then, and tell the queue. The queue need
/// not be told of any other: it knew before the entry was removed.
pub fn is_for(entry: Option<Entry>, index: u64) -> bool {
    entry.and_then(Entry::index) == Some(index)
}

/// Refuses a leave of an index that this lane never gave; `last` is the first index, and how many
/// were granted, of its last group that does not begin behind it.
pub fn check_given(last: Option<(u64, u32)>, index: u64) -> Result<(), Problem> {
    let is_given = last.is_some_and(|(first, granted)| {
        let place = index.checked_sub(first);
        place.is_some_and(|place| place < u64::from(granted))
    });
    if is_given {
        Ok(())
    } else {
        Err(Refusal::NeverGiven.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ShopperId;
    use crate::lane::{Heard, Lane};
    use crate::queue::event::Called;

    #[test]
    fn a_mark_goes_only_with_an_answer() {
        let refused = |code| Left::of(&Err(Problem::new(code, "")));
        assert_eq!(Left::of(&Ok(Answer::Done)), Left::Gone);
        assert_eq!(refused(Code::Conflict), Left::Stays);
        assert_eq!(refused(Code::ServiceUnavailable), Left::Unknown);
        assert_eq!(refused(Code::InternalError), Left::Unknown);
        assert_eq!(refused(Code::TicketVoid), Left::Unknown);
    }

    #[test]
    fn only_what_a_lane_gave_is_left_there() {
        for (last, index, given) in [
            (Some((4, 3)), 4, true),
            (Some((4, 3)), 6, true),
            (Some((4, 3)), 7, false),
            (Some((4, 0)), 4, false),
            (None, 0, false),
        ] {
            assert_eq!(check_given(last, index).is_ok(), given, "{last:?} {index}");
        }
    }

    #[test]
    fn a_late_leave_is_for_no_newer_entry() {
        let entry = |first| Entry {
            sequence: 2,
            place: 1,
            first,
            leaving: None,
        };
        assert!(is_for(Some(entry(Some(6))), 7));
        assert!(!is_for(Some(entry(Some(8))), 7));
        assert!(!is_for(Some(entry(None)), 7), "it has no index yet");
        assert!(!is_for(None, 7));
    }

    #[test]
    fn an_entry_that_is_leaving_is_not_believed() {
        let shopper = ShopperId::from_bytes([1; 16]);
        for (leaving, heard) in [(Some(7), Heard::Leaving(7)), (Some(3), Heard::Index(7))] {
            let stored = Entry {
                sequence: 1,
                place: 3,
                first: Some(4),
                leaving,
            };
            let mut lane = Lane::default();
            lane.arrive(shopper, Called::default()).unwrap();
            let arrivals = lane.arrivals();
            let told = lane.looked_up(arrivals, |_| Some(stored));
            assert_eq!(told, [(shopper, Ok(heard))]);
        }
    }
}
