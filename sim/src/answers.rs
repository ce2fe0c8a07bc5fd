//! How shoppers take what lanes, the Queue object and their checkout answer, or that nothing came.

use crate::message::{Asker, Call, Reply};
use crate::shopper::{Plan, Stage};
use crate::world::{NONE, START, World};
use tidegate_core::client::{Heard, Refusal};
use tidegate_core::lane::leaving::Left;
use tidegate_judge::Violation;
use tidegate_judge::event::Told;

/// Of those who were told to wait for their admission, how many close the tab then.
const VANISH_SHARE: f64 = 0.005;

impl World {
    /// A lane gave an index.
    pub fn entered(&mut self, asker: Asker, index: u32) -> Result<(), Violation> {
        let who = asker.who;
        let Some(shopper) = self.who_asked(asker) else {
            return Ok(());
        };
        let (held, edge, shows) = (shopper.index, shopper.edge, shopper.shows);
        let boarding = self.lane_boarding(who);
        self.boarding_is(edge, boarding);
        self.change(who, |shopper| {
            shopper.index = index;
            shopper.stage = Stage::Waiting;
        });
        if held == NONE {
            self.tally.entered += 1;
        }
        let leaves = held == NONE && self.chance(self.scenario.leave);
        if leaves {
            let after = self.rng.u64(1_000..120_000);
            return self.give_up(who, after);
        }
        // Half of those who will not come close the tab at once, the others when they are called.
        if !shows && held == NONE && self.rng.bool() {
            self.close_tab(who);
            return Ok(());
        }
        // The answer to the enter says it, from where the enter was.
        self.show_status(who, false)
    }

    /// A lane gave no index: try again, or not.
    pub fn not_entered(&mut self, asker: Asker, over: bool) {
        let Some(shopper) = self.who_asked(asker) else {
            return;
        };
        if shopper.stage == Stage::Again {
            // The ticket in hand is still good.
            self.stage(asker.who, Stage::Waiting);
        } else if over {
            self.gone(asker.who);
            return;
        }
        self.again(asker.who);
    }

    /// The Queue object answers a shopper, or their checkout.
    pub fn answered(&mut self, asker: Asker, reply: Reply) -> Result<(), Violation> {
        let who = asker.who;
        let Some(shopper) = self.who_asked(asker) else {
            return Ok(());
        };
        let (stage, plan, edge, index) = (shopper.stage, shopper.plan, shopper.edge, shopper.index);
        self.change(who, |shopper| shopper.client.backoff.reset());
        match (stage, reply) {
            (Stage::Claiming, Reply::Granted) => {
                self.boarding_is(edge, u64::from(index) + 1);
                let plan = match self.rng.u8(0..100) {
                    0..70 => Plan::Complete,
                    70..82 => Plan::Release,
                    82..90 => Plan::Abandon,
                    _ => Plan::Extend,
                };
                self.change(who, |shopper| {
                    shopper.stage = Stage::Admitted;
                    shopper.plan = plan;
                });
                // A few never get as far as the checkout.
                if self.chance(0.02) {
                    self.gone(who);
                } else if self.chance(self.scenario.leave) {
                    return self.give_up(who, 300);
                } else {
                    let after = self.rng.u64(500..4_000);
                    self.later(who, after);
                }
            }
            (Stage::Claiming, Reply::Boarding { at }) => {
                self.boarding_is(edge, u64::from(index) + 1);
                self.stage(who, Stage::Present);
                let present = Heard::Present {
                    at: START + u64::from(at),
                    look_after: Some(2_000),
                };
                let next = self.hears(who, present);
                if self.chance(VANISH_SHARE) {
                    self.close_tab(who);
                } else if self.chance(self.scenario.leave) {
                    return self.give_up(who, 500);
                } else {
                    self.does(who, next);
                }
            }
            (Stage::Claiming, Reply::NotYet) => return self.tell(who, index, Told::NotCalled),
            (Stage::Claiming, Reply::Later) => {
                let next = self.hears(who, Heard::Refused(Refusal::of(409)));
                self.stage(who, Stage::Waiting);
                self.does(who, next);
            }
            (Stage::Admitted, Reply::Done) if self.chance(0.05) => {
                self.stage(who, Stage::Robbed);
                self.later(who, 100);
            }
            (Stage::Admitted, Reply::Done) | (Stage::Robbed, Reply::Over) => {
                self.stage(who, Stage::Checkout);
                if self.chance(self.scenario.leave) {
                    return self.give_up(who, 300);
                }
                let mean = self.scenario.checkout;
                let after = self.rng.u64(mean / 2..=mean + mean / 2);
                self.later(who, after);
            }
            (Stage::Checkout, Reply::Done) if plan == Plan::Extend => {
                self.change(who, |shopper| shopper.plan = Plan::Complete);
                let after = self.rng.u64(0..=self.scenario.checkout / 2);
                self.later(who, after);
            }
            (Stage::Leaving, Reply::Done) => self.left(who),
            (Stage::Leaving, Reply::Kept) => {
                self.stage(who, Stage::Checkout);
                let after = self.rng.u64(0..=self.scenario.checkout);
                self.later(who, after);
            }
            _ => self.gone(who),
        }
        Ok(())
    }

    /// The Queue object did not answer.
    pub fn unanswered(&mut self, asker: Asker, call: Call) -> Result<(), Violation> {
        match call {
            Call::Lease { .. } => self.not_leased(asker),
            Call::Stands { shopper } => self.not_stood(asker, shopper),
            Call::Leave { shopper, index } => {
                return self.left_at_queue(asker, shopper, index, Left::Unknown);
            }
            Call::View => self.not_viewed(asker),
            // The platform fires an alarm that failed again; the operator sees to their own.
            Call::Wake | Call::Forge | Call::Operate { .. } => {}
            _ => {
                if self.who_asked(asker).is_some() {
                    self.again(asker.who);
                }
            }
        }
        Ok(())
    }
}
