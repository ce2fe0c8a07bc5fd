//! The names of the cookies that are between a browser and Tidegate alone. Each is one queue's and
//! one kind's: a visit to one queue must not touch what another has put there.

use super::lifetime::max_age_seconds;
use crate::UnixMillis;
use crate::ids::QueueId;
use crate::view::snapshot::Snapshot;

/// What all of them begin with; none ever reaches the shop.
pub const OWN: &str = "__Host-tidegate-";

/// Holds a queue's ticket.
pub fn ticket(queue: &QueueId) -> String {
    format!("{OWN}{queue}")
}

/// Carries a message from a form to the room. No queue's id has a dot, so it is no queue's ticket.
pub fn said(queue: &QueueId) -> String {
    format!("{OWN}said.{queue}")
}

/// Holds the key that the room's forms enter with, so that a page that is loaded anew finds the
/// entry again.
pub fn entry_key(queue: &QueueId) -> String {
    format!("{OWN}key.{queue}")
}

/// `Set-Cookie` for a ticket that was signed just now, under this snapshot.
pub fn set_ticket(snapshot: &Snapshot, token: &str, now: UnixMillis) -> String {
    let age = max_age_seconds(snapshot, now);
    set(&ticket(&snapshot.id), Some(token), age)
}

/// `Set-Cookie` that removes a queue's ticket.
pub fn drop_ticket(queue: &QueueId) -> String {
    set(&ticket(queue), None, 0)
}

/// `Set-Cookie` for a cookie of ours; `None` removes it.
pub fn set(name: &str, value: Option<&str>, max_age_seconds: u32) -> String {
    let (value, age) = value.map_or(("", 0), |value| (value, max_age_seconds));
    format!("{name}={value}; Path=/; Max-Age={age}; Secure; HttpOnly; SameSite=Lax")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_two_cookies_of_any_queues_have_one_name(
            one in "[a-z0-9][a-z0-9-]{0,9}",
            kind in prop::sample::select(vec!["", "said-", "said.", "said", "key-", "key.", "key", "pass-", "-"]),
        ) {
            let one: QueueId = one.parse().unwrap();
            // The one that could be mistaken for it, if there can be one.
            if let Ok(other) = format!("{kind}{one}").parse::<QueueId>() {
                prop_assert_ne!(said(&one), ticket(&other));
                prop_assert_ne!(entry_key(&one), ticket(&other));
                prop_assert_ne!(entry_key(&one), said(&other));
                prop_assert_eq!(ticket(&one) == ticket(&other), one == other);
                // The edge's pass for `one`, as the contract names it.
                let pass = format!("{OWN}pass-{one}");
                prop_assert!(pass != ticket(&other) || other.check_new().is_err());
            }
        }
    }

    #[test]
    fn the_ticket_s_cookie_has_the_name_that_is_published() {
        assert_eq!(ticket(&"demo".parse().unwrap()), "__Host-tidegate-demo");
    }
}
