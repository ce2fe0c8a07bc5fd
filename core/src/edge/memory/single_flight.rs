//! Single flight: work that one request of an isolate does while the others wait for it.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::UnixMillis;

/// How long a request has a work to itself. If its client hangs up, the platform neither goes on
/// with it nor drops it.
const ALONE_MILLIS: u64 = 3_000;

/// The first pause between two looks at another's work, and the longest.
const PAUSES_MILLIS: (u64, u64) = (10, 250);

/// The pauses between a request's looks at a work that another does, in milliseconds, for so long
/// in all. Each is half as long again as the last. So a quick work is seen at once, and a work that
/// hangs for seconds costs each that waits some twenty looks and not hundreds.
pub fn pauses(in_all: u64) -> impl Iterator<Item = u64> {
    let (mut next, longest) = PAUSES_MILLIS;
    let mut left = in_all;
    core::iter::from_fn(move || {
        let pause = next.min(left);
        left = left.saturating_sub(pause);
        next = next.saturating_add(next / 2).min(longest);
        (pause > 0).then_some(pause)
    })
}

/// The works that are under way.
#[derive(Default)]
pub struct Flights {
    /// Each work, and until when the request that does it has it to itself.
    works: RefCell<HashMap<String, UnixMillis>>,
}

/// While it lives, one request does a work, for as long as it may.
pub struct Flight<'a> {
    flights: &'a Flights,
    work: &'a str,
    until: UnixMillis,
}

impl Flights {
    /// Begins a work; `None` where another request does it.
    pub fn begin<'a>(&'a self, work: &'a str, now: UnixMillis) -> Option<Flight<'a>> {
        let mut works = self.works.borrow_mut();
        if works.get(work).is_some_and(|until| now < *until) {
            return None;
        }
        let until = now.saturating_add(ALONE_MILLIS);
        works.insert(work.to_owned(), until);
        Some(Flight {
            flights: self,
            work,
            until,
        })
    }

    /// Whether some request does this work.
    pub fn is_under_way(&self, work: &str) -> bool {
        self.works.borrow().contains_key(work)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        // A request that took longer than it may must not end the work of the one that took over.
        if let Ok(mut works) = self.flights.works.try_borrow_mut()
            && works.get(self.work) == Some(&self.until)
        {
            works.remove(self.work);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_looks_often_at_first_and_some_twenty_times_in_seconds() {
        let all: Vec<u64> = pauses(3_500).collect();
        assert_eq!(all.iter().sum::<u64>(), 3_500);
        assert!(all.len() <= 21, "{all:?}");
        for (number, pause) in all.iter().enumerate().skip(1) {
            let waited: u64 = all[..number].iter().sum();
            assert!(*pause <= waited + 10, "{pause} after {waited}");
        }
        assert_eq!(pauses(0).next(), None);
    }

    #[test]
    fn one_request_does_a_work_and_another_takes_over_one_that_was_abandoned() {
        let flights = Flights::default();
        let first = flights.begin("page", 0);
        assert!(first.is_some() && flights.is_under_way("page"));
        assert!(flights.begin("page", ALONE_MILLIS - 1).is_none());
        assert!(flights.begin("another", 1).is_some());
        let second = flights.begin("page", ALONE_MILLIS);
        assert!(second.is_some());
        drop(first);
        assert!(flights.is_under_way("page"), "it is the second's now");
        drop(second);
        assert!(!flights.is_under_way("page"));
    }
}
