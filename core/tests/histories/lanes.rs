//! The lanes of a world, and what becomes of each step of their work.

use tidegate_core::calls::LaneName;
use tidegate_core::fair::Root;
use tidegate_core::ids::ShopperId;
use tidegate_core::lane::{Heard, Outcomes, Work};
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::{Answer, Event};
use tidegate_judge::event::Event as Seen;
use tidegate_sim::lane_object;
use tidegate_sim::queue_object::Crash;

use crate::world::{EPOCH, Fate, Late, World, entry};

impl World {
    /// Memory is gone, and with it every request that waited.
    pub fn crash_lane(&mut self, at: usize) {
        self.lanes[at].crash();
        self.waiting[at].clear();
    }

    pub fn lane_of(&self, shopper: ShopperId) -> usize {
        usize::from(shopper.lane(u16::try_from(self.lanes.len()).unwrap()))
    }

    pub fn enter(&mut self, shopper: ShopperId) {
        let at = self.lane_of(shopper);
        let called = self.queue.machine().unwrap().head().called();
        self.lanes[at].lane().arrive(shopper, called).unwrap();
        self.waiting[at].push(shopper);
        self.sent.insert(shopper);
        if self.asked.insert(shopper) {
            self.see(Seen::Enters(entry(shopper)));
        }
    }

    /// An entry that was called up stands, or its shopper enters anew.
    fn enter_called_up(&mut self, shopper: ShopperId, index: u64) {
        let stands = Event::Stands {
            epoch: EPOCH,
            index,
        };
        match self.event(stands, Crash::None) {
            Some(Ok(Answer::Stands(true))) => self.acknowledge(shopper, index),
            Some(Ok(Answer::Stands(false))) => {
                self.forget(shopper, index);
                self.enter(shopper);
            }
            other => panic!("{other:?}"),
        }
    }

    pub fn work(&mut self, at: usize, fate: Fate) {
        let found = self.lanes[at].look_up();
        self.tell(at, found);
        let name = LaneName {
            queue: "history".parse().unwrap(),
            epoch: EPOCH,
            number: u16::try_from(at).unwrap(),
        };
        match self.lanes[at].lane().next_work(&name, self.now) {
            None => {}
            Some(Work::Write(group)) => {
                self.record.written(name.number, &group);
                self.lanes[at].write_group(&group);
                self.see(Seen::Gathered {
                    lane: name.number,
                    sequence: group.sequence,
                });
                if fate == Fate::LaneDies {
                    self.crash_lane(at);
                }
            }
            Some(Work::Tell(outcomes)) => self.tell(at, outcomes),
            Some(Work::Lease {
                sequence,
                count,
                root,
            }) => self.lease(at, (sequence, count, root), fate),
        }
    }

    pub fn work_off(&mut self) {
        for at in 0..self.lanes.len() {
            // A group pending, and one gathering: each is written and leased.
            for _ in 0..4 {
                self.work(at, Fate::Done);
            }
            assert!(
                self.waiting[at].is_empty(),
                "somebody still waits for an answer"
            );
        }
    }

    /// What the queue answers to a lane's message, where its answer comes.
    pub fn ask_queue(
        &mut self,
        fate: Fate,
        message: impl Fn() -> Event,
    ) -> Option<Result<Answer, Problem>> {
        let crash = match fate {
            Fate::RequestLost => return None,
            Fate::RequestLate => {
                self.late.push_back(Late::AtQueue(Box::new(message())));
                return None;
            }
            Fate::QueueDiesBefore => Crash::BeforeWriting,
            Fate::QueueDiesAfter => Crash::AfterWriting,
            _ => Crash::None,
        };
        self.event(message(), crash)
    }

    fn lease(&mut self, at: usize, (sequence, count, root): (u64, u32, Root), fate: Fate) {
        let lane = u16::try_from(at).unwrap();
        let lease = || Event::Lease {
            epoch: EPOCH,
            lane,
            sequence,
            count,
            root,
        };
        let answer = self.ask_queue(fate, lease);
        if fate == Fate::Twice {
            let again = self.event(lease(), Crash::None);
            if let (
                Some(Ok(Answer::Leased { first, granted, .. })),
                Some(Ok(Answer::Leased {
                    first: f,
                    granted: g,
                    ..
                })),
            ) = (&answer, &again)
            {
                assert_eq!(
                    (first, granted),
                    (f, g),
                    "a repeated lease got another range"
                );
            }
        }
        if fate == Fate::LaneDies {
            self.crash_lane(at);
            return;
        }
        if fate == Fate::RetriedMeanwhile {
            let mut retrying: Vec<ShopperId> = self.sent.iter().copied().collect();
            retrying.retain(|who| self.lane_of(*who) == at && !self.waiting[at].contains(who));
            for shopper in retrying {
                self.enter(shopper);
            }
        }
        let object = &mut self.lanes[at];
        match answer.filter(|_| fate != Fate::ReplyLost) {
            Some(Ok(Answer::Leased {
                first,
                granted,
                called,
                ..
            })) => {
                let outcomes = object.lane().leased(first, granted, called);
                object.write_outcome(sequence, Some(first), granted, &outcomes);
                for (shopper, _) in &outcomes {
                    assert!(
                        self.sent.contains(shopper),
                        "an index that nobody asked for"
                    );
                }
                self.tell(at, outcomes);
            }
            Some(Err(problem)) => {
                let outcomes = object.lane().refused(&problem);
                object.write_outcome(sequence, None, 0, &outcomes);
                self.tell(at, outcomes);
            }
            Some(other) => panic!("{other:?}"),
            None => {
                // The lane gives up: who waits is told to come back, and its memory goes.
                self.crash_lane(at);
            }
        }
        let ranges = lane_object::ranges(self.lanes.iter());
        self.see(Seen::Lanes(&ranges));
    }

    fn tell(&mut self, at: usize, outcomes: Outcomes) {
        for (shopper, outcome) in outcomes {
            let waited = self.waiting[at].contains(&shopper);
            self.waiting[at].retain(|waiting| *waiting != shopper);
            if !outcome
                .as_ref()
                .is_err_and(|problem| problem.code == Code::ServiceUnavailable)
            {
                self.sent.remove(&shopper);
            }
            match outcome {
                Ok(Heard::Index(index)) if waited => self.acknowledge(shopper, index),
                Ok(Heard::CalledUp(index)) if waited => self.enter_called_up(shopper, index),
                Ok(Heard::Leaving(index)) if waited => self.enter_leaving(shopper, index),
                _ => {}
            }
        }
    }
}
