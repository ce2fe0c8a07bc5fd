//! Lanes as objects: what an enter meets there, and the worker that writes and leases groups.

use crate::lane_object::LaneObject;
use crate::leaving::Leaver;
use crate::message::{Asker, Call, Happening, NOBODY};
use crate::world::{EPOCH, NONE, START, World, place, queue_id, shopper_id, shopper_number};
use tidegate_core::calls::LaneName;
use tidegate_core::lane::questions::Questions;
use tidegate_core::lane::{Heard, Outcomes, Work};
use tidegate_core::problem::Problem;
use tidegate_core::queue::Answer;
use tidegate_core::queue::event::Called;
use tidegate_judge::Violation;
use tidegate_judge::event::{Event as Seen, Row, Told};

/// How long a lane takes to write a group.
const WRITE_MILLIS: u64 = 2;

/// A Lane object.
#[derive(Default)]
pub(crate) struct LanePart {
    pub object: LaneObject,
    /// Its life: a crash begins another.
    pub turn: u16,
    working: bool,
    /// Shoppers whose request waits here, and some who were told already.
    waiting: Vec<u32>,
    /// Which entries the queue is asked about when, and for whom it is asked now.
    pub questions: Questions<Asker>,
    pub asking: Vec<Asker>,
    /// Who waits until an entry has left.
    pub leavers: Vec<Leaver>,
    /// The answer to the lease of this group.
    pub inbox: Option<(u64, Result<Answer, Problem>)>,
}

impl World {
    pub fn lane_of(&self, who: u32) -> u16 {
        shopper_id(who).lane(self.scenario.lanes)
    }

    pub fn lane_asker(&self, lane: u16) -> Asker {
        let turn = self
            .lanes
            .get(usize::from(lane))
            .map_or(0, |lane| lane.turn);
        Asker {
            who: lane.into(),
            turn,
        }
    }

    /// The index that a shopper's row stands for.
    pub fn lane_index(&self, who: u32) -> Option<u64> {
        let lane = self.lanes.get(usize::from(self.lane_of(who)))?;
        lane.object.index(shopper_id(who))
    }

    /// The latest boarding that a shopper's lane knows of.
    pub fn lane_boarding(&mut self, who: u32) -> u64 {
        let lane = usize::from(self.lane_of(who));
        self.lanes
            .get_mut(lane)
            .map_or(0, |lane| lane.object.lane().called().boarding)
    }

    /// An enter reaches its lane.
    pub fn at_lane(&mut self, asker: Asker) -> Result<(), Violation> {
        let number = self.lane_of(asker.who);
        let edge = self
            .shoppers
            .get(place(asker.who))
            .map_or(0, |shopper| shopper.edge);
        let view = self
            .edges
            .get(usize::from(edge))
            .and_then(|edge| edge.view.as_ref());
        let called = view.map_or_else(Called::default, |view| view.snapshot.called());
        self.tally.lane_request(self.agenda.now());
        let Some(lane) = self.lanes.get_mut(usize::from(number)) else {
            return Ok(());
        };
        let arrived = lane.object.lane().arrive(shopper_id(asker.who), called);
        if arrived.is_err() {
            self.refuse(asker, false);
            return Ok(());
        }
        self.wait_at_lane(asker, number);
        self.begin_work(number)
    }

    fn wait_at_lane(&mut self, asker: Asker, lane: u16) {
        let shopper = self.shoppers.get_mut(place(asker.who));
        if let (Some(shopper), true) = (shopper, asker.turn != NOBODY)
            && core::mem::replace(&mut shopper.waits_with, asker.turn) == NOBODY
            && let Some(lane) = self.lanes.get_mut(usize::from(lane))
        {
            lane.waiting.push(asker.who);
        }
    }

    fn begin_work(&mut self, number: u16) -> Result<(), Violation> {
        let Some(lane) = self.lanes.get_mut(usize::from(number)) else {
            return Ok(());
        };
        if core::mem::replace(&mut lane.working, true) {
            return Ok(());
        }
        let asker = self.lane_asker(number);
        self.work(asker)
    }

    /// The lane's worker goes on.
    pub fn work(&mut self, asker: Asker) -> Result<(), Violation> {
        if self.crashes(asker) {
            return Ok(());
        }
        let Some(lane) = self
            .lanes
            .get_mut(place(asker.who))
            .filter(|lane| lane.turn == asker.turn)
        else {
            return Ok(());
        };
        let name = LaneName {
            queue: queue_id(),
            epoch: EPOCH,
            number: u16::try_from(asker.who).unwrap_or(0),
        };
        let at = START + self.agenda.now();
        let found = lane.object.look_up();
        let next = lane.object.lane().next_work(&name, at);
        self.tell_all(asker, &found)?;
        let Some(lane) = self.lanes.get_mut(place(asker.who)) else {
            return Ok(());
        };
        match next {
            None => self.rest(asker),
            Some(Work::Write(group)) => {
                lane.object.write_group(&group);
                self.judge.see(Seen::Gathered {
                    lane: name.number,
                    sequence: group.sequence,
                })?;
                self.tally.lane_rows += group.members.len() as u64 + 1;
                self.tally.groups += 1;
                self.agenda.after(WRITE_MILLIS, Happening::Work(asker));
            }
            Some(Work::Tell(outcomes)) => {
                self.tell_all(asker, &outcomes)?;
                self.agenda.after(0, Happening::Work(asker));
            }
            Some(Work::Lease {
                sequence, count, ..
            }) => {
                let sequence = u32::try_from(sequence).unwrap_or(NONE);
                self.tally.lease(self.agenda.now());
                self.call_queue(asker, Call::Lease { sequence, count });
            }
        }
        Ok(())
    }

    /// The queue's answer to a lease is there.
    pub fn leased(&mut self, asker: Asker) -> Result<(), Violation> {
        if self.crashes(asker) {
            return Ok(());
        }
        let Some(lane) = self
            .lanes
            .get_mut(place(asker.who))
            .filter(|lane| lane.turn == asker.turn)
        else {
            return Ok(());
        };
        let Some((sequence, answer)) = lane.inbox.take() else {
            return Ok(());
        };
        let (outcomes, linger) = match answer {
            Ok(Answer::Leased {
                first,
                granted,
                called,
                linger_ms,
                ..
            }) => {
                let outcomes = lane.object.lane().leased(first, granted, called);
                lane.object
                    .write_outcome(sequence, Some(first), granted, &outcomes);
                (outcomes, u64::from(linger_ms))
            }
            Err(problem) if problem.code.status() < 500 => {
                let outcomes = lane.object.lane().refused(&problem);
                lane.object.write_outcome(sequence, None, 0, &outcomes);
                (outcomes, 0)
            }
            _ => {
                self.not_leased(asker);
                return Ok(());
            }
        };
        self.tally.lane_rows += 1;
        if self.crashes(asker) {
            return Ok(());
        }
        self.tell_all(asker, &outcomes)?;
        self.agenda.after(linger, Happening::Work(asker));
        Ok(())
    }

    /// A lease got no answer.
    pub fn not_leased(&mut self, asker: Asker) {
        let lane = self
            .lanes
            .get_mut(place(asker.who))
            .filter(|lane| lane.turn == asker.turn);
        if let Some(lane) = lane {
            // The lane gives up: its memory goes.
            lane.object.crash();
            self.rest(asker);
        }
    }

    /// The worker ends; whoever still waits is told to come back.
    fn rest(&mut self, asker: Asker) {
        let Some(lane) = self.lanes.get_mut(place(asker.who)) else {
            return;
        };
        lane.working = false;
        for who in core::mem::take(&mut lane.waiting) {
            if let Some(asker) = self.no_longer_waits(who) {
                self.refuse(asker, false);
            }
        }
    }

    /// Whether the lane crashes here: memory is gone, and with it every request that waited.
    pub fn crashes(&mut self, asker: Asker) -> bool {
        if !self.chance(self.scenario.faults.crash) {
            return false;
        }
        let Some(lane) = self
            .lanes
            .get_mut(place(asker.who))
            .filter(|lane| lane.turn == asker.turn)
        else {
            return false;
        };
        self.tally.crashes += 1;
        lane.object.crash();
        lane.turn = lane.turn.wrapping_add(1) % NOBODY;
        lane.inbox = None;
        let waiting = core::mem::take(&mut lane.questions).into_waiting();
        let asking = core::mem::take(&mut lane.asking).into_iter().chain(waiting);
        let leavers = core::mem::take(&mut lane.leavers);
        self.rest(asker);
        for asker in asking {
            self.refuse(asker, false);
        }
        for leaver in leavers {
            self.dismiss(&leaver);
        }
        true
    }

    fn tell_all(&mut self, lane: Asker, outcomes: &Outcomes) -> Result<(), Violation> {
        for (id, outcome) in outcomes {
            let who = shopper_number(*id);
            let Some(asker) = self.no_longer_waits(who) else {
                continue;
            };
            match outcome {
                Ok(Heard::Index(index)) => self.tell_index(asker, *index, Row::Says)?,
                Ok(Heard::CalledUp(index)) => self.want_to_know(lane, asker, *index),
                Ok(Heard::Leaving(index)) => {
                    let index = u32::try_from(*index).unwrap_or(NONE);
                    self.finish_leaving(lane, asker, index, true);
                }
                Err(_) => self.refuse(asker, true),
            }
        }
        let shoppers = &self.shoppers;
        if let Some(lane) = self.lanes.get_mut(place(lane.who)) {
            let waits = |who: &u32| {
                shoppers
                    .get(place(*who))
                    .is_some_and(|shopper| shopper.waits_with != NOBODY)
            };
            lane.waiting.retain(waits);
        }
        Ok(())
    }

    /// Shows the judge what a shopper, or their checkout, is told.
    pub fn tell(&mut self, entry: u32, index: u32, told: Told) -> Result<(), Violation> {
        let index = index.into();
        self.judge.see(Seen::Told { entry, index, told })
    }

    fn no_longer_waits(&mut self, who: u32) -> Option<Asker> {
        let shopper = self.shoppers.get_mut(place(who))?;
        let turn = core::mem::replace(&mut shopper.waits_with, NOBODY);
        (turn != NOBODY).then_some(Asker { who, turn })
    }

    pub fn refuse(&mut self, asker: Asker, over: bool) {
        if asker.turn != NOBODY {
            let travel = self.travel();
            self.agenda
                .after(travel, Happening::NotEntered { asker, over });
        }
    }

    /// Answers an enter: from here on, the index is acknowledged.
    pub fn tell_index(
        &mut self,
        asker: Asker,
        index: u64,
        row: fn(Option<u64>) -> Row,
    ) -> Result<(), Violation> {
        let who = asker.who;
        let row = row(self.lane_index(who));
        let index = u32::try_from(index).unwrap_or(NONE);
        if self.owners.len() <= place(index) {
            self.owners.resize(place(index).saturating_add(1), NONE);
        }
        if let Some(owner) = self.owners.get_mut(place(index)) {
            *owner = who;
        }
        if asker.turn == NOBODY {
            return Ok(());
        }
        let position = Some(index.into());
        self.tell(who, index, Told::Entered { position, row })?;
        let lost = Happening::NotEntered { asker, over: false };
        self.answer(Happening::Entered { asker, index }, lost);
        Ok(())
    }
}
