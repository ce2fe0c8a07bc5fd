//! What a queue tells others after it was written: relays, what changed; lanes and relays, that
//! their epoch is over. Some at a time, and nobody is waited for long.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, join_all, select};
use tidegate_core::calls::{Call, LaneCall, LaneName, RelayCall, RelayName, RelayReply, Reply};
use tidegate_core::queue::{Event, Push};
use tidegate_core::relay::Closing;
use tidegate_core::wire;
use worker::{Delay, Env};

use crate::binding;
use crate::stub;

/// Objects that are told at once: the platform opens six connections for an event.
const AT_ONCE: usize = 6;
/// How long one may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Tells lanes that their epoch is over. Who is missed finds out by its own alarm.
pub async fn retire_lanes(env: Env, lanes: Vec<LaneName>) {
    if let Ok(call) = wire::write(&LaneCall::Retire.label(), &LaneCall::Retire) {
        let calls = lanes
            .iter()
            .map(|lane| (lane.object_name(), call.clone()))
            .collect();
        tell(&env, binding::LANE, calls).await;
    }
}

/// Tells relays that their epoch is over. Who is missed finds out at its next sweep.
pub async fn close_relays(env: Env, relays: Vec<RelayName>, closing: Closing) {
    let calls = relays.into_iter().filter_map(|relay| {
        let name = relay.object_name();
        let call = RelayCall::Close(relay, closing);
        Some((name, wire::write(&call.label(), &call).ok()?))
    });
    tell(&env, binding::RELAY, calls.collect()).await;
}

/// Pushes, and says what it came to.
pub async fn push_to_relays(env: &Env, push: Push) -> Option<Event> {
    let epoch = push.relays.first()?.epoch;
    let mut view = push.view;
    let (mut numbers, mut calls) = (Vec::new(), Vec::new());
    for relay in push.relays {
        numbers.push(relay.number);
        let name = relay.object_name();
        let call = RelayCall::Push(relay, view);
        calls.push((name, wire::write(&call.label(), &call).ok()?));
        let RelayCall::Push(_, told) = call else {
            return None;
        };
        view = told;
    }
    let sockets = |answer: Option<String>| {
        let reply: Reply<RelayReply> = wire::read(&answer?).ok()?;
        match reply {
            Ok(RelayReply::Sockets(sockets)) => Some(sockets),
            _ => None,
        }
    };
    let answers = tell(env, binding::RELAY, calls).await;
    let outcomes = numbers.into_iter().zip(answers.into_iter().map(sockets));
    Some(Event::Pushed {
        epoch,
        outcomes: outcomes.collect(),
    })
}

/// Makes the calls, some at a time; `None` for an object that did not answer.
async fn tell(env: &Env, binding: &str, calls: Vec<(String, String)>) -> Vec<Option<String>> {
    let mut answers = Vec::with_capacity(calls.len());
    let mut calls = calls.into_iter().peekable();
    while calls.peek().is_some() {
        let told = calls.by_ref().take(AT_ONCE).map(|(name, call)| async move {
            let answer = pin!(stub::ask(env, binding, &name, &call));
            match select(answer, Delay::from(PATIENCE)).await {
                Either::Left((answer, _)) => answer.ok(),
                Either::Right(_) => None,
            }
        });
        answers.extend(join_all(told).await);
    }
    answers
}
