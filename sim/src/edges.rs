//! Edges: real isolates, and the driver that meets what their calls demand. Objects get the calls
//! as they travel, and reply as they do; a data centre's cache keeps what it is given.

use core::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use fastrand::Rng;
use serde::Serialize;

use crate::message::{Asker, Call, Happening, NOBODY};
use crate::world::{EPOCH, START, World, queue_id};
use tidegate_core::UnixMillis;
use tidegate_core::calls::{DirectoryEntry, DirectoryReply, Reply};
use tidegate_core::edge::address::Address;
use tidegate_core::edge::isolate::Isolate;
use tidegate_core::edge::pages::{Asset, Failure, Pages, Room};
use tidegate_core::edge::pending::{Demand, Object, Pending, Step, Supply};
use tidegate_core::edge::typed::{self, Said};
use tidegate_core::problem::Problem;
use tidegate_core::view::snapshot::EdgeView;
use tidegate_core::view::status::Status;
use tidegate_core::wire;
use tidegate_judge::Violation;
use tidegate_judge::event::{Event as Seen, Reader};

/// How many isolates share a data centre's cache and clock.
const ISOLATES_OF_A_CENTRE: u16 = 8;

/// An isolate.
pub(crate) struct Edge {
    isolate: Rc<Isolate>,
    /// Calls whose clients hung up: the platform neither goes on with them nor drops them.
    hung: Vec<Pending<Outcome>>,
}

/// What a call comes to.
pub(crate) type Outcome = Result<Said, Problem>;

/// A data centre: what its isolates share.
pub(crate) struct Centre {
    cache: HashMap<String, String>,
    /// How far its clocks are ahead.
    clock: u64,
}

/// A call that an edge has under way, and waits with for something.
pub(crate) struct UnderWay {
    pending: Pending<Outcome>,
    edge: u16,
    turn: u16,
    /// Who waits for the answer.
    asker: Asker,
}

/// Nobody asks the simulated edges for pages.
struct NoPages;

impl Pages for NoPages {
    fn room(&self, _: &Room) -> Option<String> {
        None
    }

    fn failure(&self, _: &Failure<'_>) -> Option<String> {
        None
    }

    fn asset(&self, _: &str) -> Option<Asset> {
        None
    }

    fn policy(&self, _: Option<&str>) -> String {
        String::new()
    }
}

impl Edge {
    /// An isolate that has just begun, with randomness of its own.
    pub fn new(rng: &mut Rng) -> Self {
        let own = RefCell::new(rng.fork());
        let randomness = move |bytes: &mut [u8]| {
            own.borrow_mut().fill(bytes);
            true
        };
        Self {
            isolate: Rc::new(Isolate::new(Box::new(randomness), Rc::new(NoPages))),
            hung: Vec::new(),
        }
    }

    /// So many of them, and their data centres; their clocks are off where any are.
    pub fn all(count: u16, clocks: bool, rng: &mut Rng) -> (Vec<Self>, Vec<Centre>) {
        let edges = (0..count).map(|_| Self::new(rng)).collect();
        let centre = |_| Centre {
            cache: HashMap::new(),
            clock: if clocks { rng.u64(0..2_000) } else { 0 },
        };
        let centres = (0..count.div_ceil(ISOLATES_OF_A_CENTRE)).map(centre);
        (edges, centres.collect())
    }
}

/// Where the deployment is reached.
pub(crate) fn site() -> Address {
    // An address that is not valid would show at the first call; this one is.
    Address::read("https://simulated.example/").unwrap_or_else(site)
}

impl World {
    /// Somebody calls an edge.
    pub fn call_edge(&mut self, at: u16, asker: Asker, call: typed::Call) -> Result<(), Violation> {
        let Some(edge) = self.edges.get(usize::from(at)) else {
            return Ok(());
        };
        let mut pending = edge.isolate.call_typed(&self.site, call);
        let step = pending.begin(self.clock_of(at));
        let call = UnderWay {
            pending,
            edge: at,
            turn: NOBODY,
            asker,
        };
        self.drive(call, step)
    }

    /// The clock of an edge.
    fn clock_of(&self, edge: u16) -> UnixMillis {
        let centre = self.centres.get(usize::from(edge / ISOLATES_OF_A_CENTRE));
        START + self.agenda.now() + centre.map_or(0, |centre| centre.clock)
    }

    /// Meets what a call demands until it has to wait, or answers.
    fn drive(&mut self, mut call: UnderWay, mut step: Step<Outcome>) -> Result<(), Violation> {
        loop {
            let supply = match step {
                Step::Answer(said) => return self.edge_says(call.edge, call.asker, said),
                Step::Demand(Demand::Ask {
                    object: Object::Directory,
                    ..
                }) => Supply::Text(directory()),
                Step::Demand(Demand::Ask {
                    object, call: text, ..
                }) => return self.ask(call, object, &text),
                Step::Demand(Demand::Sleep(millis)) => {
                    let waiting = self.wait(call);
                    self.agenda.after(millis, Happening::Unsupplied(waiting));
                    return Ok(());
                }
                Step::Demand(demand) => self.supply(call.edge, demand),
            };
            step = call.pending.resume(supply, self.clock_of(call.edge));
        }
    }

    /// What is at hand in the data centre.
    fn supply(&mut self, edge: u16, demand: Demand) -> Supply {
        let number = usize::from(edge / ISOLATES_OF_A_CENTRE);
        let Some(centre) = self.centres.get_mut(number) else {
            return Supply::Nothing;
        };
        match demand {
            Demand::Cached(address) => {
                let kept = centre.cache.get(&address).cloned();
                kept.map_or(Supply::Nothing, Supply::Text)
            }
            Demand::Cache { address, text, .. } => {
                centre.cache.insert(address, text);
                Supply::Nothing
            }
            _ => Supply::Nothing,
        }
    }

    /// Sends a call to an object. Its client may hang up meanwhile.
    fn ask(&mut self, call: UnderWay, object: Object, text: &str) -> Result<(), Violation> {
        let edge = call.edge;
        if object == Object::Relay {
            if self.chance(self.scenario.faults.crash) {
                self.agenda.after(50, Happening::Unheard(call.asker));
                return self.edge_crashes(edge);
            }
            let reader = Reader::Edge(edge.into());
            let at = self.agenda.now();
            self.judge.see(Seen::Asked { reader, at })?;
            self.tally.relay_requests += 1;
        }
        let hangs_up = self.chance(self.scenario.faults.loss);
        let asker = if hangs_up {
            self.agenda.after(50, Happening::Unheard(call.asker));
            if let Some(edge) = self.edges.get_mut(usize::from(edge)) {
                edge.hung.push(call.pending);
            }
            Asker {
                who: 0,
                turn: NOBODY,
            }
        } else {
            self.wait(call)
        };
        let at_object = |world: &mut Self, call| {
            let letter = world.letters.put(text.to_owned());
            match object {
                Object::Relay => Happening::AtRelay { call, letter },
                Object::Lane => Happening::AtLane { call, letter },
                _ => Happening::AtQueue(call, Call::Edge { letter }),
            }
        };
        let lost = Happening::Unsupplied(asker);
        self.send(asker, object.patience_millis(), at_object, lost);
        Ok(())
    }

    /// Puts a call down until what it waits for is there.
    fn wait(&mut self, call: UnderWay) -> Asker {
        self.turns = self.turns.wrapping_add(1) % NOBODY;
        let turn = self.turns;
        let who = self.under_way.put(UnderWay { turn, ..call });
        Asker { who, turn }
    }

    /// What a call waits for is there, or will not come.
    pub fn supplied(&mut self, waiting: Asker, letter: Option<u32>) -> Result<(), Violation> {
        let text = letter.and_then(|letter| self.letters.take(letter));
        let is_it = |call: &UnderWay| call.turn == waiting.turn;
        let Some(mut call) = self.under_way.take_if(waiting.who, is_it) else {
            return Ok(());
        };
        let supply = text.map_or(Supply::Nothing, Supply::Text);
        let step = call.pending.resume(supply, self.clock_of(call.edge));
        self.drive(call, step)
    }

    /// Sends an object's reply to an edge's call, or loses it. It is held back for a while.
    pub fn reply_to_edge<T: Serialize>(&mut self, call: Asker, reply: &Reply<T>, held: u64) {
        if call.turn != NOBODY {
            let letter = self.letters.put(wire::write("", reply).unwrap_or_default());
            let supplied = Happening::Supplied { call, letter };
            self.answer_after(held, supplied, Happening::Unsupplied(call));
        }
    }

    /// The isolate is thrown away with its calls, and another one takes its place.
    fn edge_crashes(&mut self, at: u16) -> Result<(), Violation> {
        for number in self.under_way.all(|call| call.edge == at) {
            if let Some(call) = self.under_way.take(number) {
                self.agenda.after(50, Happening::Unheard(call.asker));
            }
        }
        if let Some(edge) = self.edges.get_mut(usize::from(at)) {
            *edge = Edge::new(&mut self.rng);
        }
        self.judge.see(Seen::Forgot(Reader::Edge(at.into())))
    }

    /// An edge answers.
    fn edge_says(&mut self, edge: u16, asker: Asker, said: Outcome) -> Result<(), Violation> {
        if let Ok(Said::Status { view, status }) = &said {
            return self.shown(edge, asker, view, status);
        }
        let said = self.said.put(said);
        self.answer(Happening::Heard { asker, said }, Happening::Unheard(asker));
        Ok(())
    }

    /// The holder of the world's ticket asks an edge where they stand: by what that has in memory,
    /// which is what nearly every look comes to, or else by a call.
    pub fn look_at_edge(&mut self, at: u16, asker: Asker) -> Result<(), Violation> {
        let now = self.clock_of(at);
        let edge = self.edges.get(usize::from(at));
        match edge.and_then(|edge| edge.isolate.standing(&mut self.ticket, now)) {
            Some((seen, status)) => self.shown(at, asker, &seen.value, &status),
            None => self.call_edge(at, asker, typed::Call::Status(self.ticket.clone())),
        }
    }

    /// An edge shows somebody where they stand. What it shows is held against what it showed
    /// before.
    fn shown(
        &mut self,
        edge: u16,
        asker: Asker,
        view: &EdgeView,
        status: &Status,
    ) -> Result<(), Violation> {
        self.judge.see(Seen::Shown {
            edge: edge.into(),
            at: self.agenda.now(),
            taken: view.since.saturating_sub(START),
            boarding: view.snapshot.boarding,
            stale: status.stale,
        })?;
        // A look is answered at once; how long that takes comes to the pause before the next.
        self.looked(asker, status);
        Ok(())
    }
}

/// The directory's one list.
fn directory() -> String {
    let reply: Reply<DirectoryReply> = Ok(DirectoryReply::Queues(vec![DirectoryEntry {
        id: queue_id(),
        epoch: EPOCH,
    }]));
    wire::write("", &reply).unwrap_or_default()
}
