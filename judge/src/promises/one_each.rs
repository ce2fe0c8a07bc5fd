//! Promise 5. A shopper has one live ticket, a ticket one admission; a retry gets the same one. A
//! token is redeemed once.

use std::collections::{HashMap, HashSet};

use tidegate_core::ids::AdmissionId;
use tidegate_core::queue::{Claim, ClaimState};

use crate::event::Row;
use crate::history::{Call, Verb};
use crate::ledger::{Known, Ledger};
use crate::seen::Seen;
use crate::verdict::{Promise::OneEach as THIS, Verdict};

/// What each entry was told.
#[derive(Default)]
pub struct OneEach {
    indices: HashMap<u32, u64>,
    admissions: HashMap<u32, AdmissionId>,
    holders: HashMap<AdmissionId, u32>,
    /// The key that each entry's token was redeemed under.
    keys: HashMap<u64, u64>,
}

impl OneEach {
    /// An entry is told its index. Says whether that is new. Another one than before is given to
    /// whom the queue wrote down as done or gone only.
    pub fn entered(
        &mut self,
        (entry, index, row): (u32, u64, Row),
        ledger: &Ledger,
        verdict: &mut Verdict,
    ) -> bool {
        let was_left = matches!(row, Row::Says(_)) && ledger.of(index).is(ClaimState::Left);
        if was_left {
            let evidence = format!(
                "{} is told index {index}, which they left",
                verdict.name(entry)
            );
            verdict.broken(THIS, evidence);
        }
        let Some(before) = self.indices.insert(entry, index) else {
            return true;
        };
        verdict.observe(THIS, 1);
        let is_over = ledger
            .of(before)
            .state
            .is_some_and(|state| !state.is_live());
        if before != index && !is_over {
            let who = verdict.name(entry);
            verdict.broken(
                THIS,
                format!("{who} holds index {before}, and was given {index}"),
            );
        }
        before != index
    }

    /// An entry is told that it is admitted.
    pub fn admitted(
        &mut self,
        (entry, index): (u32, u64),
        admission: AdmissionId,
        holder: u32,
        verdict: &mut Verdict,
    ) {
        let told = (verdict.name(entry), verdict.name(holder));
        verdict.ensure(admission.index == index && holder == entry, THIS, || {
            format!(
                "{} of index {index} is given the admission {admission} of {}",
                told.0, told.1
            )
        });
        let before = *self.admissions.entry(entry).or_insert(admission);
        // Who is done enters anew, and has another then.
        let is_same = before == admission || before.index != index;
        verdict.ensure(is_same, THIS, || {
            format!(
                "{} was given the admissions {before} and {admission}",
                told.0
            )
        });
        self.admissions.insert(entry, admission);
        let other = *self.holders.entry(admission).or_insert(entry);
        if other != entry {
            let evidence = format!(
                "{} and {} were both given {admission}",
                verdict.name(other),
                told.0
            );
            verdict.broken(THIS, evidence);
        }
    }

    /// The token of an index is redeemed under a key.
    pub fn redeemed(&mut self, entry: u32, index: u64, key: u64, verdict: &mut Verdict) {
        let first = *self.keys.entry(index).or_insert(key);
        if first != key {
            let who = verdict.name(entry);
            verdict.broken(
                THIS,
                format!("{who}'s token was redeemed twice, not under one key"),
            );
        }
    }
}

/// The queue writes a record: what has ended does not come back, but for a late completion, and
/// nobody is admitted anew.
pub fn recorded(before: &Known, claim: &Claim, verdict: &mut Verdict) {
    let ended = before.state.is_some_and(|was| !was.is_live());
    let late = claim.state == ClaimState::Completed && claim.redeemed_at.is_some();
    verdict.ensure(!ended || before.is(claim.state) || late, THIS, || {
        format!("{claim:?} came back from {:?}", before.state)
    });
    let same = before.admitted_at.is_none() || before.admitted_at == claim.admitted_at;
    verdict.ensure(same, THIS, || {
        format!("{claim:?} was admitted at {:?} before", before.admitted_at)
    });
}

/// A shopper may not leave: the checkout has the place.
pub fn kept(ledger: &Ledger, entry: u32, index: u64, verdict: &mut Verdict) {
    let known = ledger.of(index);
    let who = verdict.name(entry);
    verdict.ensure(!ledger.is_kept || known.redeemed, THIS, || {
        format!(
            "{who} may not leave {index}, which nobody redeemed: {:?}",
            known.state
        )
    });
}

/// A shopper in line hears that their ticket or token is void.
pub fn void(entry: u32, index: u64, verdict: &mut Verdict) {
    let who = verdict.name(entry);
    verdict.broken(
        THIS,
        format!("{who} of index {index}, who is in line, hears that the ticket is void"),
    );
}

/// Of a history.
pub fn judge(seen: &Seen<'_>, verdict: &mut Verdict) {
    let mut claimed: HashSet<u64> = HashSet::new();
    for entry in &seen.entries {
        claimed.extend(entry.index.filter(|_| entry.first_claim().is_some()));
        let redeemed = entry.done(Verb::Redeem).count();
        let granted = entry
            .done(Verb::Claim)
            .filter(|call| call.status == Some(200))
            .count();
        verdict.observe(THIS, redeemed + granted);
        let granted = entry.grant().and_then(Call::acknowledged);
        let waits = entry
            .waits()
            .find(|call| granted.is_some_and(|at| at < call.sent.0));
        if waits.is_some() {
            let evidence = format!("entry {} was admitted, and then told to wait", entry.name);
            verdict.broken(THIS, evidence);
        }
    }
    let mut listed = HashSet::new();
    for one in seen.account() {
        let (id, index) = (one.admission_id, one.admission_id.index);
        verdict.ensure(listed.insert(id), THIS, || {
            format!("admission {id} is listed twice")
        });
        verdict.ensure(!seen.alone || claimed.contains(&index), THIS, || {
            format!("index {index} was admitted, and nobody claimed it")
        });
    }
}
