//! The history of a run, as its shoppers and its operator saw it. [`tidegate_judge`] judges it in
//! the end.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use tidegate_core::ids::AdmissionId;
use tidegate_core::queue::ClaimState;
use tidegate_judge::history::{Call, History, Micros, Queue, Said, Snapshot, Start, Verb};
use tokio::time::Instant;

use super::standing::EnterAnswer;
use super::ticket;
use super::wire::Answer;
use crate::time;

/// See the module's documentation.
pub struct Record {
    history: Mutex<History>,
    began: Instant,
    began_micros: u64,
}

impl Record {
    /// Of a queue that promised this, and how it stood in the beginning.
    pub fn new(queue: Queue, start: Option<Start>) -> Self {
        Self {
            history: Mutex::new(History {
                queue,
                start,
                ..History::default()
            }),
            began: Instant::now(),
            began_micros: time::now() * 1_000,
        }
    }

    /// A moment on the run's own clock.
    pub fn micros(&self, at: Instant) -> Micros {
        let since = at.saturating_duration_since(self.began).as_micros();
        Micros(self.began_micros + u64::try_from(since).unwrap_or(0))
    }

    /// Notes a call that is about to be sent, and says where: its sender may be stopped
    /// before the answer.
    pub fn sends(&self, call: Call) -> usize {
        let sent = self.micros(Instant::now());
        let calls = &mut self.lock().calls;
        calls.push(Call { sent, ..call });
        calls.len() - 1
    }

    /// Notes what came back.
    pub fn answered(&self, at: usize, answer: &Answer) {
        let answered = self.micros(answer.answered);
        if let Some(call) = self.lock().calls.get_mut(at) {
            call.answered = Some(answered);
            call.status = Some(answer.status);
            call.said = said(call.verb, answer);
        }
    }

    /// Notes the public state.
    pub fn saw(&self, snapshot: Snapshot) {
        self.lock().snapshots.push(snapshot);
    }

    /// The history so far.
    pub fn lock(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an answer says, as far as it is judged.
fn said(verb: Verb, answer: &Answer) -> Said {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        admission_id: Option<AdmissionId>,
        expires_at: Option<u64>,
        state: Option<ClaimState>,
        server_time: Option<u64>,
    }
    if verb == Verb::Enter {
        let entered = answer.json::<EnterAnswer<'_>>();
        let place = entered
            .as_ref()
            .and_then(|entered| ticket::read(entered.ticket));
        return place.map_or_else(Said::default, |place| Said {
            epoch: Some(place.epoch),
            index: Some(place.index),
            position: place.position,
            shown: entered.and_then(|entered| entered.status.position),
            ..Said::default()
        });
    }
    let body = answer.json::<Body>().unwrap_or_default();
    Said {
        admission_id: body.admission_id,
        expires_at: body.expires_at,
        state: body.state,
        server_time: body.server_time,
        ..Said::default()
    }
}
