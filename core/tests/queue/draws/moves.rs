//! What shoppers and the operator of a draw do, and what the model expects to come of it.

use serde_json::json;
use tidegate_core::problem::Code;
use tidegate_core::queue::{Answer, ClaimState, Event};

use super::Op;
use super::model::{Draw, Place, SESSION_SECONDS};
use crate::world::{admission, holder, redeem};

/// The 64th of any shorter one is less than a second.
const LONGEST_SECONDS: u64 = 64;

impl Draw {
    pub fn apply(&mut self, op: &Op) {
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
            Op::Release(position) => {
                self.settle(position, |index| Event::Release(admission(index)));
            }
            Op::Seconds(seconds) => (0..seconds).for_each(|_| self.second()),
            Op::Pause | Op::Resume => self.pause(matches!(op, Op::Pause)),
            Op::Close => {
                self.world.event(Event::Close).unwrap();
                self.closed = true;
            }
            Op::Reopen => self.reopen(),
            Op::Lengthen => self.lengthen(),
            Op::Crash => self.world.queue.crash(),
        }
        self.look();
    }

    fn claim(&mut self, position: u64) {
        let Some((index, place)) = self.places.get(&position).copied() else {
            return;
        };
        let free = self.free();
        let looked = self.world.event(Event::Look(holder(index, Some(position))));
        match place {
            Place::Lapsed if free == 0 => assert_eq!(looked, Ok(Answer::Lapsed)),
            Place::Uncalled | Place::Awaited(_) | Place::Lapsed => {
                assert_eq!(looked, Ok(Answer::Nothing));
            }
            _ => {}
        }
        let answer = self
            .world
            .event(Event::Claim(holder(index, Some(position))));
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
        let state = self.world.state(index);
        let left = self
            .world
            .event(Event::Leave(holder(index, Some(position))));
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
        self.settle(position, redeem);
    }

    fn complete(&mut self, position: u64) {
        self.complete_late(position);
        self.settle(position, |index| Event::Complete(admission(index)));
    }

    /// An order that is paid after its session ran out counts only where nobody else has the place,
    /// or was promised it.
    fn complete_late(&mut self, position: u64) {
        let Some((index, Place::RanOut)) = self.places.get(&position).copied() else {
            return;
        };
        let free = self.free();
        let answer = self.world.complete(index);
        let code = answer.as_ref().err().map(|problem| problem.code);
        if free > 0 {
            assert_eq!(code, None, "{free} places are free");
            self.set(position, Place::Completed);
        } else {
            let refused = matches!(code, Some(Code::AdmissionExpired | Code::SoldOut));
            assert!(refused, "a backup counts on the place: {answer:?}");
        }
    }

    fn settle(&mut self, position: u64, event: impl FnOnce(u64) -> Event) {
        let Some((index, Place::Held)) = self.places.get(&position).copied() else {
            return;
        };
        let _ = self.world.event(event(index));
        match self.world.state(index) {
            Some(ClaimState::Completed) => {
                self.set(position, Place::Completed);
            }
            Some(state) if !state.is_live() => self.set(position, Place::Gone),
            _ => {}
        }
    }

    fn pause(&mut self, paused: bool) {
        let event = if paused { Event::Pause } else { Event::Resume };
        let answer = self.world.event(event);
        assert_eq!(answer.is_err(), self.closed, "{answer:?}");
        if !self.closed {
            self.paused = paused;
        }
        self.follow();
    }

    /// A closing is taken back while nobody was told another end.
    fn reopen(&mut self) {
        let code = self
            .world
            .event(Event::Reopen)
            .err()
            .map(|problem| problem.code);
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
        self.world.patch(patch).unwrap();
        self.window_seconds = longer;
    }
}
