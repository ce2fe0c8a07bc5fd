//! Facts that an isolate keeps: a stale-while-revalidate cache with request coalescing. One request
//! at a time refreshes a fact: from the data centre's cache, and where that has none that is fresh,
//! from an object. The others are given the last one, or look again until the new one is there: a
//! request cannot wait for another's work on this platform.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::single_flight::pauses;
use crate::UnixMillis;
use crate::edge::context::Context;
use crate::edge::pending::{Demand, Supply};
use crate::problem::{Code, Problem};
use crate::wire;

/// A source is not asked more often than this, whether it answered or not; and no fact that is
/// asked for is younger.
pub const SECOND_MILLIS: u64 = 1_000;
/// How much longer than it is fresh the last fact is served while somebody refreshes it.
const WHILE_REVALIDATE_MILLIS: u64 = 2_000;
/// How much longer than it is fresh a fact is before it is called stale: several refreshes have
/// failed by then.
const STALE_MILLIS: u64 = 4_000;
/// How the data centre's cache keeps the last fact, for when the objects are out of reach.
const KEPT: &str = "max-age=3600";
/// How long a request looks whether another has fetched a fact: longer than a refresh may take, so
/// that who looks last takes over from one that was abandoned.
const LOOKS_MILLIS: u64 = 3_500;
/// How long a request has a refresh to itself. If its client hangs up, the platform neither goes on
/// with it nor drops it.
const REFRESH_MILLIS: u64 = 3_000;

/// What is kept of an older fact when a newer one comes.
pub trait Succeeds {
    /// Takes over from `older` what never goes back.
    fn succeed(&mut self, older: &Self);
}

/// The facts of one kind.
pub struct Facts<T> {
    /// The kind, in the data centre's cache.
    name: &'static str,
    slots: RefCell<HashMap<String, Slot<T>>>,
}

/// One fact in memory.
struct Slot<T> {
    known: Option<Known<T>>,
    /// What the source said of a thing that there is not.
    refused: Option<Problem>,
    /// Until when somebody refreshes it; 0 when nobody does.
    refreshing_until: UnixMillis,
    /// No refresh is begun before this time.
    next_try_at: UnixMillis,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self {
            known: None,
            refused: None,
            refreshing_until: 0,
            next_try_at: 0,
        }
    }
}

struct Known<T> {
    value: Rc<T>,
    fetched_at: UnixMillis,
}

/// A fact as a request sees it.
#[derive(Debug)]
pub struct Seen<T> {
    /// The fact.
    pub value: Rc<T>,
    /// It could not be refreshed for a while.
    pub stale: bool,
    /// When it was fetched, by the clock of the edge that did.
    pub fetched_at: UnixMillis,
}

impl<T> Clone for Seen<T> {
    fn clone(&self) -> Self {
        Self {
            value: Rc::clone(&self.value),
            ..*self
        }
    }
}

/// How a fact lies in the data centre's cache.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    fetched_at: UnixMillis,
    value: T,
}

/// What becomes of a request for a fact.
#[derive(Debug)]
pub enum Look<T> {
    /// It is served this.
    Serve(Seen<T>),
    /// It refreshes the fact, and nobody does beside it.
    Refresh,
    /// It looks again in a moment: another request refreshes the fact.
    Wait,
    /// It is refused with what the source said.
    Refuse(Problem),
    /// It is refused: the source does not answer, and nothing is known.
    Fail,
}

impl<T> Facts<T> {
    /// No facts, of this kind.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            slots: RefCell::default(),
        }
    }

    /// A fact that is at most `fresh` milliseconds old, or a little older while another request
    /// refreshes it.
    pub fn at_hand(&self, key: &str, fresh: u64, now: UnixMillis) -> Option<Seen<T>> {
        let slots = self.slots.borrow();
        let slot = slots.get(key)?;
        let known = slot.known.as_ref()?;
        let passable = if now < slot.refreshing_until {
            fresh.saturating_add(WHILE_REVALIDATE_MILLIS)
        } else {
            fresh
        };
        (known.age(now) < passable).then(|| known.seen(fresh, now))
    }

    /// What becomes of a request for a fact that should be at most `fresh` milliseconds old.
    pub fn look(&self, key: &str, fresh: u64, now: UnixMillis) -> Look<T> {
        if let Some(seen) = self.at_hand(key, fresh, now) {
            return Look::Serve(seen);
        }
        let mut slots = self.slots.borrow_mut();
        let slot = slots.entry(key.to_owned()).or_default();
        let refreshing = now < slot.refreshing_until;
        if !refreshing && now >= slot.next_try_at {
            slot.refreshing_until = now.saturating_add(REFRESH_MILLIS);
            return Look::Refresh;
        }
        match &slot.known {
            _ if refreshing => Look::Wait,
            Some(known) => Look::Serve(known.seen(fresh, now)),
            None => slot.refused.clone().map_or(Look::Fail, Look::Refuse),
        }
    }

    /// A refresh is over, or was given up.
    pub fn refreshed(&self, key: &str) {
        // Whatever is borrowed is put right by the time that a refresh has.
        if let Ok(mut slots) = self.slots.try_borrow_mut()
            && let Some(slot) = slots.get_mut(key)
        {
            slot.refreshing_until = 0;
        }
    }

    /// The source is about to be asked.
    pub fn asks(&self, key: &str, now: UnixMillis) {
        let mut slots = self.slots.borrow_mut();
        slots.entry(key.to_owned()).or_default().next_try_at = now.saturating_add(SECOND_MILLIS);
    }

    /// The source said that there is no such thing: this is no outage.
    pub fn refuse(&self, key: &str, problem: &Problem) {
        let mut slots = self.slots.borrow_mut();
        let slot = slots.entry(key.to_owned()).or_default();
        slot.known = None;
        slot.refused = Some(problem.clone());
    }

    /// Takes a fact that is known to be the newest, as after an operator's change.
    pub fn put(&self, key: &str, value: T, fetched_at: UnixMillis) {
        let mut slots = self.slots.borrow_mut();
        let slot = slots.entry(key.to_owned()).or_default();
        let value = Rc::new(value);
        slot.known = Some(Known { value, fetched_at });
        slot.refused = None;
    }

    /// The last that is known, however old.
    pub fn last(&self, key: &str, fresh: u64, now: UnixMillis) -> Option<Seen<T>> {
        let slots = self.slots.borrow();
        Some(slots.get(key)?.known.as_ref()?.seen(fresh, now))
    }

    /// What memory holds, however old.
    pub fn peek(&self, key: &str) -> Option<Rc<T>> {
        let slots = self.slots.borrow();
        Some(Rc::clone(&slots.get(key)?.known.as_ref()?.value))
    }

    /// Forgets a fact.
    pub fn forget(&self, key: &str) {
        self.slots.borrow_mut().remove(key);
    }
}

impl<T: Succeeds> Facts<T> {
    /// Takes what is newer than what is known.
    pub fn learn(&self, key: &str, mut value: T, fetched_at: UnixMillis) {
        let mut slots = self.slots.borrow_mut();
        let slot = slots.entry(key.to_owned()).or_default();
        if let Some(known) = &slot.known {
            if known.fetched_at >= fetched_at {
                return;
            }
            value.succeed(&known.value);
        }
        slot.refused = None;
        let value = Rc::new(value);
        slot.known = Some(Known { value, fetched_at });
    }
}

impl<T: Clone> Facts<T> {
    /// Changes the fact in memory by something that is known to be newer.
    pub fn amend(&self, key: &str, change: impl FnOnce(&mut T)) {
        let mut slots = self.slots.borrow_mut();
        if let Some(known) = slots.get_mut(key).and_then(|slot| slot.known.as_mut()) {
            change(Rc::make_mut(&mut known.value));
        }
    }
}

impl<T> Known<T> {
    fn age(&self, now: UnixMillis) -> u64 {
        now.saturating_sub(self.fetched_at)
    }

    fn seen(&self, fresh: u64, now: UnixMillis) -> Seen<T> {
        Seen {
            value: Rc::clone(&self.value),
            stale: self.age(now) >= fresh.saturating_add(STALE_MILLIS),
            fetched_at: self.fetched_at,
        }
    }
}

/// While it lives, one request refreshes a fact, for as long as it may.
struct Refreshing<'a, T> {
    facts: &'a Facts<T>,
    key: &'a str,
}

impl<T> Drop for Refreshing<'_, T> {
    fn drop(&mut self) {
        self.facts.refreshed(self.key);
    }
}

impl Context {
    /// Finds a fact that is at most `fresh` milliseconds old while its source answers, and the last
    /// one while it does not.
    pub(in crate::edge) async fn find<T: Serialize + DeserializeOwned + Succeeds>(
        &self,
        facts: &Facts<T>,
        key: &str,
        fresh: u64,
        source: impl AsyncFnOnce() -> Result<T, Problem>,
    ) -> Result<Seen<T>, Problem> {
        let mut pauses = pauses(LOOKS_MILLIS);
        loop {
            match facts.look(key, fresh, self.now()) {
                Look::Serve(seen) => return Ok(seen),
                // On the heap, for most requests are served from memory, and carry it in vain.
                Look::Refresh => {
                    return Box::pin(self.refresh(facts, key, fresh, source)).await;
                }
                Look::Wait => match pauses.next() {
                    Some(pause) => self.sleep(pause).await,
                    None => break,
                },
                Look::Refuse(problem) => return Err(problem),
                Look::Fail => break,
            }
        }
        facts.last(key, fresh, self.now()).ok_or_else(out_of_reach)
    }

    async fn refresh<T: Serialize + DeserializeOwned + Succeeds>(
        &self,
        facts: &Facts<T>,
        key: &str,
        fresh: u64,
        source: impl AsyncFnOnce() -> Result<T, Problem>,
    ) -> Result<Seen<T>, Problem> {
        let _refreshing = Refreshing { facts, key };
        let address = self.address_of(facts, key);
        if let Supply::Text(text) = self.demand(Demand::Cached(address.clone())).await
            && let Ok(kept) = wire::read::<Kept<T>>(&text)
        {
            let is_fresh = self.now().saturating_sub(kept.fetched_at) < fresh;
            facts.learn(key, kept.value, kept.fetched_at);
            if let (true, Some(seen)) = (is_fresh, facts.last(key, fresh, self.now())) {
                return Ok(seen);
            }
        }
        facts.asks(key, self.now());
        match source().await {
            Ok(value) => {
                let fetched_at = self.now();
                let value = self.keep(address, facts, value, false).await;
                facts.learn(key, value, fetched_at);
                facts.last(key, fresh, fetched_at).ok_or_else(out_of_reach)
            }
            Err(problem) if problem.code.status() < 500 => {
                facts.refuse(key, &problem);
                Err(problem)
            }
            Err(problem) => facts.last(key, fresh, self.now()).ok_or(problem),
        }
    }

    /// Takes a fact that is known to be new: for this isolate, and for those of this data centre
    /// that look next.
    pub(in crate::edge) async fn put<T: Serialize>(&self, facts: &Facts<T>, key: &str, value: T) {
        let fetched_at = self.now();
        let value = self
            .keep(self.address_of(facts, key), facts, value, true)
            .await;
        facts.put(key, value, fetched_at);
    }

    async fn keep<T: Serialize>(
        &self,
        address: String,
        facts: &Facts<T>,
        value: T,
        wait: bool,
    ) -> T {
        let fetched_at = self.now();
        let kept = Kept { fetched_at, value };
        if let Ok(text) = wire::write(facts.name, &kept) {
            let policy = String::from(KEPT);
            // A fact that is not kept is fetched again.
            self.demand(Demand::Cache {
                address,
                text,
                policy,
                wait,
            })
            .await;
        }
        kept.value
    }

    /// Where the data centre's cache keeps a fact: under this site's own name, at a path that is
    /// answered with 404.
    fn address_of<T>(&self, facts: &Facts<T>, key: &str) -> String {
        let origin = self.request.address.origin();
        format!("{origin}/tidegate/-/{}/{key}", facts.name)
    }
}

fn out_of_reach() -> Problem {
    Problem::new(
        Code::ServiceUnavailable,
        "The queue is out of reach for a moment; try again.",
    )
}
