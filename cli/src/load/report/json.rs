//! The report for programs.

use serde_json::{Value, json};

use super::Report;
use crate::judge;
use crate::load::stats::StepStats;

impl Report {
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
                "withinMs": changes.within.as_secs_f64() * 1000.0,
                "heldLastInTime": changes.in_time,
            })),
            "ramp": self.ramp,
            "invariants": judge::as_json(&self.verdict),
            "violations": self.verdict.violations,
            "failures": self.failures.iter().map(|(step, why, count)| json!({
                "step": step.name(), "why": why, "count": count,
            })).collect::<Vec<_>>(),
            "notes": self.notes,
            "undone": self.undone,
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
