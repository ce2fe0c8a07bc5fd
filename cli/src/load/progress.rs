//! What is shown while a run goes on, on stderr: a bar on a terminal, a line now and then
//! elsewhere. To have live figures, it asks for the public snapshot once a second, as the room's
//! pages do.

use core::time::Duration;
use std::io::{IsTerminal, Write, stderr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use tidegate_judge::history::Snapshot;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::wire::Call;
use super::world::World;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Every so many looks there is a line where there is no terminal.
const LINE_EVERY: u64 = 5;

/// What is interesting of the snapshot.
#[derive(Default, Deserialize)]
struct Seen {
    #[serde(default)]
    relays: u16,
    #[serde(flatten)]
    snapshot: Snapshot,
}

/// Shows how the run goes, until it is dropped. `expected`: how many shoppers are to come, if that
/// is known.
pub async fn show(world: Arc<World>, expected: Option<u32>) {
    let screen = Screen::new(expected);
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut last, mut last_at) = (0, Instant::now());
    for look in 0_u64.. {
        ticks.tick().await;
        let seen = look_at(&world).await;
        let Some(requests) = world.wire.stats.requests() else {
            return;
        };
        let millis = u64::try_from(last_at.elapsed().as_millis())
            .unwrap_or(u64::MAX)
            .max(1);
        let per_second = (requests.count - last) * 1000 / millis;
        (last, last_at) = (requests.count, Instant::now());
        let counts = world.crowd.counts();
        let line = format!(
            "{} came, {} served; queue: {} waiting, {} present, {} active; {per_second} requests/s, \
             {} failed, p95 {:.0} ms",
            counts.came,
            counts.served,
            seen.waiting,
            seen.present,
            seen.active,
            requests.count - requests.good,
            requests.millis_at(0.95),
        );
        screen.update(
            counts.came - counts.under_way(),
            line,
            look,
            world.began.elapsed(),
        );
    }
}

async fn look_at(world: &World) -> Snapshot {
    let Ok(answer) = world.wire.exchange(Call::get(&world.paths.snapshot)).await else {
        return Snapshot::default();
    };
    let seen = answer.json::<Seen>().unwrap_or_default();
    world.relays.store(seen.relays, Ordering::Relaxed);
    world.record.saw(seen.snapshot.clone());
    seen.snapshot
}

enum Screen {
    Bar(ProgressBar),
    Lines,
}

impl Screen {
    fn new(expected: Option<u32>) -> Self {
        if !stderr().is_terminal() {
            return Self::Lines;
        }
        let (bar, template) = match expected {
            Some(shoppers) => (
                ProgressBar::new(u64::from(shoppers)),
                "{elapsed_precise} {bar:24} {pos}/{len} {wide_msg}",
            ),
            None => (
                ProgressBar::new_spinner(),
                "{elapsed_precise} {spinner} {wide_msg}",
            ),
        };
        // The templates are constant; where one were wrong, the library's own style is shown.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self::Bar(bar)
    }

    fn update(&self, done: u64, line: String, look: u64, elapsed: Duration) {
        match self {
            Self::Bar(bar) => {
                bar.set_position(done);
                bar.set_message(line);
            }
            Self::Lines if look > 0 && look.is_multiple_of(LINE_EVERY) => {
                // Where nobody can read it, the run goes on all the same.
                let _ = writeln!(stderr(), "{} s: {line}", elapsed.as_secs());
            }
            Self::Lines => {}
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
