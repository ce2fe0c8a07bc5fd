//! The requests of a while, seen from both ends: how long after they were due they were answered,
//! and how long the server had them. Between the two lies what this process is to blame for.

use core::time::Duration;

use super::marks::Bounds;
use super::stats::{Ending, StepStats};

/// With more than this share of requests held back, the 95th percentile is the load generator's.
const HELD_BACK: f64 = 0.05;
/// What part of its bound a server's time is when it is still well within it.
const WELL_WITHIN: f64 = 0.5;

/// The figures of a while.
#[derive(Clone)]
pub struct Window {
    /// From the moment they were due.
    pub requests: StepStats,
    /// From the moment they were sent.
    served: StepStats,
    /// Those that found as many under way as may be.
    held_back: u64,
}

impl Window {
    /// `None` only if the histogram's bounds made no sense.
    pub fn new() -> Option<Self> {
        Some(Self {
            requests: StepStats::new()?,
            served: StepStats::new()?,
            held_back: 0,
        })
    }

    /// Notes how long the server had a request, and whether it waited for its place before.
    pub fn serve(&mut self, held_back: bool, took: Duration) {
        self.served.add(Ending::Good, took);
        self.held_back += u64::from(held_back);
    }

    /// The share of requests that waited for a place.
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    pub fn held_back(&self) -> f64 {
        self.held_back as f64 / self.served.count.max(1) as f64
    }

    /// The time in milliseconds within which the server answered this share of requests.
    pub fn served_at(&self, quantile: f64) -> f64 {
        self.served.millis_at(quantile)
    }

    /// Whether marks that were missed are the load generator's fault: its places were all taken,
    /// while the server answered well, and well within the marks.
    pub fn blames_the_client(&self, bounds: Bounds) -> bool {
        let [success, ..] = bounds.of_requests("", &self.requests);
        let within = |quantile, bound: Duration| {
            self.served_at(quantile) < bound.as_secs_f64() * 1000.0 * WELL_WITHIN
        };
        success.met
            && self.requests.broken == 0
            && self.held_back() > HELD_BACK
            && within(0.95, bounds.p95)
            && within(0.99, bounds.p99)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::args::tests::parse;

    /// A hundred requests, of which so many waited for a place; each took so long from when it was
    /// due, and so long from when it was sent.
    fn window(held_back: u32, due_millis: u64, sent_millis: u64) -> Window {
        let mut window = Window::new().unwrap();
        for number in 0..100 {
            window
                .requests
                .add(Ending::Good, Duration::from_millis(due_millis));
            window.serve(number < held_back, Duration::from_millis(sent_millis));
        }
        window
    }

    fn blames(window: &Window) -> bool {
        window.blames_the_client(parse(&[]).unwrap().bounds())
    }

    #[test]
    fn the_client_is_to_blame_where_its_places_were_taken_and_the_server_was_quick() {
        assert!(blames(&window(100, 800, 80)));
        assert!(blames(&window(6, 800, 80)));
    }

    #[test]
    fn a_server_that_is_slow_itself_is_to_blame() {
        assert!(!blames(&window(100, 800, 300)));
        // Few waited: what made them late was no lack of places.
        assert!(!blames(&window(5, 800, 80)));
    }

    #[test]
    fn a_server_that_fails_is_to_blame_however_quickly() {
        for ending in [Ending::Bad, Ending::Broken] {
            let mut failing = window(100, 800, 80);
            for _ in 0..2 {
                failing.requests.add(ending, Duration::from_millis(1));
            }
            assert!(!blames(&failing));
        }
    }
}
