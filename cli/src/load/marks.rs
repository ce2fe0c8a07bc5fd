//! The pass marks, and whether they were met. They are those of the requirements R21 (requests) and
//! R32 (sockets).

use core::time::Duration;

use serde::Serialize;

use super::stats::{Step, StepStats};

/// The share of requests, sockets and pushes that must go well: above it.
const SUCCESS: f64 = 0.99;

/// The times that must not be reached.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub p95: Duration,
    pub p99: Duration,
    pub connect_p99: Duration,
    pub push_p99: Duration,
}

/// A figure beside its mark.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mark {
    pub name: String,
    pub value: f64,
    pub unit: Unit,
    /// What it must be: above a share, below a time, or none at all.
    pub bound: f64,
    pub met: bool,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Unit {
    /// A share, that must be above its bound.
    Share,
    /// Milliseconds, that must be below their bound.
    Millis,
    /// A number that must be no more than its bound.
    Count,
}

impl Mark {
    /// A share of `whole` that must be above 99 %.
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    pub fn share(name: impl Into<String>, part: u64, whole: u64) -> Self {
        let value = if whole == 0 {
            1.0
        } else {
            part as f64 / whole as f64
        };
        Self::new(name, value, Unit::Share, SUCCESS)
    }

    /// Something of which there may be none.
    #[expect(clippy::cast_precision_loss, reason = "a count")]
    pub fn none(name: impl Into<String>, count: u64) -> Self {
        Self::new(name, count as f64, Unit::Count, 0.0)
    }

    /// A time that must stay below a bound.
    fn time(name: impl Into<String>, value: f64, bound: Duration) -> Self {
        Self::new(name, value, Unit::Millis, bound.as_secs_f64() * 1000.0)
    }

    fn new(name: impl Into<String>, value: f64, unit: Unit, bound: f64) -> Self {
        let met = match unit {
            Unit::Share => value > bound,
            Unit::Millis => value < bound,
            Unit::Count => value <= bound,
        };
        Self {
            name: name.into(),
            value,
            unit,
            bound,
            met,
        }
    }

    /// The figure, and the mark, in words.
    pub fn words(&self) -> (String, String) {
        let Self { value, bound, .. } = self;
        match self.unit {
            // Rounded down: 98.9996 % is not 99 %.
            Unit::Share => (
                format!("{:.2} %", (value * 10_000.0).floor() / 100.0),
                format!("> {:.0} %", bound * 100.0),
            ),
            Unit::Millis => (format!("{value:.1} ms"), format!("< {bound:.0} ms")),
            Unit::Count => (format!("{value:.0}"), format!("{bound:.0}")),
        }
    }
}

impl Bounds {
    /// The marks of a step that was taken at least once.
    pub fn of_step(&self, step: Step, figures: &StepStats) -> Vec<Mark> {
        if figures.count == 0 {
            return Vec::new();
        }
        let p99 = figures.millis_at(0.99);
        match step {
            Step::SocketConnect => vec![Mark::time("socket connect p99", p99, self.connect_p99)],
            Step::Push => vec![
                Mark::share("push delivered", figures.good, figures.count),
                Mark::time("push p99", p99, self.push_p99),
            ],
            _ => self.of_requests(step.name(), figures).into(),
        }
    }

    /// The marks of requests.
    pub fn of_requests(&self, name: &str, figures: &StepStats) -> [Mark; 3] {
        [
            Mark::share(format!("{name} success"), figures.good, figures.count),
            Mark::time(format!("{name} p95"), figures.millis_at(0.95), self.p95),
            Mark::time(format!("{name} p99"), figures.millis_at(0.99), self.p99),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::stats::{Ending, Stats};

    const BOUNDS: Bounds = Bounds {
        p95: Duration::from_millis(500),
        p99: Duration::from_secs(1),
        connect_p99: Duration::from_millis(100),
        push_p99: Duration::from_millis(500),
    };

    fn figures(step: Step, times: &[(u64, u64)], bad: u64) -> StepStats {
        let stats = Stats::new().unwrap();
        for (count, millis) in times {
            for _ in 0..*count {
                stats.add(
                    step,
                    Ending::Good,
                    Duration::from_millis(*millis),
                    String::new,
                );
            }
        }
        for _ in 0..bad {
            stats.add(step, Ending::Bad, Duration::from_millis(1), String::new);
        }
        stats.step(step).unwrap()
    }

    fn missed(marks: &[Mark]) -> Vec<&str> {
        marks
            .iter()
            .filter(|mark| !mark.met)
            .map(|mark| mark.name.as_str())
            .collect()
    }

    #[test]
    fn requests_pass_just_within_every_mark() {
        let marks = BOUNDS.of_step(
            Step::Enter,
            &figures(Step::Enter, &[(950, 490), (49, 990)], 1),
        );
        assert_eq!(missed(&marks), [""; 0]);
    }

    #[test]
    fn each_mark_is_missed_by_itself() {
        for (times, bad, expected) in [
            (&[(990, 1)][..], 10, "enter success"),
            (&[(940, 1), (60, 510)], 0, "enter p95"),
            (&[(980, 1), (20, 1010)], 0, "enter p99"),
        ] {
            let marks = BOUNDS.of_step(Step::Enter, &figures(Step::Enter, times, bad));
            assert_eq!(missed(&marks), [expected]);
        }
    }

    #[test]
    fn sockets_have_marks_of_their_own() {
        let connect = figures(Step::SocketConnect, &[(100, 150)], 0);
        assert_eq!(
            missed(&BOUNDS.of_step(Step::SocketConnect, &connect)),
            ["socket connect p99"]
        );
        let push = figures(Step::Push, &[(90, 600)], 10);
        assert_eq!(
            missed(&BOUNDS.of_step(Step::Push, &push)),
            ["push delivered", "push p99"]
        );
    }

    #[test]
    fn what_was_not_done_has_no_mark() {
        assert_eq!(
            BOUNDS.of_step(Step::Redeem, &figures(Step::Redeem, &[], 0)),
            []
        );
    }

    #[test]
    fn a_single_broken_connection_is_one_too_many() {
        assert!(Mark::none("connection errors", 0).met);
        assert!(!Mark::none("connection errors", 1).met);
    }

    #[test]
    fn a_share_is_never_rounded_up_to_its_mark() {
        let mark = Mark::share("x", 989_999, 1_000_000);
        assert!(!mark.met);
        assert_eq!(
            mark.words(),
            (String::from("98.99 %"), String::from("> 99 %"))
        );
    }
}
