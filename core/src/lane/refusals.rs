//! What a lane remembers of the queue's refusals: for a second, nobody who has no entry is asked
//! about again, and nothing is written for them.

use crate::UnixMillis;
use crate::problem::{Code, Problem};

/// How long a refusal of the queue's stands for all who have no entry.
const STANDS_MILLIS: u64 = 1_000;

/// The last refusal, and since when it is known. Lost with an eviction; another lease finds it out.
#[derive(Default)]
pub struct Refusals {
    last: Option<(Problem, UnixMillis)>,
}

impl Refusals {
    /// Takes what an edge that forwards an enter says: whether the queue takes anybody, `as_of` its
    /// view's time. A view that is newer than a refusal ends it.
    pub fn heed(&mut self, refusal: Option<Problem>, as_of: UnixMillis, now: UnixMillis) {
        match (refusal, &self.last) {
            (Some(problem), _) => self.last = Some((problem, now)),
            (None, Some((_, since))) if as_of > *since => self.last = None,
            (None, _) => {}
        }
    }

    /// The queue refused a lease that was wanted at `since`. What is one group's affair alone is
    /// not remembered.
    pub fn remember(&mut self, problem: &Problem, since: UnixMillis) {
        let is_of_all = matches!(
            problem.code,
            Code::QueueClosed | Code::SoldOut | Code::QueueFull | Code::NotOpen
        );
        if is_of_all {
            self.last = Some((problem.clone(), since));
        }
    }

    /// What everybody is told now who has no entry, if nobody is taken.
    pub fn standing(&self, now: UnixMillis) -> Option<&Problem> {
        let (problem, since) = self.last.as_ref()?;
        (now < since.saturating_add(STANDS_MILLIS)).then_some(problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::LaneName;
    use crate::ids::{Epoch, ShopperId};
    use crate::lane::{Entry, Heard, Lane, Work};
    use crate::queue::Refusal;
    use crate::queue::event::Called;

    const NOW: UnixMillis = 5;

    fn shopper(number: u8) -> ShopperId {
        ShopperId::from_bytes([number; 16])
    }

    /// Shoppers of whom nothing is stored arrive and are looked up.
    fn arrive(lane: &mut Lane, numbers: &[u8]) {
        for number in numbers {
            lane.arrive(shopper(*number), Called::default()).unwrap();
        }
        let arrivals = lane.arrivals();
        assert_eq!(lane.looked_up(arrivals, |_| None), []);
    }

    fn next(lane: &mut Lane, now: UnixMillis) -> Option<Work> {
        let name = LaneName {
            queue: "demo".parse().unwrap(),
            epoch: Epoch::from_bytes([1; 16]),
            number: 2,
        };
        lane.next_work(&name, now)
    }

    /// A lane that leases for these shoppers.
    fn leasing(numbers: &[u8]) -> Lane {
        let mut lane = Lane::default();
        arrive(&mut lane, numbers);
        assert!(matches!(next(&mut lane, NOW), Some(Work::Write(_))));
        assert!(matches!(next(&mut lane, NOW), Some(Work::Lease { .. })));
        lane
    }

    /// What the lane does about this shopper, who has no entry.
    fn late(lane: &mut Lane, number: u8, now: UnixMillis) -> Option<Work> {
        arrive(lane, &[number]);
        next(lane, now)
    }

    fn told(number: u8, problem: &Problem) -> Work {
        Work::Tell(vec![(shopper(number), Err(problem.clone()))])
    }

    #[test]
    fn a_refusal_stands_for_a_second_without_a_row_or_a_lease() {
        for problem in [
            Problem::from(Refusal::Closed),
            Problem::from(Refusal::SoldOut),
            Problem::from(Refusal::Full),
        ] {
            let mut lane = leasing(&[1]);
            lane.refused(&problem);
            assert_eq!(late(&mut lane, 2, NOW + 1), Some(told(2, &problem)));
            assert_eq!(
                late(&mut lane, 2, NOW + 999),
                Some(told(2, &problem)),
                "again"
            );
            let after = late(&mut lane, 3, NOW + 1_000);
            assert!(matches!(after, Some(Work::Write(_))), "{after:?}");
        }
    }

    #[test]
    fn who_has_an_entry_is_told_it_whatever_is_refused() {
        let mut lane = Lane::default();
        lane.heed(Some(Problem::from(Refusal::Closed)), NOW, NOW);
        lane.arrive(shopper(1), Called::default()).unwrap();
        let arrivals = lane.arrivals();
        let stored = Entry {
            sequence: 1,
            place: 0,
            first: Some(4),
            leaving: None,
        };
        let heard = lane.looked_up(arrivals, |_| Some(stored));
        assert_eq!(heard, [(shopper(1), Ok(Heard::Index(4)))]);
    }

    #[test]
    fn what_the_edge_knows_is_refused_without_a_first_lease() {
        let mut lane = Lane::default();
        lane.heed(Some(Problem::from(Refusal::SoldOut)), NOW, NOW);
        assert_eq!(
            late(&mut lane, 1, NOW),
            Some(told(1, &Problem::from(Refusal::SoldOut)))
        );
    }

    #[test]
    fn a_newer_view_ends_a_refusal_and_an_older_one_does_not() {
        let mut lane = Lane::default();
        lane.heed(Some(Problem::from(Refusal::Closed)), NOW, NOW);
        lane.heed(None, NOW, NOW + 1);
        assert_eq!(
            late(&mut lane, 1, NOW + 1),
            Some(told(1, &Problem::from(Refusal::Closed)))
        );
        lane.heed(None, NOW + 1, NOW + 2);
        assert!(matches!(late(&mut lane, 1, NOW + 2), Some(Work::Write(_))));
    }

    #[test]
    fn who_found_the_last_places_taken_makes_the_next_wait_a_second() {
        let mut lane = leasing(&[1, 2]);
        lane.leased(5, 1, Called::default());
        assert_eq!(
            late(&mut lane, 3, NOW + 1),
            Some(told(3, &Problem::from(Refusal::Full)))
        );
    }

    #[test]
    fn a_refusal_that_is_one_group_s_alone_is_not_remembered() {
        let mut lane = leasing(&[1]);
        lane.refused(&Problem::new(Code::Conflict, "Leased already."));
        assert!(matches!(late(&mut lane, 2, NOW), Some(Work::Write(_))));
    }
}
