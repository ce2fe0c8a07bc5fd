//! What is done when the crowd is gone: the last looks, the cleaning up, and the report. An operator's
//! call that fails here costs what it was for, and never the figures.

use super::args::LoadArgs;
use super::checker::Invariant;
use super::report::Report;
use super::run::Outcome;
use super::world::World;
use crate::failure::Failure;
use crate::queue::Edge;

/// Looks at what shows only in the end, leaves the deployment as it was, and gathers all that is known.
pub async fn conclude(
    world: &World,
    args: &LoadArgs,
    edge: &Edge,
    outcome: Outcome,
) -> Result<Report, Failure> {
    let took = world.began.elapsed();
    let Outcome {
        sockets,
        changes,
        ramp,
        interrupted,
    } = outcome;
    let World {
        wire, keys, target, ..
    } = world;
    if keys.origin.is_none() {
        world.note(String::from(
            "no origin key: nothing was redeemed or completed; shoppers left once admitted",
        ));
    }
    let mut undone = Undone::default();
    let standing = undone.unless(
        target.report(wire, keys).await,
        "how the queue stands was not read, so its count of entries was not checked, nor the limits \
         of a queue that others may have changed",
    );
    let records = undone.unless(
        target.records(wire, keys).await,
        "the queue's own account of admissions was not read and not checked",
    );
    if !target.own && world.push.has_begun() {
        // What the operator said before stands again.
        let said = target.say(wire, keys, None).await;
        undone.unless(said, "the notice was not taken back");
    }
    let left = format!(
        "queue {} was not deleted ({})",
        target.id,
        target.deletion(edge.name())
    );
    undone.unless(target.remove(wire, keys).await, &left);

    let mut records = match records {
        Some(None) if keys.admin.is_some() => {
            world.note(String::from(
                "the queue's own account of admissions is too long to be checked",
            ));
            None
        }
        records => records.flatten(),
    };
    let mut limits_held = standing.is_some() || target.own;
    let entered = standing.flatten().map(|(state, config)| {
        limits_held = Some(&config) == target.config.as_ref();
        if !limits_held {
            world.note(String::from(
                "the configuration was changed during the run: its limits were not checked",
            ));
        }
        if world
            .checker
            .entries(|entries, _| entries.is_of_another_life(state.epoch))
        {
            records = None;
            world.note(String::from(
                "the queue was reset during the run: less could be checked",
            ));
            return None;
        }
        Some(state.entered)
    });
    if keys.admin.is_none() {
        world.note(String::from(
            "no admin key: limits and the queue's own times are not known, so less was checked",
        ));
    }
    let mut findings = world
        .checker
        .finish(target.own, entered.flatten(), records.as_deref());
    if !limits_held {
        findings.take_back(Invariant::NeverOverAdmitted);
    }
    let no_figures = || Failure::failed("the figures cannot be added up");
    Ok(Report {
        url: edge.name().to_owned(),
        queue: target.id.to_string(),
        own: target.own,
        page: target.page.clone(),
        config: target.config.clone(),
        took,
        counts: world.crowd.counts(),
        steps: Report::steps_of(&wire.stats),
        requests: wire.stats.requests().ok_or_else(no_figures)?,
        failures: wire.stats.failures(),
        sockets,
        changes,
        ramp,
        findings,
        notes: world.notes(),
        undone: undone.0,
        interrupted,
        bounds: args.bounds(),
        all_to_be_served: target.own && args.set.is_empty() && !interrupted,
    })
}

/// What could not be done in the end, and why.
#[derive(Default)]
struct Undone(Vec<String>);

impl Undone {
    /// What came of a call; where it failed, `left` says what that leaves.
    fn unless<T>(&mut self, result: Result<T, Failure>, left: &str) -> Option<T> {
        result
            .map_err(|failure| self.0.push(format!("{left}: {}", failure.message())))
            .ok()
    }
}
