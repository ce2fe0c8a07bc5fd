//! Promise 10. While someone is present and a slot is free within the limits and not kept back,
//! they are admitted; while people wait and slots are free, boarding moves.

use tidegate_core::UnixMillis;
use tidegate_core::queue::Head;
use tidegate_core::view::snapshot::Phase;

use crate::ledger::Ledger;
use crate::seen::Seen;
use crate::verdict::{Promise::Live as THIS, Verdict};

/// How long boarding may stand still, by the queue's clock, while a slot is free, nobody is present
/// and somebody waits: a step of the frontier, two polls, and as much again for an alarm that is
/// held up.
const STANDSTILL_MILLIS: u64 = 60_000;

/// Since when, by the queue's clock, boarding stands though it could move, and where.
#[derive(Default)]
pub struct Live(Option<(UnixMillis, u64)>);

impl Live {
    /// How long it stood was in memory, or it was out of reach.
    pub fn begins_anew(&mut self) {
        self.0 = None;
    }

    /// The queue as it stands after an event.
    pub fn stands(
        &mut self,
        ledger: &mut Ledger,
        head: &Head,
        alarm: Option<UnixMillis>,
        verdict: &mut Verdict,
    ) {
        let (clock, boarding) = (head.clock, head.boarding);
        verdict.ensure(alarm.is_none_or(|due| due > clock), THIS, || {
            format!("at {clock} the alarm is due at {alarm:?}, at once and for ever")
        });
        let is_open = head.phase(clock) == Phase::Open;
        let first = ledger.present.first().copied();
        let is_idle = match first {
            _ if !is_open => false,
            Some(first) => {
                admits(ledger, head, first, verdict);
                false
            }
            None => head.line() > 0 && ledger.room(clock) > 0,
        };
        match self.0.filter(|(_, at)| is_idle && *at == boarding) {
            Some((since, _)) => {
                verdict.ensure(
                    clock.saturating_sub(since) <= STANDSTILL_MILLIS,
                    THIS,
                    || format!("boarding stands at {boarding} since {since}, and it is {clock}"),
                );
            }
            None => self.0 = is_idle.then_some((clock, boarding)),
        }
    }
}

/// The first who is present waits for slots only that are kept back.
fn admits(ledger: &mut Ledger, head: &Head, first: u64, verdict: &mut Verdict) {
    ledger.hearing.forget(head.clock);
    let kept = head
        .batches
        .iter()
        .filter(|batch| batch.hears_by > head.clock);
    let kept: u64 = kept
        .map(|batch| batch.to.min(first).saturating_sub(batch.from))
        .sum();
    let room = ledger.room(head.clock);
    verdict.ensure(room <= kept, THIS, || {
        format!("position {first} is present, {room} slots are free, and {kept} may be kept back")
    });
}

/// Of a history: between two looks at one version of the public state nothing happened.
pub fn judge(seen: &Seen<'_>, verdict: &mut Verdict) {
    let most = seen.limits.max_active.map_or(u64::MAX, u64::from);
    let mut since: Option<&crate::history::Snapshot> = None;
    for snapshot in &seen.snapshots {
        let is_open = snapshot.phase == Some(Phase::Open) && snapshot.active < most;
        let waits = snapshot.boarding < snapshot.entered && snapshot.waiting > 0;
        if !(is_open && waits && snapshot.present == 0) {
            since = None;
            continue;
        }
        verdict.observe(THIS, 1);
        let first = *since.get_or_insert(snapshot);
        if first.version != snapshot.version {
            since = Some(snapshot);
            continue;
        }
        let stood = snapshot.server_time.saturating_sub(first.server_time);
        verdict.ensure(stood <= STANDSTILL_MILLIS, THIS, || {
            format!(
                "boarding stands at {} for {stood} ms, {} wait, and slots are free",
                snapshot.boarding, snapshot.waiting
            )
        });
    }
}
