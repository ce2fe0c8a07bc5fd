//! How long a notice takes from the operator's call to every socket. The clock starts when the call
//! is sent, so the figure includes the call itself: it is the worst that a shopper sees.

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::{Instant, interval_at, sleep_until, timeout_at};

use super::sockets::Fleet;
use super::stats::{Ending, Step};
use super::world::World;

/// Between two notices that are measured.
const APART: Duration = Duration::from_secs(1);
/// How long a notice may be on its way before it counts as not delivered.
const LATEST: Duration = Duration::from_secs(5);
/// How much longer than it may take the last change is waited for.
const BEYOND: Duration = Duration::from_millis(100);
/// How long calls that are under way may hold up the last one.
const LAST_CALLS: Duration = Duration::from_secs(10);

/// One notice on its way.
struct Sent {
    at: Instant,
    measured: bool,
    delivered: u64,
    in_time: u64,
}

/// The notices of a run. Each text ends in the notice's number.
pub struct Push {
    run: String,
    /// Within what time every socket is to hold what was sent.
    bound: Duration,
    sent: Mutex<Vec<Sent>>,
}

/// What a storm of changes came to.
#[derive(Clone, Copy, Debug)]
pub struct Changes {
    /// Changes that were asked for, and those that were answered with success.
    pub wanted: u64,
    pub made: u64,
    /// From the first to the last.
    pub took: Duration,
    /// Sockets that were to hold the last one within this time, and those that did.
    pub sockets: u64,
    pub within: Duration,
    pub in_time: u64,
}

impl Push {
    pub fn new(bound: Duration) -> Self {
        Self {
            bound,
            run: format!("{:08x}", fastrand::u32(..)),
            sent: Mutex::default(),
        }
    }

    fn text(&self, number: usize) -> String {
        format!(
            "Tidegate is being load-tested: run {} number {number}",
            self.run
        )
    }

    /// The number of a notice, if it is one of this run's.
    pub fn number(&self, text: &str) -> Option<usize> {
        let (before, number) = text.rsplit_once(" number ")?;
        before.ends_with(&self.run).then(|| number.parse().ok())?
    }

    /// A notice reached a socket that stood since `since`, for the first time.
    pub fn arrived(&self, world: &World, number: usize, since: Instant) {
        let mut sent = self.lock();
        let Some(notice) = sent.get_mut(number).filter(|notice| since <= notice.at) else {
            return;
        };
        let took = notice.at.elapsed();
        notice.delivered += 1;
        notice.in_time += u64::from(took <= self.bound);
        if notice.measured && took <= LATEST {
            world
                .wire
                .stats
                .add(Step::Push, Ending::Good, took, String::new);
        }
    }

    /// Whether any notice was sent.
    pub fn has_begun(&self) -> bool {
        !self.lock().is_empty()
    }

    fn begin(&self, measured: bool) -> usize {
        let mut sent = self.lock();
        sent.push(Sent {
            at: Instant::now(),
            measured,
            delivered: 0,
            in_time: 0,
        });
        sent.len() - 1
    }

    fn delivered(&self, number: usize) -> (u64, u64) {
        let sent = self.lock();
        sent.get(number)
            .map_or((0, 0), |notice| (notice.delivered, notice.in_time))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Sent>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends notices a second apart, and counts which sockets they did not reach.
pub async fn notices(world: &Arc<World>, fleet: &Fleet, count: u32) {
    for _ in 0..count {
        let began = Instant::now();
        let expected = fleet.ever_up();
        let number = world.push.begin(true);
        let text = world.push.text(number);
        if let Err(failure) = world
            .target
            .say(&world.wire, &world.keys, Some(&text))
            .await
        {
            world.note(format!("a notice was not taken: {}", failure.message()));
            world.wire.stats.miss(Step::Push, expected);
            continue;
        }
        everywhere(world, fleet, number, expected, began + LATEST).await;
        let missing = expected.saturating_sub(world.push.delivered(number).0);
        world.wire.stats.miss(Step::Push, missing);
        sleep_until(began + APART).await;
    }
}

/// Waits until so many sockets have heard of a notice, but no longer than `end`: what is missing
/// then is for the caller to count.
async fn everywhere(world: &World, fleet: &Fleet, number: usize, sockets: u64, end: Instant) {
    let heard = async {
        while world.push.delivered(number).0 < sockets {
            fleet.something_arrived().await;
        }
    };
    let _ = timeout_at(end, heard).await;
}

/// Changes the notice at a rate, and looks when every socket holds the last one.
pub async fn changes(world: &Arc<World>, fleet: &Fleet, per_second: u32, seconds: u32) -> Changes {
    let began = Instant::now();
    let mut ticks = interval_at(began, Duration::from_secs(1) / per_second.max(1));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 1..per_second.saturating_mul(seconds) {
        ticks.tick().await;
        let text = world.push.text(world.push.begin(false));
        let world = Arc::clone(world);
        calls.spawn(async move { change(&world, &text).await });
    }
    ticks.tick().await;
    // The last one is to be the last: it is sent when no other is under way.
    let mut made = 0;
    let end = Instant::now() + LAST_CALLS;
    while let Ok(Some(call)) = timeout_at(end, calls.join_next()).await {
        made += u64::from(call.unwrap_or(false));
    }
    let sockets = fleet.ever_up();
    let number = world.push.begin(false);
    let last = Instant::now();
    let text = world.push.text(number);
    made += u64::from(change(world, &text).await);
    let within = world.push.bound;
    everywhere(world, fleet, number, sockets, last + within + BEYOND).await;
    Changes {
        wanted: u64::from(per_second) * u64::from(seconds),
        made,
        took: last - began,
        sockets,
        within,
        in_time: world.push.delivered(number).1,
    }
}

/// Whether the change was taken.
async fn change(world: &World, text: &str) -> bool {
    let result = world.target.say(&world.wire, &world.keys, Some(text)).await;
    if let Err(failure) = &result {
        world.note(format!("a change was not taken: {}", failure.message()));
    }
    result.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_known_by_its_run_and_number() {
        let push = Push::new(Duration::ZERO);
        assert_eq!(push.number(&push.text(17)), Some(17));
        assert_eq!(push.number("Payment is slow today, number 17"), None);
        assert_eq!(push.number("number"), None);
    }
}
