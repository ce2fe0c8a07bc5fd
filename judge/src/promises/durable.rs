//! Promise 6. What was acknowledged survives `kill -9` at any instant.

use std::collections::HashMap;

use tidegate_core::ids::AdmissionId;
use tidegate_core::queue::{ClaimState, Head};

use crate::event::Row;
use crate::history::{Admission, Audit, Call, Verb};
use crate::ledger::Ledger;
use crate::seen::{ENDINGS, Entry, Seen};
use crate::verdict::{Promise::Durable as THIS, Verdict};

/// An entry is told its index: the lane's row says so, and the queue gave it.
pub fn entered(ledger: &Ledger, (entry, index, row): (u32, u64, Row), verdict: &mut Verdict) {
    let (Row::Says(said) | Row::SaidBefore(said)) = row else {
        return;
    };
    if index >= ledger.leased || said != Some(index) {
        let who = verdict.name(entry);
        let leased = ledger.leased;
        verdict.broken(
            THIS,
            format!("{who} is told index {index}; the row says {said:?}, of {leased} leased"),
        );
    }
}

/// A shopper or a checkout is answered: the record is as the answer says.
pub fn stored(
    ledger: &Ledger,
    (entry, index, what): (u32, u64, &str),
    holds: impl FnOnce(ClaimState) -> bool,
    verdict: &mut Verdict,
) {
    let state = ledger.of(index).state;
    if ledger.is_kept && !state.is_some_and(holds) {
        let who = verdict.name(entry);
        verdict.broken(
            THIS,
            format!("{who} of index {index} is told \"{what}\", and {state:?} is stored"),
        );
    }
}

/// The queue's clock and count never go back, whatever it forgot in a crash.
pub fn stands(ledger: &mut Ledger, head: &Head, wrote: bool, verdict: &mut Verdict) {
    verdict.ensure(head.entered == ledger.leased, THIS, || {
        format!("{} entered, {} leased", head.entered, ledger.leased)
    });
    verdict.ensure(head.clock >= ledger.clock, THIS, || {
        format!("time ran back from {} to {}", ledger.clock, head.clock)
    });
    if wrote {
        ledger.clock = head.clock;
    }
}

/// A queue is read back from storage: it is what was written.
pub fn read_back(ledger: &Ledger, head: &Head, present: u64, active: u64, verdict: &mut Verdict) {
    let read = [
        head.entered,
        head.boarding,
        head.completed,
        head.admitted,
        present,
        active,
    ];
    let known = [
        ledger.leased,
        ledger.boarding,
        ledger.completed,
        ledger.granted,
        ledger.present(),
        ledger.active,
    ];
    verdict.ensure(read == known, THIS, || {
        format!(
            "read back {read:?}, acknowledged {known:?} (entered, boarding, completed, admitted, \
             present, active)"
        )
    });
}

/// Of a history.
pub fn judge(seen: &Seen<'_>, verdict: &mut Verdict) {
    grows(seen, verdict);
    for audit in &seen.audits {
        survived(seen, audit, verdict);
    }
    stays_ended(seen, verdict);
}

/// Counters never go back, and what an admission's record says once it says for good.
fn grows(seen: &Seen<'_>, verdict: &mut Verdict) {
    let mut before = [0; 4];
    for snapshot in seen
        .audits
        .iter()
        .flat_map(|audit| [&audit.before, audit.last()])
    {
        let now = [
            snapshot.entered,
            snapshot.boarding,
            snapshot.admitted,
            snapshot.completed,
        ];
        for ((name, now), before) in ["entered", "boarding", "admitted", "completed"]
            .iter()
            .zip(now)
            .zip(before)
        {
            verdict.ensure(now >= before, THIS, || {
                format!("{name} went back from {before} to {now}")
            });
        }
        before = now;
    }
    let mut known: HashMap<AdmissionId, &Admission> = HashMap::new();
    for one in seen
        .audits
        .iter()
        .filter_map(|audit| audit.admissions.as_ref())
        .flatten()
    {
        let id = one.admission_id;
        if let Some(before) = known.insert(id, one) {
            let admitted = before.admitted_at.is_none() || one.admitted_at == before.admitted_at;
            verdict.ensure(admitted, THIS, || {
                format!("admission {id} was given anew at {:?}", one.admitted_at)
            });
            let redeemed = before.redeemed_at.is_none() || one.redeemed_at == before.redeemed_at;
            verdict.ensure(redeemed, THIS, || format!("the redemption of {id} changed"));
        }
    }
}

/// Everything that was acknowledged before an audit is in it.
fn survived(seen: &Seen<'_>, audit: &Audit, verdict: &mut Verdict) {
    let Audit {
        sent,
        before,
        admissions,
        after,
    } = audit;
    let listed = admissions
        .iter()
        .flatten()
        .filter(|one| one.admitted_at.is_some());
    let listed: HashMap<u64, &Admission> =
        listed.map(|one| (one.admission_id.index, one)).collect();
    if admissions.is_some() {
        let completed = listed
            .values()
            .filter(|one| one.state == ClaimState::Completed)
            .count();
        let high = |of: fn(&crate::history::Snapshot) -> u64| after.as_ref().map_or(u64::MAX, of);
        for (what, low, count, high) in [
            (
                "admitted",
                before.admitted,
                listed.len() as u64,
                high(|after| after.admitted),
            ),
            (
                "completed",
                before.completed,
                completed as u64,
                high(|after| after.completed),
            ),
        ] {
            verdict.ensure((low..=high).contains(&count), THIS, || {
                format!("{count} {what} by the list, {low} to {high} by the count")
            });
        }
    }
    for (entry, index) in seen.known() {
        let past = entry
            .acknowledged()
            .filter(|call| call.acknowledged() < Some(sent.0));
        for call in past {
            verdict.observe(THIS, 1);
            let lost = match call.verb {
                Verb::Enter if index >= before.entered => {
                    Some(format!("{} have entered", before.entered))
                }
                _ if admissions.is_none() => None,
                _ => lost_of(call, listed.get(&index).copied(), entry),
            };
            if let Some(lost) = lost {
                verdict.broken(
                    THIS,
                    format!("index {index} is told {:?}: {lost}", call.verb),
                );
            }
        }
    }
}

/// What the entry's admission, if it has any, lacks of what `call` was told.
fn lost_of(call: &Call, admission: Option<&Admission>, entry: &Entry<'_>) -> Option<String> {
    let state = admission.map(|admission| admission.state);
    if let Some(id) = call.said.admission_id
        && admission.is_none_or(|admission| admission.admission_id != id)
    {
        return Some(format!("its admission {id} is lost"));
    }
    if call.verb == Verb::Redeem && admission.is_none_or(|one| one.redeemed_at.is_none()) {
        return Some(String::from("its redemption is lost"));
    }
    if call.verb == Verb::Leave && state.is_some_and(ClaimState::is_active) {
        return Some(format!("it was left, and is {state:?}"));
    }
    let told = call.said.state.filter(|told| Some(*told) != state)?;
    // A completion that comes late still counts, and what was redeemed goes on.
    let paid = state == Some(ClaimState::Completed)
        && entry.calls.iter().any(|call| call.verb == Verb::Complete);
    (told == ClaimState::Completed || !(paid || told.is_active()))
        .then(|| format!("it was {told:?}, and is {state:?}"))
}

/// Who left, or was done, is not served again under the same entry.
fn stays_ended(seen: &Seen<'_>, verdict: &mut Verdict) {
    for entry in &seen.entries {
        let endings = entry
            .acknowledged()
            .filter(|call| ENDINGS.contains(&call.verb));
        let ended = endings.filter_map(Call::acknowledged).min();
        let served = entry
            .done(Verb::Claim)
            .any(|call| ended.is_some_and(|ended| ended < call.sent.0));
        verdict.ensure(!served, THIS, || {
            format!("entry {} had ended, and was served again", entry.name)
        });
    }
}
