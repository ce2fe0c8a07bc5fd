//! Single flight: work that one request of an isolate does while the others wait for it.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::UnixMillis;

/// How long a request has a work to itself. If its client hangs up, the platform neither goes on
/// with it nor drops it.
const ALONE_MILLIS: u64 = 3_000;

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
