//! Leaving, in its steps: the lane marks the entry, tells the queue, removes the entry, answers. It
//! may crash between any two of them; see `core/src/lane/leaving.rs` for why nothing is lost by it.

use crate::entering::{Waiter, interrupted};
use crate::message::{Asker, Call};
use crate::shopper::Stage;
use crate::world::{NONE, World, place, shopper_id};
use tidegate_core::calls::LaneReply;
use tidegate_core::client::Client;
use tidegate_core::lane::leaving::Left;
use tidegate_core::problem::{Code, Problem};
use tidegate_judge::Violation;
use tidegate_judge::event::{Event as Seen, Row, Told};

/// Of those who leave, how many enter anew.
const ANEW_SHARE: f64 = 0.3;
/// Of those whose leave is not answered, how many do not ask again.
const FORGET_SHARE: f64 = 0.3;

/// Somebody who waits at a lane until an entry has left.
pub(crate) enum Leaver {
    /// Who leaves, and the edge's call.
    Leaves(u32, Asker),
    /// Who enters anew afterwards.
    Enters(Waiter),
}

impl Leaver {
    const fn who(&self) -> u32 {
        match self {
            Self::Leaves(who, _) | Self::Enters(Waiter { who, .. }) => *who,
        }
    }

    pub const fn call(&self) -> Asker {
        match self {
            Self::Leaves(_, call) | Self::Enters(Waiter { call, .. }) => *call,
        }
    }
}

impl World {
    /// They leave in a while. Whatever they are given afterwards stands behind all that is answered
    /// by now.
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
        self.begin_anew(who);
        let after = self.rng.u64(10..20_000);
        self.later(who, after);
    }

    fn begin_anew(&mut self, who: u32) {
        self.change(who, |shopper| {
            shopper.stage = Stage::Entering;
            shopper.index = NONE;
            shopper.client = Client::new(u16::MAX);
            shopper.granted = false;
            shopper.came_back = true;
        });
    }

    /// A leave reaches its lane. It names the entry.
    pub fn leave_at_lane(&mut self, who: u32, call: Asker, index: u64) -> Result<(), Violation> {
        let number = self.lane_of(who);
        let lane = self.lane_asker(number);
        let Some(part) = self.lanes.get_mut(usize::from(number)) else {
            return Ok(());
        };
        let is_here = part.object.mark_leaving(shopper_id(who), index);
        let index = u32::try_from(index).unwrap_or(NONE);
        let leaver = Leaver::Leaves(who, call);
        if is_here {
            self.tally.lane_rows += 1;
            self.finish_leaving(lane, leaver, index);
            return Ok(());
        }
        self.tell_leaver(leaver, index, Left::Gone)
    }

    /// An entry is marked: the lane tells the queue, on behalf of who leaves it or enters anew.
    pub fn finish_leaving(&mut self, lane: Asker, leaver: Leaver, index: u32) {
        let shopper = leaver.who();
        if let Some(part) = self.lanes.get_mut(place(lane.who)) {
            part.leavers.push((leaver, index));
        }
        if self.crashes(lane) {
            return;
        }
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
        let is_of = |(leaver, of): &mut (Leaver, u32)| leaver.who() == who && *of == index;
        let leavers: Vec<_> = part.leavers.extract_if(.., is_of).collect();
        self.tally.lane_rows += 1;
        let crashes = self.crashes(lane);
        for (leaver, index) in leavers {
            if crashes {
                self.refuse(leaver.call(), interrupted());
            } else {
                self.tell_leaver(leaver, index, left)?;
            }
        }
        Ok(())
    }

    fn tell_leaver(&mut self, leaver: Leaver, index: u32, left: Left) -> Result<(), Violation> {
        match (left, leaver) {
            (Left::Unknown, leaver) => self.refuse(leaver.call(), interrupted()),
            (Left::Gone, Leaver::Enters(waiter)) => return self.arrive_at_lane(waiter),
            (Left::Stays, Leaver::Enters(waiter)) => return self.tell_still_there(waiter, index),
            (Left::Gone, Leaver::Leaves(who, call)) => {
                self.tell(who, index, Told::Left)?;
                self.reply_to_edge(call, &Ok(LaneReply::Done), 0);
            }
            (Left::Stays, Leaver::Leaves(who, call)) => {
                self.tell(who, index, Told::Kept)?;
                self.refuse(call, Problem::new(Code::Conflict, "The checkout has it."));
            }
        }
        Ok(())
    }

    /// An entry whose leave was refused is answered, unless it ended meanwhile.
    fn tell_still_there(&mut self, waiter: Waiter, index: u32) -> Result<(), Violation> {
        if self.lane_index(waiter.who) == Some(index.into()) {
            return self.tell_index(waiter, index.into(), Row::SaidBefore);
        }
        self.arrive_at_lane(waiter)
    }

    /// A leave was not answered: they ask again, or come back later as if they had never asked.
    /// Then their entry is the old one, or, if it left, another.
    pub fn not_left(&mut self, who: u32) {
        if self.chance(FORGET_SHARE) {
            self.begin_anew(who);
        }
        self.again(who);
    }
}
