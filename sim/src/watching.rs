//! What shoppers see while they wait, and how honest it was.

use crate::message::{Asker, Happening};
use crate::scenario::Standstill;
use crate::serving::{claims, since_start};
use crate::shopper::Stage;
use crate::world::{NONE, World, place, shopper_id, shopper_number};
use tidegate_core::client::{self, Call as Do, Heard, Next, Seen};
use tidegate_core::queue::{ClaimState, Effect};
use tidegate_core::view::status::{Standing, Status};
use tidegate_judge::Violation;

/// How often somebody polls who has a socket.
const SOCKET_POLL_MILLIS: u64 = 300_000;
/// How long it takes to enter again.
const MOMENT_MILLIS: u64 = 250;
/// One poll in so many goes to another isolate.
const ELSEWHERE: u16 = 16;
/// After how many polls shoppers enter again, as in a second tab.
const AGAIN_SHARE: f64 = 0.002;

impl World {
    pub fn poll(&mut self, who: u32) -> Result<(), Violation> {
        let elsewhere = self.rng.u16(..).is_multiple_of(ELSEWHERE);
        let other = elsewhere.then(|| self.any_edge());
        let asker = self.turn(who);
        let Some(shopper) = self.shoppers.get_mut(place(who)) else {
            return Ok(());
        };
        shopper.edge = other.unwrap_or(shopper.edge);
        let (edge, index) = (shopper.edge, shopper.index);
        if self.is_lost(asker) {
            return Ok(());
        }
        self.ticket.shopper = shopper_id(who);
        (self.ticket.index, self.ticket.position) = (index.into(), Some(index.into()));
        self.look_at_edge(edge, asker)
    }

    /// A shopper is told where they stand.
    pub fn looked(&mut self, asker: Asker, status: &Status) {
        let who = asker.who;
        self.tally.polls += 1;
        if self.who_asked(asker).is_some() {
            self.sees(who, status);
        }
    }

    /// A shopper sees where they stand.
    pub fn sees(&mut self, who: u32, status: &Status) {
        let (seen, look_after, standing) =
            (Seen::of(status), status.poll_after_ms, status.standing);
        let stage = self.shoppers.get(place(who)).map(|shopper| shopper.stage);
        let lag = self.rng.u64(10..80);
        let next = self.hears(who, Heard::Seen(seen));
        if let Standing::Queued {
            estimated_wait_seconds,
            ..
        } = standing
        {
            self.note_estimate(who, estimated_wait_seconds, look_after + lag);
            // A socket tells; now and then somebody looks all the same.
            let socket = self.shoppers.get(place(who)).is_some_and(|one| one.socket);
            if self.chance(AGAIN_SHARE) && stage == Some(Stage::Waiting) {
                self.stage(who, Stage::Again);
                self.later(who, MOMENT_MILLIS);
                return;
            } else if socket {
                self.later(who, SOCKET_POLL_MILLIS);
                return;
            }
        }
        match next {
            Next::Do(call, 0) => self.does(who, Next::Do(call, 0)),
            Next::Do(call, after) => self.does(who, Next::Do(call, after + lag)),
            Next::TurnedAway if self.closes_for_a_while() => self.later(who, look_after + lag),
            over => self.does(who, over),
        }
    }

    /// Does what a shopper's protocol says is next.
    pub fn does(&mut self, who: u32, next: Next) {
        let shows = self.shoppers.get(place(who)).is_some_and(|one| one.shows);
        match next {
            Next::Do(Do::Claim, 0) if shows => {
                self.stage(who, Stage::Claiming);
                self.later(who, 0);
            }
            Next::Do(Do::Claim, 0) => self.close_tab(who),
            // Who claims later looks once more before.
            Next::Do(_, after) => self.later(who, after),
            Next::TurnedAway | Next::GiveUp | Next::CheckOut => self.gone(who),
        }
    }

    /// A socket tells its shopper that they are called up, or admitted.
    pub fn told(&mut self, who: u32) {
        match self.shoppers.get(place(who)).map(|shopper| shopper.stage) {
            Some(Stage::Waiting | Stage::Present) => {
                let seen = Seen::CalledUp {
                    collect: true,
                    at: self.server.clock(self.agenda.now()),
                    look_after: client::LOOK_MILLIS,
                };
                let next = self.hears(who, Heard::Seen(seen));
                self.does(who, next);
            }
            Some(Stage::Again) => {
                self.agenda
                    .after(MOMENT_MILLIS, Happening::Told { shopper: who });
            }
            _ => {}
        }
    }

    /// Boarding moved: those who are called up and would come are listening from now on, and
    /// sockets tell.
    pub fn called_up(&mut self, from: u64, to: u64) {
        for index in from..to {
            let owner = self
                .owners
                .get(usize::try_from(index).unwrap_or(usize::MAX));
            let who = owner.copied().unwrap_or(NONE);
            let Some(shopper) = self.shoppers.get(place(who)) else {
                continue;
            };
            if matches!(shopper.stage, Stage::Waiting | Stage::Again)
                && u64::from(shopper.index) == index
            {
                if shopper.shows {
                    self.tally.listening.insert(index);
                }
                if shopper.socket {
                    self.push(who);
                }
            }
        }
    }

    fn push(&mut self, who: u32) {
        // Snapshots are pushed once a second.
        let after = self.rng.u64(0..1_000) + self.travel();
        self.agenda.after(after, Happening::Told { shopper: who });
    }

    /// Whether the scenario closes the queue for a while, so that shoppers wait on.
    pub fn closes_for_a_while(&self) -> bool {
        let interruption = self.scenario.interruption;
        interruption.is_some_and(|one| one.what == Standstill::Closing)
    }

    /// Keeps one estimate of each shopper: the one they see at a random moment of their wait.
    fn note_estimate(&mut self, who: u32, estimate: Option<u64>, pause: u64) {
        let now = since_start(crate::world::START + self.agenda.now());
        let pick = self.rng.u32(..);
        let Some(shopper) = self.shoppers.get_mut(place(who)) else {
            return;
        };
        let pause = u32::try_from(pause).unwrap_or(0);
        shopper.shown_for = shopper.shown_for.saturating_add(pause);
        if pick % shopper.shown_for < pause {
            shopper.shown_at = now;
            shopper.shown = estimate.map_or(NONE, |wait| u32::try_from(wait).unwrap_or(NONE));
        }
    }

    /// Notes who was admitted by what an event wrote.
    pub fn note_grants(&mut self, effects: &[Effect]) {
        let now = self.agenda.now();
        for claim in claims(effects) {
            self.tally.listening.remove(&claim.position);
        }
        let room = self.judge.ledger().room_then();
        for claim in claims(effects).filter(|claim| claim.state == ClaimState::Admitted) {
            let who = shopper_number(claim.shopper);
            let Some(shopper) = self.shoppers.get(place(who)) else {
                continue;
            };
            if !shopper.granted {
                let before = self.tally.listening.range(..claim.position);
                self.tally.overtaken_listening += u64::from(before.count() as u64 > room);
                self.tally.admissions.add(now);
            }
            if shopper.socket && shopper.stage == Stage::Present {
                self.push(who);
            }
            let Some(shopper) = self.shoppers.get(place(who)) else {
                continue;
            };
            if !shopper.granted && !shopper.came_back {
                self.tally
                    .waits
                    .push(since_start(crate::world::START + now) - shopper.entered_at);
            }
            self.change(who, |shopper| shopper.granted = true);
        }
    }

    /// Compares what shoppers were shown with when they were called up.
    pub fn honesty(&self) -> Vec<(Option<u32>, u32)> {
        let shown = self.shoppers.iter().filter(|shopper| shopper.shown_for > 0);
        shown
            .filter_map(|shopper| {
                let called_at = *self.tally.called_at.get(place(shopper.index))?;
                let real = called_at.saturating_sub(shopper.shown_at) / 1_000;
                Some(((shopper.shown != NONE).then_some(shopper.shown), real))
            })
            .collect()
    }
}
