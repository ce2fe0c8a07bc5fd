//! What an edge remembers of tickets for a moment, so that no ticket asks a queue the same thing
//! more than once a second: refused claims and leaves, what a look found, and who has left.

use std::collections::BTreeMap;

use super::recent::Recent;
use crate::UnixMillis;
use crate::ids::Epoch;
use crate::problem::{Code, Problem};
use crate::queue::Refusal;
use crate::view::snapshot::Snapshot;

/// How long what a queue said of a ticket is said again.
const MOMENT_MILLIS: u64 = 1_000;
/// How long it is known that a ticket was left: it stays so, and its holder has no more to give up.
const LEFT_MILLIS: u64 = 600_000;

/// A ticket: an epoch of a queue, and an index in it.
pub type TicketKey = (Epoch, u64);

/// A refusal, and the version of the view that the edge had then: a newer one may know better.
struct Refused {
    problem: Problem,
    version: u64,
}

/// See the module's documentation. `L` is what a look finds.
pub struct Recall<L> {
    claims: Recent<TicketKey, Refused>,
    looks: Recent<TicketKey, L>,
    left: Recent<TicketKey, ()>,
    stays: Recent<TicketKey, Problem>,
    /// The lowest position that was just refused as not called up, of an epoch of a queue.
    uncalled: BTreeMap<Epoch, (u64, UnixMillis)>,
}

impl<L> Default for Recall<L> {
    fn default() -> Self {
        Self {
            claims: Recent::default(),
            looks: Recent::default(),
            left: Recent::default(),
            stays: Recent::default(),
            uncalled: BTreeMap::new(),
        }
    }
}

impl<L> Recall<L> {
    /// A queue refused a ticket's claim; `position` is the ticket's, and `snapshot` what the edge
    /// knew.
    pub fn claim_refused(
        &mut self,
        key: TicketKey,
        position: Option<u64>,
        problem: &Problem,
        snapshot: &Snapshot,
        now: UnixMillis,
    ) {
        // What is out of order on our side may be well again at once; a ticket that is void is told
        // so anew.
        if !matches!(problem.code.status(), 409 | 410) {
            return;
        }
        let until = now.saturating_add(MOMENT_MILLIS);
        if let (Code::NotYetServed, Some(position)) = (problem.code, position) {
            self.uncalled.retain(|_, (_, until)| now < *until);
            let lowest = self.uncalled.entry(key.0).or_insert((position, until));
            if position <= lowest.0 {
                *lowest = (position, until);
            }
        }
        let refused = Refused {
            problem: problem.clone(),
            version: snapshot.version,
        };
        self.claims.put(key, refused, until);
    }

    /// What a ticket's claim is refused with again, without asking.
    pub fn claim_refusal(
        &self,
        key: TicketKey,
        position: Option<u64>,
        snapshot: &Snapshot,
        now: UnixMillis,
    ) -> Option<Problem> {
        if position.is_some_and(|position| position < snapshot.boarding) {
            let known = self.claims.get(key, now)?;
            let is_news =
                known.problem.code == Code::NotYetServed || known.version != snapshot.version;
            return (!is_news).then(|| known.problem.clone());
        }
        // Who stands behind somebody who is not called up is not called up either.
        let lowest = self.uncalled.get(&key.0).filter(|(_, until)| now < *until);
        if let (Some((lowest, _)), Some(position)) = (lowest, position)
            && position >= *lowest
        {
            return Some(Refusal::NotCalledUp { position }.into());
        }
        let known = self.claims.get(key, now)?;
        (known.version == snapshot.version).then(|| known.problem.clone())
    }

    /// What a look found.
    pub fn looked(&mut self, key: TicketKey, found: L, now: UnixMillis) {
        self.looks
            .put(key, found, now.saturating_add(MOMENT_MILLIS));
    }

    /// What a look would find again.
    pub fn look(&self, key: TicketKey, now: UnixMillis) -> Option<&L> {
        self.looks.get(key, now)
    }

    /// A ticket was left.
    pub fn left(&mut self, key: TicketKey, now: UnixMillis) {
        self.changed(key);
        self.left.put(key, (), now.saturating_add(LEFT_MILLIS));
    }

    /// Whether it is known that a ticket was left.
    pub fn has_left(&self, key: TicketKey, now: UnixMillis) -> bool {
        self.left.get(key, now).is_some()
    }

    /// A queue refused that a ticket is left: the checkout has its admission. Other refusals say
    /// nothing of later.
    pub fn leave_refused(&mut self, key: TicketKey, problem: &Problem, now: UnixMillis) {
        if problem.code == Code::Conflict {
            let until = now.saturating_add(MOMENT_MILLIS);
            self.stays.put(key, problem.clone(), until);
        }
    }

    /// What a ticket's leave is refused with again, without asking.
    pub fn leave_refusal(&self, key: TicketKey, now: UnixMillis) -> Option<Problem> {
        self.stays.get(key, now).cloned()
    }

    /// Something happened to a ticket: what was found before says nothing of now.
    pub fn changed(&mut self, key: TicketKey) {
        self.looks.forget(key);
        self.claims.forget(key);
        self.stays.forget(key);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fair::Fresh;
    use crate::queue::{Event, handle};

    const EPOCH: Epoch = Epoch::from_bytes([1; 16]);
    const NOW: UnixMillis = 1_000_000;

    fn snapshot(boarding: u64, version: u64) -> Snapshot {
        let mut machine = None;
        let put = Event::Put {
            id: "lamp".parse().unwrap(),
            config: json!({ "maxActive": 1 }),
            fresh: Fresh::known(EPOCH),
        };
        handle(&mut machine, put, None, NOW).answer.unwrap();
        let mut snapshot = machine.unwrap().snapshot(NOW);
        snapshot.boarding = boarding;
        snapshot.version = version;
        snapshot
    }

    fn paused() -> Problem {
        Problem::new(Code::Paused, "Paused.")
    }

    #[test]
    fn a_refused_claim_is_refused_again_for_a_second() {
        let mut recall = Recall::<()>::default();
        let seen = snapshot(9, 1);
        recall.claim_refused((EPOCH, 3), Some(3), &paused(), &seen, NOW);
        let refusal = |key, now| recall.claim_refusal(key, Some(3), &seen, now);
        assert_eq!(refusal((EPOCH, 3), NOW + 999), Some(paused()));
        assert_eq!(refusal((EPOCH, 3), NOW + 1_000), None);
        assert_eq!(refusal((EPOCH, 4), NOW), None, "another's");
    }

    #[test]
    fn a_newer_view_ends_a_refusal() {
        let mut recall = Recall::<()>::default();
        recall.claim_refused((EPOCH, 3), Some(3), &paused(), &snapshot(9, 1), NOW);
        let newer = snapshot(9, 2);
        assert_eq!(recall.claim_refusal((EPOCH, 3), Some(3), &newer, NOW), None);
    }

    #[test]
    fn who_is_behind_somebody_not_called_up_is_not_asked_about() {
        let mut recall = Recall::<()>::default();
        let seen = snapshot(5, 1);
        let refused = Problem::from(Refusal::NotCalledUp { position: 7 });
        recall.claim_refused((EPOCH, 7), Some(7), &refused, &seen, NOW);
        let refusal =
            |index, seen: &Snapshot| recall.claim_refusal((EPOCH, index), Some(index), seen, NOW);
        assert_eq!(
            refusal(8, &seen),
            Some(Refusal::NotCalledUp { position: 8 }.into())
        );
        assert_eq!(refusal(6, &seen), None, "may be called up");
        assert_eq!(refusal(8, &snapshot(9, 1)), None, "a lane told of it");
        assert_eq!(refusal(7, &snapshot(9, 1)), None, "the same");
    }

    #[test]
    fn a_fault_of_ours_is_not_remembered() {
        let mut recall = Recall::<()>::default();
        let fault = Problem::new(Code::ServiceUnavailable, "Out of reach.");
        let seen = snapshot(9, 1);
        recall.claim_refused((EPOCH, 3), Some(3), &fault, &seen, NOW);
        assert_eq!(recall.claim_refusal((EPOCH, 3), Some(3), &seen, NOW), None);
    }

    #[test]
    fn a_look_is_remembered_until_something_happens_to_the_ticket() {
        let mut recall = Recall::default();
        recall.looked((EPOCH, 3), "nothing", NOW);
        assert_eq!(recall.look((EPOCH, 3), NOW + 999), Some(&"nothing"));
        assert_eq!(recall.look((EPOCH, 3), NOW + 1_000), None);
        recall.changed((EPOCH, 3));
        assert_eq!(recall.look((EPOCH, 3), NOW), None);
    }

    #[test]
    fn a_refused_leave_is_refused_again_for_a_second_or_until_something_happens() {
        let mut recall = Recall::<()>::default();
        let kept = Problem::new(Code::Conflict, "Cancel at the checkout.");
        recall.leave_refused((EPOCH, 3), &kept, NOW);
        let refusal = |recall: &Recall<()>, now| recall.leave_refusal((EPOCH, 3), now);
        assert_eq!(refusal(&recall, NOW + 999), Some(kept.clone()));
        assert_eq!(refusal(&recall, NOW + 1_000), None);
        recall.changed((EPOCH, 3));
        assert_eq!(refusal(&recall, NOW), None);
        let fault = Problem::new(Code::ServiceUnavailable, "Out of reach.");
        recall.leave_refused((EPOCH, 3), &fault, NOW);
        assert_eq!(refusal(&recall, NOW), None);
    }

    #[test]
    fn who_has_left_is_known_to_have_left() {
        let mut recall = Recall::<()>::default();
        assert!(!recall.has_left((EPOCH, 3), NOW));
        recall.left((EPOCH, 3), NOW);
        assert!(recall.has_left((EPOCH, 3), NOW + 60_000));
    }
}
