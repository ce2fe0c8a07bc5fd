//! What a shopper was told, and what it lets them do next.

use core::time::Duration;

use reqwest::header::HeaderValue;
use serde::Deserialize;

use super::live::Seen;
use super::ticket::{self, Place};
use super::wire::Answer;
use crate::queue::bearer;

/// The pause where a status names none.
pub const POLL: Duration = Duration::from_secs(3);

/// A shopper who is in line.
pub struct Entered {
    pub ticket: HeaderValue,
    pub place: Place,
    pub standing: Standing,
}

/// What a shopper may do next.
pub enum Standing {
    /// Claim; whoever has claimed before waits until there is something to collect.
    Ready { collect: bool, server_time: u64 },
    /// Look again after a while.
    Wait(Duration),
    /// Nothing any more.
    Over,
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

/// Where who entered stands.
pub fn read_entered(answer: &Answer) -> Option<Entered> {
    let body = answer.json::<EnterAnswer<'_>>()?;
    Some(Entered {
        ticket: bearer(body.ticket)?,
        place: ticket::read(body.ticket)?,
        standing: standing(&body.status),
    })
}

pub fn standing(status: &StatusAnswer<'_>) -> Standing {
    match status.status {
        // Whoever claimed in time goes on, and the others hear from their claim that it is too late.
        "READY" | "LAPSED" => Standing::Ready {
            collect: status.collect,
            server_time: status.server_time,
        },
        "CLOSED" | "NOT_SELECTED" | "NOT_QUEUED" => Standing::Over,
        _ => Standing::Wait(status.poll_after_ms.map_or(POLL, millis)),
    }
}

/// What a snapshot means for a place, as the waiting room's page works it out.
pub fn standing_by(place: &Place, seen: Seen) -> Standing {
    let Some(position) = place.position else {
        return Standing::Wait(POLL);
    };
    let collect = position < seen.admitted_below;
    if position < seen.boarding && (collect || !seen.over) {
        Standing::Ready {
            collect,
            server_time: seen.server_time,
        }
    } else if seen.over {
        Standing::Over
    } else {
        Standing::Wait(POLL)
    }
}

pub const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[cfg(test)]
mod tests {
    use tidegate_core::ids::Epoch;

    use super::*;

    fn stands(index: u64, seen: Seen) -> &'static str {
        let place = Place {
            epoch: Epoch::from_bytes([1; 16]),
            index,
            position: Some(index),
        };
        match standing_by(&place, seen) {
            Standing::Ready { collect: true, .. } => "collect",
            Standing::Ready { .. } => "ready",
            Standing::Wait(_) => "wait",
            Standing::Over => "over",
        }
    }

    #[test]
    fn a_snapshot_means_what_a_status_would_say() {
        let seen = Seen {
            up: true,
            boarding: 40,
            admitted_below: 37,
            server_time: 5,
            over: false,
        };
        let over = Seen { over: true, ..seen };
        assert_eq!(
            [60, 39, 36].map(|index| stands(index, seen)),
            ["wait", "ready", "collect"]
        );
        assert_eq!(
            [60, 39, 36].map(|index| stands(index, over)),
            ["over", "over", "collect"]
        );
    }

    #[test]
    fn a_status_without_script_reads_the_same() {
        let text =
            r#"{"status":"READY","position":2,"collect":true,"pollAfterMs":2000,"serverTime":7}"#;
        let status: StatusAnswer<'_> = serde_json::from_str(text).unwrap();
        assert!(matches!(
            standing(&status),
            Standing::Ready {
                collect: true,
                server_time: 7
            }
        ));
    }
}
