//! Entries that were called up and are entered again: the lane asks the queue whether they stand, when
//! [`Questions`](tidegate_core::lane::questions::Questions) says so.

use crate::message::{Asker, Call, Happening};
use crate::world::{NONE, START, World, place, shopper_id};
use tidegate_judge::Violation;
use tidegate_judge::event::Row;

impl World {
    /// Somebody enters with an entry that was called up.
    pub fn want_to_know(&mut self, lane: Asker, asker: Asker, index: u64) {
        let now = self.agenda.now();
        let Some(part) = self.lanes.get_mut(place(lane.who)) else {
            return;
        };
        match part.questions.want(index, asker, START + now) {
            Ok(Some(at)) => {
                let index = u32::try_from(index).unwrap_or(NONE);
                let shopper = asker.who;
                let ask = Happening::AskAbout {
                    lane,
                    shopper,
                    index,
                };
                self.agenda.after(at - START - now, ask);
            }
            Ok(None) => {}
            Err(_) => self.refuse(asker, false),
        }
    }

    /// Asks the queue whether an entry stands, for all who want to know by now.
    pub fn ask_about(&mut self, lane: Asker, shopper: u32, index: u32) {
        let now = START + self.agenda.now();
        let part = self.lanes.get_mut(place(lane.who));
        let Some(part) = part.filter(|part| part.turn == lane.turn) else {
            return;
        };
        let waiting = part.questions.begin(index.into(), now);
        part.asking.extend(waiting);
        self.call_queue(lane, Call::Stands { shopper });
    }

    /// The queue's answer about an entry is there.
    pub fn stood(&mut self, lane: Asker, who: u32, stands: bool) -> Result<(), Violation> {
        let index = self.lane_index(who);
        if let (Some(index), false) = (index, stands)
            && let Some(part) = self.lanes.get_mut(place(lane.who))
            && part.turn == lane.turn
            && part.asking.iter().any(|asker| asker.who == who)
        {
            part.object.forget(shopper_id(who), index);
        }
        for asker in self.asked(lane, who) {
            match index {
                Some(index) if stands => self.tell_index(asker, index, Row::SaidBefore)?,
                _ => self.at_lane(asker)?,
            }
        }
        Ok(())
    }

    /// The queue could not be asked about an entry.
    pub fn not_stood(&mut self, lane: Asker, who: u32) {
        for asker in self.asked(lane, who) {
            self.refuse(asker, false);
        }
    }

    /// For whom the queue was asked.
    fn asked(&mut self, lane: Asker, who: u32) -> Vec<Asker> {
        let part = self.lanes.get_mut(place(lane.who));
        let part = part.filter(|part| part.turn == lane.turn);
        part.map_or_else(Vec::new, |part| {
            let is_of = |asker: &mut Asker| asker.who == who;
            part.asking.extract_if(.., is_of).collect()
        })
    }
}
