//! A small deployment in virtual time: shoppers, lanes, one queue, and what can go wrong between
//! them.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};
use tidegate_core::UnixMillis;
use tidegate_core::fair::Fresh;
use tidegate_core::ids::{Epoch, ShopperId};
use tidegate_core::problem::Problem;
use tidegate_core::queue::{Answer, ClaimState, Event};
use tidegate_sim::Limits;
use tidegate_sim::check::Check;
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

/// Limits as a merge patch.
fn patch(limits: &Limits) -> Value {
    json!({
        "maxActive": limits.max_active,
        "admitRatePerMinute": limits.rate,
        "maxAdmissions": limits.max_admissions,
        "maxParticipants": limits.max_participants,
    })
}

pub const EPOCH: Epoch = Epoch::from_bytes([9; 16]);

pub struct World {
    pub now: UnixMillis,
    pub queue: QueueObject,
    pub lanes: Vec<LaneObject>,
    /// For each lane, the shoppers whose request waits for an answer there.
    pub waiting: Vec<Vec<ShopperId>>,
    limits: Limits,
    pub check: Check,
    /// Tickets that shoppers hold.
    pub tickets: BTreeMap<ShopperId, u64>,
    /// For each enter that is under way: the highest index acknowledged when it was sent.
    pub sent: BTreeMap<ShopperId, Option<u64>>,
    /// Requests that are on their way for long.
    pub late: VecDeque<Late>,
    /// Who redeemed, and with which key.
    pub redeemed: BTreeMap<u64, String>,
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
            limits: limits.clone(),
            check: Check::default(),
            tickets: BTreeMap::new(),
            sent: BTreeMap::new(),
            late: VecDeque::new(),
            redeemed: BTreeMap::new(),
            record: Record::default(),
        };
        let mut config = patch(limits);
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
            Op::Forward(millis) => self.now += millis,
            Op::Back(millis) => self.now -= millis,
            Op::Wake => self.wake(),
            Op::Pause => drop(self.event(Event::Pause, Crash::None)),
            Op::Resume => drop(self.event(Event::Resume, Crash::None)),
            Op::Patch(limits) => {
                // What is due falls under the old limits.
                self.event(Event::Wake, Crash::None);
                let before = core::mem::replace(&mut self.limits, limits.clone());
                let patched = self.event(
                    Event::Patch {
                        patch: patch(limits),
                        fresh: Fresh::known(EPOCH),
                    },
                    Crash::None,
                );
                if !matches!(patched, Some(Ok(_))) {
                    self.limits = before;
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
        self.check.wrote(&handled.effects, &self.limits).unwrap();
        self.record.wrote(&handled.effects);
        let head = self.queue.machine().unwrap().head();
        let wrote = !handled.effects.is_empty();
        self.check.stands(head, &self.limits, wrote).unwrap();
        handled.answer
    }

    fn crash_queue(&mut self) {
        let before = self.essence();
        self.queue.crash();
        assert_eq!(
            self.essence(),
            before,
            "a crash changed what was acknowledged"
        );
    }

    fn essence(&mut self) -> Value {
        let machine = self.queue.machine().unwrap();
        let snapshot = machine.snapshot(machine.head().clock);
        json!([
            snapshot.entered,
            snapshot.waiting,
            snapshot.present,
            snapshot.admitted,
            snapshot.active,
            snapshot.completed,
            snapshot.remaining,
            snapshot.boarding,
            snapshot.admitted_below,
            snapshot.phase,
        ])
    }

    pub fn acknowledge(&mut self, shopper: ShopperId, index: u64) {
        let state = self.queue.claim(index).map(|claim| claim.state);
        assert_ne!(
            state,
            Some(ClaimState::Left),
            "{index} was left, and is answered"
        );
        if let Some(known) = self.tickets.insert(shopper, index) {
            assert_eq!(known, index, "a shopper has one live ticket");
        }
        let others = self
            .tickets
            .iter()
            .filter(|(other, held)| **other != shopper && **held == index);
        assert_eq!(others.count(), 0, "index {index} was given twice");
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

fn shopper(who: u8) -> ShopperId {
    let mut bytes = [who; 16];
    // Spread over the lanes by the low byte of the part that picks them.
    bytes[7] = who;
    ShopperId::from_bytes(bytes)
}
