//! Which relays hold sockets, and when they are pushed what changed: a snapshot at most once a
//! second, a notice at most four times, each with all that is known then.
//!
//! What a relay was told lives in memory alone. After an eviction or a crash every relay of the
//! stored head counts as told nothing, and the first event pushes to all; a push that was due is an
//! armed alarm, so there is such an event.

use super::event::{Answer, Effect};
use super::machine::Machine;
use crate::UnixMillis;
use crate::ids::Epoch;
use crate::queue::refusal::Refusal;
use crate::terms::{Closing, NOTICE_EVERY_MILLIS, RELAYS_MAX, RelayName, SNAPSHOT_EVERY_MILLIS};
use crate::view::snapshot::{EdgeView, Snapshot};

/// A relay that misses this many pushes in a row is left alone until it asks for itself.
const MISSES_MAX: u8 = 3;

/// What to tell relays, all the same. [`Event::Pushed`](super::Event::Pushed) says what it came to.
#[derive(Debug)]
pub struct Push {
    /// The relays.
    pub relays: Vec<RelayName>,
    /// What they are told.
    pub view: Box<EdgeView>,
}

/// What the relays were told.
pub struct Pushing {
    /// Those that hold sockets.
    relays: Vec<Told>,
    /// What was pushed last.
    last: Option<Snapshot>,
    pushed_at: UnixMillis,
    /// A push is under way; there is one at a time.
    under_way: bool,
    /// Something was written since the last push.
    pub(super) changed: bool,
    /// How many sockets a relay may hold, as they say.
    capacity: u32,
}

/// What one relay was told.
struct Told {
    relay: u16,
    sockets: u32,
    /// It was told what was pushed last.
    last: bool,
    misses: u8,
    /// It asked while a push was under way, and has said since how many sockets it holds.
    asked_since: bool,
}

impl Pushing {
    /// Relays that hold sockets, and of which nobody knows what they were told.
    pub fn restore(watching: &[u16]) -> Self {
        let told_nothing = |relay: &u16| Told {
            relay: *relay,
            sockets: 0,
            last: false,
            misses: 0,
            asked_since: false,
        };
        Self {
            relays: watching.iter().map(told_nothing).collect(),
            last: None,
            pushed_at: 0,
            under_way: false,
            changed: true,
            capacity: u32::MAX,
        }
    }
}

impl Machine {
    /// A relay reads the state, and is pushed what follows while it holds sockets. One of an epoch
    /// that is over sees from the answer that it is.
    pub(super) fn watch(
        &mut self,
        epoch: Epoch,
        relay: u16,
        sockets: u32,
        capacity: u32,
        now: UnixMillis,
    ) -> Result<Answer, Refusal> {
        if relay >= RELAYS_MAX || capacity == 0 {
            return Err(Refusal::NoSuchRelay);
        }
        if epoch == self.head.epoch {
            self.pushing.capacity = capacity;
            let first = self.head.watching.is_empty();
            self.holds_sockets(relay, sockets);
            if self.pushing.under_way {
                for told in &mut self.pushing.relays {
                    told.asked_since |= told.relay == relay;
                }
            }
            if first {
                // All who watch were told this, by this very answer.
                self.pushing.last = Some(self.snapshot(now));
            }
        }
        Ok(self.view(now))
    }

    /// A push has come to its end.
    pub(super) fn pushed(&mut self, epoch: Epoch, outcomes: Vec<(u16, Option<u32>)>) -> Answer {
        if epoch != self.head.epoch {
            return Answer::Done;
        }
        self.pushing.under_way = false;
        for (relay, sockets) in outcomes {
            let mut relays = self.pushing.relays.iter_mut();
            let told = relays.find(|told| told.relay == relay);
            match (sockets, told) {
                // What it answered to the push is older than what it asked.
                (_, Some(told)) if told.asked_since => {}
                (None, Some(told)) if told.misses < MISSES_MAX => {
                    told.last = false;
                    told.misses = told.misses.saturating_add(1);
                }
                _ => self.holds_sockets(relay, sockets.unwrap_or(0)),
            }
        }
        Answer::Done
    }

    /// Notes how many sockets a relay holds. Half of what the relays may hold is always free, so
    /// that there is another relay before one is full.
    fn holds_sockets(&mut self, relay: u16, sockets: u32) {
        let relays = &mut self.pushing.relays;
        let known = relays.iter().position(|told| told.relay == relay);
        match known.and_then(|at| relays.get_mut(at)) {
            Some(told) => {
                told.sockets = sockets;
                told.misses = 0;
            }
            None => relays.push(Told {
                relay,
                sockets,
                last: true,
                misses: 0,
                asked_since: false,
            }),
        }
        relays.retain(|told| told.sockets > 0 || told.relay != relay);
        let is_news = known.is_some() != (sockets > 0);
        if is_news {
            self.head.watching = relays.iter().map(|told| told.relay).collect();
        }
        let total = relays.iter().fold(0_u32, |sum, told| {
            sum.saturating_add(told.sockets.saturating_mul(2))
        });
        let wanted = total.checked_div(self.pushing.capacity).unwrap_or(0);
        let wanted = u16::try_from(wanted)
            .unwrap_or(u16::MAX)
            .max(relay)
            .saturating_add(1)
            .min(RELAYS_MAX)
            .max(self.head.relays);
        self.dirty.head |= is_news || wanted != self.head.relays;
        self.head.relays = wanted;
    }

    /// When the next push is due.
    pub(super) fn next_push_at(&self) -> Option<UnixMillis> {
        let Pushing {
            relays,
            last,
            pushed_at,
            ..
        } = &self.pushing;
        if self.pushing.under_way || relays.is_empty() {
            return None;
        }
        let head = &self.head;
        let Some(last) = last else {
            return Some(head.clock);
        };
        if last.notice != head.notice {
            return Some(pushed_at.saturating_add(NOTICE_EVERY_MILLIS));
        }
        let missed = relays.iter().any(|told| !told.last);
        // Entry and the end come by themselves, without a write.
        let moved_on = last.phase != head.phase(head.clock);
        if self.pushing.changed || missed || moved_on {
            Some(pushed_at.saturating_add(SNAPSHOT_EVERY_MILLIS))
        } else {
            let times = [head.config.entry_opens_at, head.config.closes_at];
            times
                .into_iter()
                .flatten()
                .filter(|at| *at > head.clock)
                .min()
        }
    }

    /// What is to be pushed now, if anything. To be asked after every event, once it is written,
    /// and before [`Self::next_timeout`].
    pub fn next_push(&mut self) -> Option<Push> {
        let now = self.head.clock;
        if self.next_push_at()? > now {
            return None;
        }
        let view = self.edge_view(now);
        let pushing = &mut self.pushing;
        pushing.changed = false;
        let is_news = pushing.last.as_ref().is_none_or(|last| {
            last.notice != view.snapshot.notice || last.looks_other_than(&view.snapshot)
        });
        let names = pushing
            .relays
            .iter_mut()
            .filter(|told| is_news || !told.last)
            .map(|told| {
                told.last = true;
                RelayName {
                    queue: self.head.id.clone(),
                    epoch: self.head.epoch,
                    number: told.relay,
                }
            });
        let relays: Vec<_> = names.collect();
        if relays.is_empty() {
            return None;
        }
        pushing.last = Some(view.snapshot.clone());
        pushing.pushed_at = now;
        pushing.under_way = true;
        for told in &mut pushing.relays {
            told.asked_since = false;
        }
        Some(Push { relays, view })
    }

    /// The word to all relays with sockets, if there are any, that the epoch is over.
    pub(super) fn close_relays(&self, closing: Closing) -> Option<Effect> {
        let name = |number: &u16| RelayName {
            queue: self.head.id.clone(),
            epoch: self.head.epoch,
            number: *number,
        };
        let relays: Vec<_> = self.head.watching.iter().map(name).collect();
        (!relays.is_empty()).then_some(Effect::CloseRelays { relays, closing })
    }

    /// In a new epoch no relay holds a socket yet.
    pub(super) fn forget_relays(&mut self) {
        self.head.watching.clear();
        self.pushing = Pushing::restore(&self.head.watching);
    }
}
