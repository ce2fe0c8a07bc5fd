//! What a run came to, as text for people and as JSON for programs.

use core::fmt::Write;
use core::time::Duration;

use serde_json::{Value, json};

use super::checker::Findings;
use super::marks::{Bounds, Mark};
use super::push::Changes;
use super::ramp::Ramp;
use super::sockets::FleetFigures;
use super::stats::{Stats, Step, StepStats};
use super::world::Counts;
use crate::output::{plain, table};

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
    pub findings: Findings,
    pub notes: Vec<String>,
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

    /// Whether every mark was met and every promise kept.
    pub fn passed(&self) -> bool {
        !self.interrupted && self.findings.count() == 0 && self.marks().iter().all(|mark| mark.met)
    }

    /// The marks of the run, those of the steps first. A ramp ends where marks are missed, so it has
    /// one mark only: that its first rate met them.
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
            let name = "last change held within 500 ms";
            marks.push(Mark::share(name, changes.in_time, changes.sockets));
        }
        marks
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = self.heading();
        text.push('\n');
        text.push_str(&self.step_table());
        if let Some(ramp) = &self.ramp {
            text.push('\n');
            text.push_str(&ramp_text(ramp, self.bounds));
        }
        text.push('\n');
        text.push_str(&self.mark_table());
        text.push('\n');
        text.push_str(&self.promise_table());
        for (step, why, count) in &self.failures {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "failed: {} {count} times: {}",
                step.name(),
                plain(why)
            );
        }
        for note in &self.notes {
            let _ = writeln!(text, "note: {}", plain(note));
        }
        let verdict = if self.interrupted {
            "INTERRUPTED"
        } else if self.passed() {
            "PASSED"
        } else {
            "FAILED"
        };
        let _ = writeln!(text, "\n{verdict}");
        text
    }

    fn heading(&self) -> String {
        let Counts {
            came,
            entered,
            admitted,
            served,
            turned_away,
            gave_up,
        } = self.counts;
        let made = if self.own { ", made for this run" } else { "" };
        let mut text = format!(
            "load of {} at {}{made}; page {}\n\
             shoppers: {came} came, {entered} entered, {admitted} admitted, {served} served, \
             {turned_away} turned away, {gave_up} gave up, {} still in line\n\
             requests: {} in {:.1} s, {:.0} a second, {} without an answer in time\n",
            self.queue,
            self.url,
            plain(&self.page),
            self.counts.under_way(),
            self.requests.count,
            self.took.as_secs_f64(),
            self.per_second(),
            self.requests.timed_out,
        );
        if let Some(sockets) = &self.sockets {
            let _ = writeln!(
                text,
                "sockets: {} of {} connected, {} dropped, {} upgrades refused by a full relay",
                sockets.ever_up, sockets.sockets, sockets.drops, sockets.refused
            );
        }
        if let Some(changes) = &self.changes {
            let _ = writeln!(
                text,
                "changes: {} of {} made in {:.1} s; {} of {} sockets held the last one within 500 ms",
                changes.made,
                changes.wanted,
                changes.took.as_secs_f64(),
                changes.in_time,
                changes.sockets
            );
        }
        text
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    fn per_second(&self) -> f64 {
        self.requests.count as f64 / self.took.as_secs_f64().max(0.001)
    }

    fn step_table(&self) -> String {
        let heads = [
            "STEP", "COUNT", "SUCCESS", "P50 ms", "P95 ms", "P99 ms", "MAX ms", "",
        ];
        let mut rows = vec![heads.map(str::to_owned).to_vec()];
        for (step, figures) in &self.steps {
            let all_met = self
                .bounds
                .of_step(*step, figures)
                .iter()
                .all(|mark| mark.met);
            let verdict = match (self.ramp.is_some(), all_met) {
                (true, _) => "",
                (false, true) => "met",
                (false, false) => "MISSED",
            };
            let mut row = vec![
                step.name().to_owned(),
                figures.count.to_string(),
                Mark::share("", figures.good, figures.count).words().0,
            ];
            row.extend([0.5, 0.95, 0.99, 1.0].map(|at| format!("{:.1}", figures.millis_at(at))));
            row.push(verdict.to_owned());
            rows.push(row);
        }
        table(&rows, &[1, 2, 3, 4, 5, 6])
    }

    /// The marks over the whole run, and of the steps those that were missed.
    fn mark_table(&self) -> String {
        let of_steps = if self.ramp.is_some() {
            0
        } else {
            self.steps
                .iter()
                .map(|(step, figures)| self.bounds.of_step(*step, figures).len())
                .sum()
        };
        let mut rows = vec![
            ["MARK", "MEASURED", "REQUIRED", ""]
                .map(str::to_owned)
                .to_vec(),
        ];
        for (number, mark) in self.marks().into_iter().enumerate() {
            if number < of_steps && mark.met {
                continue;
            }
            let (value, bound) = mark.words();
            let verdict = if mark.met { "met" } else { "MISSED" };
            rows.push(vec![mark.name, value, bound, verdict.to_owned()]);
        }
        table(&rows, &[1, 2])
    }

    fn promise_table(&self) -> String {
        let mut rows = vec![["PROMISE", "OBSERVED", ""].map(str::to_owned).to_vec()];
        for (invariant, observed) in &self.findings.observations {
            let verdict = match (self.findings.count_of(*invariant), observed) {
                (0, 0) => String::from("nothing seen"),
                (0, _) => String::from("kept"),
                (broken, _) => format!("BROKEN {broken} times"),
            };
            rows.push(vec![
                invariant.name().to_owned(),
                observed.to_string(),
                verdict,
            ]);
        }
        let mut text = table(&rows, &[1]);
        for violation in &self.findings.violations {
            let _ = writeln!(
                text,
                "broken: {}: {}",
                violation.invariant.name(),
                plain(&violation.evidence)
            );
        }
        text
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({
            "tool": concat!("tidegate load ", env!("CARGO_PKG_VERSION")),
            "passed": self.passed(),
            "interrupted": self.interrupted,
            "url": self.url,
            "queue": { "id": self.queue, "own": self.own, "config": self.config },
            "page": self.page,
            "seconds": self.took.as_secs_f64(),
            "shoppers": {
                "came": self.counts.came,
                "entered": self.counts.entered,
                "admitted": self.counts.admitted,
                "served": self.counts.served,
                "turnedAway": self.counts.turned_away,
                "gaveUp": self.counts.gave_up,
                "stillInLine": self.counts.under_way(),
            },
            "requests": figures_json("all", &self.requests),
            "requestsPerSecond": self.per_second(),
            "steps": self.steps.iter()
                .map(|(step, figures)| figures_json(step.name(), figures))
                .collect::<Vec<_>>(),
            "marks": self.marks(),
            "sockets": self.sockets.map(|sockets| json!({
                "wanted": sockets.sockets,
                "connected": sockets.ever_up,
                "upAtTheEnd": sockets.up,
                "drops": sockets.drops,
                "refusedByFullRelays": sockets.refused,
            })),
            "changes": self.changes.map(|changes| json!({
                "wanted": changes.wanted,
                "made": changes.made,
                "seconds": changes.took.as_secs_f64(),
                "sockets": changes.sockets,
                "heldLastWithin500Ms": changes.in_time,
            })),
            "ramp": self.ramp,
            "invariants": self.findings.observations.iter().map(|(invariant, observed)| json!({
                "invariant": invariant,
                "observations": observed,
                "violations": self.findings.count_of(*invariant),
            })).collect::<Vec<_>>(),
            "violations": self.findings.violations,
            "failures": self.failures.iter().map(|(step, why, count)| json!({
                "step": step.name(), "why": why, "count": count,
            })).collect::<Vec<_>>(),
            "notes": self.notes,
        })
    }
}

fn figures_json(name: &str, figures: &StepStats) -> Value {
    json!({
        "name": name,
        "count": figures.count,
        "success": figures.success(),
        "connectionErrors": figures.broken,
        "timeouts": figures.timed_out,
        "p50Ms": figures.millis_at(0.5),
        "p95Ms": figures.millis_at(0.95),
        "p99Ms": figures.millis_at(0.99),
        "maxMs": figures.millis_at(1.0),
    })
}

/// A table of rates, with the 95th percentile as a bar whose full width is its mark.
fn ramp_text(ramp: &Ramp, bounds: Bounds) -> String {
    const BAR: u32 = 25;
    let width = bounds.p95.as_secs_f64() * 1000.0 / f64::from(BAR);
    let heads = [
        "RATE/s",
        "DONE/s",
        "SUCCESS",
        "P50 ms",
        "P95 ms",
        "P99 ms",
        "P95, full at its mark",
        "",
    ];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    for step in &ramp.steps {
        let full = (0..BAR).take_while(|cell| f64::from(*cell) * width < step.p95_ms);
        let verdict = if step.met {
            String::new()
        } else {
            format!("MISSED {}", step.missed.join(", "))
        };
        rows.push(vec![
            step.rate.to_string(),
            format!("{:.0}", step.answered),
            format!("{:.2} %", (step.success * 10_000.0).floor() / 100.0),
            format!("{:.1}", step.p50_ms),
            format!("{:.1}", step.p95_ms),
            format!("{:.1}", step.p99_ms),
            full.map(|_| '█').collect(),
            verdict,
        ]);
    }
    let mut text = table(&rows, &[0, 1, 2, 3, 4, 5]);
    let _ = match (ramp.knee, ramp.plan_with) {
        (Some(knee), Some(_)) if ramp.reached_the_end => writeln!(
            text,
            "no knee up to {knee} requests/s: raise --max-rps to find it"
        ),
        (Some(knee), Some(plan)) => writeln!(
            text,
            "knee: {knee} requests/s; plan with four fifths of it: {plan} requests/s"
        ),
        _ => writeln!(text, "the first rate missed a mark: begin lower with --rps"),
    };
    text
}
