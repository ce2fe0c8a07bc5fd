//! What a run came to, as text for people and as JSON for programs.

mod json;
mod text;

use core::time::Duration;

use serde_json::Value;
use tidegate_judge::Verdict;

use super::marks::{Bounds, Mark};
use super::push::Changes;
use super::ramp::Ramp;
use super::sockets::FleetFigures;
use super::stats::{Stats, Step, StepStats};
use super::world::Counts;

/// A whole run.
pub struct Report {
    pub url: String,
    pub queue: String,
    pub own: bool,
    pub page: String,
    pub config: Option<Value>,
    pub took: Duration,
    pub counts: Counts,
    pub steps: Vec<(Step, StepStats)>,
    pub requests: StepStats,
    pub failures: Vec<(Step, String, u64)>,
    pub sockets: Option<FleetFigures>,
    pub changes: Option<Changes>,
    pub ramp: Option<Ramp>,
    pub verdict: Verdict,
    pub notes: Vec<String>,
    /// What could not be checked or cleaned up in the end, and why.
    pub undone: Vec<String>,
    pub interrupted: bool,
    pub bounds: Bounds,
    /// Whether everybody was to be served: the limits were this tool's own.
    pub all_to_be_served: bool,
}

impl Report {
    /// The figures of the steps that were taken.
    pub fn steps_of(stats: &Stats) -> Vec<(Step, StepStats)> {
        let steps = Step::ALL.into_iter();
        steps
            .filter_map(|step| Some((step, stats.step(step)?)))
            .filter(|(_, figures)| figures.count > 0)
            .collect()
    }

    /// Whether every mark was met and every promise kept, and nothing was left undone.
    pub fn passed(&self) -> bool {
        !self.interrupted
            && self.undone.is_empty()
            && self.verdict.count() == 0
            && self.marks().iter().all(|mark| mark.met)
    }

    /// The marks of the run, those of the steps first. A ramp ends where marks are missed, so it
    /// has one mark only: that its first rate met them.
    pub fn marks(&self) -> Vec<Mark> {
        if let Some(ramp) = &self.ramp {
            let none = u64::from(ramp.knee.is_none());
            return vec![Mark::none("first rates that missed a mark", none)];
        }
        let mut marks: Vec<Mark> = self
            .steps
            .iter()
            .flat_map(|(step, figures)| self.bounds.of_step(*step, figures))
            .collect();
        if self.requests.count > 0 {
            marks.extend(self.bounds.of_requests("all requests", &self.requests));
        }
        let all = self.steps.iter().map(|(_, figures)| figures);
        marks.push(Mark::none(
            "connection errors",
            all.map(|step| step.broken).sum(),
        ));
        if self.all_to_be_served && self.counts.came > 0 {
            marks.push(Mark::share(
                "shoppers served",
                self.counts.served,
                self.counts.came,
            ));
        }
        if let Some(sockets) = &self.sockets {
            marks.push(Mark::share(
                "sockets connected",
                sockets.ever_up,
                sockets.sockets,
            ));
        }
        if let Some(changes) = &self.changes {
            marks.push(Mark::share("changes made", changes.made, changes.wanted));
            let name = format!("last change held within {} ms", changes.within.as_millis());
            marks.push(Mark::share(name, changes.in_time, changes.sockets));
        }
        marks
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    fn per_second(&self) -> f64 {
        self.requests.count as f64 / self.took.as_secs_f64().max(0.001)
    }
}
