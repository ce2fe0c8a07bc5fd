//! What a shopper shows: a ticket as bearer or in the queue's cookie, and the `Origin` it comes from.

use tidegate_core::UnixMillis;
use tidegate_core::edge::cookies;
use tidegate_core::edge::lifetime::max_age_seconds;
use tidegate_core::ids::QueueId;
use tidegate_core::problem::{Code, Problem};
use tidegate_core::token::ticket::ReadTicket;
use tidegate_core::view::snapshot::Snapshot;

use crate::keys;
use crate::site::Site;

/// A ticket as it was shown.
pub enum Shown {
    /// In `Authorization`.
    Bearer(String),
    /// In the queue's cookie.
    Cookie(String),
    /// Not at all.
    Nothing,
}

/// Finds the ticket that a request shows for a queue; a bearer wins.
pub fn shown(site: &Site, id: &QueueId) -> Shown {
    if let Some(token) = bearer(site) {
        return Shown::Bearer(token);
    }
    cookie(site, &cookies::ticket(id)).map_or(Shown::Nothing, Shown::Cookie)
}

/// The bearer token, if the request has an `Authorization` header; an empty one where that is of
/// another scheme, so that it is refused rather than overlooked.
pub fn bearer(site: &Site) -> Option<String> {
    let header = site.header("authorization")?;
    bearer_in(&header).map(str::to_owned)
}

/// The bearer token in an `Authorization` header, as [`bearer`] finds it; an empty header is none.
pub fn bearer_in(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    match scheme {
        "" => None,
        _ if scheme.eq_ignore_ascii_case("bearer") => Some(token.trim()),
        _ => Some(""),
    }
}

/// Reads a shown ticket. A missing one is `None`.
pub fn read(site: &Site, id: &QueueId, shown: &Shown) -> Result<Option<ReadTicket>, Problem> {
    match shown {
        Shown::Bearer(token) | Shown::Cookie(token) => {
            keys::ticket(site)?.verify(token, id, site.now).map(Some)
        }
        Shown::Nothing => Ok(None),
    }
}

/// Where a browser says that a request comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// This site's own pages.
    Here,
    /// Another site's page, or one that will not say.
    Elsewhere,
    /// No browser, or a request that carries no `Origin`.
    Unsaid,
}

/// Where the request comes from.
pub fn from(site: &Site) -> From {
    match site.header("origin") {
        Some(origin) if origin == site.origin() => From::Here,
        Some(_) => From::Elsewhere,
        None => From::Unsaid,
    }
}

/// Refuses a changing call by cookie that this site's own pages did not make.
pub fn check_origin(site: &Site, shown: &Shown) -> Result<(), Problem> {
    let by_cookie = matches!(shown, Shown::Cookie(_));
    if by_cookie && from(site) != From::Here {
        return Err(Problem::new(
            Code::Forbidden,
            "A changing call by cookie needs this site's own Origin; send the ticket as bearer instead.",
        ));
    }
    Ok(())
}

/// `Set-Cookie` for a ticket that was signed just now, under this snapshot.
pub fn set_ticket(snapshot: &Snapshot, ticket: &str, now: UnixMillis) -> String {
    let age = max_age_seconds(snapshot, now);
    set_cookie(&cookies::ticket(&snapshot.id), Some(ticket), age)
}

/// `Set-Cookie` that removes a queue's ticket.
pub fn drop_ticket(id: &QueueId) -> String {
    set_cookie(&cookies::ticket(id), None, 0)
}

/// `Set-Cookie` for a cookie of ours; `None` removes it.
pub fn set_cookie(name: &str, value: Option<&str>, max_age_seconds: u32) -> String {
    let (value, age) = value.map_or(("", 0), |value| (value, max_age_seconds));
    format!("{name}={value}; Path=/; Max-Age={age}; Secure; HttpOnly; SameSite=Lax")
}

/// The value of a cookie.
pub fn cookie(site: &Site, name: &str) -> Option<String> {
    cookie_in(&site.header("cookie")?, name).map(str::to_owned)
}

fn cookie_in<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    header.split(';').find_map(|pair| {
        let (known, value) = pair.trim().split_once('=')?;
        (known == name).then_some(value)
    })
}

/// A queue's ticket in a `Cookie` header.
pub fn ticket_in<'a>(header: &'a str, id: &QueueId) -> Option<&'a str> {
    if header.is_empty() {
        return None;
    }
    cookie_in(header, &cookies::ticket(id))
}
