//! Promise 9. A forged, altered, expired, replayed or foreign ticket or token changes nothing and
//! gets 401.

use crate::history::History;
use crate::ledger::Ledger;
use crate::verdict::{Promise::Sealed as THIS, Verdict};

/// The queue writes a record: its index was given.
pub fn recorded(ledger: &Ledger, index: u64, verdict: &mut Verdict) {
    verdict.ensure(index < ledger.leased, THIS, || {
        format!("a record was written for index {index}, which was never given")
    });
}

/// Somebody showed what was never given.
pub fn forged(accepted: bool, wrote: bool, verdict: &mut Verdict) {
    verdict.ensure(!accepted && !wrote, THIS, || {
        format!("what was forged was taken: {accepted}; something was written: {wrote}")
    });
}

/// Of a history. A refusal for another reason proves nothing.
pub fn judge(history: &History, verdict: &mut Verdict) {
    for call in history.calls.iter().filter(|call| call.forged) {
        verdict.observe(THIS, 1);
        let taken = call.status.filter(|status| *status < 400);
        verdict.ensure(taken.is_none(), THIS, || {
            format!(
                "a forged ticket or token was answered with {taken:?} to {:?}",
                call.verb
            )
        });
    }
}
