//! Relays: the real machine in memory, driven as its object drives it. It stores nothing.

use crate::message::{Asker, Call, Happening, NOBODY};
use crate::world::{EPOCH, START, World, place, queue_id};
use tidegate_core::calls::{RelayCall, RelayName, RelayReply, Reply};
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::Event;
use tidegate_core::relay::{CAPACITY, Event as Happens, Relay};
use tidegate_core::view::snapshot::EdgeView;
use tidegate_core::wire;
use tidegate_judge::Violation;
use tidegate_judge::event::{Event as Seen, Reader};

/// A Relay object.
#[derive(Default)]
pub(crate) struct RelayPart {
    machine: Option<Relay>,
    /// Its life: a crash begins another.
    pub turn: u16,
    /// What it asks the queue now.
    pub question: Option<Event>,
    /// The edges' calls that wait for the answer.
    waiters: Vec<Asker>,
    /// The answer on its way.
    pub inbox: Option<Box<EdgeView>>,
}

impl RelayPart {
    /// The relay of this number, which begins anew if its memory is gone.
    fn machine(&mut self, number: u32) -> &mut Relay {
        let name = || RelayName {
            queue: queue_id(),
            epoch: EPOCH,
            number: u16::try_from(number).unwrap_or(0),
        };
        self.machine
            .get_or_insert_with(|| Relay::new(name(), CAPACITY, 0))
    }
}

impl World {
    /// An edge asks a relay.
    pub fn at_relay(&mut self, call: Asker, letter: u32) -> Result<(), Violation> {
        let text = self.letters.take(letter).unwrap_or_default();
        let Ok(RelayCall::View(name)) = wire::read(&text) else {
            return Ok(());
        };
        let number = u32::from(name.number);
        self.relay_may_crash(number)?;
        let now = START + self.agenda.now();
        let Some(part) = self.relays.get_mut(place(number)) else {
            return Ok(());
        };
        part.waiters.push(call);
        if part.machine(number).is_fresh(now) {
            self.pass_on(number);
            return Ok(());
        }
        if part.question.is_some() {
            return Ok(());
        }
        part.question = Some(part.machine(number).question(false, now));
        let asker = Asker {
            who: number,
            turn: part.turn,
        };
        let (reader, at) = (Reader::Relay(number), self.agenda.now());
        self.judge.see(Seen::Asked { reader, at })?;
        self.call_queue(asker, Call::View);
        Ok(())
    }

    /// Its memory goes, and who waited hears nothing more.
    fn relay_may_crash(&mut self, number: u32) -> Result<(), Violation> {
        if !self.chance(self.scenario.faults.crash) {
            return Ok(());
        }
        let Some(part) = self.relays.get_mut(place(number)) else {
            return Ok(());
        };
        let turn = part.turn.wrapping_add(1) % NOBODY;
        let before = core::mem::take(part);
        part.turn = turn;
        for waiter in before.waiters {
            self.agenda.after(50, Happening::Unsupplied(waiter));
        }
        self.judge.see(Seen::Forgot(Reader::Relay(number)))
    }

    /// The queue's answer reaches a relay.
    pub fn viewed(&mut self, asker: Asker) {
        let part = self.relays.get_mut(place(asker.who));
        let view = part.and_then(|part| part.inbox.take());
        self.relay_hears(asker, view.ok_or_else(out_of_reach));
    }

    /// A relay's question was not answered.
    pub fn not_viewed(&mut self, asker: Asker) {
        self.relay_hears(asker, Err(out_of_reach()));
    }

    fn relay_hears(&mut self, asker: Asker, heard: Reply<Box<EdgeView>>) {
        let now = START + self.agenda.now();
        let part = self.relays.get_mut(place(asker.who));
        if let Some(part) = part.filter(|part| part.turn == asker.turn) {
            part.question = None;
            part.machine(asker.who).handle(Happens::Heard(heard), now);
            self.pass_on(asker.who);
        }
    }

    /// Tells all who wait what the relay heard last.
    fn pass_on(&mut self, number: u32) {
        let Some(part) = self.relays.get_mut(place(number)) else {
            return;
        };
        let heard = part.machine(number).heard().cloned();
        let reply = heard.unwrap_or_else(|| Err(out_of_reach()));
        let reply = reply.map(RelayReply::View);
        for waiter in core::mem::take(&mut part.waiters) {
            self.reply_to_edge(waiter, &reply, 0);
        }
    }
}

fn out_of_reach() -> Problem {
    Problem::new(Code::ServiceUnavailable, "The queue is out of reach.")
}
