//! Texts that stay as they are for a while, and cost an object work to make. They
//! come from the data centre's cache, and are made by one request at a time for each lock and
//! isolate. The others look again until the text is there. A refusal is said again for a moment.

use std::cell::RefCell;
use std::collections::HashMap;

use super::single_flight::pauses;
use crate::UnixMillis;
use crate::edge::context::Context;
use crate::edge::pending::{Demand, Supply};
use crate::problem::{Code, Problem};

/// How long a request looks whether another has made the text.
const LOOKS_MILLIS: u64 = 4_000;
/// How long a refusal is said again.
const REFUSED_MILLIS: u64 = 1_000;
/// How many refusals are remembered; then all are forgotten.
const REFUSALS_MAX: usize = 1_000;

/// What making texts was refused with.
#[derive(Default)]
pub(in crate::edge) struct Refusals(RefCell<HashMap<String, (Problem, UnixMillis)>>);

impl Refusals {
    fn get(&self, address: &str, now: UnixMillis) -> Option<Problem> {
        let refusals = self.0.borrow();
        let (problem, until) = refusals.get(address)?;
        (now < *until).then(|| problem.clone())
    }

    fn note(&self, address: &str, problem: &Problem, now: UnixMillis) {
        let mut refusals = self.0.borrow_mut();
        if refusals.len() >= REFUSALS_MAX {
            refusals.clear();
        }
        let until = now.saturating_add(REFUSED_MILLIS);
        refusals.insert(address.to_owned(), (problem.clone(), until));
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
        let (flights, refusals) = (&self.isolate.flights, &self.isolate.refusals);
        let address = format!("{}/tidegate/-/{name}", self.request.address.origin());
        let mut pauses = pauses(LOOKS_MILLIS);
        loop {
            if let Some(problem) = refusals.get(&address, self.now()) {
                return Err(problem);
            }
            if let Supply::Text(text) = self.demand(Demand::Cached(address.clone())).await {
                return Ok(text);
            }
            let Some(_alone) = flights.begin(lock, self.now()) else {
                let Some(pause) = pauses.next() else { break };
                self.sleep(pause).await;
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
                Err(problem) => refusals.note(&address, problem, self.now()),
            }
            return outcome;
        }
        Err(Problem::new(
            Code::ServiceUnavailable,
            "Others ask for the same, and it is not there yet; try again.",
        ))
    }
}
