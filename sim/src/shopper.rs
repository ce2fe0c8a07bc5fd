//! Shoppers: where each is, and what they do next.

use crate::message::{Asker, Happening, NOBODY};
use crate::world::{EPOCH, NONE, PATIENCE, World, place, queue_id, shopper_id};
use tidegate_core::client::{Client, Heard, Next};
use tidegate_core::edge::typed::Call;
use tidegate_core::ids::AdmissionId;
use tidegate_core::queue::Event;
use tidegate_core::token::ticket::Ticket;
use tidegate_judge::Violation;
use tidegate_judge::event::Event as Seen;

/// Of those who close the tab, how many come back, and within which time.
const RETURN_SHARE: f64 = 0.1;
const RETURN_WITHIN: u64 = 600_000;
/// The keys that a token's holder and a thief redeem it by.
const OWN_KEY: u64 = 1;
const STOLEN_KEY: u64 = 0;

/// Where a shopper is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Has not come yet, or is gone for good.
    #[default]
    Away,
    Entering,
    /// In line, polling.
    Waiting,
    /// In line, and entering a second time.
    Again,
    Claiming,
    /// Has claimed, and polls until there is something to collect.
    Present,
    /// Holds the handoff token.
    Admitted,
    /// A thief shows the same token.
    Robbed,
    Checkout,
    Leaving,
    /// Closed the tab.
    Closed,
}

impl Stage {
    /// Whether a slot would be taken by somebody in this stage.
    const fn is_willing(self) -> bool {
        matches!(
            self,
            Self::Waiting | Self::Again | Self::Claiming | Self::Present
        )
    }
}

/// One shopper.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Shopper {
    pub stage: Stage,
    /// What they will do at the checkout.
    pub plan: Plan,
    /// Will come when called.
    pub shows: bool,
    /// Has an admission, whether they know it or not.
    pub granted: bool,
    pub came_back: bool,
    pub turn: u16,
    pub edge: u16,
    pub index: u32,
    pub entered_at: u32,
    /// Their own protocol.
    pub client: Client,
    /// Hears by socket.
    pub socket: bool,
    /// How long they were in line by the answers they had.
    pub shown_for: u32,
    /// When one of their polls was answered, and the wait in seconds that it showed.
    pub shown_at: u32,
    pub shown: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Plan {
    #[default]
    Complete,
    Release,
    /// Neither: the time runs out.
    Abandon,
    /// Extend, then complete.
    Extend,
}

impl Default for Shopper {
    fn default() -> Self {
        Self {
            stage: Stage::Away,
            plan: Plan::Complete,
            shows: true,
            granted: false,
            came_back: false,
            turn: 0,
            edge: 0,
            index: NONE,
            entered_at: 0,
            client: Client::new(u16::MAX),
            socket: false,
            shown_for: 0,
            shown_at: 0,
            shown: 0,
        }
    }
}

impl World {
    /// The next shopper comes, and the one after is on the way.
    pub fn arrive(&mut self, who: u32) -> Result<(), Violation> {
        let now = self.agenda.now();
        if who + 1 < self.scenario.shoppers {
            let next = self.scenario.arrival(who + 1).saturating_sub(now);
            self.agenda.after(next, Happening::Arrive(who + 1));
        }
        let (edge, absent) = (self.any_edge(), self.scenario.absent);
        let shows = !self.chance(absent);
        let socket = self.chance(self.scenario.sockets);
        self.judge.see(Seen::Enters(who))?;
        if let Some(shopper) = self.shoppers.get_mut(place(who)) {
            (shopper.edge, shopper.shows) = (edge, shows);
            shopper.socket = socket;
            shopper.entered_at = u32::try_from(now).unwrap_or(u32::MAX);
        }
        self.stage(who, Stage::Entering);
        let asker = self.turn(who);
        self.act(asker)
    }

    /// A shopper does what is next.
    pub fn act(&mut self, asker: Asker) -> Result<(), Violation> {
        let who = asker.who;
        let Some(shopper) = self.who_asked(asker) else {
            return Ok(());
        };
        match (shopper.stage, shopper.plan) {
            (Stage::Entering | Stage::Again, _) => {
                let enter = Call::Enter {
                    queue: queue_id(),
                    shopper: shopper_id(who),
                    ticket: None,
                };
                self.call(who, enter)
            }
            (Stage::Waiting | Stage::Present, _) => self.poll(who),
            (Stage::Claiming, _) => self.call_with_ticket(who, Call::Claim),
            (Stage::Admitted, _) => self.redeem(who, OWN_KEY),
            (Stage::Robbed, _) => self.redeem(who, STOLEN_KEY),
            (Stage::Checkout, Plan::Complete) => self.at_checkout(who, Event::Complete),
            (Stage::Checkout, Plan::Release) => self.at_checkout(who, Event::Release),
            (Stage::Checkout, Plan::Extend) => self.at_checkout(who, Event::Extend),
            (Stage::Checkout, Plan::Abandon) => {
                self.gone(who);
                Ok(())
            }
            (Stage::Leaving, _) => self.call_with_ticket(who, Call::Leave),
            (Stage::Closed, _) => {
                self.stage(who, Stage::Waiting);
                self.poll(who)
            }
            (Stage::Away, _) => Ok(()),
        }
    }

    /// Makes a call that shows a shopper's ticket, by their own edge.
    pub fn call_with_ticket(
        &mut self,
        who: u32,
        call: fn(Ticket) -> Call,
    ) -> Result<(), Violation> {
        match self.ticket_of(who) {
            Some(ticket) => self.call(who, call(ticket)),
            None => Ok(()),
        }
    }

    fn call(&mut self, who: u32, call: Call) -> Result<(), Violation> {
        let edge = self.shoppers.get(place(who)).map_or(0, |one| one.edge);
        self.call_by(edge, who, call)
    }

    /// The shop's servers call, by any edge.
    fn at_checkout(
        &mut self,
        who: u32,
        event: impl FnOnce(AdmissionId) -> Event,
    ) -> Result<(), Violation> {
        let index = self.shoppers.get(place(who)).map_or(NONE, |one| one.index);
        let admission = AdmissionId {
            epoch: EPOCH,
            index: index.into(),
        };
        let edge = self.any_edge();
        let call = Call::Checkout(queue_id(), Box::new(event(admission)));
        self.call_by(edge, who, call)
    }

    fn redeem(&mut self, who: u32, key: u64) -> Result<(), Violation> {
        self.at_checkout(who, |admission| Event::Redeem {
            admission,
            idempotency_key: Some(key.to_string()),
        })
    }

    fn call_by(&mut self, edge: u16, who: u32, call: Call) -> Result<(), Violation> {
        let asker = self.turn(who);
        if self.is_lost(asker) {
            return Ok(());
        }
        self.call_edge(edge, asker, call)
    }

    /// Whether a call is lost on its way to the edge.
    pub fn is_lost(&mut self, asker: Asker) -> bool {
        let is_lost = self.chance(self.scenario.faults.loss);
        if is_lost {
            self.agenda.after(PATIENCE, Happening::Unheard(asker));
        }
        is_lost
    }

    pub fn any_edge(&mut self) -> u16 {
        self.rng.u16(..) % self.scenario.edges.max(1)
    }

    /// Begins another turn: whatever was under way for this shopper is no longer waited for.
    pub fn turn(&mut self, who: u32) -> Asker {
        let mut turn = 0;
        if let Some(shopper) = self.shoppers.get_mut(place(who)) {
            shopper.turn = shopper.turn.wrapping_add(1) % NOBODY;
            turn = shopper.turn;
        }
        Asker { who, turn }
    }

    /// The shopper who waits for what this one asked, if they still do.
    pub fn who_asked(&self, asker: Asker) -> Option<&Shopper> {
        let shopper = self.shoppers.get(place(asker.who));
        shopper.filter(|shopper| shopper.turn == asker.turn)
    }

    /// Takes in what a shopper hears of their place.
    pub fn hears(&mut self, who: u32, heard: Heard) -> Next {
        let (now, jitter) = (self.agenda.now(), self.rng.u32(..));
        let shopper = self.shoppers.get_mut(place(who));
        shopper.map_or(Next::GiveUp, |shopper| {
            shopper.client.hears(heard, now, jitter)
        })
    }

    /// What got no answer is tried again.
    pub fn again(&mut self, who: u32) {
        let jitter = self.rng.u32(..);
        if let Some(shopper) = self.shoppers.get_mut(place(who)) {
            let after = shopper.client.backoff.next(None, jitter);
            self.later(who, after);
        }
    }

    pub fn later(&mut self, who: u32, delay: u64) {
        let asker = self.turn(who);
        self.agenda.after(delay, Happening::Act(asker));
    }

    pub fn stage(&mut self, who: u32, stage: Stage) {
        self.change(who, |shopper| shopper.stage = stage);
    }

    /// Changes a shopper, and keeps count of those who would take a slot.
    pub fn change(&mut self, who: u32, change: impl FnOnce(&mut Shopper)) {
        if let Some(shopper) = self.shoppers.get_mut(place(who)) {
            let willing =
                |one: &Shopper| u64::from(one.stage.is_willing() && one.shows && !one.granted);
            let before = willing(shopper);
            change(shopper);
            self.willing = self.willing + willing(shopper) - before;
        }
    }

    pub fn gone(&mut self, who: u32) {
        self.turn(who);
        self.stage(who, Stage::Away);
        self.unfinished -= 1;
    }

    pub fn close_tab(&mut self, who: u32) {
        let came_back = self
            .shoppers
            .get(place(who))
            .is_none_or(|shopper| shopper.came_back);
        if came_back || !self.chance(RETURN_SHARE) {
            self.gone(who);
            return;
        }
        self.change(who, |shopper| {
            shopper.stage = Stage::Closed;
            shopper.came_back = true;
            shopper.shows = true;
        });
        let after = self.rng.u64(1_000..RETURN_WITHIN);
        self.later(who, after);
    }
}
