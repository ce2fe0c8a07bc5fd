//! Whether Tidegate keeps its promises, as far as that shows from outside: the first five invariants
//! of the design, checked against every answer. Nothing is concluded that a correct deployment could
//! contradict: an event counts as having happened no earlier than its request was sent and no later
//! than its answer was read, both on this process's own clock.

mod admissions;
mod entries;
mod records;
mod start;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

pub use admissions::Admissions;
pub use entries::Entries;
pub use records::Record;
pub use start::Start;

/// Microseconds since the run began.
pub type Micros = u64;
/// A shopper of this run.
pub type ShopperNumber = u32;

/// How many violations are kept with their evidence; all are counted.
const KEPT: usize = 20;

/// What the queue promises in numbers. `None` is no limit, or one that is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    pub max_active: Option<u64>,
    pub rate_per_minute: Option<u64>,
    pub max_admissions: Option<u64>,
    /// From admission to redemption.
    pub handoff: Micros,
    /// From redemption to the end, without extensions.
    pub session: Micros,
}

/// Which promise, by its number in the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Invariant {
    /// 1: indices are unique and dense.
    UniqueAndDense,
    /// 2: whoever was answered before another asked stands before them.
    RealTimeOrder,
    /// 3: a free slot goes to the lowest who is present.
    InOrder,
    /// 4: no grant passes a limit.
    NeverOverAdmitted,
    /// 5: one live ticket a shopper, one admission a ticket, one redemption a token.
    OneEach,
}

impl Invariant {
    pub const ALL: [Self; 5] = [
        Self::UniqueAndDense,
        Self::RealTimeOrder,
        Self::InOrder,
        Self::NeverOverAdmitted,
        Self::OneEach,
    ];

    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UniqueAndDense => "1 unique and dense",
            Self::RealTimeOrder => "2 real-time order",
            Self::InOrder => "3 in order",
            Self::NeverOverAdmitted => "4 never over-admitted",
            Self::OneEach => "5 one each",
        }
    }
}

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    pub invariant: Invariant,
    /// What was seen that cannot be.
    pub evidence: String,
}

impl Violation {
    fn new(invariant: Invariant, evidence: impl Into<String>) -> Self {
        Self {
            invariant,
            evidence: evidence.into(),
        }
    }
}

/// What was found in the end.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The first violations.
    pub violations: Vec<Violation>,
    /// How many there were, by invariant.
    counts: BTreeMap<Invariant, u64>,
    /// How many observations each invariant was held against.
    pub observations: Vec<(Invariant, u64)>,
}

impl Findings {
    /// How many violations there were.
    pub fn count(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How many there were of one invariant.
    pub fn count_of(&self, invariant: Invariant) -> u64 {
        self.counts.get(&invariant).copied().unwrap_or(0)
    }

    /// Takes back what was concluded from rules that did not hold all the time.
    pub fn take_back(&mut self, invariant: Invariant) {
        self.counts.remove(&invariant);
        self.violations
            .retain(|violation| violation.invariant != invariant);
    }
}

#[derive(Default)]
struct State {
    entries: Entries,
    admissions: Admissions,
    findings: Findings,
}

/// The checker of one run.
pub struct Checker {
    state: Mutex<State>,
}

impl Checker {
    pub fn new(rules: Rules, start: Start) -> Self {
        let state = State {
            admissions: Admissions::new(rules, start),
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
        }
    }

    /// Looks at, or adds to, what is known of entries.
    pub fn entries<T>(&self, look: impl FnOnce(&mut Entries, &mut Vec<Violation>) -> T) -> T {
        self.look(|state, found| look(&mut state.entries, found))
    }

    /// Looks at, or adds to, what is known of admissions.
    pub fn admissions<T>(&self, look: impl FnOnce(&mut Admissions, &mut Vec<Violation>) -> T) -> T {
        self.look(|state, found| look(&mut state.admissions, found))
    }

    /// Checks what shows only when all is over. `alone`: nobody else entered the queue; `entered`: how
    /// many the queue says did; `records`: the queue's own account of admissions, if it was asked.
    pub fn finish(
        &self,
        alone: bool,
        entered: Option<u64>,
        records: Option<&[Record]>,
    ) -> Findings {
        self.look(|state, found| {
            state.entries.finish(alone, entered, found);
            state.admissions.finish(found);
            if let Some(records) = records {
                records::check(records, &state.admissions, found);
            }
        });
        let state = self.lock();
        let mut findings = state.findings.clone();
        let counts = Invariant::ALL.map(|invariant| {
            let seen =
                state.entries.observations(invariant) + state.admissions.observations(invariant);
            (invariant, seen)
        });
        findings.observations = counts.to_vec();
        findings
    }

    /// How many violations there were so far.
    pub fn count(&self) -> u64 {
        self.lock().findings.count()
    }

    fn look<T>(&self, look: impl FnOnce(&mut State, &mut Vec<Violation>) -> T) -> T {
        let mut state = self.lock();
        let mut found = Vec::new();
        let result = look(&mut state, &mut found);
        for violation in found {
            *state
                .findings
                .counts
                .entry(violation.invariant)
                .or_default() += 1;
            if state.findings.violations.len() < KEPT {
                state.findings.violations.push(violation);
            }
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
