//! What a ticket that was shown says, and what may be said of its holder.

use super::context::Context;
use super::memory::freshness::Seen;
use super::request::{From, Shown};
use crate::ids::QueueId;
use crate::problem::{Code, Problem};
use crate::queue::event::Holder;
use crate::token::ticket::Ticket;
use crate::view::snapshot::{EdgeView, Snapshot};

/// Where a ticket stands, as far as it or a snapshot says. A snapshot of another epoch says
/// nothing: its shuffle is of other entrants.
pub(super) fn position_of(ticket: &Ticket, snapshot: &Snapshot) -> Option<u64> {
    let known = || {
        let is_its_own = snapshot.epoch == ticket.epoch;
        is_its_own.then(|| snapshot.shuffle.position(ticket.index))?
    };
    ticket.position.or_else(known)
}

/// What a ticket says of its holder to the queue.
pub(super) fn holder_of(ticket: &Ticket, snapshot: &Snapshot) -> Holder {
    Holder {
        epoch: ticket.epoch,
        index: ticket.index,
        position: position_of(ticket, snapshot),
        shopper: ticket.shopper,
    }
}

impl Context {
    /// Refuses a changing call by cookie that this site's own pages did not make.
    pub(super) fn check_same_origin(&self, shown: Shown<'_>) -> Result<(), Problem> {
        let by_cookie = matches!(shown, Shown::Cookie(_));
        if by_cookie && self.request.from() != From::Here {
            return Err(Problem::new(
                Code::Forbidden,
                "A changing call by cookie needs this site's own Origin; send the ticket as bearer instead.",
            ));
        }
        Ok(())
    }

    /// Whose ticket was shown, and the view of the epoch that it is of.
    pub(super) async fn judged(
        &self,
        id: &QueueId,
        shown: Shown<'_>,
    ) -> Result<(Seen<EdgeView>, Holder), Problem> {
        let ticket = self.shown_ticket(id, shown).await?;
        self.judged_by(&ticket).await
    }

    /// The ticket that was shown, where one must be.
    pub(super) async fn shown_ticket(
        &self,
        id: &QueueId,
        shown: Shown<'_>,
    ) -> Result<Ticket, Problem> {
        self.exists(id).await?;
        let read = self.read(id, shown).await?.ok_or_else(|| {
            Problem::unauthorized(
                "This call needs the ticket that entering gave, as bearer or cookie.",
            )
        })?;
        Ok(read.ticket)
    }

    /// Whose a ticket is, and the view of the epoch that it is of.
    pub(super) async fn judged_by(
        &self,
        ticket: &Ticket,
    ) -> Result<(Seen<EdgeView>, Holder), Problem> {
        let seen = self.view_for(ticket).await?;
        let holder = holder_of(ticket, &seen.value.snapshot);
        Ok((seen, holder))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fair::{Fresh, Root};
    use crate::ids::{Epoch, ShopperId};
    use crate::queue::{Event, handle};

    const OURS: Epoch = Epoch::from_bytes([1; 16]);
    const OTHER: Epoch = Epoch::from_bytes([2; 16]);

    /// A snapshot of a queue of this epoch that has opened with eight entrants.
    fn opened(epoch: Epoch) -> Snapshot {
        let mut queue = None;
        let put = Event::Put {
            id: "lamp".parse().unwrap(),
            config: json!({"maxActive": 1, "entryOpensAt": 1, "opensAt": 1_000}),
            fresh: Fresh::known(epoch),
        };
        let lease = Event::Lease {
            epoch,
            lane: 0,
            sequence: 1,
            count: 8,
            root: Root::from_bytes([7; 32]),
        };
        handle(&mut queue, put, None, 10).answer.unwrap();
        handle(&mut queue, lease, None, 20).answer.unwrap();
        handle(&mut queue, Event::Wake, None, 1_000).answer.unwrap();
        queue.unwrap().snapshot(1_000)
    }

    fn ticket(index: u64, position: Option<u64>) -> Ticket {
        Ticket {
            queue: "lamp".parse().unwrap(),
            epoch: OURS,
            shopper: ShopperId::from_bytes([3; 16]),
            index,
            position,
            issued_at: 0,
        }
    }

    #[test]
    fn a_position_is_the_ticket_s_or_its_own_epoch_s_shuffle_s() {
        let (ours, others) = (opened(OURS), opened(OTHER));
        let places = (0..8).map(|index| position_of(&ticket(index, None), &ours));
        let mut places: Vec<u64> = places.map(Option::unwrap).collect();
        places.sort_unstable();
        assert_eq!(places, [0, 1, 2, 3, 4, 5, 6, 7]);
        for index in 0..8 {
            assert!(
                others.shuffle.position(index).is_some(),
                "it could be computed"
            );
            assert_eq!(position_of(&ticket(index, None), &others), None);
            assert_eq!(position_of(&ticket(index, Some(5)), &others), Some(5));
        }
    }
}
