//! What a ticket that was shown says, and what may be said of its holder.

use super::context::Context;
use super::memory::freshness::Seen;
use super::request::{From, Shown};
use crate::ids::QueueId;
use crate::problem::{Code, Problem};
use crate::queue::event::Holder;
use crate::token::ticket::{ReadTicket, Ticket};
use crate::view::snapshot::{EdgeView, Snapshot};

/// Where a ticket stands, as far as it or a snapshot says. A snapshot of another epoch says nothing: its shuffle
/// is of other entrants.
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
    /// Reads a shown ticket. A missing one is `None`.
    pub(super) async fn read(
        &self,
        id: &QueueId,
        shown: Shown<'_>,
    ) -> Result<Option<ReadTicket>, Problem> {
        match shown.token() {
            Some(token) => self
                .ticket_keys()
                .await?
                .verify(token, id, self.now())
                .map(Some),
            None => Ok(None),
        }
    }

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
        self.exists(id).await?;
        let read = self.read(id, shown).await?.ok_or_else(|| {
            Problem::unauthorized(
                "This call needs the ticket that entering gave, as bearer or cookie.",
            )
        })?;
        let seen = self.view_for(&read.ticket).await?;
        let holder = holder_of(&read.ticket, &seen.value.snapshot);
        Ok((seen, holder))
    }
}
