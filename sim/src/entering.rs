//! Lanes as objects: what an enter meets there, and the worker that writes and leases groups.

use std::collections::BTreeMap;

use crate::lane_object::LaneObject;
use crate::leaving::Leaver;
use crate::message::{Asker, Call, Happening, NOBODY};
use crate::world::{EPOCH, NONE, START, World, place, queue_id, shopper_id, shopper_number};
use tidegate_core::calls::{LaneCall, LaneName, LaneReply, Reply};
use tidegate_core::lane::questions::Questions;
use tidegate_core::lane::{Heard, Outcomes, Work};
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::Answer;
use tidegate_core::queue::event::Called;
use tidegate_core::wire;
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
    /// The edges' calls that wait here, by shopper.
    waiting: BTreeMap<u32, Vec<Waiter>>,
    /// Which entries the queue is asked about when, and for whom it is asked now.
    pub questions: Questions<Waiter>,
    pub asking: Vec<(u32, Waiter)>,
    /// Who waits until an entry has left.
    pub leavers: Vec<(Leaver, u32)>,
    /// The answer to the lease of this group.
    pub inbox: Option<(u64, Result<Answer, Problem>)>,
}

/// An edge's call that waits for a shopper's index.
#[derive(Clone, Copy)]
pub(crate) struct Waiter {
    pub who: u32,
    pub call: Asker,
    called: Called,
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

    /// An edge's call reaches a lane.
    pub fn at_lane(&mut self, call: Asker, letter: u32) -> Result<(), Violation> {
        let text = self.letters.take(letter).unwrap_or_default();
        self.tally.lane_request(self.agenda.now());
        match wire::read(&text) {
            Ok(LaneCall::Enter {
                lane,
                shopper,
                called,
                refusal,
                as_of,
            }) => {
                let now = START + self.agenda.now();
                if let Some(part) = self.lanes.get_mut(usize::from(lane.number)) {
                    part.object.lane().heed(refusal, as_of, now);
                }
                let who = shopper_number(shopper);
                self.arrive_at_lane(Waiter { who, call, called })
            }
            Ok(LaneCall::Leave { shopper, index, .. }) => {
                self.leave_at_lane(shopper_number(shopper), call, index)
            }
            _ => Ok(()),
        }
    }

    /// An enter waits at its lane until it is looked up or, where there is no entry, its group is
    /// through.
    pub fn arrive_at_lane(&mut self, waiter: Waiter) -> Result<(), Violation> {
        let number = self.lane_of(waiter.who);
        let Some(lane) = self.lanes.get_mut(usize::from(number)) else {
            return Ok(());
        };
        let shopper = shopper_id(waiter.who);
        if let Err(problem) = lane.object.lane().arrive(shopper, waiter.called) {
            self.refuse(waiter.call, problem);
            return Ok(());
        }
        if waiter.call.turn != NOBODY {
            lane.waiting.entry(waiter.who).or_default().push(waiter);
        }
        self.begin_work(number)
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

    /// The worker ends; who still waits is told to come back.
    fn rest(&mut self, asker: Asker) {
        let Some(lane) = self.lanes.get_mut(place(asker.who)) else {
            return;
        };
        lane.working = false;
        let waiting = core::mem::take(&mut lane.waiting);
        for waiter in waiting.into_values().flatten() {
            self.refuse(waiter.call, interrupted());
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
        let asking = core::mem::take(&mut lane.asking).into_iter();
        let asking = asking.map(|(_, waiter)| waiter).chain(waiting);
        let leavers = core::mem::take(&mut lane.leavers);
        self.rest(asker);
        for waiter in asking {
            self.refuse(waiter.call, interrupted());
        }
        for (leaver, _) in leavers {
            self.refuse(leaver.call(), interrupted());
        }
        true
    }

    fn tell_all(&mut self, lane: Asker, outcomes: &Outcomes) -> Result<(), Violation> {
        for (id, outcome) in outcomes {
            let part = self.lanes.get_mut(place(lane.who));
            let waiting = part.and_then(|part| part.waiting.remove(&shopper_number(*id)));
            for waiter in waiting.unwrap_or_default() {
                match outcome {
                    Ok(Heard::Index(index)) => self.tell_index(waiter, *index, Row::Says)?,
                    Ok(Heard::CalledUp(index)) => self.want_to_know(lane, waiter, *index),
                    Ok(Heard::Leaving(index)) => {
                        let index = u32::try_from(*index).unwrap_or(NONE);
                        self.finish_leaving(lane, Leaver::Enters(waiter), index);
                    }
                    Err(problem) => self.refuse(waiter.call, problem.clone()),
                }
            }
        }
        Ok(())
    }

    /// Shows the judge what a shopper, or their checkout, is told.
    pub fn tell(&mut self, entry: u32, index: u32, told: Told) -> Result<(), Violation> {
        let index = index.into();
        self.judge.see(Seen::Told { entry, index, told })
    }

    /// Tells an edge why there is no index.
    pub fn refuse(&mut self, call: Asker, problem: Problem) {
        self.reply_to_edge(call, &Reply::<LaneReply>::Err(problem), 0);
    }

    /// Answers an enter: from here on, the index is acknowledged.
    pub fn tell_index(
        &mut self,
        waiter: Waiter,
        index: u64,
        row: fn(Option<u64>) -> Row,
    ) -> Result<(), Violation> {
        let Waiter { who, call, .. } = waiter;
        let row = row(self.lane_index(who));
        let number = u32::try_from(index).unwrap_or(NONE);
        if self.owners.len() <= place(number) {
            self.owners.resize(place(number).saturating_add(1), NONE);
        }
        if let Some(owner) = self.owners.get_mut(place(number)) {
            *owner = who;
        }
        let position = Some(index);
        self.tell(who, number, Told::Entered { position, row })?;
        let lane = usize::from(self.lane_of(who));
        let lane = self.lanes.get_mut(lane);
        let boarding = lane.map_or(0, |lane| lane.object.lane().called().boarding);
        let reply = LaneReply::Entered {
            index,
            boarding,
            receipt: None,
        };
        self.reply_to_edge(call, &Ok(reply), 0);
        Ok(())
    }
}

/// The refusal where a lane's work broke off.
pub(crate) fn interrupted() -> Problem {
    Problem::new(Code::ServiceUnavailable, "Interrupted; try again.")
}
