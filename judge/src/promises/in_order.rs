//! Promise 3. Free slots go to the lowest called-up positions that are present, and one is kept
//! back for each lower one that still has time to hear of its call.

use core::ops::Range;

use tidegate_core::UnixMillis;

use crate::event::Reader;
use crate::history::Verb;
use crate::ledger::Ledger;
use crate::seen::{Entry, Seen};
use crate::verdict::{Promise::InOrder as THIS, Verdict};

/// Within this time of their last answer, who is present need not renew it: half a minute less than
/// it is.
const PRESENT_MILLIS: u64 = 60_000;

/// How often somebody was admitted past others.
#[derive(Default)]
pub struct Overtaken {
    /// While they still had time to hear of their call, beyond the slots that were left.
    pub in_hearing: u64,
    /// When they had let that time pass.
    pub later: u64,
}

/// How far tickets were called up by what each edge showed last.
#[derive(Default)]
pub struct Boarding(Vec<u64>);

impl Boarding {
    /// An edge shows how far tickets are called up: who was told that they are is not told later
    /// that they are not.
    pub fn shown(&mut self, edge: u32, boarding: u64, verdict: &mut Verdict) {
        let place = usize::try_from(edge).unwrap_or(usize::MAX);
        if self.0.len() <= place {
            self.0.resize(place.saturating_add(1), 0);
        }
        if let Some(before) = self.0.get_mut(place) {
            let was = core::mem::replace(before, boarding);
            verdict.ensure(was <= boarding, THIS, || {
                format!("edge {edge} shows boarding at {boarding}, and showed it at {was}")
            });
        }
    }

    /// A reader's memory is gone: another takes its place.
    pub fn begins_anew(&mut self, reader: Reader) {
        let Reader::Edge(edge) = reader else { return };
        let place = usize::try_from(edge).ok();
        if let Some(shown) = place.and_then(|place| self.0.get_mut(place)) {
            *shown = 0;
        }
    }
}

/// An event admitted so many, the last position among them this one, at this time.
pub fn granted(
    ledger: &mut Ledger,
    overtaken: &mut Overtaken,
    (highest, granted, now): (u64, u64, UnixMillis),
    verdict: &mut Verdict,
) {
    let first = ledger.present.first().copied();
    verdict.ensure(first.is_none_or(|first| first > highest), THIS, || {
        format!("position {highest} was admitted before {first:?}, who was present")
    });
    ledger.hearing.forget(now);
    let unheard = ledger.hearing.unheard_below(highest, ledger.boarding, now);
    // Of several, the highest may have been the first, while the others' slots were free.
    let room = ledger.room(now).saturating_add(granted - 1);
    overtaken.in_hearing += u64::from(unheard > room);
    let is_missed = ledger.hearing.is_missed(highest, ledger.boarding);
    overtaken.later += u64::from(is_missed);
    verdict.ensure(unheard <= room, THIS, || {
        format!(
            "position {highest} was admitted, {unheard} before it had time to hear of their call, \
             and {room} slots were left"
        )
    });
}

/// Boarding only grows, and not past the last entry.
pub fn boarded(ledger: &mut Ledger, boarding: u64, entered: u64, verdict: &mut Verdict) {
    let was = ledger.boarding;
    verdict.ensure((was..=entered).contains(&boarding), THIS, || {
        format!("boarding went from {was} to {boarding} of {entered}")
    });
    ledger.boarding = boarding;
}

/// A shopper whom an edge told to claim is told that they are not called up.
pub fn not_called(entry: u32, index: u64, verdict: &mut Verdict) {
    let who = verdict.name(entry);
    verdict.broken(
        THIS,
        format!("{who} was told to be called up, and {index} is not"),
    );
}

/// Of a history.
pub fn judge(seen: &Seen<'_>, verdict: &mut Verdict) {
    let waited = seen.entries.iter().flat_map(Entry::waits);
    let granted = seen.entries.iter().filter_map(Entry::grant);
    verdict.observe(THIS, waited.count() + granted.count());
    by_the_account(seen, verdict);
    by_answers(seen, verdict);
}

/// A grant passes over nobody who was present by the queue's own clock. Within one millisecond
/// nothing can be concluded.
fn by_the_account(seen: &Seen<'_>, verdict: &mut Verdict) {
    let account = seen.account();
    let mut grants: Vec<(u64, u64)> = account
        .iter()
        .filter_map(|one| Some((one.admitted_at?, one.place())))
        .collect();
    grants.sort_unstable();
    let mut spans: Vec<(Range<u64>, u64)> = seen
        .known()
        .flat_map(|(entry, index)| {
            let place = entry.position.unwrap_or(index);
            let admitted = account.iter().find(|one| one.admission_id.index == index);
            presence(entry, admitted.and_then(|one| one.admitted_at))
                .into_iter()
                .map(move |span| (span, place))
        })
        .collect();
    spans.sort_unstable_by_key(|(span, _)| span.start);
    let mut spans = spans.into_iter().peekable();
    let mut present: Vec<(Range<u64>, u64)> = Vec::new();
    for (at, place) in grants {
        while let Some(span) = spans.next_if(|(span, _)| span.start < at) {
            present.push(span);
        }
        present.retain(|(span, _)| at < span.end);
        if let Some((_, passed)) = present.iter().find(|(_, other)| *other < place) {
            verdict.broken(
                THIS,
                format!(
                    "position {place} was admitted at {at} while {passed} was present (0-based)"
                ),
            );
        }
    }
}

/// When an entry was present for certain, by the queue's clock: from an answer 202 for a while, or
/// until the next.
fn presence(entry: &Entry<'_>, admitted_at: Option<u64>) -> Vec<Range<u64>> {
    let left = entry.calls.iter().any(|call| call.verb == Verb::Leave);
    let mut seen: Vec<u64> = entry
        .waits()
        .filter_map(|call| call.said.server_time)
        .collect();
    seen.sort_unstable();
    let last = seen.last().copied().unwrap_or(0);
    let until = admitted_at.unwrap_or(if left { last } else { u64::MAX });
    let ends = |from: &u64| from.saturating_add(PRESENT_MILLIS).min(until);
    seen.iter().map(|from| *from..ends(from)).collect()
}

/// The same by the client's clock: who was told to wait, and then again, while somebody behind came
/// between and was admitted, was passed over.
fn by_answers(seen: &Seen<'_>, verdict: &mut Verdict) {
    let mut granted: Vec<(u64, u64, u64)> = seen
        .known()
        .filter_map(|(entry, index)| {
            let answered = entry.grant()?.acknowledged()?;
            Some((
                answered,
                entry.first_claim()?,
                entry.position.unwrap_or(index),
            ))
        })
        .collect();
    granted.sort_unstable();
    for (entry, index) in seen.known() {
        let place = entry.position.unwrap_or(index);
        let waits: Vec<_> = entry.waits().collect();
        for (earlier, later) in waits.iter().zip(waits.iter().skip(1)) {
            let present_at = earlier.acknowledged().unwrap_or(u64::MAX);
            if later.sent.0.saturating_sub(present_at) > PRESENT_MILLIS * 1_000 {
                continue;
            }
            let from = granted.partition_point(|(answered, ..)| *answered <= present_at);
            let between = granted
                .iter()
                .skip(from)
                .take_while(|(answered, ..)| *answered < later.sent.0);
            let jumped = between
                .filter(|(_, first_claim, other)| *other > place && *first_claim > present_at);
            if let Some((_, _, other)) = jumped.last() {
                verdict.broken(
                    THIS,
                    format!(
                        "position {other} came later than {place}, who was present, and was \
                     admitted before (0-based)"
                    ),
                );
                break;
            }
        }
    }
}
