//! Which pages this isolate is fetching just now, so that a cold page costs the shop one request.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use tidegate_core::UnixMillis;
use worker::Delay;

/// How often, and how many times, a request looks whether the page has come.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: u32 = 150;
/// How long a request has a page to itself. If its client hangs up, the platform neither goes on with
/// it nor drops it.
const FETCH_MILLIS: u64 = 3_000;

thread_local! {
    /// Each page, and until when whoever fetches it has it to themselves.
    static PAGES: RefCell<HashMap<String, UnixMillis>> = RefCell::default();
}

/// While it lives, one request fetches a page, for as long as it may.
pub struct Fetching(String);

impl Fetching {
    /// Takes it on to fetch the page; `None` where another request has.
    pub fn begin(key: &str, now: UnixMillis) -> Option<Self> {
        PAGES.with_borrow_mut(|pages| {
            if pages.get(key).is_some_and(|until| now < *until) {
                return None;
            }
            pages.insert(key.to_owned(), now.saturating_add(FETCH_MILLIS));
            Some(Self(key.to_owned()))
        })
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        // The thread's storage may be gone when the isolate ends.
        let _ = PAGES.try_with(|pages| {
            if let Ok(mut pages) = pages.try_borrow_mut() {
                pages.remove(&self.0);
            }
        });
    }
}

/// Waits, within bounds, until nobody fetches the page.
pub async fn finished(key: &str) {
    for _ in 0..LOOKS {
        if !PAGES.with_borrow(|pages| pages.contains_key(key)) {
            return;
        }
        Delay::from(LOOK).await;
    }
}
