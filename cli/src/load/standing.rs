//! What a shopper was told, and what it lets them do next.

use core::time::Duration;

use reqwest::header::HeaderValue;
use serde::Deserialize;
use tidegate_core::client::{LOOK_MILLIS, Refusal, Seen};

use super::live::Live;
use super::ticket::{self, Place};
use super::wire::{Answer, Lost};
use crate::queue::bearer;

/// A shopper who is in line.
pub struct Entered {
    pub ticket: HeaderValue,
    pub place: Place,
}

#[derive(Deserialize)]
pub struct EnterAnswer<'a> {
    pub ticket: &'a str,
    #[serde(borrow)]
    pub status: StatusAnswer<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusAnswer<'a> {
    pub status: &'a str,
    pub position: Option<u64>,
    #[serde(default)]
    pub collect: bool,
    pub poll_after_ms: Option<u64>,
    #[serde(default)]
    pub server_time: u64,
    pub ticket: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimAnswer<'a> {
    #[serde(borrow)]
    pub admission_id: Option<&'a str>,
    pub handoff_token: Option<&'a str>,
    pub retry_after_ms: Option<u64>,
    #[serde(default)]
    pub server_time: u64,
}

/// The ticket, and where its place stands.
pub fn read_entered(answer: &Answer) -> Option<(Entered, Seen)> {
    let body = answer.json::<EnterAnswer<'_>>()?;
    let entered = Entered {
        ticket: bearer(body.ticket)?,
        place: ticket::read(body.ticket)?,
    };
    Some((entered, body.status.seen()))
}

impl StatusAnswer<'_> {
    pub fn seen(&self) -> Seen {
        Seen::named(
            self.status,
            self.collect,
            self.server_time,
            self.poll_after_ms,
        )
    }
}

/// What a snapshot means for a place.
pub fn seen_by(place: &Place, live: Live) -> Seen {
    let Some(position) = place.position else {
        return Seen::Waits {
            look_after: LOOK_MILLIS,
        };
    };
    let Live {
        boarding,
        admitted_below,
        over,
        server_time,
        ..
    } = live;
    Seen::by_snapshot(position, boarding, admitted_below, over, server_time)
}

/// What a call came to that was not answered as wanted.
pub fn refusal(result: &Result<Answer, Lost>) -> Refusal {
    result
        .as_ref()
        .map_or(Refusal::NO_ANSWER, |answer| Refusal {
            retry_after: answer.retry_after.map(as_millis),
            is_full: answer.code() == Some("QUEUE_FULL"),
            ..Refusal::of(answer.status)
        })
}

pub const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub fn as_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
