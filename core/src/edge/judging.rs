//! Whether a view can say what becomes of a ticket. An edge may not have heard yet of the newest
//! epoch of a queue, and a client throws away a ticket that is called void: so only a view that is
//! surely newer may call it so.

use crate::UnixMillis;
use crate::problem::{Code, Problem};
use crate::token::ticket::Ticket;
use crate::view::snapshot::Snapshot;

/// How far the clocks of edges and of a queue's object may be apart.
const SKEW_MILLIS: u64 = 2_000;

/// What a view says of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// They are of one epoch of the queue.
    OneEpoch,
    /// The ticket's epoch is over: the view is newer than the ticket, and of another.
    Void,
    /// They are of two epochs, and the ticket's may be the newer: a newer view will tell.
    Unsure,
}

/// Judges a ticket by a snapshot that an edge fetched at `fetched_at`, by its own clock, which
/// signed the ticket.
pub fn judge(ticket: &Ticket, snapshot: &Snapshot, fetched_at: UnixMillis) -> Judgement {
    // The queue's clock may be ahead, and a relay may hand out what it took a while ago: both must
    // be later.
    let taken_at = snapshot.server_time.min(fetched_at);
    if snapshot.epoch == ticket.epoch {
        Judgement::OneEpoch
    } else if ticket.issued_at.saturating_add(SKEW_MILLIS) < taken_at {
        Judgement::Void
    } else {
        Judgement::Unsure
    }
}

impl Judgement {
    /// Refuses a ticket that is not of the view's epoch.
    pub fn check(self) -> Result<(), Problem> {
        match self {
            Self::OneEpoch => Ok(()),
            Self::Void => Err(Problem::new(
                Code::TicketVoid,
                "The queue was reset since this ticket was given; enter again.",
            )),
            Self::Unsure => Err(Problem::new(
                Code::ServiceUnavailable,
                "What is known here of the queue is older than this ticket; try again, and keep the ticket.",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fair::Fresh;
    use crate::ids::{Epoch, ShopperId};
    use crate::queue::{Answer, Event, handle};

    const NOW: UnixMillis = 1_800_000_000_000;

    fn snapshot(life: u8, server_time: UnixMillis) -> Snapshot {
        let put = Event::Put {
            id: "lamp".parse().unwrap(),
            config: serde_json::json!({ "maxActive": 1 }),
            fresh: Fresh::known(Epoch::from_bytes([life; 16])),
        };
        let mut machine = None;
        handle(&mut machine, put, None, server_time).answer.unwrap();
        match handle(&mut machine, Event::View, None, server_time).answer {
            Ok(Answer::View(view)) => view.snapshot,
            other => panic!("a view, not {other:?}"),
        }
    }

    fn ticket(life: u8, issued_at: UnixMillis) -> Ticket {
        Ticket {
            queue: "lamp".parse().unwrap(),
            epoch: Epoch::from_bytes([life; 16]),
            shopper: ShopperId::from_bytes([2; 16]),
            index: 0,
            position: None,
            issued_at,
        }
    }

    #[test]
    fn a_ticket_of_the_view_s_life_is_good_however_old_either_is() {
        for issued_at in [0, NOW, NOW * 2] {
            assert_eq!(
                judge(&ticket(1, issued_at), &snapshot(1, NOW), NOW),
                Judgement::OneEpoch
            );
        }
    }

    #[test]
    fn only_a_view_that_is_surely_newer_makes_a_ticket_void() {
        let cases = [
            (NOW - 60_000, NOW, NOW, Code::TicketVoid),
            // Of an old epoch, and the ticket of the one that came after.
            (NOW + 5_000, NOW, NOW, Code::ServiceUnavailable),
            (NOW, NOW, NOW, Code::ServiceUnavailable),
            (NOW - 1_000, NOW, NOW, Code::ServiceUnavailable),
            // The queue's clock is ahead of the edge's, or what was fetched lay somewhere for long.
            (NOW, NOW + 90_000, NOW, Code::ServiceUnavailable),
            (NOW, NOW - 3_600_000, NOW + 10_000, Code::ServiceUnavailable),
        ];
        for (issued_at, server_time, fetched_at, code) in cases {
            let judged = judge(&ticket(2, issued_at), &snapshot(1, server_time), fetched_at);
            let refused = judged.check().unwrap_err();
            assert_eq!(refused.code, code, "{issued_at} {server_time} {fetched_at}");
            let retry = refused.retry_after_seconds;
            assert_eq!(retry.is_some(), code == Code::ServiceUnavailable);
        }
    }
}
