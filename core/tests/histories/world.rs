//! A small deployment in virtual time: shoppers, lanes, one queue, and what can go wrong between
//! them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};
use tidegate_core::UnixMillis;
use tidegate_core::fair::Fresh;
use tidegate_core::ids::{Epoch, ShopperId};
use tidegate_core::problem::Problem;
use tidegate_core::queue::{Answer, Event};
use tidegate_core::view::snapshot::Snapshot;
use tidegate_judge::event::{Event as Seen, Row, Told};
use tidegate_judge::{Judge, Limits};
use tidegate_sim::lane_object::LaneObject;
use tidegate_sim::queue_object::{Crash, QueueObject};

use crate::opening::Record;

/// What becomes of one step of a lane's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Done,
    RequestLost,
    /// The request is lost to the lane, and arrives at some later time all the same.
    RequestLate,
    ReplyLost,
    Twice,
    /// While it is under way, all those whose request was lost ask again.
    RetriedMeanwhile,
    LaneDies,
    QueueDiesBefore,
    QueueDiesAfter,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Op {
    Enter(u8),
    /// So many enter, from that one on, and every lane works off what it has.
    Crowd(u8, u8),
    /// Everybody claims, in an order that the number picks.
    Rush(u8),
    Work(u16, Fate),
    Claim(u8),
    Leave(u8, Fate),
    Redeem(u8, u8),
    Complete(u8),
    Release(u8),
    Extend(u8),
    Forge(u8),
    Forward(u64),
    Back(u64),
    Wake,
    Pause,
    Resume,
    Patch(Limits),
    CrashQueue,
    CrashLane(u16),
    /// The oldest late request arrives.
    Arrive,
}

/// A request that is on its way for long.
#[derive(Clone, Debug)]
pub enum Late {
    AtQueue(Box<Event>),
    /// A shopper's leave of an entry, to their lane.
    Leave(ShopperId, u64),
}

pub const EPOCH: Epoch = Epoch::from_bytes([9; 16]);

pub struct World {
    pub now: UnixMillis,
    pub queue: QueueObject,
    pub lanes: Vec<LaneObject>,
    /// For each lane, the shoppers whose request waits for an answer there.
    pub waiting: Vec<Vec<ShopperId>>,
    limits: Limits,
    pub judge: Judge,
    /// Tickets that shoppers hold.
    pub tickets: BTreeMap<ShopperId, u64>,
    /// Whose enter is under way.
    pub sent: BTreeSet<ShopperId>,
    /// Who asked for an entry and was not told of it since: a retry may find what was asked for
    /// first.
    pub asked: BTreeSet<ShopperId>,
    /// Requests that are on their way for long.
    pub late: VecDeque<Late>,
    pub record: Record,
}

impl World {
    /// A queue that opens after `entry_millis` of entry.
    pub fn new(limits: &Limits, lanes: u16, entry_millis: u64) -> Self {
        let mut world = Self {
            now: 1_800_000_000_000,
            queue: QueueObject::default(),
            lanes: (0..lanes).map(|_| LaneObject::default()).collect(),
            waiting: (0..lanes).map(|_| Vec::new()).collect(),
            limits: *limits,
            judge: Judge::default(),
            tickets: BTreeMap::new(),
            sent: BTreeSet::new(),
            asked: BTreeSet::new(),
            late: VecDeque::new(),
            record: Record::default(),
        };
        world.see(Seen::Limits(*limits));
        let mut config = limits.patch();
        config["lanes"] = lanes.into();
        config["opensAt"] = (world.now + entry_millis).into();
        config["handoffSeconds"] = 20.into();
        config["sessionSeconds"] = 40.into();
        config["maxSessionSeconds"] = 100.into();
        let id = "history".parse().unwrap();
        let created = world.event(
            Event::Put {
                id,
                config,
                fresh: Fresh::known(EPOCH),
            },
            Crash::None,
        );
        assert!(
            matches!(created, Some(Ok(Answer::Report(_)))),
            "{created:?}"
        );
        world
    }

    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::Enter(who) => self.enter(shopper(*who)),
            Op::Crowd(from, count) => {
                for offset in 0..*count {
                    self.enter(shopper(from.wrapping_add(offset) % 24));
                }
                self.work_off();
            }
            Op::Rush(order) => {
                // Odd steps through 32 places visit each once.
                for turn in 0..32_u8 {
                    self.claim(shopper(turn.wrapping_mul(order | 1) % 32));
                }
            }
            Op::Work(lane, fate) => self.work(usize::from(*lane), *fate),
            Op::Claim(who) => self.claim(shopper(*who)),
            Op::Leave(who, fate) => self.leave(shopper(*who), *fate),
            Op::Redeem(who, key) => self.redeem(shopper(*who), *key),
            Op::Complete(who) => self.settle(shopper(*who), Event::Complete),
            Op::Release(who) => self.settle(shopper(*who), Event::Release),
            Op::Extend(who) => self.settle(shopper(*who), Event::Extend),
            Op::Forge(who) => self.forge(shopper(*who)),
            Op::Forward(millis) => {
                self.now += millis;
                // Whatever was due meanwhile was held up: no alarm came.
                self.see(Seen::Restored);
            }
            Op::Back(millis) => self.now -= millis,
            Op::Wake => self.wake(),
            Op::Pause => drop(self.event(Event::Pause, Crash::None)),
            Op::Resume => drop(self.event(Event::Resume, Crash::None)),
            Op::Patch(limits) => {
                // What is due falls under the old limits.
                self.event(Event::Wake, Crash::None);
                let before = core::mem::replace(&mut self.limits, *limits);
                self.see(Seen::Limits(*limits));
                let patched = self.event(
                    Event::Patch {
                        patch: limits.patch(),
                        fresh: Fresh::known(EPOCH),
                    },
                    Crash::None,
                );
                if !matches!(patched, Some(Ok(_))) {
                    self.limits = before;
                    self.see(Seen::Limits(before));
                }
            }
            Op::CrashQueue => self.crash_queue(),
            // Nobody waits for the answer any more.
            Op::Arrive => match self.late.pop_front() {
                Some(Late::AtQueue(event)) => drop(self.event(*event, Crash::None)),
                Some(Late::Leave(shopper, index)) => self.leave_at_lane(shopper, index, Fate::Done),
                None => {}
            },
            Op::CrashLane(lane) => self.crash_lane(usize::from(*lane)),
        }
    }

    /// Lets one event happen, and looks at everything that it wrote.
    pub fn event(&mut self, event: Event, crash: Crash) -> Option<Result<Answer, Problem>> {
        let handled = self.queue.event(event, self.now, crash);
        self.record.wrote(&handled.effects);
        let machine = self.queue.machine().unwrap();
        let wrote = Seen::Wrote {
            effects: &handled.effects,
            head: machine.head(),
            // Here an alarm may be held up: `wake` looks at it when it has come.
            alarm: None,
        };
        self.judge.see(wrote).unwrap();
        if crash != Crash::None {
            self.read_back();
        }
        handled.answer
    }

    pub fn see(&mut self, seen: Seen<'_>) {
        self.judge.see(seen).unwrap();
    }

    fn crash_queue(&mut self) {
        let before = self.essence();
        self.queue.crash();
        let after = self.essence();
        assert_eq!(after, before, "a crash changed what was acknowledged");
        self.read_back();
    }

    fn essence(&mut self) -> Value {
        let machine = self.queue.machine().unwrap();
        let snapshot = machine.snapshot(machine.head().clock);
        let Snapshot {
            waiting,
            remaining,
            admitted_below,
            phase,
            ..
        } = snapshot;
        json!([waiting, remaining, admitted_below, phase])
    }

    /// After a crash, the queue is what was acknowledged.
    fn read_back(&mut self) {
        let machine = self.queue.machine().unwrap();
        let snapshot = machine.snapshot(machine.head().clock);
        let (present, active) = (snapshot.present, snapshot.active);
        let head = machine.head();
        let read = Seen::ReadBack {
            head,
            present,
            active,
        };
        self.judge.see(read).unwrap();
    }

    /// A shopper hears of their index; the position is told once the queue has opened.
    pub fn acknowledge(&mut self, shopper: ShopperId, index: u64) {
        let at = self.lane_of(shopper);
        let row = Row::Says(self.lanes[at].index(shopper));
        let is_open = !self.queue.machine().unwrap().head().is_entrant(index);
        let position = is_open.then_some(index);
        self.tickets.insert(shopper, index);
        self.asked.remove(&shopper);
        self.told(shopper, index, Told::Entered { position, row });
    }

    pub fn told(&mut self, shopper: ShopperId, index: u64, told: Told) {
        let entry = entry(shopper);
        self.see(Seen::Told { entry, index, told });
    }

    fn wake(&mut self) {
        if let Some(at) = self.queue.machine().unwrap().next_timeout() {
            self.now = self.now.max(at);
        }
        self.event(Event::Wake, Crash::None);
        let machine = self.queue.machine().unwrap();
        let (clock, next) = (machine.head().clock, machine.next_timeout());
        assert!(
            next.is_none_or(|next| next > clock),
            "an alarm that is due at once, for ever"
        );
    }

    /// When nothing more goes wrong, everybody gets an answer, and the line moves up to the limits.
    pub fn come_to_rest(&mut self) {
        self.apply(&Op::Resume);
        self.work_off();
        for _ in 0..200 {
            self.wake();
        }
        let machine = self.queue.machine().unwrap();
        let snapshot = machine.snapshot(machine.head().clock);
        let line = snapshot.entered - snapshot.boarding;
        let sold_out = snapshot.remaining == Some(0);
        assert!(
            line == 0 || sold_out,
            "{line} wait, slots are free, and boarding stands"
        );
        self.crash_queue();
        self.everybody_has_a_place();
    }
}

/// A shopper's number, as the judge knows them.
pub fn entry(shopper: ShopperId) -> u32 {
    shopper.as_bytes()[0].into()
}

fn shopper(who: u8) -> ShopperId {
    let mut bytes = [who; 16];
    // Spread over the lanes by the low byte of the part that picks them.
    bytes[7] = who;
    ShopperId::from_bytes(bytes)
}
