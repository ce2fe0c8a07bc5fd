//! The machine itself: its state, and the one match that joins what comes in to what goes out.

use std::collections::{BTreeMap, BTreeSet};

use super::admission::limits::RateWindow;
use super::admission::presence::Presence;
use super::boarding::Controller;
use super::boarding::hearing::CallUp;
use super::entry::gone::{Gone, Stretch};
use super::entry::pacing::Pacing;
use super::event::{Answer, Arrival, Effect, Event, LaneMark, Step};
use super::opening::sealing::Fetching;
use super::operating::configuring::create;
use super::operating::reporting::Reckoning;
use super::refusal::Refusal;
use super::relays::Pushing;
use super::state::claim::{Claim, ClaimState};
use super::state::head::Head;
use crate::UnixMillis;
use crate::fair::audit::Life;
use crate::fair::log::Logged;
use crate::fair::merkle::Tree;
use crate::ids::Epoch;
use crate::problem::Problem;
use crate::terms::Closing;

/// What [`Machine::restore`] needs of storage.
#[derive(Default)]
pub struct Stored {
    /// Every lane's mark.
    pub lanes: Vec<LaneMark>,
    /// Every claim whose state is live.
    pub live: Vec<Claim>,
    /// Admissions of the last minute, in order of their time, each with its position.
    pub recent_grants: Vec<(UnixMillis, u64)>,
    /// Positions whose holders left, of those that are called up and have time to hear of it.
    pub left_called_up: Vec<u64>,
    /// Where in line holders left, as [`Effect::SaveStretch`] wrote it.
    pub gone: Vec<Stretch>,
    /// Where [`Head::keeps_gone`] says no: the first of the positions whose holders left, at or
    /// above boarding, as many as there may be stretches.
    pub left: Vec<u64>,
    /// Where [`Head::needs_left_early`]: the lowest indices whose holders left before they had a
    /// place, at most [`LEFT_EARLY_MAX`](super::entry::shoppers::LEFT_EARLY_MAX).
    pub left_early: Vec<u64>,
    /// The entrants' log, while the queue is not open.
    pub log: Tree,
}

/// A queue in memory: its head, its lanes, and the claims that are live. Those that ended are in
/// storage alone.
pub struct Machine {
    pub(super) head: Head,
    /// Each lane's mark, and when its next lease is expected.
    pub(super) lanes: BTreeMap<u16, (LaneMark, UnixMillis)>,
    /// By position: the first is the next to be admitted.
    pub(super) present: BTreeMap<u64, Claim>,
    pub(super) presence: Presence,
    /// The positions of the head's batches whose holders came or left.
    pub(super) answered: BTreeSet<u64>,
    /// By index.
    pub(super) active: BTreeMap<u64, Claim>,
    /// When each active claim ends, and its index.
    pub(super) deadlines: BTreeSet<(UnixMillis, u64)>,
    pub(super) recent: RateWindow,
    pub(super) controller: Controller,
    pub(super) gone: Gone,
    pub(super) pacing: Pacing,
    pub(super) pushing: Pushing,
    /// Of the entrants' groups, while the queue is not open.
    pub(super) log: Tree,
    pub(super) fetching: Fetching,
    pub(super) reckoning: Reckoning,
    /// The lowest indices whose holders left before they had a place.
    pub(super) left_early: BTreeSet<u64>,
    /// When the next of them are placed.
    pub(super) places_next_at: UnixMillis,
    /// When an arrival was last noted.
    pub(super) arrival_noted_at: UnixMillis,
    pub(super) dirty: Dirty,
}

/// What the running event changed.
#[derive(Default)]
pub(super) struct Dirty {
    pub(super) wipe: bool,
    /// The epoch that is over, and its number of lanes.
    pub(super) retire: Option<(Epoch, u16)>,
    /// The word to the relays of that epoch.
    pub(super) close_relays: Option<Effect>,
    pub(super) head: bool,
    /// This event's change has its version already.
    pub(super) versioned: bool,
    pub(super) claims: BTreeMap<u64, Claim>,
    pub(super) lane: Option<LaneMark>,
    pub(super) logged: Option<Logged>,
    pub(super) arrival: Option<Arrival>,
    pub(super) call_ups: Vec<CallUp>,
    /// The fairness report, made.
    pub(super) report: Option<String>,
    /// The epoch that is over.
    pub(super) ended: Option<Life>,
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
        (None, Event::Put { id, config, fresh } | Event::Replace { id, config, fresh }) => {
            create(machine, id, &config, fresh, now)
        }
        (None, Event::Delete | Event::Wake) => Step {
            answer: Ok(Answer::Done),
            effects: Vec::new(),
        },
        (None, _) => Step {
            answer: Err(Refusal::NoQueue.into()),
            effects: Vec::new(),
        },
        (Some(present), Event::Delete) => {
            let head = &present.head;
            let epoch = head.epoch;
            let retire = Effect::RetireLanes {
                id: head.id.clone(),
                epoch: head.epoch,
                lanes: head.config.lanes,
            };
            let ended = Effect::EndLife(present.life(now.max(head.clock)));
            let mut effects = vec![Effect::Wipe, ended, retire];
            effects.extend(present.close_relays(Closing::Deleted));
            *machine = None;
            Step {
                answer: Ok(Answer::Deleted(epoch)),
                effects,
            }
        }
        (Some(present), event) => present.handle(event, record, now),
    }
}

impl Machine {
    /// Brings a queue back from storage.
    pub fn restore(head: Head, stored: Stored) -> Self {
        let mut machine = Self {
            pushing: Pushing::restore(&head.watching),
            head,
            lanes: BTreeMap::new(),
            present: BTreeMap::new(),
            presence: Presence::default(),
            answered: BTreeSet::new(),
            active: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            recent: RateWindow::default(),
            controller: Controller::default(),
            gone: Gone::restore(stored.gone),
            pacing: Pacing::default(),
            log: stored.log,
            fetching: Fetching::default(),
            reckoning: Reckoning::default(),
            left_early: BTreeSet::new(),
            places_next_at: 0,
            arrival_noted_at: 0,
            dirty: Dirty::default(),
        };
        for mark in stored.lanes {
            machine.lanes.insert(mark.lane, (mark, 0));
        }
        let rate = machine.head.config.admit_rate_per_minute;
        for (at, _) in &stored.recent_grants {
            machine.recent.add(rate, *at);
        }
        let granted = stored.recent_grants.iter().map(|(_, position)| *position);
        machine.recall_positions(granted.chain(stored.left_called_up));
        machine.recall_answered(stored.live.iter());
        for claim in stored.live {
            if claim.state == ClaimState::Present {
                machine.present.entry(claim.position).or_insert(claim);
            } else if claim.state.is_active() {
                machine
                    .deadlines
                    .insert((claim.ends_at.unwrap_or(0), claim.index));
                machine.active.insert(claim.index, claim);
            }
        }
        machine.renew_all(machine.head.clock);
        let placed_to = machine.head.placing.map_or(0, |placing| placing.from);
        let unplaced = stored.left_early.into_iter();
        machine.left_early = unplaced.filter(|index| *index >= placed_to).collect();
        machine.keep_gone(stored.left);
        machine.spread_unplaced();
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
            Event::Put { config, fresh, .. } => self.replace(&config, false, fresh, now),
            Event::Replace { config, fresh, .. } => self.replace(&config, true, fresh, now),
            Event::Patch { patch, fresh } => self.patch(&patch, fresh, now),
            Event::Pause => self.set_paused(true, now),
            Event::Resume => self.set_paused(false, now),
            Event::Close => Ok(self.close(now)),
            Event::Reopen => self.reopen(now),
            Event::Reset { fresh } => Ok(self.reset(fresh, now)),
            Event::Notify(notice) => self.notify(notice, now),
            Event::Read => Ok(self.report(now)),
            Event::View => Ok(self.view(now)),
            Event::Watch {
                epoch,
                relay,
                sockets,
                capacity,
            } => self.watch(epoch, relay, sockets, capacity, now),
            Event::Pushed { epoch, outcomes } => Ok(self.pushed(epoch, outcomes)),
            Event::Fetched {
                epoch,
                signed,
                heard,
            } => Ok(self.fetched(epoch, signed, heard, now)),
            Event::Lease {
                epoch,
                lane,
                sequence,
                count,
                root,
            } => self.lease(epoch, lane, sequence, count, root, now),
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
        let (answer, effects) = (answer.map_err(Problem::from), self.take_effects());
        Step { answer, effects }
    }

    pub(super) fn take_effects(&mut self) -> Vec<Effect> {
        let dirty = core::mem::take(&mut self.dirty);
        let mut effects = Vec::new();
        if dirty.wipe {
            effects.push(Effect::Wipe);
        }
        effects.extend(dirty.ended.map(Effect::EndLife));
        effects.extend(dirty.claims.into_values().map(Effect::SaveClaim));
        let stretches = self.gone.take_changes().into_iter();
        effects.extend(stretches.map(|(from, stretch)| Effect::SaveStretch { from, stretch }));
        effects.extend(dirty.lane.map(Effect::SaveLane));
        effects.extend(dirty.logged.map(Effect::LogGroup));
        effects.extend(dirty.arrival.map(Effect::SaveArrival));
        effects.extend(dirty.call_ups.into_iter().map(Effect::SaveCallUp));
        effects.extend(dirty.report.map(Effect::SaveReport));
        if dirty.head || !effects.is_empty() {
            if !dirty.versioned {
                self.head.version = self.head.version.saturating_add(1);
            }
            effects.push(Effect::SaveHead);
            self.pushing.changed = true;
        }
        if let Some((epoch, lanes)) = dirty.retire {
            effects.push(Effect::RetireLanes {
                id: self.head.id.clone(),
                epoch,
                lanes,
            });
        }
        effects.extend(dirty.close_relays);
        effects
    }

    /// Notes a record that must be written.
    pub(super) fn save(&mut self, claim: Claim) {
        self.dirty.claims.insert(claim.index, claim);
    }
}
