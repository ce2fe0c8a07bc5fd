//! The eleven promises by name, and what is found of them.

use core::fmt;

use serde::Serialize;

/// How many violations are kept with their evidence. All are counted.
const KEPT: usize = 20;

/// A promise, in the order of the design's list of invariants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Promise {
    /// 1: indices are 0 to n − 1, each once.
    UniqueAndDense,
    /// 2: who was answered before another asked stands before them.
    RealTimeOrder,
    /// 3: a free slot goes to the lowest place that is present.
    InOrder,
    /// 4: no grant passes a limit.
    NeverOverAdmitted,
    /// 5: one live ticket a shopper, one admission a ticket, one redemption a token.
    OneEach,
    /// 6: what was acknowledged stays.
    Durable,
    /// 7: places follow from what was published.
    Recomputable,
    /// 8: polls reach no object but for a refresh a second.
    PollsAreFree,
    /// 9: what is forged changes nothing.
    Sealed,
    /// 10: those who can be served are.
    Live,
    /// 11: what is old is called stale.
    CalmFailure,
}

impl Promise {
    /// All of them, in order.
    pub const ALL: [Self; 11] = [
        Self::UniqueAndDense,
        Self::RealTimeOrder,
        Self::InOrder,
        Self::NeverOverAdmitted,
        Self::OneEach,
        Self::Durable,
        Self::Recomputable,
        Self::PollsAreFree,
        Self::Sealed,
        Self::Live,
        Self::CalmFailure,
    ];

    /// Number and name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UniqueAndDense => "1 unique and dense",
            Self::RealTimeOrder => "2 real-time order",
            Self::InOrder => "3 in order",
            Self::NeverOverAdmitted => "4 never over-admitted",
            Self::OneEach => "5 one each",
            Self::Durable => "6 durable",
            Self::Recomputable => "7 recomputable",
            Self::PollsAreFree => "8 polls are free",
            Self::Sealed => "9 sealed",
            Self::Live => "10 live",
            Self::CalmFailure => "11 calm failure",
        }
    }
}

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which.
    #[serde(rename = "invariant")]
    pub promise: Promise,
    /// What was seen that cannot be.
    pub evidence: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.promise.name(), self.evidence)
    }
}

/// What was found so far.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// The first violations, twenty at most.
    pub violations: Vec<Violation>,
    broken: [u64; Promise::ALL.len()],
    observed: [u64; Promise::ALL.len()],
    /// Entries' own names, by number.
    pub(crate) names: Vec<String>,
}

impl Verdict {
    /// How many violations there are in all.
    pub fn count(&self) -> u64 {
        self.broken.iter().sum()
    }

    /// How many there are of one promise.
    pub fn count_of(&self, promise: Promise) -> u64 {
        self.broken.get(promise as usize).copied().unwrap_or(0)
    }

    /// How many observations a promise was held against.
    pub fn observed(&self, promise: Promise) -> u64 {
        self.observed.get(promise as usize).copied().unwrap_or(0)
    }

    pub(crate) fn observe(&mut self, promise: Promise, count: usize) {
        if let Some(observed) = self.observed.get_mut(promise as usize) {
            *observed += count as u64;
        }
    }

    pub(crate) fn broken(&mut self, promise: Promise, evidence: String) {
        if let Some(broken) = self.broken.get_mut(promise as usize) {
            *broken += 1;
        }
        if self.violations.len() < KEPT {
            self.violations.push(Violation { promise, evidence });
        }
    }

    /// Notes a violation unless `holds`.
    pub(crate) fn ensure(
        &mut self,
        holds: bool,
        promise: Promise,
        evidence: impl FnOnce() -> String,
    ) {
        if !holds {
            self.broken(promise, evidence());
        }
    }

    /// What an entry is called.
    pub(crate) fn name(&self, entry: u32) -> String {
        let name = usize::try_from(entry)
            .ok()
            .and_then(|at| self.names.get(at));
        name.map_or_else(|| format!("entry {entry}"), |name| format!("entry {name}"))
    }
}
