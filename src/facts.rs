//! Public facts that an isolate keeps for a second: from its memory, else from the data centre's
//! cache, else from an object. One request at a time refreshes a fact; the others are given the last
//! one or wait for the new one to appear. They never wait for another request's future, which a
//! Worker may not do.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::thread::LocalKey;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tidegate_core::UnixMillis;
use tidegate_core::problem::{Code, Problem};
use worker::{Cache, Date, Delay, Response};

use crate::site::Site;

/// How long a fact is served without a question.
const FRESH_MILLIS: u64 = 1_000;
/// How long the last fact is served while somebody refreshes it.
const PASSABLE_MILLIS: u64 = 3_000;
/// From when on a fact is called stale: several refreshes have failed by then.
const STALE_MILLIS: u64 = 5_000;
/// How long the data centre's cache keeps the last fact, for when the objects are out of reach.
const KEPT_SECONDS: u32 = 3_600;
/// How often, and how many times, a request looks whether another has fetched a fact.
const LOOK: Duration = Duration::from_millis(10);
const LOOKS: u32 = 300;

/// The facts of one kind, by key.
pub type Facts<T> = RefCell<HashMap<String, Slot<T>>>;

/// One fact in memory.
pub struct Slot<T> {
    known: Option<Known<T>>,
    refreshing: bool,
    /// No refresh is begun before this time.
    next_try_at: UnixMillis,
}

struct Known<T> {
    value: Rc<T>,
    fetched_at: UnixMillis,
}

/// A fact as a request sees it.
pub struct Seen<T> {
    pub value: Rc<T>,
    /// It could not be refreshed for a while.
    pub stale: bool,
}

/// What is kept of an older fact when a newer one comes.
pub trait Succeeds {
    /// Takes over from `older` what never goes back.
    fn succeed(&mut self, older: &Self);
}

/// How a fact lies in the data centre's cache.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept<T> {
    fetched_at: UnixMillis,
    value: T,
}

/// Finds a fact; `source` asks an object.
pub async fn find<T, F>(
    facts: &'static LocalKey<Facts<T>>,
    kind: &str,
    key: &str,
    site: &Site,
    source: F,
) -> Result<Seen<T>, Problem>
where
    T: Serialize + DeserializeOwned + Succeeds + 'static,
    F: AsyncFnOnce() -> Result<T, Problem>,
{
    for _ in 0..LOOKS {
        // Between I/O the clock stands still, so this is as good as any reading.
        let now = Date::now().as_millis();
        match look(facts, key, now) {
            Look::Good(seen) => return Ok(seen),
            Look::Refresh => return refresh(facts, kind, key, site, source).await,
            Look::Wait => Delay::from(LOOK).await,
            Look::Failed => break,
        }
    }
    Err(Problem::new(
        Code::ServiceUnavailable,
        "The queue is out of reach for a moment; try again.",
    ))
}

/// Takes a fact that is known to be new, as after an operator's change.
pub fn put<T>(facts: &'static LocalKey<Facts<T>>, key: &str, value: T) {
    let now = Date::now().as_millis();
    facts.with_borrow_mut(|facts| {
        let slot = facts.entry(key.to_owned()).or_insert_with(Slot::new);
        slot.known = Some(Known {
            value: Rc::new(value),
            fetched_at: now,
        });
    });
}

/// Forgets a fact.
pub fn forget<T>(facts: &'static LocalKey<Facts<T>>, key: &str) {
    facts.with_borrow_mut(|facts| facts.remove(key));
}

/// Changes the fact in memory by something that is known to be newer.
pub fn amend<T: Clone>(facts: &'static LocalKey<Facts<T>>, key: &str, change: impl FnOnce(&mut T)) {
    facts.with_borrow_mut(|facts| {
        if let Some(known) = facts.get_mut(key).and_then(|slot| slot.known.as_mut()) {
            change(Rc::make_mut(&mut known.value));
        }
    });
}

/// How old the fact in memory is.
pub fn age<T>(facts: &'static LocalKey<Facts<T>>, key: &str) -> Option<u64> {
    let now = Date::now().as_millis();
    facts.with_borrow(|facts| {
        let known = facts.get(key)?.known.as_ref()?;
        Some(now.saturating_sub(known.fetched_at))
    })
}

impl<T> Slot<T> {
    const fn new() -> Self {
        Self {
            known: None,
            refreshing: false,
            next_try_at: 0,
        }
    }
}

enum Look<T> {
    Good(Seen<T>),
    Refresh,
    Wait,
    Failed,
}

fn look<T>(facts: &'static LocalKey<Facts<T>>, key: &str, now: UnixMillis) -> Look<T> {
    facts.with_borrow_mut(|facts| {
        let slot = facts.entry(key.to_owned()).or_insert_with(Slot::new);
        let age = slot
            .known
            .as_ref()
            .map(|known| now.saturating_sub(known.fetched_at));
        let may_refresh = !slot.refreshing && now >= slot.next_try_at;
        let served = match age {
            Some(age) if age < FRESH_MILLIS => true,
            _ if may_refresh => {
                slot.refreshing = true;
                return Look::Refresh;
            }
            // Not refreshing, and not allowed to: the last try failed just now.
            Some(age) => age < PASSABLE_MILLIS || !slot.refreshing,
            None if slot.refreshing => return Look::Wait,
            None => return Look::Failed,
        };
        match &slot.known {
            Some(known) if served => Look::Good(Seen {
                value: Rc::clone(&known.value),
                stale: now.saturating_sub(known.fetched_at) >= STALE_MILLIS,
            }),
            _ => Look::Wait,
        }
    })
}

/// While it lives, one request refreshes a fact. That request may be dropped at any await.
struct Refreshing<T: 'static> {
    facts: &'static LocalKey<Facts<T>>,
    key: String,
}

impl<T> Drop for Refreshing<T> {
    fn drop(&mut self) {
        // The thread's storage may be gone when the isolate ends.
        let _ = self.facts.try_with(|facts| {
            if let Ok(mut facts) = facts.try_borrow_mut()
                && let Some(slot) = facts.get_mut(&self.key)
            {
                slot.refreshing = false;
            }
        });
    }
}

async fn refresh<T, F>(
    facts: &'static LocalKey<Facts<T>>,
    kind: &str,
    key: &str,
    site: &Site,
    source: F,
) -> Result<Seen<T>, Problem>
where
    T: Serialize + DeserializeOwned + Succeeds + 'static,
    F: AsyncFnOnce() -> Result<T, Problem>,
{
    let _refreshing = Refreshing {
        facts,
        key: key.to_owned(),
    };
    let address = format!("https://tidegate.invalid/{kind}/{key}");
    let now = Date::now().as_millis();
    let kept = read_kept::<T>(&address).await;
    if let Some(kept) = kept {
        let fresh = now.saturating_sub(kept.fetched_at) < FRESH_MILLIS;
        learn(facts, key, kept);
        if fresh {
            return seen(facts, key, false);
        }
    }
    // One try a second, whether it succeeds or not.
    facts.with_borrow_mut(|facts| {
        if let Some(slot) = facts.get_mut(key) {
            slot.next_try_at = now.saturating_add(FRESH_MILLIS);
        }
    });
    match source().await {
        Ok(value) => {
            let fetched_at = Date::now().as_millis();
            let kept = Kept { fetched_at, value };
            if let Ok(text) = serde_json::to_string(&kept) {
                site.context.wait_until(keep(address, text));
            }
            learn(facts, key, kept);
            seen(facts, key, false)
        }
        // The source says so itself: this is no outage.
        Err(problem) if problem.code.status() < 500 => {
            forget(facts, key);
            Err(problem)
        }
        Err(problem) => seen(facts, key, true).map_err(|_| problem),
    }
}

/// Takes what is newer than what is known.
fn learn<T: Succeeds>(facts: &'static LocalKey<Facts<T>>, key: &str, mut kept: Kept<T>) {
    facts.with_borrow_mut(|facts| {
        let slot = facts.entry(key.to_owned()).or_insert_with(Slot::new);
        let newer = slot
            .known
            .as_ref()
            .is_none_or(|known| known.fetched_at < kept.fetched_at);
        if newer {
            if let Some(known) = &slot.known {
                kept.value.succeed(&known.value);
            }
            slot.known = Some(Known {
                value: Rc::new(kept.value),
                fetched_at: kept.fetched_at,
            });
        }
    });
}

fn seen<T>(
    facts: &'static LocalKey<Facts<T>>,
    key: &str,
    failed: bool,
) -> Result<Seen<T>, Problem> {
    let now = Date::now().as_millis();
    facts.with_borrow(|facts| {
        let known = facts
            .get(key)
            .and_then(|slot| slot.known.as_ref())
            .ok_or_else(|| {
                Problem::new(
                    Code::ServiceUnavailable,
                    "The queue is out of reach; try again.",
                )
            })?;
        let stale = failed && now.saturating_sub(known.fetched_at) >= STALE_MILLIS;
        Ok(Seen {
            value: Rc::clone(&known.value),
            stale,
        })
    })
}

/// A cache that does not answer is a miss.
async fn read_kept<T: DeserializeOwned>(address: &str) -> Option<Kept<T>> {
    let mut response = Cache::default().get(address, false).await.ok()??;
    serde_json::from_str(&response.text().await.ok()?).ok()
}

async fn keep(address: String, text: String) {
    let Ok(response) = Response::ok(text) else {
        return;
    };
    let policy = format!("max-age={KEPT_SECONDS}");
    if response.headers().set("cache-control", &policy).is_ok() {
        // A fact that is not kept is fetched again.
        let _ = Cache::default().put(address, response).await;
    }
}
