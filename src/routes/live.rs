//! `GET /v1/queues/{id}/live`: a WebSocket that a relay holds. What comes through it is public, so no
//! ticket is looked at.

use tidegate_core::calls::{RelayCall, RelayName};
use tidegate_core::ids::QueueId;
use tidegate_core::problem::{Code, Problem};
use tidegate_core::relay::RELAYS_MAX;
use tidegate_objects::{binding, stub};
use worker::Method;

use crate::answer::Answered;
use crate::paths::only;
use crate::random;
use crate::site::Site;
use crate::views;

/// How many relays are tried for one socket, where the client names none.
const TRIES: u16 = 3;
/// A refused client comes back after this many seconds, and up to as many more: together they would be
/// refused again.
const RETRY_SECONDS: u32 = 2;
const RETRY_SPREAD_SECONDS: u32 = 8;

/// Upgrades, and hands the socket to a relay.
pub async fn connect(site: &Site, id: &QueueId) -> Answered {
    only(site, &[Method::Get], "GET")?;
    let upgrade = site.header("upgrade");
    if !upgrade.is_some_and(|to| to.eq_ignore_ascii_case("websocket")) {
        return Err(Problem::validation(
            "This address speaks WebSocket: send `Connection: Upgrade` and `Upgrade: websocket`.",
        )
        .into());
    }
    let named = named_relay(site)?;
    let mut refused = None;
    for tried in 0..TRIES {
        let seen = views::view(site, id).await?;
        let snapshot = &seen.value.snapshot;
        let relays = snapshot.relays;
        let number = match named {
            Some(number) => views::among(relays, number),
            // Full ones everywhere: the next relays there is room for. The queue hears of them from
            // themselves, and says so in the next snapshot.
            None if tried >= known_tries(relays) => relays
                .saturating_add(tried)
                .saturating_sub(known_tries(relays))
                .min(RELAYS_MAX.saturating_sub(1)),
            None => views::among(relays, random::jitter()),
        };
        let relay = RelayName {
            queue: id.clone(),
            epoch: snapshot.epoch,
            number,
        };
        let name = relay.object_name();
        match stub::upgrade(&site.env, binding::RELAY, &name, &RelayCall::Live(relay)).await {
            Ok(response) => return Ok(response),
            // The queue was reset since the view was taken.
            Err(problem) if problem.code == Code::TicketVoid => views::renew(site, id).await?,
            Err(problem) if problem.code == Code::ServiceUnavailable && named.is_none() => {
                refused = Some(problem);
            }
            Err(problem) => return Err(later(problem).into()),
        }
    }
    let problem = refused.unwrap_or_else(|| {
        Problem::new(
            Code::ServiceUnavailable,
            "The queue is being reset; try again.",
        )
    });
    Err(later(problem).into())
}

/// How many of the tries are for the relays that this edge knows of.
fn known_tries(relays: u16) -> u16 {
    relays.min(TRIES.saturating_sub(1))
}

/// The relay that the client asks for. One that there is not stands for one that there is.
fn named_relay(site: &Site) -> Result<Option<u32>, Problem> {
    let mut query = site.url.query_pairs();
    let named = query.find(|(name, _)| name == "relay");
    named
        .map(|(_, number)| {
            number
                .parse()
                .map_err(|_| Problem::validation("relay: must be a number, 0 or more"))
        })
        .transpose()
}

fn later(mut problem: Problem) -> Problem {
    problem.retry_after_seconds = problem.retry_after_seconds.map(|_| {
        let spread = random::jitter()
            .checked_rem(RETRY_SPREAD_SECONDS)
            .unwrap_or(0);
        RETRY_SECONDS.saturating_add(spread)
    });
    problem
}
