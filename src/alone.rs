//! What one request of this isolate does while the others wait for it: so that a page that
//! everybody wants at once costs the shop one request, and an audit costs an object one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use tidegate_core::UnixMillis;
use worker::Delay;

/// How often, and how many times, a request looks whether another is done.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: u32 = 150;
/// How long a request has the work to itself. If its client hangs up, the platform neither goes on
/// with it nor drops it.
const ALONE_MILLIS: u64 = 3_000;

thread_local! {
    /// Each work, and until when who does it has it to themselves.
    static WORKS: RefCell<HashMap<String, UnixMillis>> = RefCell::default();
}

/// While it lives, one request does a work, for as long as it may.
pub struct Alone {
    name: String,
    until: UnixMillis,
}

impl Alone {
    /// Takes it on to do the work of this name; `None` where another request has.
    pub fn begin(name: &str, now: UnixMillis) -> Option<Self> {
        WORKS.with_borrow_mut(|works| {
            if works.get(name).is_some_and(|until| now < *until) {
                return None;
            }
            let until = now.saturating_add(ALONE_MILLIS);
            works.insert(name.to_owned(), until);
            let name = name.to_owned();
            Some(Self { name, until })
        })
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        // The thread's storage may be gone when the isolate ends.
        let _ = WORKS.try_with(|works| {
            // Who took longer than they may must not end the work of who took over.
            if let Ok(mut works) = works.try_borrow_mut()
                && works.get(&self.name) == Some(&self.until)
            {
                works.remove(&self.name);
            }
        });
    }
}

/// Waits, within bounds, until nobody does the work of this name.
pub async fn finished(name: &str) {
    for _ in 0..LOOKS {
        if !WORKS.with_borrow(|works| works.contains_key(name)) {
            return;
        }
        Delay::from(LOOK).await;
    }
}
