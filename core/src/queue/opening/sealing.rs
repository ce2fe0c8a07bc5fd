//! Sealing: where the queue has a beacon, the time from the opening, when root and round are
//! published, until the round's randomness is known and everybody has a place.

use serde_json::{Value, json};

use crate::UnixMillis;
use crate::fair::beacon::{Beacon, ENDPOINTS_MAX, SignedRound};
use crate::ids::Epoch;
use crate::queue::event::Answer;
use crate::queue::machine::Machine;

/// How often endpoints are asked until one has it; each time for less than that.
const FETCH_EVERY_MILLIS: u64 = 5_000;
/// The most that is kept of what an endpoint said, in characters.
const SAID_MAX: usize = 200;

/// A round to be fetched. [`Event::Fetched`](crate::queue::Event::Fetched) says what it came to.
#[derive(Debug)]
pub struct Fetch {
    /// The epoch of the queue that waits for it.
    pub epoch: Epoch,
    /// The chain and the round.
    pub beacon: Beacon,
    /// How many attempts there were before this one, as far as is remembered.
    pub attempt: u64,
}

/// What an endpoint said that did not give the round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The endpoint.
    pub endpoint: String,
    /// Its answer, or what came instead of one.
    pub said: String,
}

/// When the round is fetched, and what came of it so far. Lost with an eviction, and then it is
/// fetched at once.
#[derive(Default)]
pub struct Fetching {
    next_at: UnixMillis,
    due: bool,
    attempts: u64,
    /// The last of each endpoint, and when.
    heard: Vec<(Heard, UnixMillis)>,
}

impl Fetching {
    fn hear(&mut self, mut heard: Heard, now: UnixMillis) {
        self.heard
            .retain(|(before, _)| before.endpoint != heard.endpoint);
        if self.heard.len() >= ENDPOINTS_MAX {
            self.heard.remove(0);
        }
        heard.said = heard.said.chars().take(SAID_MAX).collect();
        self.heard.push((heard, now));
    }
}

impl Machine {
    /// The round that the queue waits for.
    fn awaited(&self) -> Option<&Beacon> {
        let opened = self.head.opened.as_ref()?;
        opened.beacon.as_ref().filter(|_| self.head.is_sealing())
    }

    /// When the round is to be fetched.
    pub(in crate::queue) fn next_fetch_at(&self) -> Option<UnixMillis> {
        let beacon = self.awaited()?;
        let made_at = beacon.chain.made_at(beacon.round);
        Some(made_at.max(self.fetching.next_at))
    }

    /// Notes that it is time.
    pub(in crate::queue) fn fetch_if_due(&mut self, now: UnixMillis) {
        if self.next_fetch_at().is_some_and(|at| at <= now) {
            self.fetching.next_at = now.saturating_add(FETCH_EVERY_MILLIS);
            self.fetching.due = true;
        }
    }

    /// What the queue waits for, as its operator reads it; null where it waits for nothing.
    pub(in crate::queue) fn waits_for(&self) -> Value {
        let Some(beacon) = self.awaited() else {
            return Value::Null;
        };
        let endpoints: Vec<Value> = self
            .fetching
            .heard
            .iter()
            .map(|(heard, at)| {
                json!({ "endpoint": heard.endpoint, "said": heard.said, "heardAt": at })
            })
            .collect();
        json!({
            "network": "drand",
            "chain": beacon.chain.chain,
            "round": beacon.round,
            "madeAt": beacon.chain.made_at(beacon.round),
            "waitsSinceAt": self.head.opened.as_ref().map(|opened| opened.at),
            "askedNextAt": self.next_fetch_at(),
            "attempts": self.fetching.attempts,
            "endpoints": endpoints,
        })
    }

    /// The round to fetch now, if it is time. Who takes it fetches it.
    pub fn next_fetch(&mut self) -> Option<Fetch> {
        let due = core::mem::take(&mut self.fetching.due);
        let beacon = self.awaited().filter(|_| due)?.clone();
        let attempt = self.fetching.attempts;
        self.fetching.attempts = attempt.saturating_add(1);
        Some(Fetch {
            epoch: self.head.epoch,
            beacon,
            attempt,
        })
    }

    /// What asking the endpoints came to: the round, if one of them had it, and what the others
    /// said.
    pub(in crate::queue) fn fetched(
        &mut self,
        epoch: Epoch,
        signed: Option<SignedRound>,
        heard: Vec<Heard>,
        now: UnixMillis,
    ) -> Answer {
        if epoch != self.head.epoch || self.awaited().is_none() {
            return Answer::Done;
        }
        for heard in heard {
            self.fetching.hear(heard, now);
        }
        let awaited = self.awaited();
        let signed = signed.filter(|signed| awaited.is_some_and(|beacon| signed.answers(beacon)));
        if let (Some(signed), Some(opened)) = (signed, &mut self.head.opened) {
            opened.beacon = Some(signed.into_beacon());
            self.fetching = Fetching::default();
            self.seal(now);
        }
        Answer::Done
    }

    /// Computes the seed, once there is nothing more to wait for. From now on everybody has a
    /// place.
    pub(in crate::queue) fn seal(&mut self, now: UnixMillis) {
        let Some(opened) = &mut self.head.opened else {
            return;
        };
        let randomness = opened.beacon.as_ref().map(Beacon::randomness);
        let (Some(root), None | Some(Some(_))) = (opened.root, &randomness) else {
            return;
        };
        let randomness = randomness.flatten();
        let beacon = randomness.as_ref().map_or(&[][..], |bytes| &bytes[..]);
        opened.seed = Some(self.head.secret.seed(&root, beacon));
        self.dirty.head = true;
        self.begin_placing(now);
    }
}
