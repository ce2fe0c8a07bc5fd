//! Tickets that an isolate has verified. A shopper shows the same ticket at every poll, and to check
//! its signature costs more than all the rest of a status: some 10 of 15 µs.

use std::cell::{OnceCell, RefCell};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::recent::Recent;
use crate::edge::context::Context;
use crate::edge::request::Shown;
use crate::ids::QueueId;
use crate::problem::Problem;
use crate::token::keys::Reach;
use crate::token::ticket::ReadTicket;

/// How many bytes a signature has: the end of a token, and like no other's.
const SIGNATURE: usize = 43;

/// See the module's documentation.
#[derive(Default)]
pub(in crate::edge) struct Verified {
    /// By a digest of the signature that nobody outside can compute. Signatures of one digest do
    /// not come to be by chance, so the time that a comparison takes says nothing of a token to
    /// anybody who does not hold it.
    tickets: RefCell<Recent<u64, (Reach, String, ReadTicket)>>,
    seed: OnceCell<[u8; 16]>,
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
        let digest = self.digest(token)?;
        if let Some((of, known, read)) = self.isolate.verified.tickets.borrow().get(digest, now)
            && (*of, known.as_str(), &read.ticket.queue) == (reach, token, id)
        {
            return Ok(Some(read.clone()));
        }
        let read = self.ticket_keys().await?.verify(token, id, now)?;
        let (value, until) = ((reach, token.to_owned(), read.clone()), read.expires_at);
        let mut tickets = self.isolate.verified.tickets.borrow_mut();
        tickets.put(digest, value, until);
        Ok(Some(read))
    }

    fn digest(&self, token: &str) -> Result<u64, Problem> {
        let seed = &self.isolate.verified.seed;
        if seed.get().is_none() {
            let _ = seed.set(self.isolate.bytes()?);
        }
        let mut hasher = DefaultHasher::new();
        seed.get().hash(&mut hasher);
        token.as_bytes().rchunks(SIGNATURE).next().hash(&mut hasher);
        Ok(hasher.finish())
    }
}
