//! Leaving, in its steps: the lane marks the entry, tells the queue, removes the entry, answers. It may crash
//! between any two of them; see `core/src/lane/leaving.rs` for why nothing is lost by it.

use crate::message::{Asker, Call, Happening, NOBODY, Reply};
use crate::shopper::Stage;
use crate::world::{NONE, World, place, shopper_id};
use tidegate_core::client::Client;
use tidegate_core::lane::leaving::Left;
use tidegate_judge::Violation;
use tidegate_judge::event::{Event as Seen, Row, Told};

/// Of those who leave, how many enter anew.
const ANEW_SHARE: f64 = 0.3;
/// Of those whose leave is not answered, how many do not ask again.
const FORGET_SHARE: f64 = 0.3;

/// Somebody who waits at a lane until an entry has left.
pub(crate) struct Leaver {
    asker: Asker,
    index: u32,
    /// They enter anew afterwards.
    enters: bool,
}

impl World {
    /// They leave in a while. Whatever they are given afterwards stands behind all that is answered by now.
    pub fn give_up(&mut self, who: u32, after: u64) -> Result<(), Violation> {
        self.stage(who, Stage::Leaving);
        self.later(who, after);
        self.judge.see(Seen::Enters(who))
    }

    pub fn left(&mut self, who: u32) {
        if !self.chance(ANEW_SHARE) {
            self.gone(who);
            return;
        }
        self.change(who, |shopper| {
            shopper.stage = Stage::Entering;
            shopper.index = NONE;
            shopper.client = Client::new(u16::MAX);
            shopper.granted = false;
            shopper.came_back = true;
        });
        let after = self.rng.u64(10..20_000);
        self.later(who, after);
    }

    /// Sends a shopper's leave to their lane. It names the entry.
    pub fn leave(&mut self, who: u32) {
        let asker = self.turn(who);
        let index = self
            .shoppers
            .get(place(who))
            .map_or(0, |shopper| shopper.index);
        let copy = Asker {
            turn: NOBODY,
            ..asker
        };
        self.send(
            Happening::LeaveAtLane { asker, index },
            Happening::LeaveAtLane { asker: copy, index },
            Happening::NotLeft(asker),
        );
    }

    /// A leave reaches its lane.
    pub fn leave_at_lane(&mut self, asker: Asker, index: u32) -> Result<(), Violation> {
        let number = self.lane_of(asker.who);
        let lane = self.lane_asker(number);
        self.tally.lane_request(self.agenda.now());
        let Some(part) = self.lanes.get_mut(usize::from(number)) else {
            return Ok(());
        };
        if part
            .object
            .mark_leaving(shopper_id(asker.who), index.into())
        {
            self.tally.lane_rows += 1;
            self.finish_leaving(lane, asker, index, false);
            return Ok(());
        }
        let leaver = Leaver {
            asker,
            index,
            enters: false,
        };
        self.tell_leaver(&leaver, Left::Gone)
    }

    /// An entry is marked: the lane tells the queue, on behalf of who leaves it or enters anew.
    pub fn finish_leaving(&mut self, lane: Asker, asker: Asker, index: u32, enters: bool) {
        if let Some(part) = self.lanes.get_mut(place(lane.who)) {
            part.leavers.push(Leaver {
                asker,
                index,
                enters,
            });
        }
        if self.crashes(lane) {
            return;
        }
        let shopper = asker.who;
        self.call_queue(lane, Call::Leave { shopper, index });
    }

    /// The queue's answer to a lane's leave is there.
    pub fn left_at_queue(
        &mut self,
        lane: Asker,
        who: u32,
        index: u32,
        left: Left,
    ) -> Result<(), Violation> {
        if self.crashes(lane) {
            return Ok(());
        }
        let part = self.lanes.get_mut(place(lane.who));
        let Some(part) = part.filter(|part| part.turn == lane.turn) else {
            return Ok(());
        };
        match left {
            Left::Gone => part.object.forget(shopper_id(who), index.into()),
            Left::Stays => part.object.stay(shopper_id(who), index.into()),
            Left::Unknown => {}
        }
        let is_of = |one: &mut Leaver| one.asker.who == who && one.index == index;
        let leavers: Vec<Leaver> = part.leavers.extract_if(.., is_of).collect();
        self.tally.lane_rows += 1;
        if self.crashes(lane) {
            for leaver in leavers {
                self.dismiss(&leaver);
            }
            return Ok(());
        }
        for leaver in leavers {
            self.tell_leaver(&leaver, left)?;
        }
        Ok(())
    }

    fn tell_leaver(&mut self, leaver: &Leaver, left: Left) -> Result<(), Violation> {
        let Leaver {
            asker,
            index,
            enters,
        } = *leaver;
        match (left, enters) {
            (Left::Unknown, _) => self.dismiss(leaver),
            (Left::Gone, true) => return self.at_lane(asker),
            (Left::Stays, true) => return self.tell_still_there(asker, index),
            (Left::Gone, false) => {
                self.tell(asker.who, index, Told::Left)?;
                self.tell_left(asker, Reply::Done);
            }
            (Left::Stays, false) => {
                self.tell(asker.who, index, Told::Kept)?;
                self.tell_left(asker, Reply::Kept);
            }
        }
        Ok(())
    }

    /// An entry whose leave was refused is answered, unless it ended meanwhile.
    fn tell_still_there(&mut self, asker: Asker, index: u32) -> Result<(), Violation> {
        if self.lane_index(asker.who) == Some(index.into()) {
            return self.tell_index(asker, index.into(), Row::SaidBefore);
        }
        self.at_lane(asker)
    }

    fn tell_left(&mut self, asker: Asker, reply: Reply) {
        if asker.turn != NOBODY {
            self.answer(Happening::Answered(asker, reply), Happening::NotLeft(asker));
        }
    }

    /// Who waited hears that it is not known.
    pub fn dismiss(&mut self, leaver: &Leaver) {
        if leaver.enters {
            self.refuse(leaver.asker, false);
        } else if leaver.asker.turn != NOBODY {
            let travel = self.travel();
            self.agenda.after(travel, Happening::NotLeft(leaver.asker));
        }
    }

    /// A leave was not answered: they ask again, or come back later as if they had never asked. Then their
    /// entry is the old one, or, if it left, another.
    pub fn not_left(&mut self, asker: Asker) {
        if self.who_asked(asker).is_none() {
            return;
        }
        if self.chance(FORGET_SHARE) {
            self.change(asker.who, |shopper| {
                shopper.stage = Stage::Entering;
                shopper.index = NONE;
                shopper.client = Client::new(u16::MAX);
                shopper.granted = false;
                shopper.came_back = true;
            });
        }
        self.again(asker.who);
    }
}
