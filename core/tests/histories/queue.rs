//! A Queue object as its object would run it: memory that a crash takes, and rows that stay.

use std::collections::BTreeMap;

use tidegate_core::UnixMillis;
use tidegate_core::problem::Problem;
use tidegate_core::queue::machine::Stored;
use tidegate_core::queue::{
    Answer, Claim, ClaimState, Effect, Event, Head, LaneMark, Machine, handle,
};

/// Where a crash hits an event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    None,
    BeforeWriting,
    AfterWriting,
}

#[derive(Default)]
pub struct QueueObject {
    head: Option<String>,
    lanes: BTreeMap<u16, LaneMark>,
    pub claims: BTreeMap<u64, Claim>,
    memory: Option<Machine>,
}

impl QueueObject {
    /// Handles an event; `None` where the crash took the answer. `effects` sees what was written.
    pub fn event(
        &mut self,
        event: Event,
        now: UnixMillis,
        crash: Crash,
    ) -> (Option<Result<Answer, Problem>>, Vec<Effect>) {
        let mut machine = self.memory.take().or_else(|| self.restore());
        let record = event.index().and_then(|index| self.claims.get(&index));
        let step = handle(&mut machine, event, record, now);
        if crash == Crash::BeforeWriting {
            return (None, Vec::new());
        }
        for effect in &step.effects {
            self.write(effect, machine.as_ref());
        }
        if crash == Crash::AfterWriting {
            return (None, step.effects);
        }
        self.memory = machine;
        (Some(step.answer), step.effects)
    }

    pub fn crash(&mut self) {
        self.memory = None;
    }

    /// The machine in memory, read back if need be.
    pub fn machine(&mut self) -> &Machine {
        let machine = self.memory.take().or_else(|| self.restore());
        self.memory.insert(machine.expect("the queue exists"))
    }

    fn write(&mut self, effect: &Effect, machine: Option<&Machine>) {
        match effect {
            Effect::Wipe => {
                self.head = None;
                self.lanes.clear();
                self.claims.clear();
            }
            Effect::SaveHead => {
                let head = machine.expect("a head to save").head();
                self.head = Some(serde_json::to_string(head).unwrap());
            }
            Effect::SaveClaim(claim) => {
                self.claims.insert(claim.index, claim.clone());
            }
            Effect::SaveLane(mark) => {
                self.lanes.insert(mark.lane, mark.clone());
            }
            Effect::RetireLanes { .. } => {}
        }
    }

    fn restore(&self) -> Option<Machine> {
        let head: Head = serde_json::from_str(self.head.as_ref()?).unwrap();
        let live = |claim: &&Claim| claim.state == ClaimState::Present || claim.state.is_active();
        let mut recent_grants: Vec<_> = self
            .claims
            .values()
            .filter_map(|claim| claim.admitted_at)
            .filter(|at| *at > head.clock.saturating_sub(60_000))
            .collect();
        recent_grants.sort_unstable();
        let stored = Stored {
            lanes: self.lanes.values().cloned().collect(),
            live: self.claims.values().filter(live).cloned().collect(),
            recent_grants,
            left: self
                .claims
                .values()
                .filter(|claim| claim.state == ClaimState::Left && claim.position >= head.boarding)
                .map(|claim| claim.position)
                .collect(),
        };
        Some(Machine::restore(head, stored))
    }
}
