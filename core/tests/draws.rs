//! Random lives of a draw beside a model that is written the plain way: each place by itself, with its
//! own clock.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be"
)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;
use tidegate_core::UnixMillis;
use tidegate_core::fair::{Fresh, Root};
use tidegate_core::ids::{AdmissionId, Epoch, ShopperId};
use tidegate_core::problem::Code;
use tidegate_core::queue::draw::WINDOWS_MAX;
use tidegate_core::queue::event::Holder;
use tidegate_core::queue::{Answer, ClaimState, Event};
use tidegate_core::sim::queue_object::{Crash, QueueObject};
use tidegate_core::token::ticket::Ticket;
use tidegate_core::view::snapshot::{Phase, Shuffle};
use tidegate_core::view::status::{Standing, Status};

const EPOCH: Epoch = Epoch::from_bytes([9; 16]);
const START: UnixMillis = 1_800_000_000_000;
const ENTRY_MILLIS: u64 = 10_000;
/// A 64th of it is less than a second, which is the least step in time after the opening: places that
/// are called up at different times have different windows.
const WINDOW_SECONDS: u64 = 50;
const SESSION_SECONDS: u64 = 40;
/// The 64th of any shorter one is less than a second.
const LONGEST_SECONDS: u64 = 64;
/// The jitter that leaves a pause between polls as it is.
const EVEN: u32 = 33;

#[derive(Clone, Debug)]
enum Op {
    Claim(u64),
    /// Everybody up to this place claims, the last first.
    Rush(u64),
    Leave(u64),
    Redeem(u64),
    Complete(u64),
    /// Claims and redeems, and pays when the session has run out.
    Late(u64),
    Release(u64),
    Seconds(u64),
    Pause,
    Resume,
    Close,
    Reopen,
    /// Who is called up from now on has a second more.
    Lengthen,
    Crash,
}

fn op() -> impl Strategy<Value = Op> {
    let place = prop_oneof![0..12_u64, 0..40_u64];
    prop_oneof![
        6 => place.clone().prop_map(Op::Claim),
        1 => place.clone().prop_map(Op::Rush),
        2 => place.clone().prop_map(Op::Leave),
        4 => place.clone().prop_map(Op::Redeem),
        3 => place.clone().prop_map(Op::Complete),
        2 => place.clone().prop_map(Op::Late),
        2 => place.prop_map(Op::Release),
        5 => (1..90_u64).prop_map(Op::Seconds),
        1 => Just(Op::Pause),
        1 => Just(Op::Resume),
        1 => Just(Op::Close),
        2 => Just(Op::Reopen),
        1 => Just(Op::Lengthen),
        1 => Just(Op::Crash),
    ]
}

/// What has become of a place.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Uncalled,
    /// Called up, until this time of a clock that stands still in pauses.
    Awaited(u64),
    Lapsed,
    /// Claimed, with an admission or before one.
    Held,
    Completed,
    /// Its session ran out: the order may still be paid.
    RanOut,
    /// Left, released, or run out before it was redeemed.
    Gone,
}

struct World {
    now: UnixMillis,
    queue: QueueObject,
    winners: u64,
    /// By position; the index, and what has become of it.
    places: BTreeMap<u64, (u64, Place)>,
    paused: bool,
    /// By the operator.
    closed: bool,
    ran: u64,
    window_seconds: u64,
    /// Everything is sold.
    over: bool,
}

impl World {
    fn new(entrants: u64, winners: u64, leavers: &[u64]) -> Self {
        let mut world = Self {
            now: START,
            queue: QueueObject::default(),
            winners,
            places: BTreeMap::new(),
            paused: false,
            closed: false,
            ran: 0,
            window_seconds: WINDOW_SECONDS,
            over: false,
        };
        let config = json!({
            "access": "draw", "opensAt": START + ENTRY_MILLIS, "closesAt": START + 1_000_000_000,
            "maxAdmissions": winners, "claimWindowSeconds": WINDOW_SECONDS,
            "handoffSeconds": 20, "sessionSeconds": SESSION_SECONDS,
            "maxSessionSeconds": SESSION_SECONDS, "lanes": 1,
        });
        let id = "draw".parse().unwrap();
        let fresh = Fresh::known(EPOCH);
        world.event(Event::Put { id, config, fresh }).unwrap();
        world
            .event(lease(1, u32::try_from(entrants).unwrap()))
            .unwrap();
        for index in leavers {
            world.event(Event::Leave(holder(*index, None))).unwrap();
        }
        world.now += ENTRY_MILLIS;
        world.event(Event::Wake).unwrap();
        let shuffle = world.shuffle();
        for index in 0..entrants {
            let left = leavers.contains(&index);
            let place = if left { Place::Gone } else { Place::Uncalled };
            world
                .places
                .insert(shuffle.position(index).unwrap(), (index, place));
        }
        world.follow();
        world
    }

    fn event(&mut self, event: Event) -> Result<Answer, tidegate_core::problem::Problem> {
        self.queue
            .event(event, self.now, Crash::None)
            .answer
            .unwrap()
    }

    fn shuffle(&mut self) -> Shuffle {
        let machine = self.queue.machine().unwrap();
        machine.snapshot(machine.head().clock).shuffle
    }

    /// How many places are taken, one way or another.
    fn taken(&self) -> u64 {
        let is_taken =
            |place: &Place| matches!(place, Place::Awaited(_) | Place::Held | Place::Completed);
        let taken = self.places.values().filter(|(_, place)| is_taken(place));
        u64::try_from(taken.count()).unwrap()
    }

    /// The model's own rule: while a place is free, the next in order is called up.
    fn follow(&mut self) {
        let completed = self.count(Place::Completed);
        self.over |= completed >= self.winners;
        if self.stands_still() || self.over {
            return;
        }
        let mut free = self.winners.saturating_sub(self.taken());
        for (_, place) in self.places.values_mut() {
            if free > 0 && *place == Place::Uncalled {
                *place = Place::Awaited(self.ran + self.window_seconds * 1_000);
                free -= 1;
            }
        }
    }

    fn stands_still(&self) -> bool {
        self.paused || self.closed
    }

    fn count(&self, wanted: Place) -> u64 {
        let same = self.places.values().filter(|(_, place)| *place == wanted);
        u64::try_from(same.count()).unwrap()
    }

    fn set(&mut self, position: u64, place: Place) {
        self.places.get_mut(&position).unwrap().1 = place;
        self.follow();
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Claim(position) => self.claim(position),
            Op::Rush(position) => (0..=position).rev().for_each(|place| self.claim(place)),
            Op::Leave(position) => self.leave(position),
            Op::Redeem(position) => self.redeem(position),
            Op::Complete(position) => self.complete(position),
            Op::Late(position) => {
                self.claim(position);
                self.redeem(position);
                (0..SESSION_SECONDS).for_each(|_| self.second());
                self.complete(position);
            }
            Op::Release(position) => self.settle(position, Event::Release),
            Op::Seconds(seconds) => (0..seconds).for_each(|_| self.second()),
            Op::Pause | Op::Resume => self.pause(matches!(op, Op::Pause)),
            Op::Close => {
                self.event(Event::Close).unwrap();
                self.closed = true;
            }
            Op::Reopen => self.reopen(),
            Op::Lengthen => self.lengthen(),
            Op::Crash => self.queue.crash(),
        }
        self.look();
    }

    fn second(&mut self) {
        self.now += 1_000;
        self.event(Event::Wake).unwrap();
        if !self.stands_still() {
            self.ran += 1_000;
        }
        // Admissions that ran out, as the records say: the model has no clock for those.
        self.take_what_ended();
        if !self.stands_still() && !self.over {
            for (_, place) in self.places.values_mut() {
                if let Place::Awaited(until) = *place
                    && self.ran >= until
                {
                    *place = Place::Lapsed;
                }
            }
        }
        self.follow();
    }

    fn take_what_ended(&mut self) {
        for (index, place) in self.places.values_mut() {
            let ended = self
                .queue
                .claim(*index)
                .filter(|claim| !claim.state.is_live());
            if let (Place::Held, Some(claim)) = (*place, ended) {
                let is_redeemed = claim.redeemed_at.is_some();
                *place = if is_redeemed {
                    Place::RanOut
                } else {
                    Place::Gone
                };
            }
        }
    }

    fn claim(&mut self, position: u64) {
        let Some((index, place)) = self.places.get(&position).copied() else {
            return;
        };
        let free = self.winners.saturating_sub(self.taken());
        let looked = self.event(Event::Look(holder(index, Some(position))));
        match place {
            Place::Lapsed if free == 0 => assert_eq!(looked, Ok(Answer::Lapsed)),
            Place::Uncalled | Place::Awaited(_) | Place::Lapsed => {
                assert_eq!(looked, Ok(Answer::Nothing));
            }
            _ => {}
        }
        let answer = self.event(Event::Claim(holder(index, Some(position))));
        let code = answer.as_ref().err().map(|problem| problem.code);
        let expected = match place {
            Place::Held => return,
            Place::Completed | Place::RanOut | Place::Gone => Some(Code::AdmissionExpired),
            _ if self.closed => Some(Code::QueueClosed),
            _ if self.over => Some(Code::SoldOut),
            Place::Uncalled => Some(Code::NotYetServed),
            _ if self.paused => Some(Code::Paused),
            Place::Lapsed if free == 0 => Some(Code::AdmissionExpired),
            Place::Awaited(_) | Place::Lapsed => None,
        };
        assert_eq!(
            code, expected,
            "place {position}, which is {place:?}, {free} free"
        );
        if code.is_none() {
            assert!(
                matches!(answer, Ok(Answer::Granted(_))),
                "nothing else holds back"
            );
            self.set(position, Place::Held);
        }
    }

    fn leave(&mut self, position: u64) {
        let Some((index, place)) = self.places.get(&position).copied() else {
            return;
        };
        let state = self.queue.claim(index).map(|claim| claim.state);
        let left = self.event(Event::Leave(holder(index, Some(position))));
        if state == Some(ClaimState::Redeemed) {
            assert_eq!(left.unwrap_err().code, Code::Conflict);
            return;
        }
        left.unwrap();
        if !matches!(place, Place::Completed | Place::RanOut) {
            self.set(position, Place::Gone);
        }
    }

    fn redeem(&mut self, position: u64) {
        self.settle(position, |admission| Event::Redeem {
            admission,
            idempotency_key: None,
        });
    }

    fn complete(&mut self, position: u64) {
        self.complete_late(position);
        self.settle(position, Event::Complete);
    }

    /// An order that is paid after its session ran out counts only where nobody else has the place, or was
    /// promised it.
    fn complete_late(&mut self, position: u64) {
        let Some((index, Place::RanOut)) = self.places.get(&position).copied() else {
            return;
        };
        let free = self.winners.saturating_sub(self.taken());
        let epoch = EPOCH;
        let answer = self.event(Event::Complete(AdmissionId { epoch, index }));
        let code = answer.as_ref().err().map(|problem| problem.code);
        if free > 0 {
            assert_eq!(code, None, "{free} places are free");
            self.set(position, Place::Completed);
        } else {
            let refused = matches!(code, Some(Code::AdmissionExpired | Code::SoldOut));
            assert!(refused, "a backup counts on the place: {answer:?}");
        }
    }

    fn settle(&mut self, position: u64, event: impl FnOnce(AdmissionId) -> Event) {
        let Some((index, Place::Held)) = self.places.get(&position).copied() else {
            return;
        };
        let epoch = EPOCH;
        let _ = self.event(event(AdmissionId { epoch, index }));
        match self.queue.claim(index).map(|claim| claim.state) {
            Some(ClaimState::Completed) => {
                self.set(position, Place::Completed);
            }
            Some(state) if !state.is_live() => self.set(position, Place::Gone),
            _ => {}
        }
    }

    fn pause(&mut self, paused: bool) {
        let event = if paused { Event::Pause } else { Event::Resume };
        let answer = self.event(event);
        assert_eq!(answer.is_err(), self.closed, "{answer:?}");
        if !self.closed {
            self.paused = paused;
        }
        self.follow();
    }

    /// A closing is taken back while nobody was told another end.
    fn reopen(&mut self) {
        let code = self.event(Event::Reopen).err().map(|problem| problem.code);
        assert_eq!(code, self.over.then_some(Code::Conflict));
        self.closed &= self.over;
        self.follow();
    }

    fn lengthen(&mut self) {
        let longer = self.window_seconds + 1;
        if longer >= LONGEST_SECONDS || self.over {
            return;
        }
        let patch = json!({ "claimWindowSeconds": longer });
        let fresh = Fresh::known(EPOCH);
        self.event(Event::Patch { patch, fresh }).unwrap();
        self.window_seconds = longer;
    }

    /// What each winner is told, while the draw goes on: until when they may come, and that it is too late
    /// where another may have the place.
    fn look_at_statuses(&mut self) {
        let (now, ran, is_still) = (self.now, self.ran, self.stands_still());
        let free = self.winners.saturating_sub(self.taken());
        let snapshot = self.queue.machine().unwrap().snapshot(now);
        if matches!(snapshot.phase, Phase::Closed | Phase::SoldOut) {
            return;
        }
        for (position, (index, place)) in &self.places {
            let ticket = ticket(*index, *position);
            let status = Status::of(Some(&ticket), &snapshot, false, EVEN);
            let left = match *place {
                Place::Awaited(until) => Some(until - ran),
                Place::Lapsed => None,
                _ => continue,
            };
            match status.standing {
                Standing::Ready { claim_by, .. } => {
                    assert!(left.is_some() || free > 0, "another has the place");
                    assert_eq!(claim_by, left.filter(|_| !is_still).map(|left| now + left));
                }
                Standing::Lapsed { .. } => assert_eq!((left, free), (None, 0)),
                other => panic!("place {position} is {place:?}, and told {other:?}"),
            }
            if let Some(left) = left {
                assert_eq!(status.poll_after_ms, (left / 4).clamp(2_000, 120_000));
            }
        }
    }

    /// The machine has called up whom the model has, and nobody else.
    fn look(&mut self) {
        self.look_at_statuses();
        let called = |(_, (_, place)): &(&u64, &(u64, Place))| {
            !matches!(place, Place::Uncalled | Place::Gone)
        };
        let last = self
            .places
            .iter()
            .filter(called)
            .map(|(position, _)| *position)
            .max();
        let uncalled = self
            .places
            .iter()
            .find(|(_, (_, place))| *place == Place::Uncalled);
        let machine = self.queue.machine().unwrap();
        let (head, now) = (machine.head(), self.now);
        let boarding = head.boarding;
        assert!(
            last.is_none_or(|last| last < boarding),
            "{last:?} is called up: {boarding}"
        );
        assert!(
            uncalled.is_none_or(|(next, _)| *next >= boarding),
            "{uncalled:?} is not: {boarding}"
        );
        let snapshot = machine.snapshot(now);
        assert!(
            snapshot.completed + snapshot.active <= self.winners,
            "over-admitted"
        );
        let expected = match (self.closed, self.over, self.paused) {
            (true, _, _) => Phase::Closed,
            (false, true, _) => Phase::SoldOut,
            (false, false, true) => Phase::Paused,
            (false, false, false) => Phase::Open,
        };
        assert_eq!(snapshot.phase, expected);
        let reserve = uncalled.map(|(position, (index, _))| ticket(*index, *position));
        let standing =
            reserve.map(|ticket| Status::of(Some(&ticket), &snapshot, false, 0).standing);
        assert_eq!(
            standing.is_some_and(|standing| standing == Standing::NotSelected),
            self.over && standing.is_some(),
            "told that they did not win, and that once it is final: {standing:?}"
        );
        assert!(
            head.windows.len() <= WINDOWS_MAX,
            "{} windows",
            head.windows.len()
        );
        let next = machine.next_timeout();
        // A report that a crash cut off is begun anew as soon as the object wakes.
        let is_reporting = (self.over || self.closed) && head.reported_at.is_none();
        assert!(
            is_reporting || next.is_none_or(|at| at > now),
            "an alarm that is due at once, for ever"
        );
    }
}

fn holder(index: u64, position: Option<u64>) -> Holder {
    Holder {
        epoch: EPOCH,
        index,
        position,
        shopper: ShopperId::from_bytes([1; 16]),
    }
}

fn ticket(index: u64, position: u64) -> Ticket {
    Ticket {
        queue: "draw".parse().unwrap(),
        epoch: EPOCH,
        shopper: ShopperId::from_bytes([1; 16]),
        index,
        position: Some(position),
        issued_at: START,
    }
}

fn lease(sequence: u64, count: u32) -> Event {
    Event::Lease {
        epoch: EPOCH,
        lane: 0,
        sequence,
        count,
        root: Root::from_bytes([3; 32]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_draw_is_what_its_rules_say(
        entrants in 1..40_u64,
        winners in 1..12_u64,
        leavers in prop::collection::btree_set(0..40_u64, 0..4),
        ops in prop::collection::vec(op(), 1..80),
    ) {
        let leavers: Vec<u64> = leavers.into_iter().filter(|index| *index < entrants).collect();
        let mut world = World::new(entrants, winners, &leavers);
        world.look();
        for op in &ops {
            world.apply(op);
        }
    }
}

#[test]
fn entry_to_a_draw_closes_when_it_opens() {
    let mut world = World::new(5, 2, &[]);
    let problem = world.event(lease(2, 1)).unwrap_err();
    assert_eq!(problem.code, Code::QueueClosed);
    assert!(world.event(lease(1, 5)).is_ok(), "a lease that is repeated");
}
