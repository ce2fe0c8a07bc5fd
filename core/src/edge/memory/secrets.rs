//! The secrets, read from their bindings once an isolate: one that changes makes a new isolate.

use std::cell::RefCell;
use std::rc::Rc;

use crate::edge::context::Context;
use crate::edge::isolate::Isolate;
use crate::edge::pending::{Demand, Supply};
use crate::problem::{Code, Problem};
use crate::token::access::AccessKeys;
use crate::token::handoff::HandoffKeys;
use crate::token::identity::IdentityKeys;
use crate::token::keys::{Reach, read_shopper_key};
use crate::token::ticket::TicketKeys;

/// What was read, for each reach that it was read for.
type Kept<T> = RefCell<Vec<(Reach, Rc<T>)>>;

/// The secrets that an isolate has read.
#[derive(Default)]
pub(in crate::edge) struct Secrets {
    ticket: Kept<TicketKeys>,
    handoff: Kept<HandoffKeys>,
    shopper: Kept<[u8; 32]>,
    identity: Kept<IdentityKeys>,
    admin: Kept<AccessKeys>,
    origin: Kept<AccessKeys>,
}

/// What drivers do with the handoff keys that some request has read.
impl Isolate {
    /// The private half of the key with this `x`, as a JWK: for signatures by the platform.
    pub fn private_jwk(&self, x: &str) -> Option<String> {
        let kept = self.secrets.handoff.borrow();
        let mut found = kept.iter().filter_map(|(_, keys)| keys.private_jwk(x));
        found.next().map(|jwk| jwk.to_string())
    }

    /// Meets [`Demand::Sign`].
    pub fn signature(&self, x: &str, input: &str) -> Option<String> {
        let kept = self.secrets.handoff.borrow();
        kept.iter().find_map(|(_, keys)| keys.signature(x, input))
    }

    /// Meets [`Demand::Verify`].
    pub fn is_signature(&self, x: &str, input: &str, signature: &str) -> bool {
        let kept = self.secrets.handoff.borrow();
        kept.iter()
            .any(|(_, keys)| keys.is_signature(x, input, signature))
    }
}

impl Context {
    /// The keys that sign tickets.
    pub(in crate::edge) async fn ticket_keys(&self) -> Result<Rc<TicketKeys>, Problem> {
        let kept = &self.isolate.secrets.ticket;
        self.keys(kept, "TICKET_KEYS", |_, text, reach| {
            TicketKeys::read(text, reach)
        })
        .await
    }

    /// The keys that sign handoff tokens.
    pub(in crate::edge) async fn handoff_keys(&self) -> Result<Rc<HandoffKeys>, Problem> {
        let kept = &self.isolate.secrets.handoff;
        self.keys(kept, "HANDOFF_KEYS", |_, text, reach| {
            HandoffKeys::read(text, reach)
        })
        .await
    }

    /// The key that names shoppers.
    pub(in crate::edge) async fn shopper_key(&self) -> Result<Rc<[u8; 32]>, Problem> {
        let kept = &self.isolate.secrets.shopper;
        self.keys(kept, "SHOPPER_KEY", |_, text, reach| {
            read_shopper_key(text, reach)
        })
        .await
    }

    /// The keys that the merchant signs identities with.
    pub(in crate::edge) async fn identity_keys(&self) -> Result<Rc<IdentityKeys>, Problem> {
        let kept = &self.isolate.secrets.identity;
        self.keys(kept, "IDENTITY_KEYS", |_, text, reach| {
            IdentityKeys::read(text, reach)
        })
        .await
    }

    /// The operators' keys.
    pub(in crate::edge) async fn admin_keys(&self) -> Result<Rc<AccessKeys>, Problem> {
        let kept = &self.isolate.secrets.admin;
        self.keys(kept, "ADMIN_KEYS", AccessKeys::read).await
    }

    /// The keys of the shop's own servers.
    pub(in crate::edge) async fn origin_keys(&self) -> Result<Rc<AccessKeys>, Problem> {
        let kept = &self.isolate.secrets.origin;
        self.keys(kept, "ORIGIN_KEYS", AccessKeys::read).await
    }

    async fn keys<T>(
        &self,
        kept: &Kept<T>,
        binding: &'static str,
        read: fn(&str, &str, Reach) -> Result<T, Problem>,
    ) -> Result<Rc<T>, Problem> {
        let reach = self.request.reach();
        let known = kept
            .borrow()
            .iter()
            .find(|(known, _)| *known == reach)
            .map(|(_, keys)| Rc::clone(keys));
        if let Some(keys) = known {
            return Ok(keys);
        }
        let Supply::Text(text) = self.demand(Demand::Secret(binding)).await else {
            return Err(Problem::new(
                Code::ServiceUnavailable,
                format!(
                    "The secret {binding} is not set. `tidegate keys new` makes it; `wrangler secret put {binding}` sets it."
                ),
            ));
        };
        let keys = Rc::new(read(binding, &text, reach)?);
        kept.borrow_mut().push((reach, Rc::clone(&keys)));
        Ok(keys)
    }
}
