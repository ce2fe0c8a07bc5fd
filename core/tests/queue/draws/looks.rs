//! What the queue shows while a draw goes on, beside what the model knows.

use tidegate_core::queue::draw::WINDOWS_MAX;
use tidegate_core::view::snapshot::Phase;
use tidegate_core::view::status::{Standing, Status};

use super::model::{Draw, Place};
use crate::world::ticket;

/// The jitter that leaves a pause between polls as it is.
const EVEN: u32 = 33;

impl Draw {
    /// The machine has called up whom the model has, and no others.
    pub fn look(&mut self) {
        self.look_at_statuses();
        let called = |(_, (_, place)): &(&u64, &(u64, Place))| {
            !matches!(place, Place::Uncalled | Place::Gone)
        };
        let last = self
            .places
            .iter()
            .filter(called)
            .map(|(position, _)| *position)
            .max();
        let uncalled = self
            .places
            .iter()
            .find(|(_, (_, place))| *place == Place::Uncalled);
        let now = self.world.now;
        let machine = self.world.machine();
        let head = machine.head();
        let boarding = head.boarding;
        assert!(
            last.is_none_or(|last| last < boarding),
            "{last:?} is called up: {boarding}"
        );
        assert!(
            uncalled.is_none_or(|(next, _)| *next >= boarding),
            "{uncalled:?} is not: {boarding}"
        );
        let snapshot = machine.snapshot(now);
        assert!(
            snapshot.completed + snapshot.active <= self.winners,
            "over-admitted"
        );
        let expected = match (self.closed, self.over, self.paused) {
            (true, _, _) => Phase::Closed,
            (false, true, _) => Phase::SoldOut,
            (false, false, true) => Phase::Paused,
            (false, false, false) => Phase::Open,
        };
        assert_eq!(snapshot.phase, expected);
        let reserve = uncalled.map(|(position, (index, _))| ticket(*index, *position));
        let standing =
            reserve.map(|ticket| Status::of(Some(&ticket), &snapshot, false, 0).standing);
        assert_eq!(
            standing.is_some_and(|standing| standing == Standing::NotSelected),
            self.over && standing.is_some(),
            "told that they did not win, and that once it is final: {standing:?}"
        );
        assert!(
            head.windows.len() <= WINDOWS_MAX,
            "{} windows",
            head.windows.len()
        );
        let next = machine.next_timeout();
        // A report that a crash cut off is begun anew as soon as the object wakes.
        let is_reporting = (self.over || self.closed) && head.reported_at.is_none();
        assert!(
            is_reporting || next.is_none_or(|at| at > now),
            "an alarm that is due at once, for ever"
        );
    }

    /// What each winner is told, while the draw goes on: until when they may come, and that it is
    /// too late where another may have the place.
    fn look_at_statuses(&mut self) {
        let (now, ran, is_still) = (self.world.now, self.ran, self.stands_still());
        let free = self.free();
        let snapshot = self.world.snapshot();
        if matches!(snapshot.phase, Phase::Closed | Phase::SoldOut) {
            return;
        }
        for (position, (index, place)) in &self.places {
            let ticket = ticket(*index, *position);
            let status = Status::of(Some(&ticket), &snapshot, false, EVEN);
            let left = match *place {
                Place::Awaited(until) => Some(until - ran),
                Place::Lapsed => None,
                _ => continue,
            };
            match status.standing {
                Standing::Ready { claim_by, .. } => {
                    assert!(left.is_some() || free > 0, "another has the place");
                    assert_eq!(claim_by, left.filter(|_| !is_still).map(|left| now + left));
                }
                Standing::Lapsed { .. } => assert_eq!((left, free), (None, 0)),
                other => panic!("place {position} is {place:?}, and told {other:?}"),
            }
            if let Some(left) = left {
                assert_eq!(status.poll_after_ms, (left / 4).clamp(2_000, 120_000));
            }
        }
    }
}
