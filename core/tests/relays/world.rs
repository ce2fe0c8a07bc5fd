//! The deployment: one queue, its relays by name, what is on its way between them, and the time.

use std::collections::BTreeMap;

use tidegate_core::UnixMillis;
use tidegate_core::calls::{RelayName, Reply};
use tidegate_core::fair::Fresh;
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::{Answer, Effect, Event, Push};
use tidegate_core::relay::Event as Heard;
use tidegate_core::view::snapshot::{Level, Notice, Snapshot};

use super::queue::{QueueObject, Sent};
use super::relay::RelayObject;

/// How many sockets a relay holds here.
pub const CAPACITY: u32 = 6;

#[derive(Clone, Debug)]
pub enum Op {
    Enter,
    Notify(Option<u8>),
    Connect(u8),
    Disconnect(u8),
    FallSilent(u8),
    Forward(u64),
    EdgeReads(u8),
    LosePushes(u8),
    DelayPushes(u64),
    /// How long the queue waits to hear what came of a push, after the relays have it.
    DelayOutcomes(u64),
    /// Whether the queue is out of the relays' reach.
    Outage(bool),
    CrashQueue,
    CrashRelay(u8),
    Sleep,
    /// Whether the word of it reaches the relays.
    Reset(bool),
    /// By an edge that knows only of the epoch before.
    ConnectLate,
}

pub struct World {
    now: UnixMillis,
    queue: QueueObject,
    relays: BTreeMap<String, RelayObject>,
    on_its_way: Vec<(UnixMillis, Push)>,
    /// What came of pushes, on its way back to the queue.
    outcomes: Vec<(UnixMillis, Event)>,
    lose: u8,
    delay: u64,
    outcome_delay: u64,
    outage: bool,
    pub pushes: usize,
    pub relay_alarms: usize,
}

impl World {
    pub fn new() -> Self {
        let now = 1_800_000_000_000;
        Self {
            now,
            queue: QueueObject::new(now),
            relays: BTreeMap::new(),
            on_its_way: Vec::new(),
            outcomes: Vec::new(),
            lose: 0,
            delay: 0,
            outcome_delay: 0,
            outage: false,
            pushes: 0,
            relay_alarms: 0,
        }
    }

    pub fn apply(&mut self, op: &Op) {
        match *op {
            Op::Enter => {
                let sent = self.queue.enter(self.now);
                self.send(sent);
            }
            Op::Notify(text) => {
                let notice = text.map(|text| Notice {
                    level: Level::Info,
                    text: format!("notice {text}"),
                });
                let sent = self.queue.event(Event::Notify(notice), self.now);
                self.send(sent);
            }
            Op::Connect(any) => {
                // Refused or not is for the tests about that.
                let _ = self.connect(usize::from(any));
            }
            Op::ConnectLate => {
                let over = self.relays.values().map(RelayObject::name).next();
                if let Some(name) = over.cloned() {
                    let _ = self.connect_by(&name);
                }
            }
            Op::Disconnect(any) => {
                let now = self.now;
                if let Some((relay, socket)) = self.some_socket(any) {
                    relay.disconnect(socket, now);
                }
            }
            Op::FallSilent(any) => {
                let now = self.now;
                if let Some((relay, socket)) = self.some_socket(any) {
                    relay.sockets[socket].silent_since.get_or_insert(now);
                }
            }
            Op::Forward(millis) => self.forward(millis),
            Op::EdgeReads(any) => {
                let name = self.relay_name(u16::from(any) % self.queue.head().relays);
                let now = self.now;
                let fresh = self.relay(&name).memory().is_fresh(now);
                if !fresh {
                    self.ask(&name, false);
                }
            }
            Op::LosePushes(count) => self.lose = count,
            Op::DelayPushes(millis) => self.delay = millis,
            Op::DelayOutcomes(millis) => self.outcome_delay = millis,
            Op::Outage(outage) => self.outage = outage,
            Op::CrashQueue => self.queue.crash(),
            Op::CrashRelay(any) => {
                let count = self.relays.len().max(1);
                if let Some(relay) = self.relays.values_mut().nth(usize::from(any) % count) {
                    relay.crash();
                }
            }
            Op::Sleep => {
                for relay in self.relays.values_mut() {
                    relay.sleep_if_idle(self.now);
                }
            }
            Op::Reset(told) => {
                let mut sent = self.queue.reset(self.now);
                if !told {
                    sent.effects.clear();
                }
                self.send(sent);
            }
        }
    }

    /// A socket for the relay that chance picks.
    pub fn connect(&mut self, any: usize) -> Reply<()> {
        let relays = self.queue.head().relays;
        self.connect_to(u16::try_from(any % usize::from(relays)).unwrap())
    }

    pub fn connect_to(&mut self, number: u16) -> Reply<()> {
        let name = self.relay_name(number);
        self.connect_by(&name)
    }

    fn connect_by(&mut self, name: &RelayName) -> Reply<()> {
        let now = self.now;
        for _ in 0..3 {
            if !self.relay(name).memory().must_ask(now) {
                break;
            }
            self.ask(name, true);
        }
        let relay = self.relay(name);
        let greeting = relay.memory().open()?;
        relay.greet(&greeting, now);
        assert!(relay.count() <= CAPACITY);
        Ok(())
    }

    fn ask(&mut self, name: &RelayName, opening: bool) {
        let now = self.now;
        let relay = self.relay(name);
        let event = relay.memory().question(opening, now);
        relay.asks(now);
        let reply = if self.outage {
            Err(Problem::new(Code::ServiceUnavailable, "out of reach"))
        } else {
            let sent = self.queue.event(event, now);
            let Some(Answer::View(view)) = sent.answer.clone() else {
                panic!("{:?}", sent.answer)
            };
            self.send(sent);
            Ok(view)
        };
        self.relay(name).happen(Heard::Heard(reply), now);
    }

    /// What an event of the queue leaves to be sent.
    fn send(&mut self, sent: Sent) {
        if let Some(push) = sent.push {
            self.pushes += 1;
            self.on_its_way.push((self.now + self.delay, push));
            if self.delay == 0 {
                self.deliver();
            }
        }
        for effect in sent.effects {
            if let Effect::CloseRelays { relays, closing } = effect {
                for name in relays {
                    let now = self.now;
                    self.relay(&name).happen(Heard::Over(closing), now);
                }
            }
        }
    }

    fn deliver(&mut self) {
        let due = |(at, _): &(UnixMillis, Push)| *at <= self.now;
        let Some(next) = self.on_its_way.iter().position(due) else {
            return;
        };
        let (_, push) = self.on_its_way.remove(next);
        let epoch = push.relays[0].epoch;
        let mut outcomes = Vec::new();
        for name in push.relays {
            let lost = self.lose > 0;
            self.lose = self.lose.saturating_sub(1);
            let now = self.now;
            let relay = self.relay(&name);
            if !lost {
                relay.happen(Heard::Pushed(push.view.clone()), now);
            }
            outcomes.push((name.number, (!lost).then(|| relay.memory().sockets(now))));
        }
        let pushed = Event::Pushed { epoch, outcomes };
        self.outcomes.push((self.now + self.outcome_delay, pushed));
        if self.outcome_delay == 0 {
            self.hear_outcomes();
        }
    }

    fn hear_outcomes(&mut self) {
        let due = |(at, _): &(UnixMillis, Event)| *at <= self.now;
        if let Some(next) = self.outcomes.iter().position(due) {
            let (_, pushed) = self.outcomes.remove(next);
            let sent = self.queue.event(pushed, self.now);
            self.send(sent);
        }
    }

    /// Lets time pass, with all that is due in it.
    pub fn forward(&mut self, millis: u64) {
        let end = self.now + millis;
        loop {
            let relays = self.relays.values();
            let timers = relays.flat_map(|relay| [relay.alarm, relay.next_timeout()]);
            let pushes = self.on_its_way.iter().map(|(at, _)| Some(*at));
            let outcomes = self.outcomes.iter().map(|(at, _)| Some(*at));
            let ways = pushes.chain(outcomes);
            let next = timers.chain(ways).chain([self.queue.alarm]).flatten();
            let Some(next) = next.min().filter(|at| *at <= end) else {
                break;
            };
            self.now = self.now.max(next);
            self.deliver();
            self.hear_outcomes();
            if self.queue.alarm.is_some_and(|at| at <= self.now) {
                self.queue.alarm = None;
                let sent = self.queue.event(Event::Wake, self.now);
                self.send(sent);
            }
            self.let_relays_wake();
        }
        self.now = end;
    }

    fn let_relays_wake(&mut self) {
        let now = self.now;
        let mut asking = Vec::new();
        for relay in self.relays.values_mut() {
            if relay.next_timeout().is_some_and(|at| at <= now) {
                relay.happen(Heard::Wake, now);
            }
            if relay.alarm.is_some_and(|at| at <= now) {
                self.relay_alarms += 1;
                if relay.sweep(now) && relay.memory().must_ask(now) {
                    asking.push(relay.memory().name().clone());
                }
            }
        }
        for name in asking {
            self.ask(&name, false);
        }
    }

    pub fn close_in(&mut self, millis: u64) {
        self.patch(serde_json::json!({"closesAt": self.now + millis}));
    }

    pub fn open_in(&mut self, entry_millis: u64, millis: u64) {
        let (entry_opens_at, opens_at) = (self.now + entry_millis, self.now + millis);
        self.patch(serde_json::json!({"entryOpensAt": entry_opens_at, "opensAt": opens_at}));
    }

    fn patch(&mut self, patch: serde_json::Value) {
        let fresh = Fresh::known(self.queue.epoch());
        let sent = self.queue.event(Event::Patch { patch, fresh }, self.now);
        self.send(sent);
    }

    pub fn all_hold_the_last_state(&mut self) {
        self.all_hold_the_last_notice();
        // Not by a question to the queue: who asks lets time pass there, and that may call
        // somebody up.
        let last = self.queue.snapshot(self.now);
        for socket in self.relays.values().flat_map(|relay| &relay.sockets) {
            let held: Snapshot = serde_json::from_value(socket.snapshot.clone()).unwrap();
            assert!(!held.looks_other_than(&last), "{held:?} is not {last:?}");
            assert_eq!(socket.silent_since, None, "a silent one is closed by now");
        }
    }

    pub fn all_hold_the_last_notice(&self) {
        let notice = serde_json::to_value(self.queue.head().notice).unwrap();
        for socket in self.relays.values().flat_map(|relay| &relay.sockets) {
            assert_eq!(socket.notice, notice);
        }
    }

    /// How many snapshots and notices the first relay sent.
    pub fn sent(&self) -> (usize, usize) {
        let relay = self.relays.values().next().unwrap();
        (relay.snapshots_at.len(), relay.notices_at.len())
    }

    pub fn sockets(&self) -> u32 {
        self.relays.values().map(RelayObject::count).sum()
    }

    pub fn fullest(&self) -> u32 {
        self.relays.values().map(RelayObject::count).max().unwrap()
    }

    /// The phase that each socket shows.
    pub fn phases(&self) -> Vec<String> {
        let sockets = self.relays.values().flat_map(|relay| &relay.sockets);
        sockets
            .map(|socket| socket.snapshot["phase"].as_str().unwrap().to_owned())
            .collect()
    }

    fn relay_name(&self, number: u16) -> RelayName {
        RelayName {
            queue: "drop".parse().unwrap(),
            epoch: self.queue.epoch(),
            number,
        }
    }

    fn relay(&mut self, name: &RelayName) -> &mut RelayObject {
        let new = || RelayObject::new(name.clone());
        self.relays.entry(name.object_name()).or_insert_with(new)
    }

    fn some_socket(&mut self, any: u8) -> Option<(&mut RelayObject, usize)> {
        let total = usize::try_from(self.sockets()).unwrap();
        let mut left = usize::from(any).checked_rem(total)?;
        for relay in self.relays.values_mut() {
            if left < relay.sockets.len() {
                return Some((relay, left));
            }
            left -= relay.sockets.len();
        }
        None
    }
}
