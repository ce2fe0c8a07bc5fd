//! A whole deployment in virtual time: its parts, and the one match that says whom a happening is
//! for.

use fastrand::Rng;

use crate::agenda::Agenda;
use crate::edges::{Centre, Edge, Outcome, UnderWay, site};
use crate::entering::LanePart;
use crate::figures::{Figures, Tally};
use crate::lane_object;
use crate::message::{Asker, Happening, NOBODY};
use crate::relays::RelayPart;
use crate::scenario::Scenario;
use crate::serving::Server;
use crate::shopper::Shopper;
use crate::slab::Slab;
use tidegate_core::UnixMillis;
use tidegate_core::edge::address::Address;
use tidegate_core::fair::Fresh;
use tidegate_core::ids::{Epoch, QueueId, ShopperId};
use tidegate_core::token::ticket::Ticket;
use tidegate_judge::event::Event as Seen;
use tidegate_judge::{Judge, Violation};

/// When every simulation begins, Unix milliseconds.
pub(crate) const START: UnixMillis = 1_800_000_000_000;
/// The one life of the simulated queue.
pub(crate) const EPOCH: Epoch = Epoch::from_bytes([9; 16]);
pub(crate) fn fresh() -> Fresh {
    Fresh::known(EPOCH)
}
/// No index, or no shopper.
pub(crate) const NONE: u32 = u32::MAX;
/// How long a caller waits for an answer.
pub(crate) const PATIENCE: u64 = 3_000;
/// How many happenings a failure shows.
const REMEMBERED: usize = 40;
/// How often the observer of a run is told how far it is.
const PROGRESS_EVERY: u64 = 1 << 16;

/// A run that broke an invariant.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Which, and how.
    pub violation: Violation,
    /// How many happenings came before it.
    pub events: u64,
    /// The last of them, as text.
    pub last: Vec<String>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Virtual milliseconds since the beginning.
    pub now: u64,
    /// What happened so far.
    pub events: u64,
    /// Shoppers who have come and gone.
    pub gone: u32,
}

pub(crate) struct World {
    pub scenario: Scenario,
    pub rng: Rng,
    pub agenda: Agenda<Happening>,
    pub shoppers: Vec<Shopper>,
    pub lanes: Vec<LanePart>,
    pub server: Server,
    pub edges: Vec<Edge>,
    pub centres: Vec<Centre>,
    /// Where all edges are reached.
    pub site: Address,
    /// What edges have under way, and how often they have waited for something.
    pub under_way: Slab<UnderWay>,
    pub turns: u16,
    /// What travels between edges and objects, and from edges to who called them.
    pub letters: Slab<String>,
    pub said: Slab<Outcome>,
    pub relays: Vec<RelayPart>,
    pub judge: Judge,
    pub tally: Tally,
    /// What the ticket says of who looks now.
    pub ticket: Ticket,
    /// Who holds each index.
    pub owners: Vec<u32>,
    /// Shoppers who are not gone yet.
    pub unfinished: u32,
    /// Shoppers in line who would take a slot.
    pub willing: u64,
    remembered: Vec<(u64, Happening)>,
}

impl World {
    pub fn new(scenario: &Scenario, seed: u64) -> Result<Self, Violation> {
        let mut rng = Rng::with_seed(seed);
        let (edges, centres) = Edge::all(scenario.edges, scenario.faults.clock > 0.0, &mut rng);
        let mut world = Self {
            shoppers: (0..scenario.shoppers).map(|_| Shopper::default()).collect(),
            lanes: (0..scenario.lanes).map(|_| LanePart::default()).collect(),
            server: Server::new(scenario),
            edges,
            centres,
            site: site(),
            under_way: Slab::default(),
            turns: 0,
            letters: Slab::default(),
            said: Slab::default(),
            relays: (0..scenario.relays).map(|_| RelayPart::default()).collect(),
            judge: Judge::default(),
            tally: Tally::default(),
            ticket: Ticket {
                queue: queue_id(),
                epoch: EPOCH,
                shopper: shopper_id(0),
                index: 0,
                position: None,
                issued_at: START,
            },
            owners: Vec::new(),
            unfinished: scenario.shoppers,
            willing: 0,
            remembered: Vec::with_capacity(REMEMBERED),
            agenda: Agenda::new(),
            scenario: scenario.clone(),
            rng,
        };
        world.create_queue()?;
        world
            .agenda
            .after(scenario.arrival(0), Happening::Arrive(0));
        world.agenda.after(60_000, Happening::Minute);
        if let Some(what) = world.scenario.interruption {
            let ends = Happening::Interrupt { ends: true };
            world.agenda.after(what.at + what.lasts, ends);
            let begins = Happening::Interrupt { ends: false };
            world.agenda.after(what.at, begins);
        }
        Ok(world)
    }

    /// Lets everything happen, until all shoppers are gone.
    pub fn run(&mut self, watch: &mut dyn FnMut(Progress)) -> Result<Figures, Failure> {
        while let Some(happening) = self.agenda.next() {
            let events = self.tally.events;
            self.look_ahead();
            self.remember(happening);
            self.tally.events += 1;
            self.happen(happening)
                .map_err(|violation| self.failure(violation))?;
            if events.is_multiple_of(PROGRESS_EVERY) {
                watch(Progress {
                    now: self.agenda.now(),
                    events,
                    gone: self.scenario.shoppers - self.unfinished,
                });
            }
            if self.unfinished == 0 || self.agenda.now() > self.scenario.horizon {
                break;
            }
        }
        self.check_lanes()
            .map_err(|violation| self.failure(violation))?;
        Ok(self.figures())
    }

    /// Reads once of everybody who acts in a millisecond that begins: the processor fetches them
    /// all at once, and not one after the other when their turns come.
    fn look_ahead(&self) {
        let acts = self.agenda.begins().iter().filter_map(|next| match next {
            Happening::Act(asker) => self.shoppers.get(place(asker.who)),
            _ => None,
        });
        core::hint::black_box(acts.fold(0, |sum, one| sum ^ one.turn ^ u16::from(one.granted)));
    }

    fn happen(&mut self, happening: Happening) -> Result<(), Violation> {
        match happening {
            Happening::Arrive(who) => return self.arrive(who),
            Happening::Act(asker) => return self.act(asker),
            Happening::Heard { asker, said } => return self.heard(asker, said),
            Happening::Unheard(asker) => self.unheard(asker),
            Happening::Supplied { call, letter } => return self.supplied(call, Some(letter)),
            Happening::Unsupplied(call) => return self.supplied(call, None),
            Happening::AtLane { call, letter } => return self.at_lane(call, letter),
            Happening::AtRelay { call, letter } => return self.at_relay(call, letter),
            Happening::LeftAtQueue {
                lane,
                shopper,
                index,
                left,
            } => return self.left_at_queue(lane, shopper, index, left),
            Happening::Work(lane) => return self.work(lane),
            Happening::Leased(lane) => return self.leased(lane),
            Happening::AskAbout {
                lane,
                shopper,
                index,
            } => self.ask_about(lane, shopper, index),
            Happening::Stood {
                lane,
                shopper,
                index,
                stands,
            } => return self.stood(lane, shopper, index, stands),
            Happening::AtQueue(asker, call) => return self.at_queue(asker, call),
            Happening::Serve => return self.serve_backlog(),
            Happening::Unanswered(asker, call) => return self.unanswered(asker, call),
            Happening::Viewed(relay) => self.viewed(relay),
            Happening::Told { shopper } => self.told(shopper),
            Happening::Interrupt { ends } => return self.interrupt(ends),
            Happening::Minute => self.minute(),
            Happening::Restored => return self.restored(),
        }
        Ok(())
    }

    /// What a shopper's ticket says, if they have one.
    pub fn ticket_of(&self, who: u32) -> Option<Ticket> {
        let index = self.shoppers.get(place(who))?.index;
        (index != NONE).then(|| Ticket {
            shopper: shopper_id(who),
            index: index.into(),
            position: Some(index.into()),
            ..self.ticket.clone()
        })
    }

    fn check_lanes(&mut self) -> Result<(), Violation> {
        let ranges = lane_object::ranges(self.lanes.iter().map(|lane| &lane.object));
        self.judge.see(Seen::Lanes(&ranges))
    }

    fn remember(&mut self, happening: Happening) {
        let entry = (self.agenda.now(), happening);
        let at = usize::try_from(self.tally.events).unwrap_or(0) % REMEMBERED;
        match self.remembered.get_mut(at) {
            Some(oldest) => *oldest = entry,
            None => self.remembered.push(entry),
        }
    }

    fn failure(&self, violation: Violation) -> Failure {
        let mut last = self.remembered.clone();
        let oldest = usize::try_from(self.tally.events).unwrap_or(0) % REMEMBERED;
        if last.len() == REMEMBERED {
            last.rotate_left(oldest);
        }
        Failure {
            violation,
            events: self.tally.events,
            last: last
                .into_iter()
                .map(|(at, happening)| format!("{at:>9} ms  {happening:?}"))
                .collect(),
        }
    }

    /// Sends an asker's message; where it is lost, `lost` happens once they have waited so long. A
    /// copy, whose answer goes to nobody, may come late instead, or as well.
    pub fn send(
        &mut self,
        asker: Asker,
        patience: u64,
        message: impl Fn(&mut Self, Asker) -> Happening,
        lost: Happening,
    ) {
        let faults = self.scenario.faults;
        let travel = self.travel();
        if self.chance(faults.loss) {
            self.agenda.after(patience, lost);
            if self.rng.bool() {
                let late = self.rng.u64(PATIENCE..20_000);
                let copy = message(self, asker.nobody());
                self.agenda.after(late, copy);
            }
            return;
        }
        let first = message(self, asker);
        self.agenda.after(travel, first);
        if self.chance(faults.duplicate) {
            let late = travel + self.rng.u64(0..5_000);
            let copy = message(self, asker.nobody());
            self.agenda.after(late, copy);
        }
    }

    /// Sends an answer, or loses it.
    pub fn answer(&mut self, message: Happening, lost: Happening) {
        self.answer_after(0, message, lost);
    }

    /// The same, where the answer is held back for a while.
    pub fn answer_after(&mut self, held: u64, message: Happening, lost: Happening) {
        if self.chance(self.scenario.faults.loss) {
            self.agenda.after(PATIENCE, lost);
        } else {
            let travel = self.travel();
            self.agenda.after(held + travel, message);
        }
    }

    /// How long a message is on its way: mostly a little, now and then long.
    pub fn travel(&mut self) -> u64 {
        let slow = self.rng.u8(..) == 0;
        self.rng.u64(if slow { 100..1_000 } else { 5..40 })
    }

    /// Whether something of this probability happens now.
    pub fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.rng.f64() < probability
    }

    /// What a minute may bring.
    fn minute(&mut self) {
        let faults = self.scenario.faults;
        let nobody = Asker {
            who: 0,
            turn: NOBODY,
        };
        self.agenda.after(60_000, Happening::Minute);
        self.agenda
            .after(1, Happening::AtQueue(nobody, crate::message::Call::Forge));
        if self.chance(faults.outage) && !self.server.out {
            self.server.out = true;
            let until = self.rng.u64(1_000..40_000);
            self.agenda.after(until, Happening::Restored);
        }
        if self.chance(faults.clock) {
            let step = self.rng.i64(-90_000..90_000);
            self.step_clock(step);
        }
        if self.chance(faults.operator) {
            let what = self.rng.u16(..);
            let operate = crate::message::Call::Operate { what };
            self.agenda.after(2, Happening::AtQueue(nobody, operate));
        }
    }
}

/// The simulated queue's name.
pub(crate) fn queue_id() -> QueueId {
    // An id that is not valid would show at the first ticket; this one is.
    "simulated".parse().unwrap_or_else(|_| queue_id())
}

/// A shopper's id: spread over the lanes like a keyed hash, and readable back.
pub(crate) fn shopper_id(who: u32) -> ShopperId {
    // splitmix64's finalizer.
    let mut hash = u64::from(who)
        .wrapping_add(1)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^= hash >> 31;
    let bits = (u128::from(hash) << 64) | u128::from(who);
    ShopperId::from_bytes(bits.to_be_bytes())
}

/// Whose id this is.
pub(crate) fn shopper_number(id: ShopperId) -> u32 {
    let bits = u128::from_be_bytes(*id.as_bytes());
    u32::try_from(bits & u128::from(u32::MAX)).unwrap_or(NONE)
}

/// A number as an index into one of the world's lists.
pub(crate) fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
