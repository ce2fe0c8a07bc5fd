//! Promise 4. No grant leaves active > `maxActive`, admissions in any 60 s > `admitRatePerMinute`,
//! or completed + active > `maxAdmissions`. What was held when a limit was lowered drains.

use core::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use tidegate_core::UnixMillis;
use tidegate_core::queue::ClaimState;

use crate::history::{Admission, Verb};
use crate::ledger::Ledger;
use crate::limits::Limits;
use crate::seen::Seen;
use crate::spans::exceeds;
use crate::verdict::{Promise::NeverOverAdmitted as THIS, Verdict};

/// "In any 60 s" is the half-open window `(now - 60 s, now]`.
const MINUTE_MILLIS: u64 = 60_000;
/// A minute, less a second for how far the server's clock may run apart from the client's
/// meanwhile, in microseconds.
const SURELY_ONE_MINUTE: u64 = 59_000_000;

/// The most checkouts that may be: the limit, or, since it was lowered, as many as were held and
/// still are.
#[derive(Default)]
pub struct Checkouts(u64);

impl Checkouts {
    /// Redeemed and not ended: never more than slots, also when some left meanwhile.
    pub fn wrote(&mut self, ledger: &Ledger, verdict: &mut Verdict) {
        let most = ledger.limits.max_active.map_or(u64::MAX, u64::from);
        let held = ledger.active.max(ledger.at_checkout);
        self.0 = most.max(self.0.min(held));
        verdict.ensure(ledger.at_checkout <= self.0, THIS, || {
            format!(
                "{} are redeemed and not ended, of {} slots",
                ledger.at_checkout, self.0
            )
        });
    }
}

/// An event admitted somebody at this time.
pub fn granted(ledger: &mut Ledger, now: UnixMillis, verdict: &mut Verdict) {
    let recent = ledger.recent(now);
    let (active, completed) = (ledger.active, ledger.completed);
    let limits = ledger.limits;
    let within = limits
        .max_active
        .is_none_or(|most| active <= u64::from(most))
        && limits
            .max_admissions
            .is_none_or(|most| active + completed <= most)
        && limits.rate.is_none_or(|rate| recent <= u64::from(rate));
    verdict.ensure(within, THIS, || {
        format!("{active} active, {completed} completed, {recent} in a minute, of {limits:?}")
    });
}

/// A lane was given indices: no more entries stand than may.
pub fn leased(ledger: &Ledger, verdict: &mut Verdict) {
    let most = ledger.limits.max_participants.unwrap_or(u64::MAX);
    let standing = ledger.leased - ledger.left;
    verdict.ensure(standing <= most, THIS, || {
        format!("{standing} entries stand, of {most}")
    });
}

/// Of a history.
pub fn judge(seen: &Seen<'_>, verdict: &mut Verdict) {
    let granted = seen.entries.iter().filter(|entry| entry.grant().is_some());
    verdict.observe(THIS, granted.count() + seen.account().len());
    by_snapshots(seen, verdict);
    by_the_account(seen, verdict);
    by_answers(seen, verdict);
}

/// More than a limit may be, but no more than were before: those hold what an earlier limit gave
/// them.
fn by_snapshots(seen: &Seen<'_>, verdict: &mut Verdict) {
    let Limits {
        max_active,
        max_admissions,
        ..
    } = seen.limits;
    let (mut active, mut taken) = match seen.start.map(|start| &start.snapshot) {
        Some(start) => (start.active, start.active + start.completed),
        None if seen.alone => (0, 0),
        None => (u64::MAX, u64::MAX),
    };
    for snapshot in &seen.snapshots {
        if seen
            .start
            .is_some_and(|start| snapshot.version <= start.snapshot.version)
        {
            continue; // An older state, told late.
        }
        let now = (snapshot.active, snapshot.active + snapshot.completed);
        for (what, now, before, most) in [
            ("active", now.0, &mut active, max_active.map(u64::from)),
            ("completed or active", now.1, &mut taken, max_admissions),
        ] {
            verdict.ensure(
                most.is_none_or(|most| now <= most.max(*before)),
                THIS,
                || format!("a snapshot says {now} {what}, of at most {most:?}"),
            );
            *before = now;
        }
    }
}

/// By the queue's own times, to the millisecond: who was admitted since the history began left no
/// more than may be.
fn by_the_account(seen: &Seen<'_>, verdict: &mut Verdict) {
    let Limits {
        max_active,
        max_admissions,
        rate,
        ..
    } = seen.limits;
    let began = seen.began();
    let account = seen.account();
    let told: HashMap<u64, u64> = seen
        .known()
        .map(|(entry, index)| (index, entry.told_until()))
        .collect();
    let until = |one: &Admission| held_until(one, seen, told.get(&one.admission_id.index).copied());
    let held = account
        .iter()
        .filter_map(|one| Some((one.admitted_at?, until(one))));
    let held: Vec<(u64, u64)> = held.collect();
    let most = max_active.map_or(u64::MAX, u64::from);
    if let Some((at, count)) = exceeds(held.iter().copied(), most, began) {
        verdict.broken(
            THIS,
            format!("by the queue's own times, {count} were active at {at}, of at most {most}"),
        );
    }
    let taken = account.iter().zip(&held).flat_map(|(one, (from, until))| {
        let done = one
            .expires_at
            .filter(|_| one.state == ClaimState::Completed);
        match done {
            None => [(*from, *until), (0, 0)],
            Some(done) if done == *until => [(*from, u64::MAX), (0, 0)],
            // A late completion takes what was free meanwhile.
            Some(done) => [(*from, *until), (done, u64::MAX)],
        }
    });
    let most = max_admissions.unwrap_or(u64::MAX);
    if let Some((at, count)) = exceeds(taken, most, began) {
        verdict.broken(
            THIS,
            format!(
                "by the queue's own times, {count} were completed or active at {at}, of at \
             most {most}"
            ),
        );
    }
    let minutes = held
        .iter()
        .map(|(from, _)| (*from, from.saturating_add(MINUTE_MILLIS)));
    let most = rate.map_or(u64::MAX, u64::from);
    if let Some((at, count)) = exceeds(minutes, most, began) {
        verdict.broken(
            THIS,
            format!(
                "by the queue's own times, {count} were admitted within the minute before \
             {at}, of at most {most}"
            ),
        );
    }
}

/// Until when an admission surely took a slot. A completion after expiry moves its end, though the
/// slot was free before; by which configuration one from before the history was given is not known.
fn held_until(one: &Admission, seen: &Seen<'_>, told: Option<u64>) -> u64 {
    let ends = one.expires_at.unwrap_or(0);
    if one.state != ClaimState::Completed {
        return ends;
    }
    let began = seen.began();
    let later = |at: Option<u64>| at.filter(|at| *at > began || began == 0);
    let held = seen.start.iter().flat_map(|start| &start.held);
    let mut held = held.filter(|held| held.admission_id == one.admission_id);
    let surely = match (seen.limits.handoff_seconds, seen.limits.session_seconds) {
        (Some(handoff), Some(session)) => match (later(one.redeemed_at), later(one.admitted_at)) {
            (Some(redeemed), _) => redeemed.saturating_add(session * 1_000),
            (None, Some(admitted)) if one.redeemed_at.is_none() => {
                admitted.saturating_add(handoff * 1_000)
            }
            _ => held
                .next()
                .and_then(|held| held.expires_at)
                .unwrap_or(began),
        },
        // By what its shopper was told.
        _ => told.unwrap_or(0),
    };
    ends.min(surely)
}

/// What clients held for certain: from the answer that granted it until they sent what ends it, or
/// its time may have run out.
fn by_answers(seen: &Seen<'_>, verdict: &mut Verdict) {
    let Limits {
        max_active,
        max_admissions,
        rate,
        ..
    } = seen.limits;
    let held: Vec<_> = seen
        .entries
        .iter()
        .filter_map(|entry| entry.held(&seen.limits))
        .collect();
    let most = max_active.map_or(u64::MAX, u64::from);
    if let Some((_, count)) = exceeds(held.iter().copied(), most, 0) {
        verdict.broken(
            THIS,
            format!("clients held {count} admissions at once, of at most {most}"),
        );
    }
    let completed = seen.entries.iter().filter_map(|entry| {
        let done = entry.done(Verb::Complete).next()?;
        done.said
            .state
            .is_none_or(|state| state == ClaimState::Completed)
            .then(|| done.acknowledged())?
    });
    let taken = held
        .iter()
        .copied()
        .chain(completed.map(|at| (at, u64::MAX)));
    let most = max_admissions.unwrap_or(u64::MAX);
    if let Some((_, count)) = exceeds(taken, most, 0) {
        verdict.broken(
            THIS,
            format!("clients held or completed {count} admissions, of at most {most} in all"),
        );
    }
    let mut grants: Vec<(u64, u64)> = seen
        .entries
        .iter()
        .filter_map(|entry| {
            let grant = entry.grant()?;
            let waited = entry.waits().filter(|call| call.sent < grant.sent).last();
            let not_before = waited.map_or(entry.first_claim()?, |call| call.sent.0);
            Some((grant.acknowledged()?, not_before))
        })
        .collect();
    grants.sort_unstable();
    let (mut earliest, mut most) = (BinaryHeap::new(), 0);
    for (answered, not_before) in grants {
        earliest.push(Reverse(not_before));
        let since = answered.saturating_sub(SURELY_ONE_MINUTE);
        while earliest.peek().is_some_and(|Reverse(first)| *first < since) {
            earliest.pop();
        }
        most = most.max(earliest.len() as u64);
    }
    verdict.ensure(
        rate.is_none_or(|rate| most <= u64::from(rate)),
        THIS,
        || format!("clients were granted {most} admissions within 60 s, of at most {rate:?}"),
    );
}
