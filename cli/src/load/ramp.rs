//! The ramp: the rate of requests is raised until a mark is missed, and the last rate that met all
//! is narrowed down. That is the knee; four fifths of it is the rate to plan with.

use core::time::Duration;
use std::sync::Arc;

use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::args::LoadArgs;
use super::marks::Bounds;
use super::shopper::Shopper;
use super::world::World;

/// Where a ramp begins if nothing else is said.
const FIRST_RATE: u32 = 50;
/// How long the deployment is warmed up at the first rate.
const WARM_UP: Duration = Duration::from_secs(2);
/// How long what a step began may take after it.
const SETTLE: Duration = Duration::from_secs(3);
/// How long the deployment has to recover from a rate that was too high.
const REST: Duration = Duration::from_secs(5);
/// How often the knee is narrowed down between the last good rate and the first bad one.
const NARROWED: u32 = 3;
/// The share of the rate that must be answered within the step.
const KEEPS_UP: f64 = 0.95;

/// What one rate came to.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RampStep {
    /// Requests a second that were due.
    pub rate: u32,
    /// Requests a second that were answered while the step lasted.
    pub answered: f64,
    pub success: f64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub connection_errors: u64,
    /// The share of requests that waited because as many as may be were under way.
    pub held_back: f64,
    /// Within what time the server answered 95 % of the requests, from when they were sent.
    pub served_p95_ms: f64,
    pub met: bool,
    /// The marks that were missed.
    pub missed: Vec<String>,
    /// Whether they were missed by the load generator, while the server was well within them.
    pub client_limited: bool,
}

/// A ramp's result.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ramp {
    /// By rate.
    pub steps: Vec<RampStep>,
    /// The highest rate that met every mark below the first that did not.
    pub knee: Option<u32>,
    /// Four fifths of it.
    pub plan_with: Option<u32>,
    /// Whether the ramp ended at `--max-rps` with every mark met.
    pub reached_the_end: bool,
    /// The most requests that were to be under way at once.
    pub concurrency: u32,
    /// Whether the first rate that missed a mark was too high for the load generator, and not for
    /// the server.
    pub client_limited: bool,
}

impl Ramp {
    /// The first rate that missed a mark.
    pub fn first_missed(&self) -> Option<&RampStep> {
        self.steps.iter().find(|step| !step.met)
    }
}

/// Raises the rate to at most `--max-rps`, each step for `--duration`.
pub async fn climb(world: &Arc<World>, args: &LoadArgs) -> Ramp {
    let last = args.max_rps;
    let first = args.rps.unwrap_or(FIRST_RATE).min(last);
    let mut climber = Climber {
        world,
        bounds: args.bounds(),
        shoppers: 0,
        length: args.duration(),
    };
    climber.run(first, WARM_UP).await;
    let mut steps = Vec::new();
    let (mut good, mut bad, mut rate) = (None, None, first);
    while bad.is_none() {
        let step = climber.step(rate).await;
        let met = step.met;
        steps.push(step);
        if met {
            good = Some(rate);
            if rate >= last {
                break;
            }
            rate = next_rate(rate).min(last);
        } else {
            bad = Some(rate);
        }
    }
    if let (Some(mut low), Some(mut high)) = (good, bad) {
        for _ in 0..NARROWED {
            let middle = u32::midpoint(low, high);
            if middle == low {
                break;
            }
            let step = climber.step(middle).await;
            *if step.met { &mut low } else { &mut high } = middle;
            steps.push(step);
        }
        good = Some(low);
    }
    steps.sort_by_key(|step| step.rate);
    let mut ramp = Ramp {
        steps,
        knee: good,
        plan_with: good.map(four_fifths),
        reached_the_end: bad.is_none(),
        concurrency: args.concurrency(),
        client_limited: false,
    };
    ramp.client_limited = ramp.first_missed().is_some_and(|step| step.client_limited);
    ramp
}

fn next_rate(rate: u32) -> u32 {
    rate.saturating_add(rate.div_ceil(2))
}

fn four_fifths(rate: u32) -> u32 {
    u32::try_from(u64::from(rate) * 4 / 5).unwrap_or(u32::MAX)
}

struct Climber<'a> {
    world: &'a Arc<World>,
    bounds: Bounds,
    shoppers: u32,
    length: Duration,
}

impl Climber<'_> {
    /// Lets shoppers come so that the rate is just used up, and gives those who are left a moment.
    /// Returns how many requests were answered while it lasted.
    async fn run(&mut self, rate: u32, length: Duration) -> u64 {
        let wire = &self.world.wire;
        wire.pacer.set_rate(rate);
        let before = wire.stats.requests().map_or(0, |all| all.count);
        let end = Instant::now() + length;
        let mut crowd = JoinSet::new();
        loop {
            // Those who are on their way take the turns first; newcomers get what is left.
            let due = wire.pacer.reserve();
            if due >= end {
                break;
            }
            sleep_until(due).await;
            crowd.spawn(Shopper::new(self.shoppers, self.world, None).go(Some(due)));
            self.shoppers = self.shoppers.wrapping_add(1);
            while crowd.try_join_next().is_some() {}
        }
        sleep_until(end).await;
        let answered = wire.stats.requests().map_or(0, |all| all.count) - before;
        let rest = async { while crowd.join_next().await.is_some() {} };
        let _ = timeout(SETTLE, rest).await;
        crowd.shutdown().await;
        answered
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    async fn step(&mut self, rate: u32) -> RampStep {
        let stats = &self.world.wire.stats;
        stats.take_window();
        let answered = self.run(rate, self.length).await as f64 / self.length.as_secs_f64();
        let mut step = RampStep {
            rate,
            answered,
            success: 0.0,
            p50_ms: 0.0,
            p95_ms: 0.0,
            p99_ms: 0.0,
            connection_errors: 0,
            held_back: 0.0,
            served_p95_ms: 0.0,
            met: false,
            missed: Vec::new(),
            client_limited: false,
        };
        let Some(window) = stats.take_window() else {
            return step;
        };
        let requests = &window.requests;
        let marks = self.bounds.of_requests("", requests);
        step.missed = marks
            .iter()
            .filter(|mark| !mark.met)
            .map(|mark| mark.name.trim().to_owned())
            .collect();
        if requests.broken > 0 {
            step.missed.push(String::from("connections"));
        }
        if answered < f64::from(rate) * KEEPS_UP {
            step.missed.push(String::from("keeping up"));
        }
        if !step.missed.is_empty() {
            sleep(REST).await;
        }
        RampStep {
            success: requests.success(),
            p50_ms: requests.millis_at(0.5),
            p95_ms: requests.millis_at(0.95),
            p99_ms: requests.millis_at(0.99),
            connection_errors: requests.broken,
            held_back: window.held_back(),
            served_p95_ms: window.served_at(0.95),
            met: step.missed.is_empty(),
            client_limited: !step.missed.is_empty() && window.blames_the_client(self.bounds),
            ..step
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_rise_by_half_and_never_stand_still() {
        assert_eq!([1, 2, 50, 75].map(next_rate), [2, 3, 75, 113]);
    }

    #[test]
    fn four_fifths_of_the_knee_are_planned_with() {
        assert_eq!(
            [0, 5, 1000, u32::MAX].map(four_fifths),
            [0, 4, 800, 3_435_973_836]
        );
    }
}
