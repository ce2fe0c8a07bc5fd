//! How long a ticket lives, and the cookies that hold it and the key of its entry: as long as its
//! queue can need them. Nobody may lose a place because they did not look at it for a while.

use crate::UnixMillis;
use crate::token::ticket::ReadTicket;
use crate::view::snapshot::Snapshot;

const DAY_MILLIS: u64 = 86_400 * 1_000;
/// How long a ticket outlives the last moment that is known of its queue: its opening, its end, or
/// now. In that time a late holder still reads how it ended, and a queue without an end renews the
/// tickets of who looks.
const GRACE_MILLIS: u64 = 30 * DAY_MILLIS;
/// No browser keeps a cookie for longer.
const LIFETIME_MAX_MILLIS: u64 = 400 * DAY_MILLIS;

/// Until when a ticket lives that is signed at `now`.
pub fn lives_until(snapshot: &Snapshot, now: UnixMillis) -> UnixMillis {
    let known = [
        snapshot.entry_opens_at,
        snapshot.opens_at,
        snapshot.closes_at,
    ];
    let last = known.into_iter().flatten().fold(now, u64::max);
    last.saturating_add(GRACE_MILLIS)
        .min(now.saturating_add(LIFETIME_MAX_MILLIS))
}

/// The same from now on, in seconds: a cookie's `Max-Age`.
pub fn max_age_seconds(snapshot: &Snapshot, now: UnixMillis) -> u32 {
    let millis = lives_until(snapshot, now).saturating_sub(now);
    u32::try_from(millis / 1_000).unwrap_or(u32::MAX)
}

/// Whether a ticket should be signed anew: by the key of today, or because half a grace more is
/// needed, be it that time has passed or that the queue's end was put off.
pub fn is_due(read: &ReadTicket, snapshot: &Snapshot, now: UnixMillis) -> bool {
    let spared = lives_until(snapshot, now).saturating_sub(GRACE_MILLIS / 2);
    read.by_older_key || read.expires_at < spared
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::config::MAX_TIME;
    use crate::fair::Fresh;
    use crate::ids::{Epoch, ShopperId};
    use crate::queue::{Answer, Event, handle};
    use crate::token::keys::Reach;
    use crate::token::ticket::{Ticket, TicketKeys};

    const NOW: UnixMillis = 1_800_000_000_000;
    const KEYS: &str = r#"[{"kid":"k1","key":"dev-AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]"#;

    fn snapshot(config: Value) -> Snapshot {
        let put = Event::Put {
            id: "lamp".parse().unwrap(),
            config,
            fresh: Fresh::known(Epoch::from_bytes([1; 16])),
        };
        let mut machine = None;
        handle(&mut machine, put, None, NOW).answer.unwrap();
        match handle(&mut machine, Event::View, None, NOW).answer {
            Ok(Answer::View(view)) => view.snapshot,
            other => panic!("a view, not {other:?}"),
        }
    }

    fn day(number: u64) -> UnixMillis {
        NOW.saturating_add(number.saturating_mul(DAY_MILLIS))
    }

    fn draw(opens: u64, closes: u64) -> Snapshot {
        snapshot(
            json!({"access": "draw", "maxAdmissions": 1, "claimWindowSeconds": 2_592_000,
            "opensAt": day(opens), "closesAt": day(closes)}),
        )
    }

    /// What a ticket of then is found to be at another time.
    fn signed(snapshot: &Snapshot, then: UnixMillis, now: UnixMillis) -> Option<ReadTicket> {
        let ticket = Ticket {
            queue: snapshot.id.clone(),
            epoch: snapshot.epoch,
            shopper: ShopperId::from_bytes([2; 16]),
            index: 1,
            position: None,
            issued_at: then,
        };
        let keys = TicketKeys::read(KEYS, Reach::Loopback).unwrap();
        let token = keys
            .sign(&ticket, then, lives_until(snapshot, then))
            .unwrap();
        keys.verify(&token, &snapshot.id, now).ok()
    }

    #[test]
    fn who_enters_a_draw_on_the_first_day_holds_a_place_to_its_end() {
        // Two weeks of entry, thirty days to claim.
        for (opens, closes) in [(14, 44), (30, 60), (1, 300)] {
            let draw = draw(opens, closes);
            for day in [0, 9, opens, closes - 1, closes] {
                let read = signed(&draw, NOW, NOW + day * DAY_MILLIS);
                assert!(read.is_some(), "day {day} of {opens} and {closes}");
            }
            let age = u64::from(max_age_seconds(&draw, NOW));
            assert!(age * 1_000 > closes * DAY_MILLIS, "and so does the cookie");
        }
    }

    #[test]
    fn a_queue_without_an_end_renews_the_tickets_of_who_looks() {
        let endless = snapshot(json!({"maxActive": 1}));
        let due = |days| {
            is_due(
                &signed(&endless, NOW, NOW + days * DAY_MILLIS).unwrap(),
                &endless,
                NOW + days * DAY_MILLIS,
            )
        };
        assert_eq!([0, 14, 16, 29].map(due), [false, false, true, true]);
        let later = snapshot(json!({"maxActive": 1, "opensAt": NOW + 45 * DAY_MILLIS}));
        assert!(signed(&later, NOW, NOW + 46 * DAY_MILLIS).is_some());
    }

    #[test]
    fn an_end_that_is_put_off_renews_its_tickets() {
        let (before, after) = (draw(14, 20), draw(14, 90));
        let read = signed(&before, NOW, NOW + DAY_MILLIS).unwrap();
        assert!(!is_due(&read, &before, NOW + DAY_MILLIS));
        assert!(is_due(&read, &after, NOW + DAY_MILLIS));
    }

    #[test]
    fn a_ticket_of_seven_days_is_renewed_when_it_is_seen() {
        let endless = snapshot(json!({"maxActive": 1}));
        let read = ReadTicket {
            expires_at: NOW + 7 * DAY_MILLIS,
            ..signed(&endless, NOW, NOW).unwrap()
        };
        assert!(is_due(&read, &endless, NOW));
    }

    #[test]
    fn no_ticket_lives_longer_than_a_cookie_can() {
        let never = snapshot(json!({"maxActive": 1, "closesAt": MAX_TIME}));
        assert_eq!(max_age_seconds(&never, NOW), 400 * 86_400);
        assert!(!is_due(
            &signed(&never, NOW, NOW + DAY_MILLIS).unwrap(),
            &never,
            NOW + DAY_MILLIS
        ));
        assert!(is_due(
            &signed(&never, NOW, NOW + 16 * DAY_MILLIS).unwrap(),
            &never,
            NOW + 16 * DAY_MILLIS
        ));
    }
}
