//! The Queue object as a server: what has come while it worked is handled together and takes the
//! time of one transaction, and what each call writes is checked before its answer goes out.

use std::collections::VecDeque;

use crate::message::{Asker, Call, Happening, NOBODY};
use crate::queue_object::{Crash, QueueObject};
use crate::scenario::Scenario;
use crate::world::{EPOCH, PATIENCE, START, World, fresh, queue_id};
use tidegate_core::UnixMillis;
use tidegate_core::problem::Problem;
use tidegate_core::queue::{Answer, Effect, Event};
use tidegate_core::relay::CAPACITY;
use tidegate_judge::event::Event as Seen;
use tidegate_judge::{Limits, Promise, Violation};

/// Calls that come when this much work waits already are refused as too many.
const BACKLOG_MICROS: u64 = 2_000_000;

pub(crate) struct Server {
    pub object: QueueObject,
    pub limits: Limits,
    /// It is out of reach.
    pub out: bool,
    /// How far the object's clock is ahead of the world's.
    offset: i64,
    backlog: VecDeque<(Asker, Call)>,
    /// Until when it works, in microseconds.
    busy_until: u64,
    /// What a transaction costs, however many calls it is for, and what each of them costs beside
    /// it.
    batch_micros: u64,
    event_micros: u64,
    /// What is handled together has written something.
    wrote: bool,
    /// When the alarm fires, in the world's time.
    armed: Option<u64>,
}

impl Server {
    pub fn new(scenario: &Scenario) -> Self {
        Self {
            object: QueueObject::default(),
            limits: scenario.limits,
            out: false,
            offset: 0,
            backlog: VecDeque::new(),
            busy_until: 0,
            batch_micros: 1_000_000 / u64::from(scenario.writes_per_second.max(1)),
            event_micros: scenario.event_micros,
            wrote: false,
            armed: None,
        }
    }

    /// How long so many calls take that are handled together.
    const fn micros(&self, calls: usize) -> u64 {
        self.batch_micros + calls as u64 * self.event_micros
    }

    /// How long an answer that is decided at `now` waits until everything handled with it is
    /// written.
    pub const fn written_after(&self, now: u64) -> u64 {
        self.busy_until.saturating_sub(now * 1_000) / 1_000
    }

    pub fn clock(&self, now: u64) -> UnixMillis {
        (START + now).saturating_add_signed(self.offset)
    }
}

impl World {
    pub fn create_queue(&mut self) -> Result<(), Violation> {
        let put = Event::Put {
            id: queue_id(),
            config: self.scenario.config(),
            fresh: fresh(),
        };
        self.judge.see(Seen::Limits(self.server.limits))?;
        let handled = self.server.object.event(put, START, Crash::None);
        match handled.answer {
            Some(Ok(_)) => self.open_relays(),
            refused => Err(Violation {
                promise: Promise::Live,
                evidence: format!("the scenario is no queue: {refused:?}"),
            }),
        }
    }

    /// The queue hears of the last of the scenario's relays, and so spreads edges over all of them.
    fn open_relays(&mut self) -> Result<(), Violation> {
        let watch = Event::Watch {
            epoch: EPOCH,
            relay: self.scenario.relays.saturating_sub(1),
            sockets: 0,
            capacity: CAPACITY,
        };
        self.handle(watch, Crash::None).map(|_| ())
    }

    /// Sends a call to the Queue object.
    pub fn call_queue(&mut self, asker: Asker, call: Call) {
        let at_queue = |_: &mut Self, asker| Happening::AtQueue(asker, call);
        let lost = Happening::Unanswered(asker, call);
        self.send(asker, PATIENCE, at_queue, lost);
    }

    /// A call reaches the Queue object.
    pub fn at_queue(&mut self, asker: Asker, call: Call) -> Result<(), Violation> {
        let now = self.agenda.now() * 1_000;
        if call == Call::Wake {
            if self.server.armed.is_none_or(|at| at > self.agenda.now()) {
                return Ok(());
            }
            self.server.armed = None;
        }
        if self.server.out {
            self.agenda
                .after(PATIENCE, Happening::Unanswered(asker, call));
            return Ok(());
        }
        self.tally.queue_call(call);
        let waiting = self.server.busy_until.saturating_sub(now);
        let in_line = self.server.micros(self.server.backlog.len());
        self.tally.backlog_micros = self.tally.backlog_micros.max(waiting + in_line);
        if in_line > BACKLOG_MICROS && call != Call::Wake {
            self.tally.refused += 1;
            let travel = self.travel();
            self.agenda
                .after(travel, Happening::Unanswered(asker, call));
            return Ok(());
        }
        let is_first = self.server.backlog.is_empty();
        self.server.backlog.push_back((asker, call));
        if is_first && waiting > 0 {
            self.agenda.after(waiting.div_ceil(1_000), Happening::Serve);
        } else if is_first {
            return self.serve_backlog();
        }
        Ok(())
    }

    /// Handles everything that has come, as one transaction.
    pub fn serve_backlog(&mut self) -> Result<(), Violation> {
        let now = self.agenda.now();
        let micros = self.server.micros(self.server.backlog.len());
        self.server.busy_until = self.server.busy_until.max(now * 1_000) + micros;
        // A crash among them takes the others with it.
        while let Some((asker, call)) = self.server.backlog.pop_front() {
            self.serve(asker, call)?;
        }
        if core::mem::take(&mut self.server.wrote) {
            self.tally.transaction(now);
        }
        Ok(())
    }

    fn serve(&mut self, asker: Asker, call: Call) -> Result<(), Violation> {
        match call {
            Call::Forge => return self.forge(),
            Call::Operate { what } => return self.operate(what),
            _ => {}
        }
        let Some((event, about)) = self.event_of(asker, call) else {
            return Ok(());
        };
        let crash = match self.chance(self.scenario.faults.crash) {
            false => Crash::None,
            true if self.rng.bool() => Crash::BeforeWriting,
            true => Crash::AfterWriting,
        };
        let (answer, _) = self.handle(event, crash)?;
        let Some(answer) = answer else {
            match call {
                // The platform fires a failed alarm again.
                Call::Wake => self.arm(self.agenda.now() + 1_000),
                // Its letter was read.
                Call::Edge { .. } => self.agenda.after(50, Happening::Unsupplied(asker)),
                _ => self.agenda.after(50, Happening::Unanswered(asker, call)),
            }
            return Ok(());
        };
        self.reply(asker, call, answer, about)
    }

    /// Lets one event happen at the object, and looks at everything that it wrote.
    pub fn handle(
        &mut self,
        event: Event,
        crash: Crash,
    ) -> Result<(Option<Result<Answer, Problem>>, usize), Violation> {
        let now = self.agenda.now();
        let still = self.scenario.still();
        let (active, willing) = (self.judge.ledger().active(), self.willing);
        self.tally
            .slots(now, &self.server.limits, active, willing, &still);
        let clock = self.server.clock(now);
        let handled = self.server.object.event(event, clock, crash);
        let writes = !handled.effects.is_empty();
        self.server.wrote |= writes;
        self.tally.queue_event(&handled.effects);
        self.look_at_queue(&handled.effects)?;
        if crash != Crash::None {
            self.read_back()?;
        }
        Ok((handled.answer, handled.effects.len()))
    }

    /// After a crash, what is read back must be what was written; calls in line are lost.
    fn read_back(&mut self) -> Result<(), Violation> {
        self.tally.crashes += 1;
        for (asker, call) in core::mem::take(&mut self.server.backlog) {
            self.agenda.after(50, Happening::Unanswered(asker, call));
        }
        let Some(machine) = self.server.object.machine() else {
            return Err(Violation {
                promise: Promise::Durable,
                evidence: String::from("the queue is gone"),
            });
        };
        let snapshot = machine.snapshot(machine.head().clock);
        self.judge.see(Seen::ReadBack {
            head: machine.head(),
            present: snapshot.present,
            active: snapshot.active,
        })
    }

    /// Looks at what the queue wrote and how it stands, and arms its alarm.
    fn look_at_queue(&mut self, effects: &[Effect]) -> Result<(), Violation> {
        let Some(machine) = self.server.object.machine() else {
            return Ok(());
        };
        let head = machine.head();
        let (boarding, next) = (head.boarding, machine.next_timeout());
        self.judge.see(Seen::Wrote {
            effects,
            head,
            alarm: next,
        })?;
        let present = self.judge.ledger().present();
        self.tally.present_max = self.tally.present_max.max(present);
        self.note_grants(effects);
        let before = self.tally.called_up(self.agenda.now(), boarding);
        self.called_up(before, boarding);
        if let Some(next) = next {
            let at = next
                .saturating_sub(START)
                .saturating_add_signed(-self.server.offset);
            self.arm(at);
        }
        Ok(())
    }

    /// Arms the object's one alarm, if it is not armed for that time or an earlier one already.
    fn arm(&mut self, at: u64) {
        let now = self.agenda.now();
        let at = at.max(now + 1);
        if self.server.armed.is_some_and(|armed| armed <= at) {
            return;
        }
        self.server.armed = Some(at);
        let late = if self.scenario.faults == crate::Faults::NONE {
            0
        } else {
            self.rng.u64(0..=50)
        };
        let nobody = Asker {
            who: 0,
            turn: NOBODY,
        };
        self.agenda
            .after(at - now + late, Happening::AtQueue(nobody, Call::Wake));
    }

    /// The outage ends, and the alarm that was due fires.
    pub fn restored(&mut self) -> Result<(), Violation> {
        self.server.out = false;
        self.server.armed = None;
        self.arm(self.agenda.now() + 1);
        self.judge.see(Seen::Restored)
    }

    pub fn step_clock(&mut self, step: i64) {
        // Never so far back that the object's clock was before the beginning of the world.
        self.server.offset = (self.server.offset + step).clamp(-300_000, 300_000);
        self.server.armed = None;
        self.arm(self.agenda.now() + 1);
    }
}

/// A time of the queue's clock, in milliseconds since the beginning.
pub(crate) fn since_start(at: UnixMillis) -> u32 {
    u32::try_from(at.saturating_sub(START)).unwrap_or(u32::MAX)
}

/// Which records an event wrote.
pub(crate) fn claims(effects: &[Effect]) -> impl Iterator<Item = &tidegate_core::queue::Claim> {
    effects.iter().filter_map(|effect| match effect {
        Effect::SaveClaim(claim) => Some(claim),
        _ => None,
    })
}
