//! Edges and relays: where polls are answered. What they keep for how long follows `core/src/edge/memory/freshness.rs` and
//! the Relay object; the checks here hold them to one question a second.

use std::rc::Rc;

use crate::message::{Asker, Call, Happening, NOBODY};
use crate::world::{World, place};
use tidegate_core::view::snapshot::Snapshot;
use tidegate_judge::Violation;
use tidegate_judge::event::{Event as Seen, Reader};

/// How long an edge and a relay keep what they know, and how often they ask.
const FRESH: u64 = 1_000;
/// How much longer an edge passes it on while it asks anew.
const PASSABLE: u64 = 2_000;
/// How much longer than fresh a view is before it is called stale.
const STALE: u64 = 4_000;

/// A snapshot, and when it was taken, in the world's time.
#[derive(Clone)]
pub(crate) struct Taken {
    pub snapshot: Rc<Snapshot>,
    pub at: u64,
}

/// An isolate.
pub(crate) struct Edge {
    pub view: Option<Taken>,
    fetched_at: u64,
    refreshing: bool,
    next_try_at: u64,
    turn: u16,
    inbox: Option<Taken>,
    /// How far its clock is ahead.
    clock: u64,
}

/// A Relay object. It stores nothing.
#[derive(Default)]
pub(crate) struct Relay {
    seen: Option<(u64, Option<Taken>)>,
    asking: bool,
    waiters: Vec<Asker>,
    turn: u16,
    pub inbox: Option<Taken>,
}

impl Edge {
    pub fn new(clock: u64) -> Self {
        Self {
            view: None,
            fetched_at: 0,
            refreshing: false,
            next_try_at: 0,
            turn: 0,
            inbox: None,
            clock,
        }
    }
}

impl World {
    /// What an edge knows now: whether its view is stale; `None` while it has none.
    pub fn look(&mut self, at: u16) -> Result<Option<bool>, Violation> {
        let now = self.agenda.now();
        let Some(edge) = self.edges.get_mut(usize::from(at)) else {
            return Ok(None);
        };
        let clock = now + edge.clock;
        let age = clock.saturating_sub(edge.fetched_at);
        let known = edge.view.is_some();
        let fresh = known && age < FRESH;
        if !fresh && !edge.refreshing && clock >= edge.next_try_at {
            self.ask_relay(at)?;
        }
        let Some(edge) = self.edges.get(usize::from(at)) else {
            return Ok(None);
        };
        let Some(view) = edge
            .view
            .as_ref()
            .filter(|_| age < FRESH + PASSABLE || !edge.refreshing)
        else {
            return Ok(None);
        };
        let stale = age >= FRESH + STALE;
        self.judge.see(Seen::Shown {
            edge: at.into(),
            at: now,
            taken: view.at,
            stale,
        })?;
        Ok(Some(stale))
    }

    /// Takes what is known of boarding from elsewhere than a snapshot, as `views::boarding_is` does.
    pub fn boarding_is(&mut self, at: u16, boarding: u64) {
        let view = self
            .edges
            .get_mut(usize::from(at))
            .and_then(|edge| edge.view.as_mut());
        if let Some(view) = view.filter(|view| view.snapshot.boarding < boarding) {
            Rc::make_mut(&mut view.snapshot).boarding = boarding;
        }
    }

    fn ask_relay(&mut self, at: u16) -> Result<(), Violation> {
        let now = self.agenda.now();
        if self.chance(self.scenario.faults.crash) {
            // The isolate is thrown away, and another one takes its place.
            self.judge.see(Seen::Forgot(Reader::Edge(at.into())))?;
            if let Some(edge) = self.edges.get_mut(usize::from(at)) {
                let turn = edge.turn.wrapping_add(1) % NOBODY;
                *edge = Edge {
                    turn,
                    ..Edge::new(edge.clock)
                };
            }
        }
        let Some(edge) = self.edges.get_mut(usize::from(at)) else {
            return Ok(());
        };
        edge.refreshing = true;
        edge.next_try_at = now + edge.clock + FRESH;
        edge.turn = edge.turn.wrapping_add(1) % NOBODY;
        let asker = Asker {
            who: at.into(),
            turn: edge.turn,
        };
        let reader = Reader::Edge(at.into());
        self.judge.see(Seen::Asked { reader, at: now })?;
        self.tally.relay_requests += 1;
        let copy = Asker {
            turn: NOBODY,
            ..asker
        };
        self.send(
            Happening::AtRelay(asker),
            Happening::AtRelay(copy),
            Happening::EdgeGaveUp(asker),
        );
        Ok(())
    }

    /// An edge asks a relay.
    pub fn at_relay(&mut self, edge: Asker) -> Result<(), Violation> {
        let now = self.agenda.now();
        let number = edge.who % u32::from(self.scenario.relays.max(1));
        if self.chance(self.scenario.faults.crash)
            && let Some(relay) = self.relays.get_mut(place(number))
        {
            let turn = relay.turn.wrapping_add(1) % NOBODY;
            self.judge.see(Seen::Forgot(Reader::Relay(number)))?;
            // Whoever waited hears nothing more.
            let waiters = core::mem::take(&mut relay.waiters);
            *relay = Relay {
                turn,
                ..Relay::default()
            };
            for waiter in waiters {
                self.agenda.after(50, Happening::EdgeGaveUp(waiter));
            }
        }
        let Some(relay) = self.relays.get_mut(place(number)) else {
            return Ok(());
        };
        if let Some((at, seen)) = &relay.seen
            && now - at < FRESH
        {
            let seen = seen.clone();
            self.pass_on(edge, seen);
            return Ok(());
        }
        relay.waiters.push(edge);
        if relay.asking {
            return Ok(());
        }
        relay.asking = true;
        relay.turn = relay.turn.wrapping_add(1) % NOBODY;
        let asker = Asker {
            who: number,
            turn: relay.turn,
        };
        let reader = Reader::Relay(number);
        self.judge.see(Seen::Asked { reader, at: now })?;
        self.call_queue(asker, Call::View);
        Ok(())
    }

    /// The Queue object's answer reaches a relay.
    pub fn viewed(&mut self, asker: Asker) {
        let relay = self.relays.get_mut(place(asker.who));
        if let Some(relay) = relay.filter(|relay| relay.turn == asker.turn) {
            let seen = relay.inbox.take();
            self.relay_knows(asker.who, seen.as_ref());
        }
    }

    /// A relay's question was not answered.
    pub fn not_viewed(&mut self, asker: Asker) {
        let relay = self.relays.get(place(asker.who));
        if relay.is_some_and(|relay| relay.turn == asker.turn) {
            self.relay_knows(asker.who, None);
        }
    }

    fn relay_knows(&mut self, number: u32, seen: Option<&Taken>) {
        let now = self.agenda.now();
        let Some(relay) = self.relays.get_mut(place(number)) else {
            return;
        };
        relay.asking = false;
        relay.seen = Some((now, seen.cloned()));
        for waiter in core::mem::take(&mut relay.waiters) {
            self.pass_on(waiter, seen.cloned());
        }
    }

    fn pass_on(&mut self, edge: Asker, seen: Option<Taken>) {
        let Some(seen) = seen else {
            self.agenda.after(20, Happening::EdgeGaveUp(edge));
            return;
        };
        let found = self.edges.get_mut(place(edge.who));
        if let Some(found) = found.filter(|found| found.turn == edge.turn) {
            found.inbox = Some(seen);
            self.answer(Happening::AtEdge(edge), Happening::EdgeGaveUp(edge));
        }
    }

    /// A relay's answer reaches an edge.
    pub fn at_edge(&mut self, asker: Asker) {
        let now = self.agenda.now();
        let edge = self.edges.get_mut(place(asker.who));
        let Some(edge) = edge.filter(|edge| edge.turn == asker.turn && edge.refreshing) else {
            return;
        };
        edge.refreshing = false;
        let Some(mut taken) = edge.inbox.take() else {
            return;
        };
        let boarding = edge.view.as_ref().map_or(0, |view| view.snapshot.boarding);
        if taken.snapshot.boarding < boarding {
            Rc::make_mut(&mut taken.snapshot).boarding = boarding;
        }
        edge.view = Some(taken);
        edge.fetched_at = now + edge.clock;
    }

    /// An edge gives up waiting for its relay.
    pub fn edge_gave_up(&mut self, asker: Asker) {
        let edge = self.edges.get_mut(place(asker.who));
        if let Some(edge) = edge.filter(|edge| edge.turn == asker.turn) {
            edge.refreshing = false;
        }
    }
}
