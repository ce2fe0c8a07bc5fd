//! How long to wait before trying again: exponential, with full jitter, so that a crowd which
//! failed together does not come back together.

const BASE_MILLIS: u64 = 1_000;
const MOST_MILLIS: u64 = 30_000;

/// An answer that was not wanted, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: Option<u16>,
    /// How long the server asks to be left alone, in milliseconds.
    pub retry_after: Option<u64>,
    /// The queue is full: nobody enters.
    pub is_full: bool,
}

impl Refusal {
    /// No answer came.
    pub const NO_ANSWER: Self = Self {
        status: None,
        retry_after: None,
        is_full: false,
    };

    /// By this status, with nothing else said.
    pub const fn of(status: u16) -> Self {
        Self {
            status: Some(status),
            ..Self::NO_ANSWER
        }
    }

    /// Whether trying again would get the same answer.
    pub fn is_final(&self) -> bool {
        let passes = |status: u16| status == 408 || status == 429;
        self.status
            .is_some_and(|status| (400..500).contains(&status) && !passes(status))
    }
}

/// The waits of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    failures: u16,
    tries: u16,
}

impl Backoff {
    /// Of a client who gives up what failed so often in a row.
    pub const fn new(tries: u16) -> Self {
        Self { failures: 0, tries }
    }

    /// The next wait in milliseconds, and never less than the server asked for. `jitter` is any
    /// random number.
    pub fn next(&mut self, retry_after: Option<u64>, jitter: u32) -> u64 {
        let ceiling = BASE_MILLIS
            .saturating_mul(1 << self.failures.min(5))
            .min(MOST_MILLIS);
        self.failures = self.failures.saturating_add(1);
        let jittered = ceiling.saturating_mul(jitter.into()) >> 32;
        retry_after
            .map_or(0, |least| least.min(MOST_MILLIS))
            .saturating_add(jittered)
    }

    /// When to try again after a refusal; `None` where that is pointless, or was tried often
    /// enough.
    pub fn retry(&mut self, refusal: Refusal, jitter: u32) -> Option<u64> {
        if refusal.is_final() {
            return None;
        }
        let wait = self.next(refusal.retry_after, jitter);
        (self.failures < self.tries).then_some(wait)
    }

    /// Notes that it went well.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }
}
