//! A history by entry: what each was told, in the order in which it was asked.

use std::collections::{BTreeSet, HashMap};

use tidegate_core::ids::Epoch;

use crate::history::{Admission, Audit, Call, History, Snapshot, Start, Verb};
use crate::limits::Limits;

/// What ends an admission, if it is heard.
pub const ENDINGS: [Verb; 3] = [Verb::Complete, Verb::Release, Verb::Leave];
const SECOND: u64 = 1_000_000;
/// How far the client's clock and the queue's may be apart, in microseconds.
const SKEW: u64 = SECOND;

/// See the module's documentation. Everything is of one epoch, the first that was seen.
pub struct Seen<'a> {
    pub limits: Limits,
    pub alone: bool,
    pub start: Option<&'a Start>,
    /// Those that were asked for.
    pub entries: Vec<Entry<'a>>,
    /// In order of time.
    pub audits: Vec<&'a Audit>,
    /// All that were seen, by version.
    pub snapshots: Vec<&'a Snapshot>,
}

/// An entry.
pub struct Entry<'a> {
    pub number: u32,
    pub name: &'a str,
    /// In the order in which they were sent.
    pub calls: Vec<&'a Call>,
    pub index: Option<u64>,
    /// 0-based, once it is known.
    pub position: Option<u64>,
}

impl Call {
    /// When it was answered well, if it was.
    pub(crate) fn acknowledged(&self) -> Option<u64> {
        let good = self
            .status
            .is_some_and(|status| (200..300).contains(&status));
        self.answered.filter(|_| good).map(|answered| answered.0)
    }
}

impl Audit {
    /// The last look at the queue.
    pub(crate) fn last(&self) -> &Snapshot {
        self.after.as_ref().unwrap_or(&self.before)
    }
}

impl<'a> Entry<'a> {
    /// The calls that were answered well.
    pub fn acknowledged(&self) -> impl DoubleEndedIterator<Item = &'a Call> {
        self.calls
            .iter()
            .copied()
            .filter(|call| call.acknowledged().is_some())
    }

    /// The same of one kind.
    pub fn done(&self, verb: Verb) -> impl DoubleEndedIterator<Item = &'a Call> {
        self.acknowledged().filter(move |call| call.verb == verb)
    }

    /// When it was first sent as wanted and answered with an admission.
    pub fn grant(&self) -> Option<&'a Call> {
        self.done(Verb::Claim).find(|call| call.status == Some(200))
    }

    /// The claims that were answered with "present, and wait".
    pub fn waits(&self) -> impl Iterator<Item = &'a Call> {
        self.done(Verb::Claim)
            .filter(|call| call.status == Some(202))
    }

    /// The span in which it surely held an admission, by the client's clock in microseconds.
    pub fn held(&self, limits: &Limits) -> Option<(u64, u64)> {
        let grant = self.grant()?;
        let from = grant.acknowledged()?;
        let not_before = self.waits().filter(|call| call.sent < grant.sent).last();
        let not_before = not_before.map_or(self.first_claim()?, |call| call.sent.0);
        let least = match (limits.handoff_seconds, limits.session_seconds) {
            (Some(handoff), Some(session)) => {
                let redeemed = self
                    .done(Verb::Redeem)
                    .map(|call| call.sent.0 + session * SECOND);
                (not_before + handoff * SECOND).max(redeemed.max().unwrap_or(0))
            }
            // By what it was told itself.
            _ => self.told_until().saturating_mul(1_000).saturating_sub(SKEW),
        };
        let ends = self
            .calls
            .iter()
            .filter(|call| ENDINGS.contains(&call.verb));
        let ends = ends.map(|call| call.sent.0).filter(|sent| *sent > from);
        Some((from, ends.min().unwrap_or(u64::MAX).min(least)))
    }

    /// When its first claim was sent.
    pub fn first_claim(&self) -> Option<u64> {
        let claims = self.calls.iter().filter(|call| call.verb == Verb::Claim);
        claims.map(|call| call.sent.0).min()
    }

    /// The latest time to which it was told that it holds its admission, but for its completion.
    pub fn told_until(&self) -> u64 {
        let told = self
            .acknowledged()
            .filter(|call| call.verb != Verb::Complete);
        told.filter_map(|call| call.said.expires_at)
            .max()
            .unwrap_or(0)
    }
}

impl<'a> Seen<'a> {
    pub fn of(history: &'a History) -> Self {
        let told = history.calls.iter().find_map(|call| call.said.epoch);
        let epochs = history.audits.iter().map(|audit| audit.before.epoch);
        let epoch = told.or_else(|| epochs.flatten().next());
        let is_ours = |other: Option<Epoch>| other.is_none() || epoch.is_none() || other == epoch;
        let mut calls: Vec<&Call> = history.calls.iter().filter(|call| !call.forged).collect();
        calls.sort_by_key(|call| call.sent);
        let mut entries: Vec<Entry<'a>> = Vec::new();
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let mut foreign: BTreeSet<u32> = BTreeSet::new();
        for call in calls {
            let number = *numbers.entry(&call.entry).or_insert(entries.len());
            if number == entries.len() {
                entries.push(Entry {
                    number: u32::try_from(number).unwrap_or(u32::MAX),
                    name: &call.entry,
                    calls: Vec::new(),
                    index: None,
                    position: None,
                });
            }
            let Some(entry) = entries.get_mut(number) else {
                continue;
            };
            if !is_ours(call.said.epoch) {
                foreign.insert(entry.number);
            }
            entry.index = entry.index.or(call.said.index);
            entry.position = entry.position.or(call.said.position);
            entry.calls.push(call);
        }
        for entry in &mut entries {
            if foreign.contains(&entry.number) {
                // Of another line: it was asked for all the same.
                (entry.index, entry.position) = (None, None);
                entry
                    .calls
                    .retain(|call| call.verb == Verb::Enter && call.said.index.is_none());
            }
        }
        let audits = history
            .audits
            .iter()
            .filter(|audit| is_ours(audit.before.epoch) && is_ours(audit.last().epoch));
        let mut audits: Vec<&Audit> = audits.collect();
        audits.sort_by_key(|audit| audit.sent);
        let seen = audits
            .iter()
            .flat_map(|audit| [&audit.before, audit.last()]);
        let mut snapshots: Vec<&Snapshot> = seen.chain(&history.snapshots).collect();
        snapshots.retain(|snapshot| is_ours(snapshot.epoch));
        snapshots.sort_by_key(|snapshot| (snapshot.version, snapshot.server_time));
        Self {
            limits: history.queue.limits,
            alone: history.queue.alone,
            start: history
                .start
                .as_ref()
                .filter(|start| is_ours(start.snapshot.epoch)),
            entries,
            audits,
            snapshots,
        }
    }

    /// Entries that were told their index.
    pub fn known(&self) -> impl Iterator<Item = (&Entry<'a>, u64)> {
        let entries = self.entries.iter();
        entries.filter_map(|entry| Some((entry, entry.index?)))
    }

    /// The last account of admissions that is there, those who only wait left out.
    pub fn account(&self) -> Vec<&'a Admission> {
        let audits = self.audits.iter().rev();
        let mut audits = audits;
        let last = audits.find_map(|audit| audit.admissions.as_ref());
        let admitted = last.into_iter().flatten();
        admitted.filter(|one| one.admitted_at.is_some()).collect()
    }

    /// The queue's clock when the history began: limits hold for what is admitted later.
    pub fn began(&self) -> u64 {
        self.start.map_or(0, |start| start.snapshot.server_time)
    }
}
