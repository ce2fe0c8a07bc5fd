//! Which pages this isolate is fetching just now, so that a cold page costs the shop one request.

use std::cell::RefCell;
use std::collections::HashSet;
use std::time::Duration;

use worker::Delay;

/// How often, and how many times, a request looks whether the page has come.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: u32 = 150;

thread_local! {
    static PAGES: RefCell<HashSet<String>> = RefCell::default();
}

/// While it lives, one request fetches a page. That request may be dropped at any await.
pub struct Fetching(String);

impl Fetching {
    /// Takes it on to fetch the page; `None` where another request has.
    pub fn begin(key: &str) -> Option<Self> {
        PAGES
            .with_borrow_mut(|pages| pages.insert(key.to_owned()))
            .then(|| Self(key.to_owned()))
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
        if !PAGES.with_borrow(|pages| pages.contains(key)) {
            return;
        }
        Delay::from(LOOK).await;
    }
}
