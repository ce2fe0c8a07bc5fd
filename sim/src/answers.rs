//! How shoppers take what edges answer, or that nothing came.

use crate::message::Asker;
use crate::shopper::{Plan, Stage};
use crate::world::{NONE, World, place};
use tidegate_core::client::{Heard, Refusal};
use tidegate_core::edge::typed::Said;
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::Answer;
use tidegate_core::view::status::Status;
use tidegate_judge::Violation;

/// Of those who were told to wait for their admission, how many close the tab then.
const VANISH_SHARE: f64 = 0.005;

impl World {
    /// An edge's answer reaches a shopper, or their checkout.
    pub fn heard(&mut self, asker: Asker, said: u32) -> Result<(), Violation> {
        let Some(said) = self.said.take(said) else {
            return Ok(());
        };
        if self.who_asked(asker).is_none() {
            return Ok(());
        }
        let who = asker.who;
        match said {
            Ok(said) => {
                self.change(who, |shopper| shopper.client.backoff.reset());
                self.hears_answer(who, said)
            }
            Err(problem) => self.hears_refusal(who, &problem),
        }
    }

    fn hears_answer(&mut self, who: u32, said: Said) -> Result<(), Violation> {
        let shopper = self.shoppers.get(place(who));
        let Some((stage, plan)) = shopper.map(|shopper| (shopper.stage, shopper.plan)) else {
            return Ok(());
        };
        match (stage, said) {
            (Stage::Entering | Stage::Again, Said::Entered { ticket, status, .. }) => {
                let index = u32::try_from(ticket.index).unwrap_or(NONE);
                return self.entered(who, index, &status);
            }
            (Stage::Claiming, Said::Claimed(Answer::Granted(_))) => return self.granted(who),
            (
                Stage::Claiming,
                Said::Claimed(Answer::Boarding {
                    retry_after_ms,
                    server_time,
                }),
            ) => {
                self.stage(who, Stage::Present);
                let present = Heard::Present {
                    at: server_time,
                    look_after: Some(retry_after_ms),
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
            (Stage::Admitted, Said::Admission(_)) if self.chance(0.05) => {
                self.stage(who, Stage::Robbed);
                self.later(who, 100);
            }
            (Stage::Admitted, Said::Admission(_)) => return self.shop(who),
            (Stage::Checkout, Said::Admission(_)) if plan == Plan::Extend => {
                self.change(who, |shopper| shopper.plan = Plan::Complete);
                let after = self.rng.u64(0..=self.scenario.checkout / 2);
                self.later(who, after);
            }
            (Stage::Leaving, Said::Left) => self.left(who),
            _ => self.gone(who),
        }
        Ok(())
    }

    fn entered(&mut self, who: u32, index: u32, status: &Status) -> Result<(), Violation> {
        let Some(shopper) = self.shoppers.get(place(who)) else {
            return Ok(());
        };
        let (held, shows) = (shopper.index, shopper.shows);
        self.change(who, |shopper| {
            shopper.index = index;
            shopper.stage = Stage::Waiting;
        });
        if held == NONE {
            self.tally.entered += 1;
            if self.chance(self.scenario.leave) {
                let after = self.rng.u64(1_000..120_000);
                return self.give_up(who, after);
            }
            // Half of those who will not come close the tab at once, the others when they are
            // called.
            if !shows && self.rng.bool() {
                self.close_tab(who);
                return Ok(());
            }
        }
        self.sees(who, status);
        Ok(())
    }

    fn granted(&mut self, who: u32) -> Result<(), Violation> {
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
        Ok(())
    }

    /// Their token is redeemed, and they are at the checkout.
    fn shop(&mut self, who: u32) -> Result<(), Violation> {
        self.stage(who, Stage::Checkout);
        if self.chance(self.scenario.leave) {
            return self.give_up(who, 300);
        }
        let mean = self.scenario.checkout;
        let after = self.rng.u64(mean / 2..=mean + mean / 2);
        self.later(who, after);
        Ok(())
    }

    fn hears_refusal(&mut self, who: u32, problem: &Problem) -> Result<(), Violation> {
        let stage = self.shoppers.get(place(who)).map(|shopper| shopper.stage);
        let is_final = problem.code.status() < 500;
        match stage {
            // The ticket in hand is still good.
            Some(Stage::Again) => {
                self.stage(who, Stage::Waiting);
                self.again(who);
            }
            Some(Stage::Waiting | Stage::Present) => {
                let next = self.hears(who, Heard::Refused(refusal(problem)));
                self.does(who, next);
            }
            Some(Stage::Claiming) if is_final => {
                let reopens = problem.code == Code::QueueClosed && self.closes_for_a_while();
                if problem.code.status() == 409 || reopens {
                    let next = self.hears(who, Heard::Refused(Refusal::of(409)));
                    self.stage(who, Stage::Waiting);
                    self.does(who, next);
                } else {
                    self.gone(who);
                }
            }
            // The thief's token is not taken.
            Some(Stage::Robbed) if is_final => return self.shop(who),
            Some(Stage::Leaving) if problem.code == Code::Conflict => {
                self.stage(who, Stage::Checkout);
                let after = self.rng.u64(0..=self.scenario.checkout);
                self.later(who, after);
            }
            Some(Stage::Leaving) => self.not_left(who),
            _ if is_final => self.gone(who),
            _ => self.again(who),
        }
        Ok(())
    }

    /// No answer came.
    pub fn unheard(&mut self, asker: Asker) {
        if let Some(shopper) = self.who_asked(asker) {
            match shopper.stage {
                Stage::Leaving => self.not_left(asker.who),
                _ => self.again(asker.who),
            }
        }
    }
}

fn refusal(problem: &Problem) -> Refusal {
    let after = problem.retry_after_seconds;
    Refusal {
        status: Some(problem.code.status()),
        retry_after: after.map(|seconds| u64::from(seconds) * 1_000),
        is_full: problem.code == Code::QueueFull,
    }
}
