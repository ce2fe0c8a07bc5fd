//! The shoppers at the checkout. A session is opened by redeeming a handoff token and found by a
//! random cookie; it ends some time after its admission. The store is in memory and bounded.

use core::fmt;
use core::str::FromStr;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_origin::{Admission, UnixMillis};
use tokio::sync::Mutex as Turn;

use crate::payment::SimulatedReceipt;

/// The most sessions kept; beyond it, the one that ends first goes.
const SESSIONS_MAX: usize = 10_000;
/// How long a session outlives its admission, so that the shopper can be told what became of it.
const AFTERLIFE_MILLIS: u64 = 3_600_000;

/// 128 random bits, as 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(u128);

impl SessionId {
    fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(u128::from_be_bytes(bytes)))
    }
}

impl FromStr for SessionId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bits = u128::from_str_radix(text, 16).map_err(|_| ())?;
        if digits { Ok(Self(bits)) } else { Err(()) }
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

/// What a shopper is about to buy, and how far it has come.
pub struct Order {
    /// Its number.
    pub id: String,
    /// The place that it is bought from.
    pub admission: Admission,
    /// Until when the place is held.
    pub held_until: UnixMillis,
    /// How far it has come.
    pub progress: Progress,
}

/// How far an order has come.
pub enum Progress {
    /// It waits to be paid.
    Held,
    /// The money is taken, and the edge not yet told.
    Captured(SimulatedReceipt),
    /// The order stands.
    Paid(SimulatedReceipt),
    /// The place ended or was given back first; no money is kept.
    Over,
}

/// An order in the hands of one request at a time, so that paying twice is paying once.
pub type SharedOrder = Arc<Turn<Order>>;

struct Session {
    admission: String,
    ends_at: UnixMillis,
    order: SharedOrder,
}

/// The sessions by their ids.
#[derive(Default)]
pub struct Sessions {
    open: Mutex<HashMap<SessionId, Session>>,
}

impl Sessions {
    /// Opens a session on an admission.
    pub fn open(
        &self,
        admission: Admission,
        now: UnixMillis,
    ) -> Result<SessionId, getrandom::Error> {
        let id = SessionId::random()?;
        let held_until = admission.expires_at();
        let session = Session {
            admission: admission.id().to_string(),
            ends_at: held_until.saturating_add(AFTERLIFE_MILLIS),
            order: Arc::new(Turn::new(Order {
                id: format!("{:016x}", getrandom::u64()?),
                admission,
                held_until,
                progress: Progress::Held,
            })),
        };
        let mut open = self.lock();
        make_room(&mut open, now);
        open.insert(id, session);
        Ok(id)
    }

    /// The order of a session that has not ended.
    pub fn find(&self, id: SessionId, now: UnixMillis) -> Option<SharedOrder> {
        let open = self.lock();
        open.get(&id)
            .filter(|session| session.ends_at > now)
            .map(|session| Arc::clone(&session.order))
    }

    /// Whether this session was opened on this admission.
    pub fn is_for(&self, id: SessionId, admission: &str) -> bool {
        self.lock()
            .get(&id)
            .is_some_and(|session| session.admission == admission)
    }

    /// Keeps a session for as long as its place is held, and the time after it.
    pub fn keep(&self, id: SessionId, held_until: UnixMillis) {
        if let Some(session) = self.lock().get_mut(&id) {
            session.ends_at = session
                .ends_at
                .max(held_until.saturating_add(AFTERLIFE_MILLIS));
        }
    }

    /// Ends a session.
    pub fn close(&self, id: SessionId) {
        self.lock().remove(&id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Session>> {
        // Each change is a single step, so a panic elsewhere has spoiled nothing.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn make_room(open: &mut HashMap<SessionId, Session>, now: UnixMillis) {
    if open.len() < SESSIONS_MAX {
        return;
    }
    open.retain(|_, session| session.ends_at > now);
    if open.len() >= SESSIONS_MAX {
        let first = open
            .iter()
            .min_by_key(|(_, session)| session.ends_at)
            .map(|(id, _)| *id);
        first.and_then(|id| open.remove(&id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(expires_at: UnixMillis) -> Admission {
        serde_json::from_value(serde_json::json!({
            "admissionId": "01010101010101010101010101010101-6",
            "queueId": "demo",
            "subject": "02020202020202020202020202020202",
            "position": 7,
            "expiresAt": expires_at,
        }))
        .unwrap()
    }

    #[test]
    fn a_session_id_has_one_spelling() {
        let id = SessionId(7);
        assert!(id.to_string().parse() == Ok(id));
        for bad in ["", "7", "+0000000000000000000000000000007", &"g".repeat(32)] {
            assert!(bad.parse::<SessionId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_session_ends() {
        let sessions = Sessions::default();
        let id = sessions.open(admission(1000), 0).unwrap();
        assert!(sessions.find(id, 1000 + AFTERLIFE_MILLIS - 1).is_some());
        assert!(sessions.find(id, 1000 + AFTERLIFE_MILLIS).is_none());
        sessions.keep(id, 2000);
        assert!(sessions.find(id, 1000 + AFTERLIFE_MILLIS).is_some());
        sessions.close(id);
        assert!(sessions.find(id, 0).is_none());
    }

    #[test]
    fn the_store_is_bounded_and_the_session_that_ends_first_goes() {
        let sessions = Sessions::default();
        let first = sessions.open(admission(1), 0).unwrap();
        for _ in 0..SESSIONS_MAX {
            sessions.open(admission(2), 0).unwrap();
        }
        assert_eq!(sessions.lock().len(), SESSIONS_MAX);
        assert!(sessions.find(first, 0).is_none());
    }
}
