//! A Queue object as its object runs it: the real machine in memory, which a crash takes, and rows,
//! which stay.

use std::collections::BTreeMap;

use crate::UnixMillis;
use crate::fair::log::Group;
use crate::problem::Problem;
use crate::queue::machine::Stored;
use crate::queue::{Answer, Claim, ClaimState, Effect, Event, Head, LaneMark, Machine, handle};

/// Where a crash hits an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// Nowhere.
    None,
    /// After the decision, before anything is written.
    BeforeWriting,
    /// After the writing, before the answer.
    AfterWriting,
}

/// What became of an event.
pub struct Handled {
    /// The answer, where no crash took it.
    pub answer: Option<Result<Answer, Problem>>,
    /// What was written.
    pub effects: Vec<Effect>,
}

/// See the module's documentation.
#[derive(Default)]
pub struct QueueObject {
    head: Option<Head>,
    lanes: BTreeMap<u16, LaneMark>,
    claims: BTreeMap<u64, Claim>,
    groups: Vec<Group>,
    memory: Option<Machine>,
}

impl QueueObject {
    /// Handles an event.
    pub fn event(&mut self, event: Event, now: UnixMillis, crash: Crash) -> Handled {
        let mut machine = self.memory.take().or_else(|| self.restore());
        let record = event.index().and_then(|index| self.claims.get(&index));
        let step = handle(&mut machine, event, record, now);
        if crash == Crash::BeforeWriting {
            return Handled {
                answer: None,
                effects: Vec::new(),
            };
        }
        for effect in &step.effects {
            self.write(effect, machine.as_ref());
        }
        if crash == Crash::AfterWriting {
            return Handled {
                answer: None,
                effects: step.effects,
            };
        }
        self.memory = machine;
        Handled {
            answer: Some(step.answer),
            effects: step.effects,
        }
    }

    /// Memory is gone.
    pub fn crash(&mut self) {
        self.memory = None;
    }

    /// The machine in memory, read back if need be; `None` where there is no queue.
    pub fn machine(&mut self) -> Option<&Machine> {
        if self.memory.is_none() {
            self.memory = self.restore();
        }
        self.memory.as_ref()
    }

    /// The stored record of a ticket.
    pub fn claim(&self, index: u64) -> Option<&Claim> {
        self.claims.get(&index)
    }

    /// All stored records, by index.
    pub fn claims(&self) -> &BTreeMap<u64, Claim> {
        &self.claims
    }

    fn write(&mut self, effect: &Effect, machine: Option<&Machine>) {
        match effect {
            Effect::Wipe => {
                self.head = None;
                self.lanes.clear();
                self.claims.clear();
                self.groups.clear();
            }
            Effect::SaveHead => self.head = machine.map(|machine| machine.head().clone()),
            Effect::SaveClaim(claim) => {
                self.claims.insert(claim.index, claim.clone());
            }
            Effect::SaveLane(mark) => {
                self.lanes.insert(mark.lane, mark.clone());
            }
            Effect::LogGroup(group) => self.groups.push(*group),
            Effect::RetireLanes { .. } | Effect::CloseRelays { .. } => {}
        }
    }

    fn restore(&self) -> Option<Machine> {
        // By way of the text that storage holds, so that what does not survive it is missed.
        let text = serde_json::to_string(self.head.as_ref()?).ok()?;
        let head: Head = serde_json::from_str(&text).ok()?;
        let mut stored = Stored {
            lanes: self.lanes.values().cloned().collect(),
            groups: self.groups.clone(),
            ..Stored::default()
        };
        for claim in self.claims.values() {
            if claim.state.is_live() {
                stored.live.push(claim.clone());
            }
            if claim.state == ClaimState::Left && claim.position >= head.boarding {
                stored.left.push(claim.position);
            }
            let granted = claim.admitted_at;
            stored
                .recent_grants
                .extend(granted.filter(|at| *at > head.clock.saturating_sub(60_000)));
        }
        stored.recent_grants.sort_unstable();
        Some(Machine::restore(head, stored))
    }
}
