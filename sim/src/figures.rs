//! What a run comes to, in figures.

use core::ops::Range;
use std::collections::BTreeSet;

use serde::Serialize;

use crate::message::Call;
use crate::world::World;
use tidegate_core::queue::Effect;
use tidegate_judge::Limits;

/// A count by calendar seconds: the largest, and the sum.
#[derive(Default)]
pub(crate) struct Rate {
    second: u64,
    this: u64,
    peak: u64,
    total: u64,
    first: Option<u64>,
}

impl Rate {
    pub fn add(&mut self, now: u64) {
        let second = now / 1_000;
        if second != self.second {
            (self.second, self.this) = (second, 0);
        }
        self.first.get_or_insert(second);
        self.this += 1;
        self.total += 1;
        self.peak = self.peak.max(self.this);
    }

    #[expect(clippy::cast_precision_loss, reason = "a figure")]
    fn figures(&self) -> PerSecond {
        let span = self.second + 1 - self.first.unwrap_or(self.second);
        PerSecond {
            peak: self.peak,
            mean: self.total as f64 / span as f64,
            total: self.total,
        }
    }
}

/// Counters of a run.
#[derive(Default)]
pub(crate) struct Tally {
    pub events: u64,
    pub polls: u64,
    pub relay_requests: u64,
    pub crashes: u64,
    pub refused: u64,
    /// Calls that reached the Queue object, the refused ones included: all, and those for one
    /// shopper.
    queue_calls: u64,
    admission_calls: u64,
    pub entered: u64,
    pub groups: u64,
    pub lane_rows: u64,
    queue_rows: u64,
    pub backlog_micros: u64,
    pub present_max: u64,
    /// Positions that are called up and whose holders are about to hear of it.
    pub listening: BTreeSet<u64>,
    pub overtaken_listening: u64,
    pub admissions: Rate,
    lane_requests: Rate,
    leases: Rate,
    writes: Rate,
    /// Milliseconds from entering to the admission.
    pub waits: Vec<u32>,
    /// When each position was called up.
    pub called_at: Vec<u32>,
    slots_at: u64,
    slots_used: u128,
    slots_usable: u128,
}

impl Tally {
    pub fn lane_request(&mut self, now: u64) {
        self.lane_requests.add(now);
    }

    pub fn lease(&mut self, now: u64) {
        self.leases.add(now);
    }

    pub fn queue_event(&mut self, effects: &[Effect]) {
        self.queue_rows += effects.len() as u64;
    }

    pub fn transaction(&mut self, now: u64) {
        self.writes.add(now);
    }

    pub fn queue_call(&mut self, call: Call) {
        match call {
            Call::Wake | Call::Forge | Call::Operate { .. } => return,
            Call::Edge { .. } | Call::Leave { .. } => self.admission_calls += 1,
            Call::Lease { .. } | Call::Stands { .. } | Call::View => {}
        }
        self.queue_calls += 1;
    }

    /// Notes that positions below `boarding` are called up. Returns how many were before.
    pub fn called_up(&mut self, now: u64, boarding: u64) -> u64 {
        let before = self.called_at.len() as u64;
        let boarding = usize::try_from(boarding).unwrap_or(usize::MAX);
        if self.called_at.len() < boarding {
            let now = u32::try_from(now).unwrap_or(u32::MAX);
            self.called_at.resize(boarding, now);
        }
        before
    }

    /// Slots stood so since the last time: of those that somebody could have used, how many were
    /// used. While everything stands `still`, nobody could.
    pub fn slots(
        &mut self,
        now: u64,
        limits: &Limits,
        active: u64,
        willing: u64,
        still: &Range<u64>,
    ) {
        let since = core::mem::replace(&mut self.slots_at, now);
        let stood = now.min(still.end).saturating_sub(since.max(still.start));
        let passed = u128::from(now - since - stood);
        let Some(most) = limits.max_active else {
            return;
        };
        if willing > 0 {
            let usable = u64::from(most).min(active + willing);
            self.slots_used += passed * u128::from(active.min(usable));
            self.slots_usable += passed * u128::from(usable);
        }
    }
}

/// How often something happened.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PerSecond {
    /// In the busiest second.
    pub peak: u64,
    /// On average, from the first to the last.
    pub mean: f64,
    /// In all.
    pub total: u64,
}

/// How honest the waits were that shoppers were shown.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Honesty {
    /// The share of answers that said "unknown".
    pub unknown: f64,
    /// Half of the others were off by no more than this part of the real wait.
    pub median_error: Option<f64>,
    /// Nine of ten were off by no more than this part of it.
    pub ninth_decile_error: Option<f64>,
}

/// What a run comes to. Times are virtual.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it; docs/simulator.md says more")]
pub struct Figures {
    pub virtual_seconds: f64,
    pub events: u64,
    pub shoppers: u32,
    pub entered: u64,
    pub admitted: u64,
    pub present_max: u64,
    /// Admissions in the fullest second.
    pub admitted_in_a_second: u64,
    /// Admissions while somebody before them, who was called up, still had time to hear of it, and
    /// no slot was kept back for them.
    pub overtaken_in_hearing: u64,
    /// Admissions while somebody before them had let that time pass, and came or may come later.
    pub overtaken_later: u64,
    /// Admissions while somebody before them, who polled as told or had a socket, had not heard
    /// yet.
    pub overtaken_listening: u64,
    /// Waits from entering to the admission in seconds: the shortest, the nine deciles, the
    /// longest.
    pub wait_deciles: Vec<f64>,
    pub honesty: Honesty,
    /// Of the slot time that somebody in line could have used, the share that was used.
    pub slots_in_use: Option<f64>,
    /// Transactions of the Queue object.
    pub queue_writes: PerSecond,
    /// Calls of the Queue object, and those among them that it refused as too many.
    pub queue_calls: u64,
    pub queue_refused: u64,
    /// Calls to claim, leave, redeem, complete, release and extend, for each admission.
    pub queue_calls_per_admission: f64,
    pub queue_backlog_ms: u64,
    pub leases: PerSecond,
    pub lane_requests: PerSecond,
    /// Requests to lanes, and the lanes' leases, for each entry; what admits the shopper later is
    /// counted apart.
    pub object_requests_per_entry: f64,
    pub rows_written_per_entry: f64,
    pub rows_written_per_shopper: f64,
    pub polls: u64,
    pub relay_requests: u64,
    pub crashes: u64,
    /// Every wait in milliseconds, in order, for the picture.
    #[serde(skip)]
    pub waits: Vec<u32>,
}

#[expect(clippy::cast_precision_loss, reason = "figures")]
impl World {
    pub fn figures(&mut self) -> Figures {
        let mut waits = core::mem::take(&mut self.tally.waits);
        waits.sort_unstable();
        let granted = self.judge.ledger().granted();
        let (in_hearing, later) = self.judge.overtaken();
        let tally = &self.tally;
        let entered = tally.entered.max(1) as f64;
        // A lease writes the lane's mark and the queue's head.
        let entering_rows = tally.lane_rows + 2 * tally.leases.total;
        Figures {
            virtual_seconds: self.agenda.now() as f64 / 1_000.0,
            events: tally.events,
            shoppers: self.scenario.shoppers,
            entered: tally.entered,
            admitted: granted,
            present_max: tally.present_max,
            admitted_in_a_second: tally.admissions.peak,
            overtaken_in_hearing: in_hearing,
            overtaken_later: later,
            overtaken_listening: tally.overtaken_listening,
            wait_deciles: deciles(&waits),
            honesty: honesty(&self.honesty()),
            slots_in_use: (tally.slots_usable > 0)
                .then(|| tally.slots_used as f64 / tally.slots_usable as f64),
            queue_writes: tally.writes.figures(),
            queue_calls: tally.queue_calls,
            queue_refused: tally.refused,
            queue_calls_per_admission: tally.admission_calls as f64 / granted.max(1) as f64,
            queue_backlog_ms: tally.backlog_micros / 1_000,
            leases: tally.leases.figures(),
            lane_requests: tally.lane_requests.figures(),
            object_requests_per_entry: (tally.lane_requests.total + tally.leases.total) as f64
                / entered,
            rows_written_per_entry: entering_rows as f64 / entered,
            rows_written_per_shopper: (tally.lane_rows + tally.queue_rows) as f64 / entered,
            polls: tally.polls,
            relay_requests: tally.relay_requests,
            crashes: tally.crashes,
            waits,
        }
    }
}

fn deciles(waits: &[u32]) -> Vec<f64> {
    let at = |tenth: usize| waits.get(waits.len().saturating_sub(1) * tenth / 10);
    (0..=10)
        .filter_map(|tenth| at(tenth).map(|wait| f64::from(*wait) / 1_000.0))
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "figures")]
fn honesty(shown: &[(Option<u32>, u32)]) -> Honesty {
    let mut errors: Vec<f64> = shown
        .iter()
        // Within seconds of the call, a part of the wait says nothing.
        .filter_map(|(estimate, real)| estimate.map(|estimate| (estimate, (*real).max(10))))
        .map(|(estimate, real)| (f64::from(estimate) - f64::from(real)).abs() / f64::from(real))
        .collect();
    errors.sort_unstable_by(f64::total_cmp);
    let unknown = shown
        .iter()
        .filter(|(estimate, _)| estimate.is_none())
        .count();
    let at = |part: usize| {
        errors
            .get(errors.len().saturating_sub(1) * part / 10)
            .copied()
    };
    Honesty {
        unknown: unknown as f64 / shown.len().max(1) as f64,
        median_error: at(5),
        ninth_decile_error: at(9),
    }
}
