//! The machine itself: what can come in, what can go out, and the one match that joins them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::boarding::Controller;
use super::claim::{AdmissionReport, Claim, ClaimState};
use super::head::Head;
use super::limits::RateWindow;
use crate::UnixMillis;
use crate::config::{Access, QueueConfig};
use crate::ids::{AdmissionId, Epoch, QueueId, ShopperId};
use crate::problem::Problem;
use crate::view::snapshot::{EdgeView, Notice};

/// Whose ticket an event is about, as its signature vouches for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Holder {
    /// The life of the queue that the ticket is of.
    pub epoch: Epoch,
    /// Its index, 0-based.
    pub index: u64,
    /// Its position, 0-based.
    pub position: u64,
    /// Who holds it.
    pub shopper: ShopperId,
}

/// All that can happen to a queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Event {
    /// Create the queue, or replace its configuration. The epoch is fresh randomness, used if it is new.
    Put {
        /// The queue's id.
        id: QueueId,
        /// The configuration, not yet parsed.
        config: Value,
        /// 16 random bytes.
        fresh_epoch: Epoch,
    },
    /// Change the configuration by a JSON Merge Patch.
    Patch(Value),
    /// Stop admissions; entry goes on.
    Pause,
    /// Go on admitting.
    Resume,
    /// End entry and admission; live admissions run on.
    Close,
    /// Begin a new life with the same configuration; every ticket becomes void.
    Reset {
        /// 16 random bytes.
        fresh_epoch: Epoch,
    },
    /// Remove the queue.
    Delete,
    /// Say something to everybody in the room, or nothing any more.
    Notify(Option<Notice>),
    /// Read the configuration and the state, as an operator.
    Read,
    /// Read what an edge keeps.
    View,
    /// A lane asks for indices for a group.
    Lease {
        /// The life of the queue that the lane is of.
        epoch: Epoch,
        /// The lane.
        lane: u16,
        /// The lane's number for this group; it only grows.
        sequence: u64,
        /// How many entries the group has.
        count: u32,
    },
    /// A lane asks whether an entry still stands for anything.
    Stands {
        /// The life of the queue that the entry is of.
        epoch: Epoch,
        /// The entry's index.
        index: u64,
    },
    /// A called-up shopper is here.
    Claim(Holder),
    /// What does this ticket hold? Changes nothing.
    Look(Holder),
    /// A shopper gives up what the ticket holds.
    Leave(Holder),
    /// The origin exchanges a handoff token.
    Redeem {
        /// The admission that the token names.
        admission: AdmissionId,
        /// Makes a repeated call the same redemption.
        idempotency_key: Option<String>,
    },
    /// The order is paid.
    Complete(AdmissionId),
    /// The slot is given back.
    Release(AdmissionId),
    /// More time at the checkout.
    Extend(AdmissionId),
    /// Time has passed.
    Wake,
}

impl Event {
    /// The ticket index whose record the event is about: pass that record to [`handle`].
    pub fn index(&self) -> Option<u64> {
        match self {
            Self::Stands { index, .. } => Some(*index),
            Self::Claim(holder) | Self::Look(holder) | Self::Leave(holder) => Some(holder.index),
            Self::Redeem { admission, .. }
            | Self::Complete(admission)
            | Self::Release(admission)
            | Self::Extend(admission) => Some(admission.index),
            _ => None,
        }
    }
}

/// What a granted shopper is admitted with; the Worker makes the handoff token of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The admission.
    pub admission_id: AdmissionId,
    /// Who is admitted.
    pub shopper: ShopperId,
    /// The place, 1-based.
    pub position: u64,
    /// By order or by lot.
    pub access: Access,
    /// When the admission runs out as things stand.
    pub expires_at: UnixMillis,
    /// Whom the token is for.
    pub audience: String,
    /// Where it is taken.
    pub checkout_url: String,
}

/// What an event is answered with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// It is done, and there is nothing to say.
    Done,
    /// The queue as its operator reads it: `{id, config, snapshot, createdAt}`, passed on unread.
    Report(Value),
    /// What an edge keeps of the queue.
    View(Box<EdgeView>),
    /// A range of indices: the group's first `granted` members have `first`, `first + 1`, …; the
    /// others found the queue full.
    Leased {
        /// The first index.
        first: u64,
        /// How many indices.
        granted: u32,
        /// Where boarding stands.
        boarding: u64,
        /// How long a busy lane lets its next group gather.
        linger_ms: u32,
    },
    /// Whether the entry still stands for anything.
    Stands(bool),
    /// Admitted.
    Granted(Grant),
    /// Present, and next as slots free.
    Boarding {
        /// When to ask again, at the earliest.
        retry_after_ms: u64,
    },
    /// The ticket holds nothing yet.
    Nothing,
    /// An admission's state.
    Admission(Box<AdmissionReport>),
}

/// What must be written before the answer goes out.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Remove all that is stored; what follows in the list is written after.
    Wipe,
    /// Write the queue's own row.
    SaveHead,
    /// Write a ticket's record.
    SaveClaim(Claim),
    /// Write how far a lane has come.
    SaveLane(LaneMark),
    /// Tell the lanes of an epoch that is over.
    RetireLanes {
        /// The queue.
        id: QueueId,
        /// The epoch that is over.
        epoch: Epoch,
        /// How many lanes it had.
        lanes: u16,
    },
}

/// What an event comes to.
#[derive(Debug)]
pub struct Step {
    /// What to answer, once the effects are written.
    pub answer: Result<Answer, Problem>,
    /// What to write, in order, in one go.
    pub effects: Vec<Effect>,
}

/// How far a lane has come: its last lease, so that a repeated one gets the same range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneMark {
    /// The lane.
    pub lane: u16,
    /// Its last group's number.
    pub sequence: u64,
    /// How many entries that group has.
    pub count: u32,
    /// The first index it got.
    pub first: u64,
    /// How many it got.
    pub granted: u32,
}

/// What [`Machine::restore`] needs of storage.
#[derive(Default)]
pub struct Stored {
    /// Every lane's mark.
    pub lanes: Vec<LaneMark>,
    /// Every claim whose state is live.
    pub live: Vec<Claim>,
    /// When admissions of the last minute were given, in order.
    pub recent_grants: Vec<UnixMillis>,
}

/// A queue in memory: its head, its lanes, and the claims that are live. Those that ended are in
/// storage alone.
pub struct Machine {
    pub(super) head: Head,
    pub(super) lanes: BTreeMap<u16, LaneMark>,
    /// By position: the first is the next to be admitted.
    pub(super) present: BTreeMap<u64, Claim>,
    /// By index.
    pub(super) active: BTreeMap<u64, Claim>,
    /// When each active claim ends, and its index.
    pub(super) deadlines: BTreeSet<(UnixMillis, u64)>,
    pub(super) recent: RateWindow,
    pub(super) controller: Controller,
    /// When each lane last leased; only how many did lately matters.
    pub(super) leased_at: BTreeMap<u16, UnixMillis>,
    pub(super) dirty: Dirty,
}

/// What the running event changed.
#[derive(Default)]
pub(super) struct Dirty {
    pub(super) wipe: Option<(Epoch, u16)>,
    pub(super) head: bool,
    pub(super) claims: BTreeMap<u64, Claim>,
    pub(super) lane: Option<LaneMark>,
}

/// Handles `event` at `now`, for a queue that may not exist yet. `record` is what is stored under
/// [`Event::index`], if anything.
pub fn handle(
    machine: &mut Option<Machine>,
    event: Event,
    record: Option<&Claim>,
    now: UnixMillis,
) -> Step {
    match (machine.as_mut(), event) {
        (
            None,
            Event::Put {
                id,
                config,
                fresh_epoch,
            },
        ) => match QueueConfig::parse(&config, now) {
            Ok(config) => {
                let head = Head::new(id, config, fresh_epoch, now);
                let mut made = Machine::restore(head, Stored::default());
                made.dirty.head = true;
                let answer = Ok(made.report(now));
                let effects = made.take_effects();
                *machine = Some(made);
                Step { answer, effects }
            }
            Err(problem) => Step {
                answer: Err(problem),
                effects: Vec::new(),
            },
        },
        (None, Event::Delete | Event::Wake) => Step {
            answer: Ok(Answer::Done),
            effects: Vec::new(),
        },
        (None, _) => {
            let problem = Problem::new(
                crate::problem::Code::QueueNotFound,
                "There is no such queue.",
            );
            Step {
                answer: Err(problem),
                effects: Vec::new(),
            }
        }
        (Some(present), Event::Delete) => {
            let head = &present.head;
            let retire = Effect::RetireLanes {
                id: head.id.clone(),
                epoch: head.epoch,
                lanes: head.config.lanes,
            };
            *machine = None;
            Step {
                answer: Ok(Answer::Done),
                effects: vec![Effect::Wipe, retire],
            }
        }
        (Some(present), event) => present.handle(event, record, now),
    }
}

impl Machine {
    /// Brings a queue back from storage.
    pub fn restore(head: Head, stored: Stored) -> Self {
        let mut machine = Self {
            head,
            lanes: BTreeMap::new(),
            present: BTreeMap::new(),
            active: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            recent: RateWindow::default(),
            controller: Controller::default(),
            leased_at: BTreeMap::new(),
            dirty: Dirty::default(),
        };
        for mark in stored.lanes {
            machine.lanes.insert(mark.lane, mark);
        }
        for at in stored.recent_grants {
            machine.recent.add(at);
        }
        for claim in stored.live {
            if claim.state == ClaimState::Present {
                machine.present.insert(claim.position, claim);
            } else if claim.state.is_active() {
                machine
                    .deadlines
                    .insert((claim.ends_at.unwrap_or(0), claim.index));
                machine.active.insert(claim.index, claim);
            }
        }
        machine
    }

    /// The row that [`Effect::SaveHead`] writes.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Whether a live record of this index is in memory, so that storage need not be asked.
    pub fn holds(&self, index: u64) -> bool {
        self.active.contains_key(&index)
    }

    fn handle(&mut self, event: Event, record: Option<&Claim>, now: UnixMillis) -> Step {
        // The object's clock decides, and never runs back.
        let now = now.max(self.head.clock);
        self.head.clock = now;
        self.pass_time(now);
        let answer = match event {
            Event::Put { config, .. } => self.replace(&config, now),
            Event::Patch(patch) => self.patch(&patch, now),
            Event::Pause => self.set_paused(true, now),
            Event::Resume => self.set_paused(false, now),
            Event::Close => Ok(self.close(now)),
            Event::Reset { fresh_epoch } => Ok(self.reset(fresh_epoch, now)),
            Event::Notify(notice) => self.notify(notice, now),
            Event::Read => Ok(self.report(now)),
            Event::View => Ok(self.view(now)),
            Event::Lease {
                epoch,
                lane,
                sequence,
                count,
            } => self.lease(epoch, lane, sequence, count, now),
            Event::Stands { epoch, index } => self.stands(epoch, index, record),
            Event::Claim(holder) => self.claim(&holder, record, now),
            Event::Look(holder) => self.look(&holder, record),
            Event::Leave(holder) => self.leave(&holder, record, now),
            Event::Redeem {
                admission,
                idempotency_key,
            } => self.redeem(admission, idempotency_key, record, now),
            Event::Complete(admission) => self.complete(admission, record, now),
            Event::Release(admission) => self.release(admission, record, now),
            Event::Extend(admission) => self.extend(admission, record, now),
            // Deleting is for the caller, who owns the machine.
            Event::Wake | Event::Delete => Ok(Answer::Done),
        };
        self.settle(now);
        let effects = self.take_effects();
        Step { answer, effects }
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        let dirty = core::mem::take(&mut self.dirty);
        let mut effects = Vec::new();
        if dirty.wipe.is_some() {
            effects.push(Effect::Wipe);
        }
        effects.extend(dirty.claims.into_values().map(Effect::SaveClaim));
        effects.extend(dirty.lane.map(Effect::SaveLane));
        if dirty.head || !effects.is_empty() {
            self.head.version = self.head.version.saturating_add(1);
            effects.push(Effect::SaveHead);
        }
        if let Some((epoch, lanes)) = dirty.wipe {
            effects.push(Effect::RetireLanes {
                id: self.head.id.clone(),
                epoch,
                lanes,
            });
        }
        effects
    }

    /// Notes a record that must be written.
    pub(super) fn save(&mut self, claim: Claim) {
        self.dirty.claims.insert(claim.index, claim);
    }
}
