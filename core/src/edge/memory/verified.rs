//! Tickets that an isolate has verified. A shopper shows the same ticket at every poll, and to
//! verify it costs more than all the rest of a status: some 10 of 15 µs. Its digest costs 2.

use std::cell::RefCell;

use hmac_sha256::Hash;

use super::recent::Recent;
use crate::edge::context::Context;
use crate::edge::request::Shown;
use crate::ids::QueueId;
use crate::problem::Problem;
use crate::token::TOKEN_MAX;
use crate::token::keys::Reach;
use crate::token::ticket::ReadTicket;

/// How many tickets are remembered, in some 6 MB: an isolate that answers 3,000 polls a second
/// still knows who polled ten seconds ago.
const TICKETS_MAX: usize = 32_768;

/// The tickets by their SHA-256, and where their keys are good: no two tokens have the same, and
/// the time that a search takes tells nothing of a token.
pub(in crate::edge) struct Verified(RefCell<Recent<[u8; 32], (Reach, ReadTicket)>>);

impl Default for Verified {
    fn default() -> Self {
        Self(RefCell::new(Recent::of_at_most(TICKETS_MAX)))
    }
}

impl Context {
    /// Reads a shown ticket. A missing one is `None`.
    pub(in crate::edge) async fn read(
        &self,
        id: &QueueId,
        shown: Shown<'_>,
    ) -> Result<Option<ReadTicket>, Problem> {
        let Some(token) = shown.token() else {
            return Ok(None);
        };
        let (reach, now) = (self.request.reach(), self.now());
        if token.len() > TOKEN_MAX {
            return self.ticket_keys().await?.verify(token, id, now).map(Some);
        }
        let digest = Hash::hash(token.as_bytes());
        if let Some((of, read)) = self.isolate.verified.0.borrow().get(digest, now)
            && (*of, &read.ticket.queue) == (reach, id)
        {
            return Ok(Some(read.clone()));
        }
        let read = self.ticket_keys().await?.verify(token, id, now)?;
        let mut verified = self.isolate.verified.0.borrow_mut();
        verified.put(digest, (reach, read.clone()), read.expires_at);
        Ok(Some(read))
    }
}
