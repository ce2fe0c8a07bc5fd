//! The doors: what a fresh view decides without an object. Who asks for what the view rules out is
//! answered at the edge; who may have changed sides since the view was taken is let through.

use crate::UnixMillis;
use crate::config::Access;
use crate::queue::Refusal;
use crate::view::snapshot::{EdgeView, Phase, Snapshot};

/// So long before the opening, by the edge's clock, it has not been by any.
const OPENING_MILLIS: u64 = 10_000;
/// Why nobody enters who has no entry yet, if so.
pub fn entry_refusal(snapshot: &Snapshot) -> Option<Refusal> {
    let held = snapshot.access == Access::Draw && snapshot.shuffle.entrants.is_some();
    match snapshot.phase {
        Phase::Closed => Some(Refusal::Closed),
        Phase::SoldOut => Some(Refusal::SoldOut),
        _ if held => Some(Refusal::DrawHeld),
        _ => snapshot.full.then_some(Refusal::Full),
    }
}

/// Why a claim need not go further than the edge, if so. The view must be fresh.
pub fn claim_refusal(view: &EdgeView, position: Option<u64>, now: UnixMillis) -> Option<Refusal> {
    let snapshot = &view.snapshot;
    match (snapshot.phase, position) {
        (Phase::Scheduled | Phase::Entry, _) => {
            // Clocks differ, and the view may be older than the opening.
            let times = [snapshot.entry_opens_at, snapshot.opens_at];
            let opens_at = times.into_iter().flatten().max().unwrap_or(0);
            (now.saturating_add(OPENING_MILLIS) < opens_at).then_some(Refusal::NoPlaceYet)
        }
        (Phase::Sealing, _) | (_, None) => None,
        (_, Some(position)) if position < snapshot.boarding => None,
        // Nobody beyond boarding was ever called up, and nobody is any more.
        (Phase::Closed, _) => Some(Refusal::Closed),
        (Phase::SoldOut, _) => Some(Refusal::SoldOut),
        (Phase::Open | Phase::Paused, Some(position)) => {
            // Where nobody is in line, who enters is called up at once.
            let is_line = snapshot.entered > snapshot.boarding;
            let reached = snapshot.boarding.saturating_add(view.reach);
            (is_line && position >= reached).then_some(Refusal::NotCalledUp { position })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fair::Fresh;
    use crate::fair::Root;
    use crate::ids::Epoch;
    use crate::problem::{Code, Problem};
    use crate::queue::{Answer, Event, Machine, handle};

    const EPOCH: Epoch = Epoch::from_bytes([1; 16]);
    const NOW: UnixMillis = 1_000_000;

    struct Queue(Option<Machine>);

    impl Queue {
        fn new(config: serde_json::Value) -> Self {
            let mut queue = Self(None);
            let id = "lamp".parse().unwrap();
            let fresh = Fresh::known(EPOCH);
            queue.event(Event::Put { id, config, fresh });
            queue
        }

        fn event(&mut self, event: Event) -> Answer {
            handle(&mut self.0, event, None, NOW).answer.unwrap()
        }

        fn enter(&mut self, sequence: u64, count: u32) {
            self.event(Event::Lease {
                epoch: EPOCH,
                lane: 0,
                sequence,
                count,
                root: Root::from_bytes([0; 32]),
            });
        }

        fn view(&mut self) -> EdgeView {
            match self.event(Event::View) {
                Answer::View(view) => *view,
                other => panic!("{other:?}"),
            }
        }
    }

    fn code(refusal: Option<Refusal>) -> Option<Code> {
        refusal.map(|refusal| Problem::from(refusal).code)
    }

    #[test]
    fn a_claim_from_far_behind_boarding_stops_at_the_edge() {
        let mut queue = Queue::new(json!({ "maxActive": 5, "lanes": 1 }));
        queue.enter(1, 8_000);
        let view = queue.view();
        let refused = |position| code(claim_refusal(&view, Some(position), NOW));
        let stopped = (0..8_000).filter(|position| refused(*position).is_some());
        let through = 8_000 - stopped.count();
        assert!(through < 500, "{through} of 8,000 claims go on");
        assert_eq!(refused(7_999), Some(Code::NotYetServed));
        assert_eq!(refused(0), None, "called up");
        let next = view.snapshot.boarding;
        assert_eq!(refused(next), None, "may be called up since");
    }

    #[test]
    fn who_may_have_been_called_up_since_the_view_is_let_through() {
        let mut queue = Queue::new(json!({ "maxActive": 5, "lanes": 1 }));
        let view = queue.view();
        assert_eq!(
            claim_refusal(&view, Some(3), NOW),
            None,
            "the line is empty"
        );
        assert_eq!(claim_refusal(&view, None, NOW), None, "and open");
    }

    #[test]
    fn a_claim_well_before_the_opening_stops_at_the_edge() {
        let opens_at = NOW + 60_000;
        let mut queue = Queue::new(json!({ "maxActive": 5, "opensAt": opens_at }));
        let view = queue.view();
        let refused = |now| code(claim_refusal(&view, None, now));
        assert_eq!(refused(NOW), Some(Code::NotYetServed));
        assert_eq!(refused(opens_at - 1_000), None, "clocks differ");
    }

    #[test]
    fn an_end_is_told_at_the_edge_but_not_to_who_may_hold_an_admission() {
        let mut queue = Queue::new(json!({ "maxActive": 5, "lanes": 1 }));
        queue.enter(1, 1_000);
        queue.event(Event::Close);
        let view = queue.view();
        let refused = |position| code(claim_refusal(&view, Some(position), NOW));
        assert_eq!(refused(view.snapshot.boarding), Some(Code::QueueClosed));
        assert_eq!(refused(0), None);
        assert_eq!(code(entry_refusal(&view.snapshot)), Some(Code::QueueClosed));
    }

    #[test]
    fn a_full_queue_says_so_until_somebody_leaves() {
        let mut queue = Queue::new(json!({ "maxActive": 5, "lanes": 1, "maxParticipants": 2 }));
        queue.enter(1, 1);
        assert_eq!(entry_refusal(&queue.view().snapshot), None);
        queue.enter(2, 1);
        let full = entry_refusal(&queue.view().snapshot);
        assert_eq!(code(full), Some(Code::QueueFull));
        queue.event(Event::Leave(crate::queue::event::Holder {
            epoch: EPOCH,
            index: 1,
            position: Some(1),
            shopper: crate::ids::ShopperId::from_bytes([1; 16]),
        }));
        assert_eq!(entry_refusal(&queue.view().snapshot), None);
        queue.enter(3, 1);
    }

    #[test]
    fn entry_to_a_draw_ends_at_the_edge_with_the_opening() {
        let config = json!({ "access": "draw", "maxAdmissions": 1, "opensAt": NOW + 1,
            "closesAt": NOW + 9_000 });
        let mut queue = Queue::new(config);
        assert_eq!(entry_refusal(&queue.view().snapshot), None);
        handle(&mut queue.0, Event::Wake, None, NOW + 1);
        let refused = entry_refusal(&queue.view().snapshot);
        assert_eq!(code(refused), Some(Code::QueueClosed));
    }
}
