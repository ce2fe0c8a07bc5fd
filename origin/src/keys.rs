//! The edge's public keys, as last fetched. Fetches are few (one at a time, and not two within a
//! window, however many tokens come), and a failed one takes nothing away: known keys go on
//! working.

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use reqwest::{Client, Url};
use tidegate_core::token::handoff::PublicKeys;
use tokio::sync::{Mutex as Gate, OwnedMutexGuard};

use crate::http::{BodyError, REPLY_MAX, causes, read_body};

/// After a failed fetch the next may come sooner than after a good one: shoppers with good tokens
/// are waiting.
const WINDOW_AFTER_FAILURE: Duration = Duration::from_secs(2);

/// How often to fetch.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// The shortest time between two fetches.
    pub(crate) window: Duration,
    /// The age from which keys are refreshed.
    pub(crate) refresh_after: Duration,
}

/// The keys and how they were come by.
#[derive(Clone, Default)]
pub(crate) struct Known {
    /// The keys of the last good fetch; none before the first.
    pub(crate) keys: Arc<PublicKeys>,
    /// What went wrong in the last fetch.
    pub(crate) fault: Option<String>,
    /// Fetches so far, good or failed.
    fetches: u64,
    /// When the last fetch ended.
    tried_at: Option<Instant>,
}

impl Known {
    /// How long until another fetch is due to be allowed.
    pub(crate) fn wait(&self, pace: Pace) -> Duration {
        let window = match self.fault {
            Some(_) => pace.window.min(WINDOW_AFTER_FAILURE),
            None => pace.window,
        };
        self.tried_at
            .map_or(Duration::ZERO, |at| window.saturating_sub(at.elapsed()))
    }
}

/// Fetches the keys and keeps them.
pub(crate) struct KeyCache {
    http: Client,
    url: Url,
    pub(crate) pace: Pace,
    known: Mutex<Known>,
    /// Held for as long as a fetch runs.
    gate: Arc<Gate<()>>,
}

impl KeyCache {
    pub(crate) fn new(http: Client, url: Url, pace: Pace) -> Arc<Self> {
        Arc::new(Self {
            http,
            url,
            pace,
            known: Mutex::default(),
            gate: Arc::default(),
        })
    }

    /// What is known now.
    pub(crate) fn known(&self) -> Known {
        self.lock().clone()
    }

    /// What is known after another fetch, or after the one that is under way; without any where the
    /// last was a moment ago.
    pub(crate) async fn refetch(self: &Arc<Self>, seen: &Known) -> Known {
        let gate = Arc::clone(&self.gate).lock_owned().await;
        let known = self.known();
        if known.fetches == seen.fetches && known.wait(self.pace).is_zero() {
            // In a task of its own: the shopper whose request began the fetch may hang up, and the
            // others who wait for it still want its keys.
            if tokio::spawn(Arc::clone(self).fetch(gate)).await.is_err() {
                return known;
            }
        }
        self.known()
    }

    /// Begins a fetch in the background where the keys are old and none is under way.
    pub(crate) fn refresh_if_old(self: &Arc<Self>, seen: &Known) {
        let old = seen
            .tried_at
            .is_none_or(|at| at.elapsed() > self.pace.refresh_after);
        if (old || seen.fault.is_some())
            && seen.wait(self.pace).is_zero()
            && let Ok(gate) = Arc::clone(&self.gate).try_lock_owned()
            && self.known().fetches == seen.fetches
        {
            drop(tokio::spawn(Arc::clone(self).fetch(gate)));
        }
    }

    async fn fetch(self: Arc<Self>, _gate: OwnedMutexGuard<()>) {
        let outcome = self.download().await;
        let mut known = self.lock();
        known.fetches = known.fetches.wrapping_add(1);
        known.tried_at = Some(Instant::now());
        match outcome {
            Ok(keys) => {
                known.keys = Arc::new(keys);
                known.fault = None;
            }
            Err(fault) => known.fault = Some(fault),
        }
    }

    async fn download(&self) -> Result<PublicKeys, String> {
        let request = self
            .http
            .get(self.url.clone())
            .header("accept", "application/json");
        let response = request.send().await.map_err(|error| causes(&error))?;
        if response.status() != 200 {
            return Err(format!("{} answered {}", self.url, response.status()));
        }
        let body = read_body(response).await.map_err(|error| match error {
            BodyError::TooLong => format!("{} is longer than {REPLY_MAX} bytes", self.url),
            BodyError::Lost(cause) => cause,
        })?;
        let text = core::str::from_utf8(&body).map_err(|_| "the key set is not UTF-8")?;
        Ok(PublicKeys::from_jwks(text)?)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Every change leaves it whole, so a panic elsewhere has spoiled nothing.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
