//! What a shopper does next, whatever they hear.

use super::*;
use crate::view::snapshot::Phase;
use crate::view::status::{Standing, Status};
use crate::view::wait::WaitRange;

const FULL: Refusal = Refusal {
    status: Some(429),
    retry_after: None,
    is_full: true,
};

fn called_up(collect: bool, at: UnixMillis) -> Heard {
    Heard::Seen(Seen::CalledUp {
        collect,
        at,
        look_after: 3_000,
    })
}

fn refused(status: u16) -> Heard {
    Heard::Refused(Refusal::of(status))
}

/// A shopper who was told at the queue's time 1,000, and their own time 0, to wait for their slot.
fn present() -> Client {
    let mut client = Client::new(6);
    assert_eq!(
        client.hears(called_up(false, 900), 0, 0),
        Next::Do(Call::Claim, 0)
    );
    let waits = Heard::Present {
        at: 1_000,
        look_after: Some(2_000),
    };
    assert_eq!(client.hears(waits, 0, 0), Next::Do(Call::Look, 2_000));
    client
}

#[test]
fn who_is_called_up_claims_at_once_and_who_is_not_looks_when_told() {
    let mut client = Client::new(6);
    let waits = Heard::Seen(Seen::Waits { look_after: 7_000 });
    assert_eq!(client.hears(waits, 0, 0), Next::Do(Call::Look, 7_000));
    assert_eq!(
        client.hears(called_up(false, 5), 0, 0),
        Next::Do(Call::Claim, 0)
    );
    assert_eq!(
        client.hears(Heard::Seen(Seen::Over), 0, 0),
        Next::TurnedAway
    );
}

#[test]
fn who_is_present_collects_by_a_state_that_is_newer_than_their_claim() {
    for (heard, expected) in [
        (called_up(true, 1_001), Next::Do(Call::Claim, 0)),
        (called_up(true, 1_000), Next::Do(Call::Look, 3_000)),
        (called_up(true, 999), Next::Do(Call::Look, 3_000)),
        (called_up(false, 2_000), Next::Do(Call::Look, 3_000)),
    ] {
        assert_eq!(present().hears(heard, 100, 0), expected, "{heard:?}");
    }
    assert_eq!(present().hears(Heard::Admitted, 100, 0), Next::CheckOut);
}

#[test]
fn who_is_present_claims_again_in_time_whatever_they_hear() {
    let mut client = present();
    assert_eq!(client.renews_at(), Some(30_000));
    assert_eq!(
        client.hears(called_up(false, 2_000), 28_000, 0),
        Next::Do(Call::Claim, 2_000)
    );
    assert_eq!(
        client.hears(Heard::Nothing, 30_000, 0),
        Next::Do(Call::Claim, 0)
    );
    let later = Heard::Present {
        at: 40_000,
        look_after: Some(50_000),
    };
    assert_eq!(
        client.hears(later, 30_000, 0),
        Next::Do(Call::Claim, 50_000)
    );
    assert_eq!(client.renews_at(), Some(80_000));
}

#[test]
fn what_fails_is_tried_again_later_and_later_and_given_up_in_the_end() {
    let mut client = Client::new(6);
    let mut before = 0;
    for _ in 0..5 {
        let Next::Do(Call::Enter, after) = client.hears(refused(503), 0, u32::MAX) else {
            panic!()
        };
        assert!(after > before, "{after} {before}");
        before = after;
    }
    assert_eq!(client.hears(refused(503), 0, 0), Next::GiveUp);
    let mut client = present();
    client.hears(refused(500), 0, 0);
    client.hears(called_up(false, 2_000), 0, 0);
    assert_eq!(
        client.backoff,
        Backoff::new(6),
        "what went well begins anew"
    );
}

#[test]
fn a_refusal_ends_what_no_other_try_can_cure() {
    let claiming = || {
        let mut client = Client::new(6);
        client.hears(called_up(false, 1), 0, 0);
        client
    };
    for (mut client, heard, expected) in [
        (Client::new(6), refused(410), Next::TurnedAway),
        (Client::new(6), Heard::Refused(FULL), Next::TurnedAway),
        (Client::new(6), refused(401), Next::GiveUp),
        (claiming(), refused(410), Next::TurnedAway),
        (claiming(), refused(409), Next::Do(Call::Look, LOOK_MILLIS)),
        (claiming(), refused(401), Next::GiveUp),
        (claiming(), Heard::Refused(FULL), Next::Do(Call::Claim, 0)),
        (
            claiming(),
            Heard::Refused(Refusal::NO_ANSWER),
            Next::Do(Call::Claim, 0),
        ),
    ] {
        assert_eq!(client.hears(heard, 0, 0), expected, "{heard:?}");
    }
}

#[test]
fn a_retry_waits_as_long_as_the_server_asks_and_is_spread_beyond_it() {
    for (jitter, least, most) in [(0, 7_000, 7_000), (u32::MAX, 7_900, 8_000)] {
        let asked = Refusal {
            retry_after: Some(7_000),
            ..Refusal::of(503)
        };
        let after = Backoff::new(6).retry(asked, jitter).unwrap();
        assert!((least..=most).contains(&after), "{after}");
    }
    let mut backoff = Backoff::new(u16::MAX);
    let waits: Vec<u64> = (0..9).map(|_| backoff.next(None, u32::MAX)).collect();
    assert_eq!(waits.last(), Some(&29_999));
    assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]), "{waits:?}");
    assert_eq!(Backoff::new(6).next(None, u32::MAX / 2), 499);
}

#[test]
fn a_status_means_the_same_by_its_name_as_by_its_type_and_as_a_snapshot() {
    let (position, collect) = (3, true);
    let standings = [
        Standing::NotQueued,
        Standing::Waiting,
        Standing::Queued {
            position,
            ahead: 1,
            boarding: 1,
            estimated_wait_seconds: None,
            wait_known: false,
            wait_range: WaitRange {
                at_least_seconds: 0,
                at_most_seconds: None,
            },
        },
        Standing::Ready {
            position,
            collect,
            claim_by: None,
        },
        Standing::Lapsed { position, collect },
        Standing::Reserve { position, rank: 1 },
        Standing::NotSelected,
        Standing::Closed,
    ];
    for standing in standings {
        let status = Status {
            standing,
            poll_after_ms: 4_000,
            phase: Phase::Open,
            server_time: 9,
            stale: false,
            notice: None,
            ticket: None,
        };
        let text = serde_json::to_value(&status).unwrap();
        let collect = text["collect"].as_bool().unwrap_or(false);
        let named = Seen::named(text["status"].as_str().unwrap(), collect, 9, Some(4_000));
        assert_eq!(named, Seen::of(&status), "{standing:?}");
    }
    let seen = |place, over| Seen::by_snapshot(place, 40, 37, over, 5);
    let waits = Seen::Waits {
        look_after: LOOK_MILLIS,
    };
    let ready = |collect| Seen::CalledUp {
        collect,
        at: 5,
        look_after: LOOK_MILLIS,
    };
    assert_eq!(
        [60, 39, 36].map(|place| seen(place, false)),
        [waits, ready(false), ready(true)]
    );
    assert_eq!(
        [60, 39, 36].map(|place| seen(place, true)),
        [Seen::Over, Seen::Over, ready(true)]
    );
}
