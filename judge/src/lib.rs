//! Whether Tidegate keeps its promises: a history in, violations out. Nothing here does I/O or has
//! a clock.
//!
//! There are two ways in. A simulator shows a [`Judge`] everything as it happens, also what the
//! queue wrote, and hears of the first violation at once. Clients and operators write a
//! [`History`], of which [`judge`] says in the end what it shows. Nothing is concluded from a
//! history that a correct deployment could contradict: a call had its effect no earlier than it was
//! sent and no later than its answer was read.
//!
//! [`opening`] proves promise 7 of one opening from its audit.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "no edge: counts and times of a history, far from any bound"
)]

mod evenly;
pub mod event;
mod hearing;
pub mod history;
mod ledger;
mod limits;
pub mod opening;
mod plain;
mod promises;
mod seen;
mod spans;
#[cfg(test)]
mod tests;
mod verdict;

use tidegate_core::UnixMillis;
use tidegate_core::queue::{ClaimState, Effect, Head};

use event::{Event, Reader, Row, Told};
use history::{History, Verb};
pub use ledger::Ledger;
pub use limits::Limits;
pub use plain::plain;
use promises::in_order::{Boarding, Overtaken};
use promises::{
    calm_failure, durable, in_order, live, never_over_admitted, one_each, polls_are_free,
    real_time_order, recomputable, sealed, unique_and_dense,
};
use seen::Seen;
pub use verdict::{Promise, Verdict, Violation};

/// What a judge remembers.
#[derive(Default)]
pub struct Judge {
    ledger: Ledger,
    dense: unique_and_dense::Dense,
    real_time: real_time_order::RealTime,
    checkouts: never_over_admitted::Checkouts,
    each: one_each::OneEach,
    live: live::Live,
    polls: polls_are_free::Polls,
    overtaken: Overtaken,
    boarding: Boarding,
    verdict: Verdict,
}

impl Judge {
    /// What the queue wrote so far, added up.
    pub fn ledger(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// Admissions while somebody before them, who was called up, still had time to hear of it,
    /// beyond the slots that were left; and while somebody before them had let that time pass.
    pub fn overtaken(&self) -> (u64, u64) {
        (self.overtaken.in_hearing, self.overtaken.later)
    }

    /// Takes note of what happened. The error is the first promise that it breaks: a watcher
    /// stops there.
    pub fn see(&mut self, event: Event<'_>) -> Result<(), Violation> {
        let before = self.verdict.violations.len();
        self.note(event);
        self.verdict
            .violations
            .get(before)
            .cloned()
            .map_or(Ok(()), Err)
    }

    fn note(&mut self, event: Event<'_>) {
        let verdict = &mut self.verdict;
        match event {
            Event::Limits(limits) => self.ledger.limits = limits,
            Event::Enters(entry) => self.real_time.enters(entry),
            Event::Told { entry, index, told } => self.told(entry, index, told),
            Event::Gathered { lane, sequence } => self.dense.gathered(lane, sequence, verdict),
            Event::Lanes(ranges) => unique_and_dense::ranges(ranges, self.ledger.leased, verdict),
            Event::Wrote {
                effects,
                head,
                alarm,
            } => self.wrote(effects, head, alarm),
            Event::ReadBack {
                head,
                present,
                active,
            } => {
                durable::read_back(&self.ledger, head, present, active, verdict);
                self.live.begins_anew();
            }
            Event::Restored => self.live.begins_anew(),
            Event::Forged { accepted, wrote } => sealed::forged(accepted, wrote, verdict),
            Event::Asked { reader, at } => self.polls.asked(reader, at, verdict),
            Event::Forgot(reader) => {
                self.polls.begins_anew(reader);
                self.boarding.begins_anew(reader);
            }
            Event::Shown {
                edge,
                at,
                taken,
                boarding,
                stale,
            } => {
                calm_failure::shown(edge, at, taken, stale, verdict);
                self.boarding.shown(edge, boarding, verdict);
            }
        }
    }

    fn told(&mut self, entry: u32, index: u64, told: Told) {
        let (ledger, verdict) = (&self.ledger, &mut self.verdict);
        let mut stored = |what, holds: fn(ClaimState) -> bool| {
            durable::stored(ledger, (entry, index, what), holds, verdict);
        };
        match told {
            Told::Entered { position, row } => {
                durable::entered(ledger, (entry, index, row), verdict);
                self.dense.told(entry, index, verdict);
                let is_new = self.each.entered((entry, index, row), ledger, verdict);
                if let Some(position) = position.filter(|_| is_new) {
                    self.real_time.told(entry, position, verdict);
                }
            }
            Told::Admitted { admission, holder } => {
                stored("admitted", ClaimState::is_active);
                self.each
                    .admitted((entry, index), admission, holder, verdict);
            }
            Told::Waits => stored("wait", |state| state == ClaimState::Present),
            Told::State(told) => {
                let state = ledger.of(index).state;
                if state != Some(told) {
                    stored(told.name(), |_| false);
                }
            }
            Told::Redeemed { key } => self.each.redeemed(entry, index, key, verdict),
            Told::Left => stored("left", |state| !state.is_live()),
            Told::Kept => one_each::kept(ledger, entry, index, verdict),
            Told::NotCalled => in_order::not_called(entry, index, verdict),
            Told::Void => one_each::void(entry, index, verdict),
        }
    }

    fn wrote(&mut self, effects: &[Effect], head: &Head, alarm: Option<UnixMillis>) {
        let (ledger, verdict) = (&mut self.ledger, &mut self.verdict);
        ledger.is_kept = true;
        let (mut newly_present, mut highest, mut granted, mut last) = (Vec::new(), None, 0, 0);
        for effect in effects {
            match effect {
                Effect::SaveLane(mark) => {
                    unique_and_dense::leased(ledger, mark, verdict);
                    never_over_admitted::leased(ledger, verdict);
                }
                Effect::SaveClaim(claim) => {
                    sealed::recorded(ledger, claim.index, verdict);
                    let before = ledger.note(claim);
                    one_each::recorded(&before, claim, verdict);
                    if claim.state == ClaimState::Present {
                        newly_present.push(claim.position);
                    }
                    if let (Some(at), None) = (claim.admitted_at, before.admitted_at) {
                        highest = highest.max(Some(claim.position));
                        (granted, last) = (granted + 1, at);
                    }
                }
                Effect::SaveCallUp(call_up) => ledger.hearing.called_up(*call_up),
                _ => {}
            }
        }
        self.checkouts.wrote(ledger, verdict);
        if let Some(highest) = highest {
            never_over_admitted::granted(ledger, last, verdict);
            in_order::granted(
                ledger,
                &mut self.overtaken,
                (highest, granted, last),
                verdict,
            );
        }
        for position in newly_present {
            unique_and_dense::present(ledger, position, verdict);
        }
        durable::stands(ledger, head, !effects.is_empty(), verdict);
        in_order::boarded(ledger, head.boarding, head.entered, verdict);
        self.live.stands(ledger, head, alarm, verdict);
    }
}

/// Says what a history shows.
pub fn judge(history: &History) -> Verdict {
    let seen = Seen::of(history);
    let mut judge = Judge::default();
    judge.verdict.names = seen
        .entries
        .iter()
        .map(|entry| entry.name.to_owned())
        .collect();
    for event in happenings(&seen) {
        judge.note(event);
    }
    for asked in &history.asked {
        let reader = if asked.relay {
            Reader::Relay
        } else {
            Reader::Edge
        };
        judge.note(Event::Asked {
            reader: reader(asked.number),
            at: asked.at.0 / 1_000,
        });
    }
    let mut verdict = judge.verdict;
    unique_and_dense::judge(&seen, &mut verdict);
    in_order::judge(&seen, &mut verdict);
    never_over_admitted::judge(&seen, &mut verdict);
    one_each::judge(&seen, &mut verdict);
    durable::judge(&seen, &mut verdict);
    recomputable::judge(&seen, &mut verdict);
    sealed::judge(history, &mut verdict);
    live::judge(&seen, &mut verdict);
    calm_failure::judge(&seen, &mut verdict);
    verdict
        .violations
        .sort_by_key(|violation| violation.promise);
    verdict
}

/// What clients asked and were told of their entries, in order of time. At one moment, all are
/// asked before anybody is answered.
fn happenings(seen: &Seen<'_>) -> Vec<Event<'static>> {
    let mut happenings: Vec<(u64, bool, Event<'static>)> = Vec::new();
    let mut keys = Vec::new();
    for entry in &seen.entries {
        let number = entry.number;
        let first = entry.calls.iter().find(|call| call.verb == Verb::Enter);
        happenings.extend(first.map(|call| (call.sent.0, false, Event::Enters(number))));
        let Some(own) = entry.index else {
            continue;
        };
        for call in entry.acknowledged() {
            let told = match call.verb {
                Verb::Enter => Told::Entered {
                    position: call.said.position,
                    row: Row::Unseen,
                },
                Verb::Claim => match call.said.admission_id {
                    Some(admission) => Told::Admitted {
                        admission,
                        holder: number,
                    },
                    None => continue,
                },
                Verb::Redeem => {
                    // Without a key, each redemption is one of its own.
                    let known = keys
                        .iter()
                        .position(|key| call.key.is_some() && *key == call.key.as_deref());
                    keys.push(call.key.as_deref());
                    Told::Redeemed {
                        key: known.map_or(keys.len(), |known| known + 1) as u64,
                    }
                }
                _ => continue,
            };
            let index = call.said.index.unwrap_or(own);
            let told = Event::Told {
                entry: number,
                index,
                told,
            };
            happenings.extend(call.acknowledged().map(|at| (at, true, told)));
        }
        keys.clear();
    }
    happenings.sort_by_key(|(at, is_answer, _)| (*at, *is_answer));
    happenings.into_iter().map(|(_, _, event)| event).collect()
}
