//! From a failing run to the shortest one that fails likewise: fewer shoppers, fewer faults, fewer
//! parts, under the same seed.

use core::fmt;

use crate::run;
use crate::scenario::{Faults, Scenario};
use crate::world::Failure;

/// How many shorter runs are tried.
const TRIES: usize = 200;

/// The shortest failing run that was found.
pub struct Shortest {
    /// What was run.
    pub scenario: Scenario,
    /// With which seed.
    pub seed: u64,
    /// How it ended.
    pub failure: Failure,
}

impl fmt::Display for Shortest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure {
            violation,
            events,
            last,
        } = &self.failure;
        writeln!(formatter, "promise {violation}")?;
        writeln!(
            formatter,
            "seed {}, after {events} happenings of",
            self.seed
        )?;
        writeln!(formatter, "{:?}", self.scenario)?;
        writeln!(formatter, "the last of them:")?;
        last.iter()
            .try_for_each(|line| writeln!(formatter, "  {line}"))
    }
}

/// Looks for the shortest run that breaks the same invariant as `failure` did.
pub fn shortest(scenario: &Scenario, seed: u64, failure: Failure) -> Shortest {
    let mut best = Shortest {
        scenario: scenario.clone(),
        seed,
        failure,
    };
    let mut tries = 0;
    // Whatever helps is tried again from the start.
    while let Some(better) = smaller(&best.scenario).into_iter().find_map(|scenario| {
        tries += 1;
        let failure = (tries <= TRIES)
            .then(|| run(&scenario, seed).err())
            .flatten()?;
        let same = failure.violation.promise == best.failure.violation.promise;
        (same && failure.events < best.failure.events).then_some(Shortest {
            scenario,
            seed,
            failure,
        })
    }) {
        best = better;
    }
    best
}

/// Scenarios with less in them, the boldest first.
fn smaller(from: &Scenario) -> Vec<Scenario> {
    let with = |change: &dyn Fn(&mut Scenario)| {
        let mut scenario = from.clone();
        change(&mut scenario);
        scenario
    };
    let faults = |change: &dyn Fn(&mut Faults)| with(&|scenario| change(&mut scenario.faults));
    vec![
        with(&|scenario| scenario.shoppers /= 8),
        with(&|scenario| scenario.shoppers /= 2),
        with(&|scenario| scenario.shoppers -= scenario.shoppers / 8),
        with(&|scenario| scenario.shoppers = scenario.shoppers.saturating_sub(1)),
        faults(&|faults| *faults = Faults::NONE),
        faults(&|faults| faults.loss = 0.0),
        faults(&|faults| faults.duplicate = 0.0),
        faults(&|faults| faults.crash = 0.0),
        faults(&|faults| faults.outage = 0.0),
        faults(&|faults| faults.clock = 0.0),
        faults(&|faults| faults.operator = 0.0),
        with(&|scenario| scenario.lanes = 1),
        with(&|scenario| scenario.edges = 1),
        with(&|scenario| scenario.relays = 1),
        with(&|scenario| scenario.leave = 0.0),
        with(&|scenario| scenario.absent = 0.0),
        with(&|scenario| scenario.arrive_within /= 4),
    ]
}
