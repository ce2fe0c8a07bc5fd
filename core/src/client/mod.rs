//! A shopper's own protocol, as a machine: enter, poll, claim, be present, collect, back off. Time
//! and randomness are given; what it says next is for its driver to do. The simulator and `tidegate
//! load` drive it.
//!
//! ```
//! use tidegate_core::client::{Call, Client, Heard, Next, Seen};
//!
//! let mut client = Client::new(6);
//! // An enter was answered: the place is called up already.
//! let seen = Seen::CalledUp { collect: false, at: 1_000, look_after: 3_000 };
//! assert_eq!(client.hears(Heard::Seen(seen), 0, 0), Next::Do(Call::Claim, 0));
//! ```

pub mod backoff;
mod seen;

use crate::UnixMillis;
pub use backoff::{Backoff, Refusal};
pub use seen::Seen;

/// A present shopper claims again after this, or later if they are told so: the queue forgets in
/// three times as long who does not.
const RENEW_MILLIS: u64 = 30_000;
/// The pause where an answer names none.
pub const LOOK_MILLIS: u64 = 3_000;

/// What a shopper sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// An enter, always with the same entry key.
    Enter,
    /// A look at the status.
    Look,
    /// A claim.
    Claim,
}

/// What a shopper hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Where their place stands: by an answer to an enter or a look, or by a socket.
    Seen(Seen),
    /// Present, and no slot is free (202).
    Present {
        /// The queue's clock.
        at: UnixMillis,
        /// When to look again.
        look_after: Option<u64>,
    },
    /// Admitted (200 to a claim).
    Admitted,
    /// Any other.
    Refused(Refusal),
    /// Nothing new, until [`Client::renews_at`].
    Nothing,
}

/// What is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send this, after so many milliseconds.
    Do(Call, u64),
    /// Take the token to the checkout.
    CheckOut,
    /// The queue is over, sold out or full.
    TurnedAway,
    /// It failed too often, or for good.
    GiveUp,
}

/// A shopper. Times are the driver's own milliseconds, but for those of the queue's clock.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    doing: Call,
    /// Since when, by the queue's clock, a claim waits for its slot.
    present_since: Option<UnixMillis>,
    renews_at: u64,
    /// The waits of calls that fail.
    pub backoff: Backoff,
}

impl Client {
    /// A shopper who enters next, and gives up what failed so often in a row.
    pub const fn new(tries: u16) -> Self {
        Self {
            doing: Call::Enter,
            present_since: None,
            renews_at: 0,
            backoff: Backoff::new(tries),
        }
    }

    /// When a present shopper claims again whatever they hear, so that the queue knows that they
    /// are here.
    pub fn renews_at(&self) -> Option<u64> {
        self.present_since.map(|_| self.renews_at)
    }

    /// Takes in what was heard. `jitter` is any random number.
    pub fn hears(&mut self, heard: Heard, now: u64, jitter: u32) -> Next {
        if !matches!(heard, Heard::Refused(_)) {
            self.backoff.reset();
        }
        match heard {
            Heard::Seen(Seen::Over) => Next::TurnedAway,
            Heard::Seen(Seen::Waits { look_after }) => self.look(look_after, now),
            Heard::Seen(Seen::CalledUp {
                collect,
                at,
                look_after,
            }) => {
                if self.claims(collect, at) {
                    return self.does(Call::Claim, 0);
                }
                self.look(look_after, now)
            }
            Heard::Present { at, look_after } => {
                let look_after = look_after.unwrap_or(LOOK_MILLIS);
                self.present_since = Some(at);
                self.renews_at = now.saturating_add(look_after.max(RENEW_MILLIS));
                self.look(look_after, now)
            }
            Heard::Nothing => self.look(LOOK_MILLIS, now),
            Heard::Admitted => Next::CheckOut,
            Heard::Refused(refusal) => self.is_refused(refusal, now, jitter),
        }
    }

    fn is_refused(&mut self, refusal: Refusal, now: u64, jitter: u32) -> Next {
        let enters = self.doing == Call::Enter;
        match refusal.status {
            Some(410) if self.doing != Call::Look => Next::TurnedAway,
            _ if enters && refusal.is_full => Next::TurnedAway,
            // Not called up after all, or paused: the status says when to claim.
            Some(409) if self.doing == Call::Claim => {
                self.backoff.reset();
                self.look(refusal.retry_after.unwrap_or(LOOK_MILLIS), now)
            }
            _ => match self.backoff.retry(refusal, jitter) {
                Some(after) => self.does(self.doing, after),
                None => Next::GiveUp,
            },
        }
    }

    /// Whether a called-up shopper claims by what they hear. Who is present has claimed: they
    /// collect by a state that is newer than the answer to their claim, for an older one may speak
    /// of who stood here before.
    fn claims(&self, collect: bool, at: UnixMillis) -> bool {
        self.present_since.is_none_or(|since| collect && at > since)
    }

    fn look(&mut self, after: u64, now: u64) -> Next {
        match self.renews_at() {
            Some(renews_at) if renews_at <= now.saturating_add(after) => {
                self.does(Call::Claim, renews_at.saturating_sub(now))
            }
            _ => self.does(Call::Look, after),
        }
    }

    const fn does(&mut self, call: Call, after: u64) -> Next {
        self.doing = call;
        Next::Do(call, after)
    }
}

#[cfg(test)]
mod tests;
