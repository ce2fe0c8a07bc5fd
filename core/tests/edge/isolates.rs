//! Isolates whose randomness is a count, so that two worlds of them go the same way.

use std::cell::Cell;
use std::rc::Rc;

use tidegate_core::edge::fast_path::FastPath;
use tidegate_core::edge::isolate::Isolate;
use tidegate_core::edge::pages::{Asset, Failure, Pages, Room};

/// Renders nothing of worth: what a page is made of is what counts here.
struct Drawn;

impl Pages for Drawn {
    fn room(&self, room: &Room) -> Option<String> {
        let held = room.held.as_ref().map(|(_, token)| token);
        Some(format!(
            "{:?} {:?} {held:?} {}",
            room.status, room.message, room.entry_key
        ))
    }

    fn failure(&self, failure: &Failure<'_>) -> Option<String> {
        Some(format!("{failure:?}"))
    }

    fn asset(&self, _path: &str) -> Option<Asset> {
        None
    }

    fn policy(&self, checkout: Option<&str>) -> String {
        format!("form-action {checkout:?}")
    }
}

/// An isolate, and its fast path.
pub struct Edge {
    pub isolate: Rc<Isolate>,
    pub fast: FastPath,
}

impl Edge {
    pub fn new(number: u8) -> Self {
        let last = Cell::new(u64::from(number) << 32);
        let randomness = move |bytes: &mut [u8]| {
            last.set(last.get() + 1);
            bytes.fill(0);
            bytes[..8].copy_from_slice(&last.get().to_le_bytes());
            true
        };
        let isolate = Rc::new(Isolate::new(Box::new(randomness), Rc::new(Drawn)));
        let fast = FastPath::new(Rc::clone(&isolate));
        Self { isolate, fast }
    }
}
