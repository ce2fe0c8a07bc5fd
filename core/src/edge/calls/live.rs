//! `GET live`: a WebSocket that a relay holds. What comes through it is public, so no ticket is
//! looked at.

use super::enter::being_reset;
use crate::calls::{Call, RelayCall, RelayName, Reply};
use crate::edge::answer::{Answer, Body, Outcome};
use crate::edge::context::{Context, no_answer};
use crate::edge::memory::views::among;
use crate::edge::pending::{Demand, Object, Supply};
use crate::edge::request::Method;
use crate::ids::QueueId;
use crate::problem::{Code, Problem};
use crate::relay::RELAYS_MAX;
use crate::wire;

/// How many relays are tried for one socket, where the client names none.
const TRIES: u16 = 3;
/// A refused client comes back after this many seconds, and up to as many more: together they would
/// be refused again.
const RETRY_SECONDS: u32 = 2;
const RETRY_SPREAD_SECONDS: u32 = 8;

/// Upgrades, and hands the socket to a relay.
pub(in crate::edge) async fn call(context: &Context, id: &QueueId) -> Outcome {
    context.only(&[Method::Get], "GET")?;
    let upgrade = context.rest().await.upgrade.as_ref();
    if !upgrade.is_some_and(|to| to.eq_ignore_ascii_case("websocket")) {
        return Err(Problem::validation(
            "This address speaks WebSocket: send `Connection: Upgrade` and `Upgrade: websocket`.",
        )
        .into());
    }
    let named = named_relay(context)?;
    let mut refused = being_reset();
    for tried in 0..TRIES {
        let seen = context.view(id).await?;
        let snapshot = &seen.value.snapshot;
        let relay = RelayName {
            queue: id.clone(),
            epoch: snapshot.epoch,
            number: which(snapshot.relays, named, tried, context.isolate.jitter()),
        };
        match upgrade_by(context, relay).await {
            Ok(()) => {
                let mut answer = Answer::empty(101);
                answer.body = Body::Socket;
                return Ok(answer);
            }
            // The queue was reset since the view was taken.
            Err(problem) if problem.code == Code::TicketVoid => context.renew(id).await?,
            Err(problem) if problem.code == Code::ServiceUnavailable && named.is_none() => {
                refused = problem;
            }
            Err(problem) => return Err(later(context, problem).into()),
        }
    }
    Err(later(context, refused).into())
}

/// Which relay is tried.
fn which(relays: u16, named: Option<u32>, tried: u16, jitter: u32) -> u16 {
    // How many of the tries are for the relays that this edge knows of.
    let known_tries = relays.min(TRIES.saturating_sub(1));
    match named {
        Some(number) => among(relays, number),
        // Full ones everywhere: the next relays there is room for. The queue hears of them from
        // themselves, and says so in the next snapshot.
        None if tried >= known_tries => relays
            .saturating_add(tried)
            .saturating_sub(known_tries)
            .min(RELAYS_MAX.saturating_sub(1)),
        None => among(relays, jitter),
    }
}

async fn upgrade_by(context: &Context, relay: RelayName) -> Reply<()> {
    let name = relay.object_name();
    let call = RelayCall::Live(relay);
    let written = wire::write(&call.label(), &call);
    let call = written.map_err(|_| Problem::unexpected("relay"))?;
    match context.demand(Demand::Upgrade { name, call }).await {
        Supply::Is(true) => Ok(()),
        Supply::Text(refused) => match wire::read::<Reply<()>>(&refused) {
            Ok(Err(problem)) => Err(problem),
            _ => Err(no_answer(Object::Relay)),
        },
        _ => Err(no_answer(Object::Relay)),
    }
}

/// The relay that the client asks for. One that there is not stands for one that there is.
fn named_relay(context: &Context) -> Result<Option<u32>, Problem> {
    let named = context.request.address.parameter("relay");
    named
        .map(|number| {
            number
                .parse()
                .map_err(|_| Problem::validation("relay: must be a number, 0 or more"))
        })
        .transpose()
}

fn later(context: &Context, mut problem: Problem) -> Problem {
    problem.retry_after_seconds = problem.retry_after_seconds.map(|_| {
        let jitter = context.isolate.jitter();
        let spread = jitter.checked_rem(RETRY_SPREAD_SECONDS).unwrap_or(0);
        RETRY_SECONDS.saturating_add(spread)
    });
    problem
}
