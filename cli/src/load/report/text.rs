//! The report for people.

use core::fmt::Write;

use super::Report;
use crate::judge;
use crate::load::marks::{Bounds, Mark};
use crate::load::ramp::Ramp;
use crate::load::world::Counts;
use crate::output::{plain, table};

impl Report {
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
        text.push_str(&judge::as_text(&self.verdict));
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
        for left in &self.undone {
            let _ = writeln!(text, "undone: {}", plain(left));
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
                "changes: {} of {} made in {:.1} s; {} of {} sockets held the last one within {} ms",
                changes.made,
                changes.wanted,
                changes.took.as_secs_f64(),
                changes.in_time,
                changes.sockets,
                changes.within.as_millis()
            );
        }
        text
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
            let whose = if step.client_limited {
                ", by the load generator"
            } else {
                ""
            };
            format!("MISSED {}{whose}", step.missed.join(", "))
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
    if let Some(step) = ramp.first_missed().filter(|step| step.client_limited) {
        let _ = writeln!(
            text,
            "that is the load generator's limit, not the server's: at {} requests/s as many were under \
             way as may be, {}, and the server answered 95 % of them within {:.1} ms; raise \
             --concurrency",
            step.rate, ramp.concurrency, step.served_p95_ms
        );
    }
    text
}
