//! Entries that were called up and are entered again: the lane asks the queue whether they stand,
//! when [`Questions`](tidegate_core::lane::questions::Questions) says so.

use crate::entering::{Waiter, interrupted};
use crate::message::{Asker, Call, Happening};
use crate::world::{NONE, START, World, place, shopper_id};
use tidegate_judge::Violation;
use tidegate_judge::event::Row;

impl World {
    /// Somebody enters with an entry that was called up.
    pub fn want_to_know(&mut self, lane: Asker, waiter: Waiter, index: u64) {
        let now = self.agenda.now();
        let Some(part) = self.lanes.get_mut(place(lane.who)) else {
            return;
        };
        match part.questions.want(index, waiter, START + now) {
            Ok(Some(at)) => {
                let index = u32::try_from(index).unwrap_or(NONE);
                let shopper = waiter.who;
                let ask = Happening::AskAbout {
                    lane,
                    shopper,
                    index,
                };
                self.agenda.after(at - START - now, ask);
            }
            Ok(None) => {}
            Err(problem) => self.refuse(waiter.call, problem),
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
        part.asking
            .extend(waiting.into_iter().map(|waiter| (index, waiter)));
        self.call_queue(lane, Call::Stands { shopper, index });
    }

    /// The queue's answer about an entry is there.
    pub fn stood(
        &mut self,
        lane: Asker,
        shopper: u32,
        index: u32,
        stands: bool,
    ) -> Result<(), Violation> {
        let part = self.lanes.get_mut(place(lane.who));
        if let (Some(part), false) = (part.filter(|part| part.turn == lane.turn), stands) {
            part.object.forget(shopper_id(shopper), index.into());
        }
        for waiter in self.asked(lane, index) {
            if stands {
                self.tell_index(waiter, index.into(), Row::SaidBefore)?;
            } else {
                self.arrive_at_lane(waiter)?;
            }
        }
        Ok(())
    }

    /// The queue could not be asked about an entry.
    pub fn not_stood(&mut self, lane: Asker, index: u32) {
        for waiter in self.asked(lane, index) {
            self.refuse(waiter.call, interrupted());
        }
    }

    /// For whom the queue was asked.
    fn asked(&mut self, lane: Asker, index: u32) -> Vec<Waiter> {
        let part = self.lanes.get_mut(place(lane.who));
        let part = part.filter(|part| part.turn == lane.turn);
        part.map_or_else(Vec::new, |part| {
            let is_of = |(of, _): &mut (u32, Waiter)| *of == index;
            let asked = part.asking.extract_if(.., is_of);
            asked.map(|(_, waiter)| waiter).collect()
        })
    }
}
