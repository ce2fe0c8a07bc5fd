//! What was measured: for each step how many requests, how they ended, and how long they took from
//! the moment they were due.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hdrhistogram::Histogram;
use serde::Serialize;

use super::window::Window;

/// The longest time that is told apart from longer ones.
const LONGEST_MICROS: u64 = 600_000_000;
/// How many different failures are told apart.
const FAILURES_KEPT: usize = 40;

/// A step of a shopper's way, or of a socket's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    Page,
    Enter,
    Status,
    Claim,
    Redeem,
    Complete,
    /// What a shopper does in place of redeeming where there is no origin key.
    Leave,
    /// The same call once more: entering, claiming, redeeming. Every twentieth shopper does.
    Repeat,
    SocketConnect,
    Push,
}

impl Step {
    pub const ALL: [Self; 10] = [
        Self::Page,
        Self::Enter,
        Self::Status,
        Self::Claim,
        Self::Redeem,
        Self::Complete,
        Self::Leave,
        Self::Repeat,
        Self::SocketConnect,
        Self::Push,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Enter => "enter",
            Self::Status => "status",
            Self::Claim => "claim",
            Self::Redeem => "redeem",
            Self::Complete => "complete",
            Self::Leave => "leave",
            Self::Repeat => "repeat",
            Self::SocketConnect => "socket connect",
            Self::Push => "push",
        }
    }

    /// Whether it is a request of its own, and so part of the figures over all requests.
    pub const fn is_request(self) -> bool {
        !matches!(self, Self::SocketConnect | Self::Push)
    }

    /// Whether this answer is one that a shopper of a healthy queue may get.
    pub fn expects(self, status: u16, code: Option<&str>) -> bool {
        match self {
            Self::Page => (200..400).contains(&status),
            Self::Enter => status == 200 || code == Some("QUEUE_FULL") || is_over(status),
            Self::Claim => matches!(status, 200 | 202) || code == Some("PAUSED") || is_over(status),
            Self::Leave => status == 204,
            Self::Repeat => matches!(status, 200 | 202 | 409) || is_over(status),
            Self::Status | Self::Redeem | Self::Complete => status == 200,
            Self::SocketConnect => status == 101,
            Self::Push => true,
        }
    }
}

/// The queue has ended, or its stock has.
const fn is_over(status: u16) -> bool {
    status == 410
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As it should.
    Good,
    /// With another answer.
    Bad,
    /// No connection, or one that broke.
    Broken,
    /// With no answer in time.
    TimedOut,
}

/// The figures of one step.
#[derive(Clone)]
pub struct StepStats {
    times: Histogram<u64>,
    pub count: u64,
    pub good: u64,
    pub broken: u64,
    pub timed_out: u64,
}

impl StepStats {
    pub fn new() -> Option<Self> {
        Some(Self {
            times: Histogram::new_with_bounds(1, LONGEST_MICROS, 3).ok()?,
            count: 0,
            good: 0,
            broken: 0,
            timed_out: 0,
        })
    }

    pub fn add(&mut self, ending: Ending, took: Duration) {
        self.count += 1;
        let count = match ending {
            Ending::Good => &mut self.good,
            Ending::Broken => &mut self.broken,
            Ending::TimedOut => &mut self.timed_out,
            Ending::Bad => &mut 0,
        };
        *count += 1;
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.times.saturating_record(micros.max(1));
    }

    /// Counts what should have come and did not. It has no time.
    fn miss(&mut self, count: u64) {
        self.count += count;
    }

    fn merge(&mut self, other: &Self) {
        // Histograms of the same bounds always add up.
        let _ = self.times.add(&other.times);
        self.count += other.count;
        self.good += other.good;
        self.broken += other.broken;
        self.timed_out += other.timed_out;
    }

    /// The share of good endings; 1 where nothing was tried.
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    pub fn success(&self) -> f64 {
        if self.count == 0 {
            1.0
        } else {
            self.good as f64 / self.count as f64
        }
    }

    /// The time in milliseconds within which this share of requests ended.
    #[expect(clippy::cast_precision_loss, reason = "a time below ten minutes")]
    pub fn millis_at(&self, quantile: f64) -> f64 {
        self.times.value_at_quantile(quantile) as f64 / 1000.0
    }
}

struct Inner {
    steps: Vec<StepStats>,
    /// All requests since the window was last taken.
    window: Window,
    failures: BTreeMap<(Step, String), u64>,
}

/// The figures of a run.
pub struct Stats {
    inner: Mutex<Inner>,
}

impl Stats {
    /// Empty figures. `None` only if the histogram's bounds made no sense.
    pub fn new() -> Option<Self> {
        let steps = Step::ALL.map(|_| StepStats::new());
        Some(Self {
            inner: Mutex::new(Inner {
                steps: steps.into_iter().collect::<Option<_>>()?,
                window: Window::new()?,
                failures: BTreeMap::new(),
            }),
        })
    }

    /// Notes one ending; `why` says what was wrong with it.
    pub fn add(&self, step: Step, ending: Ending, took: Duration, why: impl FnOnce() -> String) {
        let mut inner = self.lock();
        if step.is_request() {
            inner.window.requests.add(ending, took);
        }
        if let Some(figures) = inner.steps.get_mut(step as usize) {
            figures.add(ending, took);
        }
        if ending != Ending::Good {
            let key = (step, why());
            if inner.failures.len() < FAILURES_KEPT || inner.failures.contains_key(&key) {
                *inner.failures.entry(key).or_default() += 1;
            }
        }
    }

    /// Notes how long the server had a request, and whether that waited for its place before.
    pub fn serve(&self, held_back: bool, took: Duration) {
        self.lock().window.serve(held_back, took);
    }

    /// Notes what should have come and did not.
    pub fn miss(&self, step: Step, count: u64) {
        if let Some(figures) = self.lock().steps.get_mut(step as usize) {
            figures.miss(count);
        }
    }

    /// The figures of a step.
    pub fn step(&self, step: Step) -> Option<StepStats> {
        self.lock().steps.get(step as usize).cloned()
    }

    /// The figures of all requests.
    pub fn requests(&self) -> Option<StepStats> {
        let mut all = StepStats::new()?;
        let inner = self.lock();
        for (step, figures) in Step::ALL.iter().zip(&inner.steps) {
            if step.is_request() {
                all.merge(figures);
            }
        }
        Some(all)
    }

    /// The figures of the requests since this was last called.
    pub fn take_window(&self) -> Option<Window> {
        let empty = Window::new()?;
        Some(core::mem::replace(&mut self.lock().window, empty))
    }

    /// What went wrong, and how often.
    pub fn failures(&self) -> Vec<(Step, String, u64)> {
        let inner = self.lock();
        let lines = inner.failures.iter();
        lines
            .map(|((step, why), count)| (*step, why.clone(), *count))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_steps_stand_in_the_order_of_their_numbers() {
        for (number, step) in Step::ALL.into_iter().enumerate() {
            assert_eq!(step as usize, number, "{step:?}");
        }
    }

    #[test]
    fn percentiles_are_those_of_the_times_to_a_thousandth() {
        let stats = Stats::new().unwrap();
        for took in 1..=1000 {
            stats.add(Step::Enter, Ending::Good, millis(took), String::new);
        }
        let enter = stats.step(Step::Enter).unwrap();
        for (quantile, expected) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0), (1.0, 1000.0)] {
            let measured = enter.millis_at(quantile);
            assert!(
                (measured - expected).abs() <= expected / 999.0,
                "{quantile}: {measured}"
            );
        }
    }

    #[test]
    fn endings_are_counted_apart() {
        let stats = Stats::new().unwrap();
        for ending in [
            Ending::Good,
            Ending::Good,
            Ending::Bad,
            Ending::Broken,
            Ending::TimedOut,
        ] {
            stats.add(Step::Claim, ending, millis(1), || String::from("why"));
        }
        let claim = stats.step(Step::Claim).unwrap();
        assert_eq!(
            (claim.count, claim.good, claim.broken, claim.timed_out),
            (5, 2, 1, 1)
        );
        assert!((claim.success() - 0.4).abs() < 1e-9);
        assert_eq!(stats.failures(), [(Step::Claim, String::from("why"), 3)]);
    }

    #[test]
    fn a_window_holds_requests_since_the_last_one_and_no_pushes() {
        let stats = Stats::new().unwrap();
        stats.add(Step::Page, Ending::Good, millis(1), String::new);
        stats.add(Step::Push, Ending::Good, millis(1), String::new);
        assert_eq!(stats.take_window().unwrap().requests.count, 1);
        assert_eq!(stats.take_window().unwrap().requests.count, 0);
        assert_eq!(stats.requests().unwrap().count, 1);
    }

    #[test]
    fn what_did_not_come_lowers_success_and_no_percentile() {
        let stats = Stats::new().unwrap();
        stats.add(Step::Push, Ending::Good, millis(3), String::new);
        stats.miss(Step::Push, 1);
        let push = stats.step(Step::Push).unwrap();
        assert!((push.success() - 0.5).abs() < 1e-9);
        assert!(push.millis_at(1.0) < 4.0);
    }

    #[test]
    fn only_the_answers_of_a_healthy_queue_are_expected() {
        assert!(Step::Claim.expects(202, None) && Step::Claim.expects(409, Some("PAUSED")));
        assert!(!Step::Claim.expects(409, Some("NOT_YET_SERVED")));
        assert!(!Step::Enter.expects(429, Some("RATE_LIMITED")));
        assert!(!Step::Enter.expects(503, None) && !Step::Page.expects(502, None));
        assert!(!Step::Redeem.expects(409, None) && Step::Repeat.expects(409, None));
    }
}
