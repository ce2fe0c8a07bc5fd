//! A Queue object as its object runs it: the real machine in memory, which a crash takes, and rows,
//! which stay.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use tidegate_core::UnixMillis;
use tidegate_core::fair::Root;
use tidegate_core::fair::log::Group;
use tidegate_core::fair::merkle::{Tree, leaf_hash};
use tidegate_core::problem::Problem;
use tidegate_core::queue::event::Arrival;
use tidegate_core::queue::gone::{STRETCHES_MAX, Stretch};
use tidegate_core::queue::hearing::CallUp;
use tidegate_core::queue::machine::Stored;
use tidegate_core::queue::reporting::{Brief, PAGE_RECORDS, Page};
use tidegate_core::queue::shoppers::{LEFT_EARLY_MAX, NOWHERE};
use tidegate_core::queue::{
    Answer, Claim, ClaimState, Effect, Event, Head, LaneMark, Machine, Refusal, Writes, handle,
};

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
    stretches: BTreeMap<u64, Stretch>,
    groups: Vec<Group>,
    /// The nodes of the log, by level and number.
    nodes: BTreeMap<(u8, u64), Root>,
    arrivals: Vec<Arrival>,
    call_ups: Vec<CallUp>,
    report: Option<String>,
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
        let mut writes = Writes::default();
        writes.add(step.effects);
        let effects = writes.into_effects();
        for effect in &effects {
            self.write(effect, machine.as_ref());
        }
        if crash == Crash::AfterWriting {
            return Handled {
                answer: None,
                effects,
            };
        }
        if let Some(machine) = &mut machine
            && let Some(page) = machine.next_page()
        {
            machine.read_on(&self.page(page));
        }
        self.memory = machine;
        Handled {
            answer: Some(step.answer),
            effects,
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

    /// When which positions were called up.
    pub fn call_ups(&self) -> &[CallUp] {
        &self.call_ups
    }

    /// All stored records, by index.
    pub fn claims(&self) -> &BTreeMap<u64, Claim> {
        &self.claims
    }

    /// The fairness report, once it is made: time passes until then.
    pub fn fairness(&mut self, mut now: UnixMillis) -> Option<Result<Map<String, Value>, Problem>> {
        loop {
            let stored = self.report.clone();
            let said = self.machine()?.fairness(stored.as_deref(), now);
            match said {
                Err(Refusal::ReportUnderWay) => {
                    now = now.max(self.machine()?.next_timeout()?);
                    self.event(Event::Wake, now, Crash::None);
                }
                said => return Some(said.map_err(Problem::from)),
            }
        }
    }

    fn page(&self, page: Page) -> Vec<Brief> {
        let from = page.after.map_or(0, |after| after.saturating_add(1));
        let brief = |claim: &Claim| {
            let before = self
                .arrivals
                .partition_point(|arrival| arrival.first <= claim.index);
            let noted = before.checked_sub(1).and_then(|at| self.arrivals.get(at));
            let below = self
                .call_ups
                .partition_point(|call_up| call_up.from <= claim.position);
            let called_up = below.checked_sub(1).and_then(|at| self.call_ups.get(at));
            Brief {
                index: claim.index,
                position: claim.position,
                state: claim.state,
                claimed_at: claim.claimed_at,
                admitted_at: claim.admitted_at,
                ends_at: claim.ends_at,
                entered_at: noted.map(|arrival| arrival.at),
                called_up: called_up.map(|call_up| (call_up.at, call_up.hears_by)),
            }
        };
        let claims = self.claims.range(from..).take(PAGE_RECORDS);
        claims.map(|(_, claim)| brief(claim)).collect()
    }

    fn write(&mut self, effect: &Effect, machine: Option<&Machine>) {
        match effect {
            Effect::Wipe => {
                self.head = None;
                self.lanes.clear();
                self.claims.clear();
                self.stretches.clear();
                self.groups.clear();
                self.nodes.clear();
                self.arrivals.clear();
                self.call_ups.clear();
                self.report = None;
            }
            Effect::SaveHead => self.head = machine.map(|machine| machine.head().clone()),
            Effect::SaveClaim(claim) => {
                self.claims.insert(claim.index, claim.clone());
            }
            Effect::SaveStretch { from, stretch } => {
                match stretch {
                    Some(stretch) => self.stretches.insert(*from, *stretch),
                    None => self.stretches.remove(from),
                };
            }
            Effect::SaveLane(mark) => {
                self.lanes.insert(mark.lane, mark.clone());
            }
            Effect::LogGroup(logged) => {
                assert_eq!(usize::try_from(logged.number), Ok(self.groups.len()));
                self.groups.push(logged.group);
                let nodes = logged.nodes.iter();
                self.nodes
                    .extend(nodes.map(|node| ((node.level, node.number), node.hash)));
            }
            Effect::SaveArrival(arrival) => self.arrivals.push(*arrival),
            Effect::SaveCallUp(call_up) => self.call_ups.push(*call_up),
            Effect::SaveReport(report) => self.report = Some(report.clone()),
            Effect::EndLife(_) | Effect::RetireLanes { .. } | Effect::CloseRelays { .. } => {}
        }
    }

    fn log(&self, head: &Head) -> Option<Tree> {
        let node = |level, number: u64| match level {
            0 => {
                let group = self.groups.get(usize::try_from(number).ok()?)?;
                Some(leaf_hash(&group.leaf(head.epoch)))
            }
            _ => self.nodes.get(&(level, number)).copied(),
        };
        let size = u64::try_from(self.groups.len()).ok()?;
        Tree::restore(size, |level, number| node(level, number).ok_or(())).ok()
    }

    fn restore(&self) -> Option<Machine> {
        // By way of the text that storage holds, so that what does not survive it is missed.
        let row = self.head.as_ref()?.row().ok()?;
        let head = Head::read(&row).ok()?;
        let mut stored = Stored {
            lanes: self.lanes.values().cloned().collect(),
            log: self.log(&head)?,
            gone: self.stretches.values().copied().collect(),
            ..Stored::default()
        };
        for claim in self.claims.values() {
            if claim.state.is_held() {
                stored.live.push(claim.clone());
            }
            let has_left = claim.state == ClaimState::Left;
            let is_placed = claim.position != NOWHERE;
            if has_left && !is_placed && head.needs_left_early() {
                stored.left_early.push(claim.index);
            }
            if has_left && is_placed && claim.position >= head.boarding && !head.keeps_gone {
                stored.left.push(claim.position);
            }
            if has_left && is_placed && claim.position < head.boarding {
                stored.left_called_up.push(claim.position);
            }
            let granted = claim.admitted_at;
            let recent = granted.filter(|at| *at > head.clock.saturating_sub(60_000));
            stored
                .recent_grants
                .extend(recent.map(|at| (at, claim.position)));
        }
        stored.left_early.truncate(LEFT_EARLY_MAX);
        stored.left.sort_unstable();
        stored.left.truncate(STRETCHES_MAX);
        stored.recent_grants.sort_unstable();
        Some(Machine::restore(head, stored))
    }
}
