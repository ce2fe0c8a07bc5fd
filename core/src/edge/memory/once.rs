//! Single flight: texts that stay as they are for a while, and cost an object work to make. They
//! come from the data centre's cache, and are made by one request at a time for each lock and
//! isolate. The others look again until the text is there. A refusal is said again for a moment.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::UnixMillis;
use crate::edge::context::Context;
use crate::edge::pending::{Demand, Supply};
use crate::problem::{Code, Problem};

/// How often, and how many times, a request looks whether another has made the text.
const LOOK_MILLIS: u64 = 25;
const LOOKS: u32 = 160;
/// How long a request has the work to itself. If its client hangs up, the platform neither goes on
/// with it nor drops it.
const ALONE_MILLIS: u64 = 3_000;
/// How long a refusal is said again.
const REFUSED_MILLIS: u64 = 1_000;
/// How many refusals are remembered; then all are forgotten.
const REFUSALS_MAX: usize = 1_000;

/// What is being made, and what was refused.
#[derive(Default)]
pub(in crate::edge) struct Making {
    /// Each lock, and until when who holds it has the work to themselves.
    locks: RefCell<HashMap<String, UnixMillis>>,
    refusals: RefCell<HashMap<String, (Problem, UnixMillis)>>,
}

/// While it lives, one request does a work, for as long as it may.
struct Alone<'a> {
    making: &'a Making,
    lock: &'a str,
    until: UnixMillis,
}

impl Making {
    fn begin<'a>(&'a self, lock: &'a str, now: UnixMillis) -> Option<Alone<'a>> {
        let mut locks = self.locks.borrow_mut();
        if locks.get(lock).is_some_and(|until| now < *until) {
            return None;
        }
        let until = now.saturating_add(ALONE_MILLIS);
        locks.insert(lock.to_owned(), until);
        Some(Alone {
            making: self,
            lock,
            until,
        })
    }

    fn refused(&self, address: &str, now: UnixMillis) -> Option<Problem> {
        let refusals = self.refusals.borrow();
        let (problem, until) = refusals.get(address)?;
        (now < *until).then(|| problem.clone())
    }

    fn refuse(&self, address: &str, problem: &Problem, now: UnixMillis) {
        let mut refusals = self.refusals.borrow_mut();
        if refusals.len() >= REFUSALS_MAX {
            refusals.clear();
        }
        let until = now.saturating_add(REFUSED_MILLIS);
        refusals.insert(address.to_owned(), (problem.clone(), until));
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        // Who took longer than they may must not end the work of who took over.
        if let Ok(mut locks) = self.making.locks.try_borrow_mut()
            && locks.get(self.lock) == Some(&self.until)
        {
            locks.remove(self.lock);
        }
    }
}

impl Context {
    /// Finds the text that the cache keeps under `name`, or makes it under `lock` and keeps it as
    /// `policy` says.
    pub(in crate::edge) async fn once(
        &self,
        name: &str,
        lock: &str,
        policy: &str,
        make: impl AsyncFnOnce() -> Result<String, Problem>,
    ) -> Result<String, Problem> {
        let making = &self.isolate.making;
        let address = format!("{}/tidegate/-/{name}", self.request.address.origin());
        for _ in 0..LOOKS {
            if let Some(problem) = making.refused(&address, self.now()) {
                return Err(problem);
            }
            if let Supply::Text(text) = self.demand(Demand::Cached(address.clone())).await {
                return Ok(text);
            }
            let Some(_alone) = making.begin(lock, self.now()) else {
                self.sleep(LOOK_MILLIS).await;
                continue;
            };
            let outcome = make().await;
            match &outcome {
                Ok(text) => {
                    let (text, policy) = (text.clone(), policy.to_owned());
                    // What is not kept is made again.
                    self.demand(Demand::Cache {
                        address,
                        text,
                        policy,
                        wait: true,
                    })
                    .await;
                }
                Err(problem) => making.refuse(&address, problem, self.now()),
            }
            return outcome;
        }
        Err(Problem::new(
            Code::ServiceUnavailable,
            "Others ask for the same, and it is not there yet; try again.",
        ))
    }
}
