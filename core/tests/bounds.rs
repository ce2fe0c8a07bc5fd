//! A Queue object's machine with everything at its bound: how long it takes to come back from
//! storage, and how much memory it takes.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be, and says what it measured"
)]

use std::fs;
use std::time::Instant;

use serde_json::json;
use tidegate_core::UnixMillis;
use tidegate_core::config::{MAX_ACTIVE, QueueConfig};
use tidegate_core::fair::Fresh;
use tidegate_core::ids::{Epoch, ShopperId};
use tidegate_core::queue::gone::{STRETCHES_MAX, Stretch};
use tidegate_core::queue::machine::Stored;
use tidegate_core::queue::presence::PRESENT_MAX;
use tidegate_core::queue::{Claim, ClaimState, Head, LaneMark, Machine};

const NOW: UnixMillis = 1_800_000_000_000;
/// The platform gives an object 128 MB, its Worker's included.
const MEMORY_MAX: u64 = 96 * 1024 * 1024;
/// Unoptimized, and on a machine that does other things, too.
const SECONDS_MAX: u64 = 20;

/// The memory that this process holds, in bytes; `None` where the system does not say.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

fn claim(index: u64, state: ClaimState) -> Claim {
    Claim {
        index,
        position: index,
        shopper: ShopperId::from_bytes([1; 16]),
        state,
        claimed_at: NOW,
        admitted_at: (state != ClaimState::Present).then_some(NOW),
        redeemed_at: None,
        ends_at: Some(NOW + 600_000 + index),
        idempotency_key: (state == ClaimState::Redeemed).then(|| "k".repeat(36)),
    }
}

fn present_max() -> u64 {
    u64::try_from(PRESENT_MAX).unwrap()
}

fn stored(head: &Head) -> Stored {
    let (active, present) = (u64::from(MAX_ACTIVE), present_max());
    let lane = |lane| LaneMark {
        lane,
        sequence: 1,
        count: 1,
        first: lane.into(),
        granted: 1,
        total: 1,
    };
    let stretch = |number: usize| {
        let from = head.boarding + 3 * u64::try_from(number).unwrap();
        Stretch {
            from,
            until: from + 1,
            gone: 1,
        }
    };
    let live = (0..active)
        .map(|index| claim(index, ClaimState::Redeemed))
        .chain((active..active + present).map(|index| claim(index, ClaimState::Present)));
    Stored {
        lanes: (0..256).map(lane).collect(),
        live: live.collect(),
        recent_grants: (0..60_000)
            .map(|millis| (NOW - 60_000 + millis, millis))
            .collect(),
        gone: (0..STRETCHES_MAX).map(stretch).collect(),
        ..Stored::default()
    }
}

#[test]
fn a_queue_with_everything_at_its_bound_comes_back_within_its_memory_and_soon() {
    let id = "full".parse().unwrap();
    let config = json!({"maxActive": MAX_ACTIVE, "lanes": 256});
    let config = QueueConfig::parse(&config, &id).unwrap();
    let mut head = Head::new(id, config, Fresh::known(Epoch::from_bytes([1; 16])), NOW);
    head.entered = 10_000_000;
    head.boarding = 3 * u64::from(MAX_ACTIVE);
    head.keeps_gone = true;
    head.opened = Some(tidegate_core::queue::head::Opened::default());

    let before = resident();
    let stored = stored(&head);
    let loaded = resident();
    let began = Instant::now();
    let machine = Machine::restore(head, stored);
    let took = began.elapsed();
    let after = resident();

    let snapshot = machine.snapshot(NOW);
    assert_eq!(snapshot.active, u64::from(MAX_ACTIVE));
    assert_eq!(snapshot.present, present_max());
    println!("restored in {} ms", took.as_millis());
    assert!(took.as_secs() < SECONDS_MAX, "restored in {took:?}");
    if let (Some(before), Some(loaded), Some(after)) = (before, loaded, after) {
        let (rows, all) = (loaded.saturating_sub(before), after.saturating_sub(before));
        let mib = |bytes: u64| bytes / 1024 / 1024;
        println!(
            "rows {} MiB, machine and what is left of them {} MiB",
            mib(rows),
            mib(all)
        );
        assert!(all < MEMORY_MAX, "{} MiB", mib(all));
    }
}
