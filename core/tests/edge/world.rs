//! A small deployment in memory: the real queue, a lane that remembers who entered, a directory and
//! relays that look at the queue, a data centre's cache, and isolates that are asked. Both drivers
//! are here: the fast one as `entry.js` uses it, and one that meets every demand, as the Worker's
//! ordinary driver does.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidegate_core::UnixMillis;
use tidegate_core::calls::{
    DirectoryCall, DirectoryEntry, DirectoryReply, LaneCall, LaneReply, QueueCall, QueueReply,
    RelayCall, RelayReply, Reply,
};
use tidegate_core::edge::pending::{Demand, Object, Pending, Step, Supply};
use tidegate_core::fair::receipt::{Range, Receipts};
use tidegate_core::fair::{Fresh, Root};
use tidegate_core::ids::{Epoch, QueueId, ShopperId};
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::event::Holder;
use tidegate_core::queue::{Answer as Said, Event};
use tidegate_core::wire::{self, Unreadable, VERSION};
use tidegate_sim::queue_object::{Crash, QueueObject};

use crate::isolates::Edge;
use crate::sent::{Got, SITE, Sent, described, is_fast, rest};

pub const START: UnixMillis = 1_800_000_000_000;
pub const ORIGIN_KEY: &str = "origin-key";
const KEY: &str = "dev-AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// How a request is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// By the fast path, and by the ordinary driver where that hands over.
    Fast,
    Ordinary,
}

/// See the module's documentation.
pub struct World {
    pub now: UnixMillis,
    queue: QueueObject,
    id: QueueId,
    epochs: u8,
    entries: BTreeMap<(Epoch, ShopperId), u64>,
    receipts: BTreeMap<(Epoch, u64), (Range, ShopperId)>,
    sequences: BTreeMap<(Epoch, u16), u64>,
    cache: BTreeMap<String, String>,
    pub edges: Vec<Edge>,
    /// Every call to an object: its class, its name, and the call.
    pub asked: Vec<(Object, String, String)>,
    /// How many answers the fast path gave.
    pub fast: u64,
    /// Objects of this class are out of reach.
    pub out: Option<Object>,
    /// The version of Tidegate that the objects are of. The edges are of this one.
    pub version: u32,
}

impl World {
    pub fn new(config: &Value, edges: u8) -> Self {
        let mut world = Self {
            now: START,
            queue: QueueObject::default(),
            id: "lamp".parse().unwrap(),
            epochs: 0,
            entries: BTreeMap::new(),
            receipts: BTreeMap::new(),
            sequences: BTreeMap::new(),
            cache: BTreeMap::new(),
            edges: (0..edges).map(Edge::new).collect(),
            asked: Vec::new(),
            fast: 0,
            out: None,
            version: VERSION,
        };
        let fresh = world.fresh();
        let put = Event::Put {
            id: world.id.clone(),
            config: config.clone(),
            fresh,
        };
        world.event(put).unwrap();
        world
    }

    fn fresh(&mut self) -> Fresh {
        self.epochs += 1;
        Fresh::known(Epoch::from_bytes([self.epochs; 16]))
    }

    pub fn event(&mut self, event: Event) -> Reply<Said> {
        self.queue
            .event(event, self.now, Crash::None)
            .answer
            .unwrap()
    }

    pub fn reset(&mut self) {
        let fresh = self.fresh();
        self.event(Event::Reset { fresh }).unwrap();
    }

    pub fn pass(&mut self, millis: u64) {
        self.now += millis;
        self.event(Event::Wake).unwrap();
    }

    pub fn epoch(&mut self) -> Epoch {
        self.queue.machine().unwrap().head().epoch
    }

    /// An isolate that has just begun takes another's place.
    pub fn restart(&mut self, edge: usize) {
        self.edges[edge] = Edge::new(u8::try_from(edge).unwrap() + 100);
    }

    /// An edge of this version has written what the data centre's cache keeps.
    pub fn cached_by(&mut self, version: u32) {
        for text in self.cache.values_mut() {
            *text = of_version(version, text);
        }
    }

    /// Sends a request to an isolate.
    pub fn send(&mut self, edge: usize, driver: Driver, sent: &Sent) -> Got {
        if driver == Driver::Fast && is_fast(sent) {
            return self.send_fast(edge, sent);
        }
        self.send_ordinary(edge, sent)
    }

    fn send_ordinary(&mut self, edge: usize, sent: &Sent) -> Got {
        let mut pending = self.edges[edge].isolate.call(described(sent));
        let step = pending.begin(self.now);
        self.drive(edge, pending, step, sent)
    }

    pub fn drive(&mut self, edge: usize, mut pending: Pending, mut step: Step, sent: &Sent) -> Got {
        loop {
            match step {
                Step::Answer(answer) => return Got::of(answer),
                Step::Demand(demand) => {
                    let supply = self.meet(edge, demand, sent);
                    step = pending.resume(supply, self.now);
                }
            }
        }
    }

    fn send_fast(&mut self, edge: usize, sent: &Sent) -> Got {
        let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
        let mut text = format!(
            "{SITE}{}\n{}\n{}\n{}",
            sent.path,
            or_empty(&sent.authorization),
            or_empty(&sent.cookie),
            or_empty(&sent.origin),
        );
        text.push_str("\nhost:localhost:8787");
        for name in sent.forwarding {
            text.push('\u{1}');
            text.push_str(name);
            text.push_str(":1");
        }
        if sent.method == "GET" {
            let answer = self.edges[edge].fast.read(&text, self.now);
            if answer.is_empty() {
                return self.send_ordinary(edge, sent);
            }
            self.fast += 1;
            return Got::read(&answer);
        }
        let key = sent.idempotency_key.as_ref().map(|key| format!("={key}"));
        let more = [
            or_empty(&sent.accept),
            String::new(),
            or_empty(&key),
            sent.body.clone(),
        ];
        for line in more {
            text.push('\n');
            text.push_str(&line);
        }
        let mut step = self.edges[edge].fast.begin(&text, self.now);
        loop {
            let Some(kind) = step.chars().next() else {
                return self.send_ordinary(edge, sent);
            };
            let rest: Vec<String> = step[1..].splitn(4, '\n').map(str::to_owned).collect();
            let supply = match kind {
                '?' => {
                    let object = [
                        Object::Directory,
                        Object::Queue,
                        Object::Lane,
                        Object::Relay,
                    ];
                    let object = object
                        .into_iter()
                        .find(|object| object.binding() == rest[1]);
                    self.ask(object.unwrap(), &rest[2], &rest[3])
                }
                's' => self.edges[edge].isolate.signature(&rest[1], &rest[2]),
                'v' => {
                    let isolate = &self.edges[edge].isolate;
                    let is_good = isolate.is_signature(&rest[1], &rest[2], &rest[3]);
                    Some(String::from(if is_good { "yes" } else { "no" }))
                }
                '!' => {
                    let call = self.edges[edge]
                        .fast
                        .take(rest[0].parse().unwrap())
                        .unwrap();
                    return self.drive(edge, call.pending, Step::Demand(call.demand), sent);
                }
                _ => {
                    self.fast += 1;
                    return Got::read(&step);
                }
            };
            step = self.edges[edge]
                .fast
                .resume(rest[0].parse().unwrap(), supply, self.now);
        }
    }

    pub fn meet(&mut self, edge: usize, demand: Demand, sent: &Sent) -> Supply {
        let text = |text: Option<String>| text.map_or(Supply::Nothing, Supply::Text);
        match demand {
            Demand::Ask { object, name, call } => text(self.ask(object, &name, &call)),
            Demand::Sign { key, input } => text(self.edges[edge].isolate.signature(&key, &input)),
            Demand::Verify {
                key,
                input,
                signature,
            } => Supply::Is(
                self.edges[edge]
                    .isolate
                    .is_signature(&key, &input, &signature),
            ),
            Demand::Rest => Supply::Rest(Box::new(rest(sent))),
            Demand::Body => Supply::Bytes(sent.body.clone().into_bytes()),
            Demand::Secret("SHOPPER_KEY") => Supply::Text(KEY.to_owned()),
            Demand::Secret("ORIGIN_KEYS") => {
                Supply::Text(json!([{"name": "shop", "key": ORIGIN_KEY}]).to_string())
            }
            Demand::Secret(_) => Supply::Text(json!([{"kid": "k1", "key": KEY}]).to_string()),
            Demand::Variable(_) | Demand::Upgrade { .. } => Supply::Nothing,
            Demand::Cached(address) => text(self.cache.get(&address).cloned()),
            Demand::Cache { address, text, .. } => {
                self.cache.insert(address, text);
                Supply::Nothing
            }
            Demand::Sleep(millis) => {
                self.pass(millis);
                Supply::Nothing
            }
        }
    }

    pub fn ask(&mut self, object: Object, name: &str, call: &str) -> Option<String> {
        self.asked.push((object, name.to_owned(), call.to_owned()));
        let call = &of_version(self.version, call);
        // An object that cannot read a call throws, and has done nothing.
        let unread = wire::read::<()>(call) == Err(Unreadable::Version);
        if unread || self.out == Some(object) {
            return None;
        }
        let reply = match object {
            Object::Directory => written(&Ok(self.directory(&wire::read(call).unwrap()))),
            Object::Relay => written(&self.relay(&wire::read(call).unwrap())),
            Object::Queue => written(&self.at_queue(wire::read(call).unwrap())),
            Object::Lane => written(&self.lane(wire::read(call).unwrap())),
        };
        Some(of_version(self.version, &reply))
    }

    fn directory(&mut self, call: &DirectoryCall) -> DirectoryReply {
        let entry = DirectoryEntry {
            id: self.id.clone(),
            epoch: self.epoch(),
        };
        match call {
            DirectoryCall::List => DirectoryReply::Queues(vec![entry]),
            _ => DirectoryReply::Done,
        }
    }

    fn relay(&mut self, call: &RelayCall) -> Reply<RelayReply> {
        match (call, self.event(Event::View)?) {
            (RelayCall::View(_), Said::View(view)) => Ok(RelayReply::View(view)),
            other => panic!("{other:?}"),
        }
    }

    fn at_queue(&mut self, call: QueueCall) -> Reply<QueueReply> {
        match call {
            QueueCall::Event(event) => self.event(*event).map(QueueReply::Answer),
            other => panic!("{other:?}"),
        }
    }

    fn lane(&mut self, call: LaneCall) -> Reply<LaneReply> {
        match call {
            LaneCall::Enter {
                lane,
                shopper,
                refusal,
                ..
            } => {
                if lane.epoch != self.epoch() {
                    return Err(Problem::new(Code::TicketVoid, "Of an earlier epoch."));
                }
                let known = self.entries.get(&(lane.epoch, shopper)).copied();
                let index = match (known, refusal) {
                    (Some(index), _) => index,
                    (None, Some(problem)) => return Err(problem),
                    (None, None) => self.lease(lane.epoch, lane.number, shopper)?,
                };
                let receipt = self
                    .receipts
                    .get(&(lane.epoch, index))
                    .map(|(range, shopper)| {
                        let receipts = Receipts::new(lane.epoch, *range, vec![*shopper]);
                        Box::new(receipts.of(index).unwrap())
                    });
                let boarding = self.queue.machine().unwrap().head().boarding;
                Ok(LaneReply::Entered {
                    index,
                    boarding,
                    receipt,
                })
            }
            LaneCall::Leave {
                lane,
                shopper,
                index,
            } => {
                let holder = Holder {
                    epoch: lane.epoch,
                    index,
                    position: None,
                    shopper,
                };
                self.event(Event::Leave(holder))?;
                self.entries.retain(|_, known| *known != index);
                Ok(LaneReply::Done)
            }
            other => panic!("{other:?}"),
        }
    }

    fn lease(&mut self, epoch: Epoch, lane: u16, shopper: ShopperId) -> Reply<u64> {
        let sequence = self.sequences.entry((epoch, lane)).or_default();
        *sequence += 1;
        let (sequence, root) = (*sequence, Root::from_bytes([7; 32]));
        let lease = Event::Lease {
            epoch,
            lane,
            sequence,
            count: 1,
            root,
        };
        match self.event(lease)? {
            Said::Leased {
                first, granted: 1, ..
            } => {
                self.entries.insert((epoch, shopper), first);
                let opens_at = self.queue.machine().unwrap().head().config.opens_at;
                if opens_at.is_some_and(|opens_at| self.now < opens_at) {
                    let at = self.now;
                    let range = Range {
                        lane,
                        sequence,
                        at,
                        count: 1,
                        root,
                        first,
                        granted: 1,
                    };
                    self.receipts.insert((epoch, first), (range, shopper));
                }
                Ok(first)
            }
            _ => Err(Problem::new(Code::QueueFull, "Full.")),
        }
    }
}

fn written<T: serde::Serialize>(reply: &Reply<T>) -> String {
    wire::write("", reply).unwrap()
}

/// A message as if it were of this version.
fn of_version(version: u32, message: &str) -> String {
    let mut parts = message.rsplitn(3, '.');
    let (body, _, label) = (parts.next(), parts.next(), parts.next());
    format!("{}.{version}.{}", label.unwrap(), body.unwrap())
}
