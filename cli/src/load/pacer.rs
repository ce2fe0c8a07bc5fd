//! When a request may be sent: by the schedule that the rate makes, and as one of so many under
//! way.
//!
//! The schedule does not wait for answers. A request is *due* when the shopper wants it and the
//! rate allows it; that it is then sent later, because too many are under way or this process lags,
//! counts as its latency. So a slow server cannot hide behind the requests it kept from being sent
//! ("coordinated omission").

use core::time::Duration;
use std::sync::{Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

/// A timer may ring this late, which is no fault of the server's.
const TIMER_SLACK: Duration = Duration::from_millis(2);

/// The schedule of a run.
pub struct Pacer {
    schedule: Mutex<Schedule>,
    under_way: Semaphore,
}

struct Schedule {
    /// Between two requests; `None` sets no rate.
    interval: Option<Duration>,
    /// When the next may be sent.
    next: Instant,
}

/// Leave to send one request.
pub struct Turn<'a> {
    /// When it should have been sent.
    pub due: Instant,
    /// Whether as many as may be were under way when it came.
    pub held_back: bool,
    _place: Option<SemaphorePermit<'a>>,
}

impl Pacer {
    pub fn new(per_second: Option<u32>, at_once: u32) -> Self {
        Self {
            schedule: Mutex::new(Schedule {
                interval: per_second.map(interval),
                next: Instant::now(),
            }),
            under_way: Semaphore::new(usize::try_from(at_once).unwrap_or(usize::MAX)),
        }
    }

    /// Begins a new schedule at this rate.
    pub fn set_rate(&self, per_second: u32) {
        let mut schedule = self.schedule.lock().unwrap_or_else(PoisonError::into_inner);
        *schedule = Schedule {
            interval: Some(interval(per_second)),
            next: Instant::now(),
        };
    }

    /// Takes the next free moment of the schedule.
    pub fn reserve(&self) -> Instant {
        let now = Instant::now();
        let mut schedule = self.schedule.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(interval) = schedule.interval else {
            return now;
        };
        // A moment that nobody wanted is gone, but for what a late timer could not use.
        let due = schedule
            .next
            .max(now.checked_sub(TIMER_SLACK).unwrap_or(now));
        schedule.next = due + interval;
        due.max(now)
    }

    /// Waits for the next turn.
    pub async fn turn(&self) -> Turn<'_> {
        self.turn_at(self.reserve()).await
    }

    /// Waits for the turn at a moment that was reserved.
    pub async fn turn_at(&self, due: Instant) -> Turn<'_> {
        if due > Instant::now() {
            sleep_until(due).await;
        }
        let now = Instant::now();
        let due = if now - due < TIMER_SLACK { now } else { due };
        let free = self.under_way.try_acquire().ok();
        let held_back = free.is_none();
        let place = match free {
            Some(place) => Some(place),
            // The semaphore is never closed.
            None => self.under_way.acquire().await.ok(),
        };
        Turn {
            due,
            held_back,
            _place: place,
        }
    }
}

fn interval(per_second: u32) -> Duration {
    Duration::from_secs(1) / per_second.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn turns_come_at_the_rate_whoever_waits_for_them() {
        let pacer = Pacer::new(Some(100), 1000);
        let began = Instant::now();
        let mut last = began;
        for _ in 0..101 {
            last = pacer.turn().await.due;
        }
        let took = last - began;
        assert!(
            took >= Duration::from_millis(997) && took <= Duration::from_millis(1003),
            "{took:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_slow_server_holds_up_stays_due_when_it_was() {
        let pacer = Pacer::new(Some(1000), 1);
        let held = pacer.turn().await;
        let due = held.due;
        assert!(!held.held_back);
        let (next, ()) = tokio::join!(pacer.turn(), async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            drop(held);
        });
        assert!(next.due - due < Duration::from_millis(5));
        assert!(next.held_back);
        assert!(Instant::now() - next.due > Duration::from_secs(4));
    }

    #[tokio::test(start_paused = true)]
    async fn moments_that_nobody_wanted_are_not_made_up_for() {
        let pacer = Pacer::new(Some(10), 1000);
        tokio::time::sleep(Duration::from_secs(10)).await;
        let (first, second) = (pacer.reserve(), pacer.reserve());
        assert!(
            second - first >= Duration::from_millis(98),
            "{:?}",
            second - first
        );
    }
}
