//! Public facts that an isolate keeps for a while: from its memory, else from the data centre's cache,
//! else from an object. One request at a time refreshes a fact; the others are given the last one, or
//! look again until the new one is there. They never wait for another request's future, which a
//! Worker may not do.

use std::cell::RefCell;
use std::collections::HashMap;
use std::pin::pin;
use std::rc::Rc;
use std::thread::LocalKey;
use std::time::Duration;

use futures::future::{Either, select};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tidegate_core::UnixMillis;
use tidegate_core::problem::{Code, Problem};
use tidegate_core::wire;
use worker::{Cache, Date, Delay, Response};

use crate::site::Site;

/// A source is not asked more often than this, whether it answered or not; and no fact that is asked
/// for is younger.
pub const SECOND_MILLIS: u64 = 1_000;
/// How much longer than it is fresh the last fact is served while somebody refreshes it.
const PASSABLE_MILLIS: u64 = 2_000;
/// How much longer than it is fresh a fact is before it is called stale: several refreshes have failed
/// by then.
const STALE_MILLIS: u64 = 4_000;
/// How long the data centre's cache keeps the last fact, for when the objects are out of reach.
const KEPT_SECONDS: u32 = 3_600;
/// How often, and how many times, a request looks whether another has fetched a fact: longer than a
/// refresh may take, so that whoever looks last takes over from one that was abandoned.
const LOOK: Duration = Duration::from_millis(10);
const LOOKS: u32 = 350;
/// How long a source may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a request has a refresh to itself. If its client hangs up, the platform neither goes on
/// with it nor drops it.
const REFRESH_MILLIS: u64 = 3_000;

/// What is kept of an older fact when a newer one comes.
pub trait Succeeds {
    /// Takes over from `older` what never goes back.
    fn succeed(&mut self, older: &Self);
}

/// The facts of one kind.
pub struct Shelf<T: 'static> {
    /// The kind, in the data centre's cache.
    pub name: &'static str,
    /// This isolate's memory of them, by key.
    pub slots: &'static LocalKey<Slots<T>>,
}

/// An isolate's memory of one kind of fact.
pub type Slots<T> = RefCell<HashMap<String, Slot<T>>>;

/// One fact in memory.
pub struct Slot<T> {
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
pub struct Seen<T> {
    pub value: Rc<T>,
    /// It could not be refreshed for a while.
    pub stale: bool,
    /// When it was fetched, by the clock of the edge that did.
    pub fetched_at: UnixMillis,
}

/// How a fact lies in the data centre's cache.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    fetched_at: UnixMillis,
    value: T,
}

/// What a look into memory says to do.
enum Look<T> {
    Serve(Seen<T>),
    Refresh,
    Wait,
    Refuse(Problem),
    Fail,
}

impl<T: Serialize + DeserializeOwned + Succeeds + 'static> Shelf<T> {
    /// Finds a fact that is at most `fresh` milliseconds old while its source answers, and the last
    /// one while it does not.
    pub async fn find<F>(
        &'static self,
        key: &str,
        fresh: u64,
        site: &Site,
        source: F,
    ) -> Result<Seen<T>, Problem>
    where
        F: AsyncFnOnce() -> Result<T, Problem>,
    {
        for _ in 0..LOOKS {
            match self.look(key, fresh) {
                Look::Serve(seen) => return Ok(seen),
                Look::Refresh => return self.refresh(key, fresh, site, source).await,
                Look::Wait => Delay::from(LOOK).await,
                Look::Refuse(problem) => return Err(problem),
                Look::Fail => break,
            }
        }
        self.last(key, fresh)
    }

    /// A fact that memory holds and that needs no refresh by whoever asks now.
    pub fn ready(&self, key: &str, fresh: u64, now: UnixMillis) -> Option<Seen<T>> {
        self.slots.with_borrow(|slots| {
            let slot = slots.get(key)?;
            let known = slot.known.as_ref()?;
            let age = now.saturating_sub(known.fetched_at);
            let others_refresh = now < slot.refreshing_until || now < slot.next_try_at;
            let good =
                age < fresh || (others_refresh && age < fresh.saturating_add(PASSABLE_MILLIS));
            good.then(|| known.seen(fresh, now))
        })
    }

    fn look(&self, key: &str, fresh: u64) -> Look<T> {
        let now = Date::now().as_millis();
        self.slots.with_borrow_mut(|slots| {
            let slot = slots.entry(key.to_owned()).or_default();
            let age = slot
                .known
                .as_ref()
                .map(|known| now.saturating_sub(known.fetched_at));
            let is_fresh = age.is_some_and(|age| age < fresh);
            let refreshing = now < slot.refreshing_until;
            if !is_fresh && !refreshing && now >= slot.next_try_at {
                slot.refreshing_until = now.saturating_add(REFRESH_MILLIS);
                return Look::Refresh;
            }
            let passable = age.is_some_and(|age| age < fresh.saturating_add(PASSABLE_MILLIS));
            match &slot.known {
                Some(known) if passable || !refreshing => Look::Serve(known.seen(fresh, now)),
                _ if refreshing => Look::Wait,
                _ => slot.refused.clone().map_or(Look::Fail, Look::Refuse),
            }
        })
    }

    async fn refresh<F>(
        &'static self,
        key: &str,
        fresh: u64,
        site: &Site,
        source: F,
    ) -> Result<Seen<T>, Problem>
    where
        F: AsyncFnOnce() -> Result<T, Problem>,
    {
        let _refreshing = Refreshing { shelf: self, key };
        let address = self.address(site, key);
        let now = Date::now().as_millis();
        if let Some(kept) = read_kept::<T>(&address).await {
            let is_fresh = now.saturating_sub(kept.fetched_at) < fresh;
            self.learn(key, kept);
            if is_fresh {
                return self.last(key, fresh);
            }
        }
        self.slots.with_borrow_mut(|slots| {
            slots.entry(key.to_owned()).or_default().next_try_at =
                now.saturating_add(SECOND_MILLIS);
        });
        let answer = match select(pin!(source()), Delay::from(PATIENCE)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(out_of_reach()),
        };
        match answer {
            Ok(value) => {
                let kept = Kept {
                    fetched_at: Date::now().as_millis(),
                    value,
                };
                if let Ok(text) = wire::write(self.name, &kept) {
                    site.context.wait_until(keep(address, text));
                }
                self.learn(key, kept);
                self.last(key, fresh)
            }
            // The source itself says that there is no such thing: this is no outage.
            Err(problem) if problem.code.status() < 500 => {
                self.slots.with_borrow_mut(|slots| {
                    let slot = slots.entry(key.to_owned()).or_default();
                    slot.known = None;
                    slot.refused = Some(problem.clone());
                });
                Err(problem)
            }
            Err(problem) => self.last(key, fresh).map_err(|_| problem),
        }
    }

    /// Takes a fact that is known to be new, as after an operator's change: for this isolate and for
    /// those of this data centre that look next.
    pub async fn put(&self, site: &Site, key: &str, value: T) {
        let kept = Kept {
            fetched_at: Date::now().as_millis(),
            value,
        };
        if let Ok(text) = wire::write(self.name, &kept) {
            keep(self.address(site, key), text).await;
        }
        let Kept { fetched_at, value } = kept;
        self.slots.with_borrow_mut(|slots| {
            let slot = slots.entry(key.to_owned()).or_default();
            slot.known = Some(Known {
                value: Rc::new(value),
                fetched_at,
            });
            slot.refused = None;
        });
    }

    /// Where the data centre's cache keeps a fact: under this site's own name, at a path that the
    /// router answers with 404.
    fn address(&self, site: &Site, key: &str) -> String {
        format!("{}/tidegate/-/{}/{key}", site.origin(), self.name)
    }

    /// Takes what is newer than what is known.
    fn learn(&self, key: &str, mut kept: Kept<T>) {
        self.slots.with_borrow_mut(|slots| {
            let slot = slots.entry(key.to_owned()).or_default();
            if let Some(known) = &slot.known {
                if known.fetched_at >= kept.fetched_at {
                    return;
                }
                kept.value.succeed(&known.value);
            }
            slot.refused = None;
            slot.known = Some(Known {
                value: Rc::new(kept.value),
                fetched_at: kept.fetched_at,
            });
        });
    }

    /// The last that is known.
    fn last(&self, key: &str, fresh: u64) -> Result<Seen<T>, Problem> {
        let now = Date::now().as_millis();
        self.slots.with_borrow(|slots| {
            let known = slots.get(key).and_then(|slot| slot.known.as_ref());
            known
                .map(|known| known.seen(fresh, now))
                .ok_or_else(out_of_reach)
        })
    }
}

impl<T> Shelf<T> {
    /// Forgets a fact.
    pub fn forget(&self, key: &str) {
        self.slots.with_borrow_mut(|slots| slots.remove(key));
    }

    /// What memory holds, however old.
    pub fn peek(&self, key: &str) -> Option<Rc<T>> {
        self.slots.with_borrow(|slots| {
            slots
                .get(key)?
                .known
                .as_ref()
                .map(|known| Rc::clone(&known.value))
        })
    }

    /// How old what memory holds is, in milliseconds.
    pub fn age(&self, key: &str) -> Option<u64> {
        let now = Date::now().as_millis();
        self.slots.with_borrow(|slots| {
            slots
                .get(key)?
                .known
                .as_ref()
                .map(|known| now.saturating_sub(known.fetched_at))
        })
    }
}

impl<T: Clone> Shelf<T> {
    /// Changes the fact in memory by something that is known to be newer.
    pub fn amend(&self, key: &str, change: impl FnOnce(&mut T)) {
        self.slots.with_borrow_mut(|slots| {
            if let Some(known) = slots.get_mut(key).and_then(|slot| slot.known.as_mut()) {
                change(Rc::make_mut(&mut known.value));
            }
        });
    }
}

impl<T> Known<T> {
    fn seen(&self, fresh: u64, now: UnixMillis) -> Seen<T> {
        let age = now.saturating_sub(self.fetched_at);
        Seen {
            value: Rc::clone(&self.value),
            stale: age >= fresh.saturating_add(STALE_MILLIS),
            fetched_at: self.fetched_at,
        }
    }
}

/// While it lives, one request refreshes a fact, for as long as it may.
struct Refreshing<'a, T: 'static> {
    shelf: &'static Shelf<T>,
    key: &'a str,
}

impl<T> Drop for Refreshing<'_, T> {
    fn drop(&mut self) {
        // The thread's storage may be gone when the isolate ends.
        let _ = self.shelf.slots.try_with(|slots| {
            if let Ok(mut slots) = slots.try_borrow_mut()
                && let Some(slot) = slots.get_mut(self.key)
            {
                slot.refreshing_until = 0;
            }
        });
    }
}

/// A cache that does not answer is a miss.
async fn read_kept<T: DeserializeOwned>(address: &str) -> Option<Kept<T>> {
    let mut response = Cache::default().get(address, false).await.ok()??;
    wire::read(&response.text().await.ok()?).ok()
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

fn out_of_reach() -> Problem {
    Problem::new(
        Code::ServiceUnavailable,
        "The queue is out of reach for a moment; try again.",
    )
}
