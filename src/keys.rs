//! The secrets, read from their bindings once an isolate. A secret that changes makes new isolates.

use std::cell::RefCell;
use std::ops::Deref;
use std::rc::Rc;

use tidegate_core::edge::naming::NamingKeys;
use tidegate_core::problem::{Code, Problem};
use tidegate_core::token::access::AccessKeys;
use tidegate_core::token::handoff::HandoffKeys;
use tidegate_core::token::identity::IdentityKeys;
use tidegate_core::token::keys::{Reach, read_shopper_key};
use tidegate_core::token::ticket::TicketKeys;

use crate::site::Site;

/// What was read, for each reach that it was read for.
type Kept<T> = RefCell<Vec<(Reach, Rc<T>)>>;

thread_local! {
    static TICKET: Kept<TicketKeys> = RefCell::default();
    static HANDOFF: Kept<HandoffKeys> = RefCell::default();
    static SHOPPER: Kept<[u8; 32]> = RefCell::default();
    static IDENTITY: Kept<IdentityKeys> = RefCell::default();
    static ADMIN: Kept<AccessKeys> = RefCell::default();
    static ORIGIN: Kept<AccessKeys> = RefCell::default();
}

/// The keys that sign tickets.
pub fn ticket(site: &Site) -> Result<Rc<TicketKeys>, Problem> {
    TICKET.with(|kept| keep(kept, site, "TICKET_KEYS", TicketKeys::read))
}

/// The keys that sign handoff tokens.
pub fn handoff(site: &Site) -> Result<Rc<HandoffKeys>, Problem> {
    HANDOFF.with(|kept| keep(kept, site, "HANDOFF_KEYS", HandoffKeys::read))
}

impl NamingKeys for Site {
    fn shopper(&self) -> Result<impl Deref<Target = [u8; 32]>, Problem> {
        SHOPPER.with(|kept| keep(kept, self, "SHOPPER_KEY", read_shopper_key))
    }

    fn identity(&self) -> Result<impl Deref<Target = IdentityKeys>, Problem> {
        identity(self)
    }
}

/// The keys that requests from there have read already.
pub struct Known(pub Reach);

impl NamingKeys for Known {
    fn shopper(&self) -> Result<impl Deref<Target = [u8; 32]>, Problem> {
        SHOPPER
            .with(|kept| known(kept, self.0))
            .ok_or_else(not_read)
    }

    fn identity(&self) -> Result<impl Deref<Target = IdentityKeys>, Problem> {
        IDENTITY
            .with(|kept| known(kept, self.0))
            .ok_or_else(not_read)
    }
}

fn not_read() -> Problem {
    Problem::new(Code::InternalError, "No request has read this secret yet.")
}

/// The keys that the merchant signs identities with.
pub fn identity(site: &Site) -> Result<Rc<IdentityKeys>, Problem> {
    IDENTITY.with(|kept| keep(kept, site, "IDENTITY_KEYS", IdentityKeys::read))
}

/// The operators' keys.
pub fn admin(site: &Site) -> Result<Rc<AccessKeys>, Problem> {
    const NAME: &str = "ADMIN_KEYS";
    ADMIN.with(|kept| {
        keep(kept, site, NAME, |text, reach| {
            AccessKeys::read(NAME, text, reach)
        })
    })
}

/// The merchants' origins' keys.
pub fn origin(site: &Site) -> Result<Rc<AccessKeys>, Problem> {
    const NAME: &str = "ORIGIN_KEYS";
    ORIGIN.with(|kept| {
        keep(kept, site, NAME, |text, reach| {
            AccessKeys::read(NAME, text, reach)
        })
    })
}

/// The keys that sign tickets, if a request from there has read them already.
pub fn known_ticket(reach: Reach) -> Option<Rc<TicketKeys>> {
    TICKET.with(|kept| known(kept, reach))
}

/// The keys that sign handoff tokens, likewise.
pub fn known_handoff(reach: Reach) -> Option<Rc<HandoffKeys>> {
    HANDOFF.with(|kept| known(kept, reach))
}

/// The merchants' origins' keys, likewise.
pub fn known_origin(reach: Reach) -> Option<Rc<AccessKeys>> {
    ORIGIN.with(|kept| known(kept, reach))
}

fn known<T>(kept: &Kept<T>, reach: Reach) -> Option<Rc<T>> {
    kept.borrow()
        .iter()
        .find(|(known, _)| *known == reach)
        .map(|(_, keys)| Rc::clone(keys))
}

fn keep<T>(
    kept: &Kept<T>,
    site: &Site,
    binding: &str,
    read: impl FnOnce(&str, Reach) -> Result<T, Problem>,
) -> Result<Rc<T>, Problem> {
    if let Some(keys) = known(kept, site.reach) {
        return Ok(keys);
    }
    let secret = site.env.secret(binding).map_err(|_| {
        Problem::new(
            Code::ServiceUnavailable,
            format!("The secret {binding} is not set. `tidegate keys new` makes it; `wrangler secret put {binding}` sets it."),
        )
    })?;
    let keys = Rc::new(read(&secret.to_string(), site.reach)?);
    kept.borrow_mut().push((site.reach, Rc::clone(&keys)));
    Ok(keys)
}
