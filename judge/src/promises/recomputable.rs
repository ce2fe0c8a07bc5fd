//! Promise 7. Places follow from published values: a ticket's position is that of its index in the
//! shuffle that the snapshot shows, and the commitment to it stays as it was. `tidegate verify`
//! proves more of one opening.

use crate::seen::Seen;
use crate::verdict::{Promise::Recomputable as THIS, Verdict};

/// Of a history.
pub fn judge(seen: &Seen<'_>, verdict: &mut Verdict) {
    let mut shown = seen.snapshots.iter().map(|snapshot| &snapshot.shuffle);
    let first = shown.clone().find_map(|shuffle| shuffle.commitment);
    let changed = shown.find(|shuffle| shuffle.commitment.is_some() && shuffle.commitment != first);
    verdict.ensure(changed.is_none(), THIS, || {
        format!("the commitment was {first:?} first, and {changed:?} later")
    });
    let Some(opened) = seen
        .snapshots
        .iter()
        .find(|snapshot| snapshot.shuffle.entrants.is_some())
    else {
        return;
    };
    for (entry, index) in seen.known() {
        let (Some(told), Some(follows)) = (entry.position, opened.shuffle.position(index)) else {
            continue;
        };
        verdict.observe(THIS, 1);
        verdict.ensure(told == follows, THIS, || {
            format!(
                "entry {} of index {index} is told position {told}, and {follows} follows \
             (0-based)",
                entry.name
            )
        });
    }
}
