//! What is done when the crowd is gone: the last looks, the cleaning up, and the report. An
//! operator's call that fails here costs what it was for, and never the figures.

use super::args::LoadArgs;
use super::report::Report;
use super::run::Outcome;
use super::world::World;
use tidegate_judge::history::{Audit, Micros};
use tidegate_judge::{Limits, Verdict, judge};
use tokio::time::Instant;

use crate::failure::Failure;
use crate::queue::Edge;

/// Looks at what shows only in the end, leaves the deployment as it was, and gathers all that is
/// known.
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
    let World { wire, target, .. } = world;
    let mut undone = Undone::default();
    let last = LastLook::take(world, &mut undone).await;
    clean_up(world, &mut undone).await;
    let verdict = last.judge(world);
    if ramp.is_none() {
        note_own_limit(world, args);
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
        verdict,
        notes: world.notes(),
        undone: undone.0,
        interrupted,
        bounds: args.bounds(),
        all_to_be_served: target.own && args.set.is_empty() && !interrupted,
    })
}

/// What the queue itself says in the end, as far as it could be asked.
struct LastLook {
    audit: Option<Audit>,
    /// Whether the limits that shoppers were held to are those of the beginning.
    limits_held: bool,
}

impl LastLook {
    async fn take(world: &World, undone: &mut Undone) -> Self {
        let World {
            wire, keys, target, ..
        } = world;
        let sent: Micros = world.record.micros(Instant::now());
        let report = undone.unless(
            target.report(wire, keys).await,
            "how the queue stands was not read, so its count of entries was not checked, nor the \
             limits of a queue that others may have changed",
        );
        let records = undone.unless(
            target.records(wire, keys).await,
            "the queue's own account of admissions was not read and not checked",
        );
        if keys.origin.is_none() {
            world.note(String::from(
                "no origin key: nothing was redeemed or completed; shoppers left once admitted",
            ));
        }
        if keys.admin.is_none() {
            world.note(String::from(
                "no admin key: limits and the queue's own times are not known, so less was checked",
            ));
        } else if records.as_ref().is_some_and(Option::is_none) {
            world.note(String::from(
                "the queue's own account of admissions is too long to be checked",
            ));
        }
        let (limits_held, state) = match report {
            None => (target.own, None),
            Some(None) => (true, None),
            Some(Some((state, config))) => (Some(config) == target.config, Some(state)),
        };
        Self {
            audit: state.map(|before| Audit {
                sent,
                before,
                admissions: records.flatten(),
                after: None,
            }),
            limits_held,
        }
    }

    fn judge(self, world: &World) -> Verdict {
        let mut history = world.record.lock();
        let epoch = history.calls.iter().find_map(|call| call.said.epoch);
        let last = self.audit.as_ref().and_then(|audit| audit.before.epoch);
        if epoch.is_some() && last.is_some() && epoch != last {
            world.note(String::from(
                "the queue was reset during the run: less could be checked",
            ));
        }
        history.audits.extend(self.audit);
        if !self.limits_held {
            history.queue.limits = Limits::default();
            world.note(String::from(
                "the configuration was or may have been changed during the run: its limits were not \
                 checked",
            ));
        }
        judge(&history)
    }
}

/// Leaves the deployment as it was before.
async fn clean_up(world: &World, undone: &mut Undone) {
    let World {
        wire, keys, target, ..
    } = world;
    if !target.own && world.push.has_begun() {
        // What the operator said before stands again.
        let said = target.say(wire, keys, None).await;
        undone.unless(said, "the notice was not taken back");
    }
    let left = format!(
        "queue {} was not deleted ({})",
        target.id,
        target.deletion(wire.base())
    );
    undone.unless(target.remove(wire, keys).await, &left);
}

/// Says so where requests were late because this process held them back.
fn note_own_limit(world: &World, args: &LoadArgs) {
    let bounds = args.bounds();
    let late = world.wire.stats.take_window().filter(|window| {
        let marks = bounds.of_requests("", &window.requests);
        marks.iter().any(|mark| !mark.met) && window.blames_the_client(bounds)
    });
    if let Some(window) = late {
        world.note(format!(
            "requests were late because {} were under way and no more may be, not because of the \
             server, which answered 95 % of them within {:.1} ms: raise --concurrency",
            args.concurrency(),
            window.served_at(0.95)
        ));
    }
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
