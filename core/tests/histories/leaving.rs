//! Leaving in a world, in its steps: the lane marks the entry, tells the queue, and removes the
//! entry. Each message may be lost, late or doubled, and who is between two steps may die.

use tidegate_core::ids::ShopperId;
use tidegate_core::lane::leaving::Left;
use tidegate_core::queue::event::Holder;
use tidegate_core::queue::{ClaimState, Event};
use tidegate_sim::queue_object::Crash;

use crate::world::{EPOCH, Fate, Late, World};

impl World {
    /// A shopper sends a leave.
    pub fn leave(&mut self, shopper: ShopperId, fate: Fate) {
        let Some(index) = self.tickets.get(&shopper).copied() else {
            return;
        };
        if fate == Fate::RetriedMeanwhile {
            // To the lane it is late, and the shopper asks again meanwhile.
            self.late.push_back(Late::Leave(shopper, index));
        }
        self.leave_at_lane(shopper, index, fate);
    }

    /// A leave reaches its lane.
    pub fn leave_at_lane(&mut self, shopper: ShopperId, index: u64, fate: Fate) {
        let at = self.lane_of(shopper);
        if !self.lanes[at].mark_leaving(shopper, index) {
            let claim = self.queue.claim(index).unwrap();
            assert!(!claim.state.is_live(), "{index} is answered as left");
            return;
        }
        if fate == Fate::LaneDies {
            self.crash_lane(at);
            return;
        }
        self.finish_leaving(shopper, index, fate);
    }

    /// The lane tells the queue, and writes what came of it.
    fn finish_leaving(&mut self, shopper: ShopperId, index: u64, fate: Fate) -> Left {
        let leave = || {
            Event::Leave(Holder {
                epoch: EPOCH,
                index,
                position: None,
                shopper,
            })
        };
        let answer = self.ask_queue(fate, leave);
        if fate == Fate::Twice {
            assert_eq!(
                self.event(leave(), Crash::None),
                answer,
                "repeating it changed it"
            );
        }
        if fate == Fate::ReplyLost {
            // The lane dies with it.
            let at = self.lane_of(shopper);
            self.crash_lane(at);
            return Left::Unknown;
        }
        let left = answer.as_ref().map_or(Left::Unknown, Left::of);
        let at = self.lane_of(shopper);
        let state = self.queue.claim(index).map(|claim| claim.state);
        match left {
            Left::Gone => {
                assert!(state.is_some_and(|state| !state.is_live()));
                self.forget(shopper, index);
            }
            Left::Stays => {
                assert_eq!(state, Some(ClaimState::Redeemed), "{answer:?}");
                self.lanes[at].stay(shopper, index);
            }
            Left::Unknown => {}
        }
        left
    }

    /// Who enters with an entry that is leaving finishes that first.
    pub fn enter_leaving(&mut self, shopper: ShopperId, index: u64) {
        match self.finish_leaving(shopper, index, Fate::Done) {
            Left::Gone => self.enter(shopper),
            Left::Stays => self.acknowledge(shopper, index),
            Left::Unknown => panic!("nothing was lost"),
        }
    }

    /// The lane removes an entry that stands for nothing any more; its ticket is good for nothing.
    pub fn forget(&mut self, shopper: ShopperId, index: u64) {
        let at = self.lane_of(shopper);
        self.lanes[at].forget(shopper, index);
        if self.tickets.get(&shopper) == Some(&index) {
            self.tickets.remove(&shopper);
        }
    }
}
