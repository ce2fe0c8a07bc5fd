//! The course of a run: sockets first, then the crowd and the notices, then the changes.

use core::time::Duration;
use std::sync::Arc;

use tokio::signal;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::args::LoadArgs;
use super::progress;
use super::push::{self, Changes};
use super::ramp::{self, Ramp};
use super::shopper::Shopper;
use super::sockets::{Fleet, FleetFigures};
use super::world::World;

/// How long sockets may take to connect before the crowd comes all the same.
const CONNECTED_WITHIN: Duration = Duration::from_mins(1);

/// What a run left behind, beside what the world knows.
#[derive(Default)]
pub struct Outcome {
    pub sockets: Option<FleetFigures>,
    pub changes: Option<Changes>,
    pub ramp: Option<Ramp>,
    pub interrupted: bool,
}

/// Carries out the run, or as much of it as is not interrupted.
pub async fn carry_out(args: &LoadArgs, world: &Arc<World>, url: &str) -> Outcome {
    let expected = (!args.ramp).then_some(args.shoppers);
    let mut shown = JoinSet::new();
    shown.spawn(progress::show(Arc::clone(world), expected));
    let outcome = tokio::select! {
        outcome = course(args, world, url) => outcome,
        () = interrupted() => Outcome { interrupted: true, ..Outcome::default() },
    };
    shown.shutdown().await;
    outcome
}

async fn course(args: &LoadArgs, world: &Arc<World>, url: &str) -> Outcome {
    if args.ramp {
        let ramp = ramp::climb(world, args).await;
        return Outcome {
            ramp: Some(ramp),
            ..Outcome::default()
        };
    }
    if args.sockets == 0 {
        crowd(args, world, None).await;
        return Outcome::default();
    }
    let fleet = Fleet::launch(world, url, args.sockets);
    fleet.until_tried(CONNECTED_WITHIN).await;
    tokio::join!(
        crowd(args, world, Some(&fleet)),
        push::notices(world, &fleet, args.notices())
    );
    let changes = match args.changes_per_second {
        Some(rate) => Some(push::changes(world, &fleet, rate, args.changes_seconds).await),
        None => None,
    };
    let figures = fleet.figures();
    fleet.close().await;
    Outcome {
        sockets: Some(figures),
        changes,
        ..Outcome::default()
    }
}

/// Lets the shoppers come evenly, and then waits for those who are still on their way.
async fn crowd(args: &LoadArgs, world: &Arc<World>, fleet: Option<&Fleet>) {
    let began = Instant::now();
    let mut shoppers = JoinSet::new();
    for number in 0..args.shoppers {
        let share = f64::from(number) / f64::from(args.shoppers);
        sleep_until(began + args.duration().mul_f64(share)).await;
        let live = fleet.and_then(|fleet| fleet.of(number));
        shoppers.spawn(Shopper::new(number, world, live).go(None));
        while shoppers.try_join_next().is_some() {}
    }
    let rest = async { while shoppers.join_next().await.is_some() {} };
    // Those who are not through by then count as still in line.
    let _ = timeout(args.drain(), rest).await;
    shoppers.shutdown().await;
}

/// Waits for ctrl-C, or for the signal that asks a process to end.
async fn interrupted() {
    #[cfg(unix)]
    if let Ok(mut ends) = signal::unix::signal(signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = signal::ctrl_c() => {}
            _ = ends.recv() => {}
        }
        return;
    }
    let _ = signal::ctrl_c().await;
}
