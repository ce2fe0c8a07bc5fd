//! What a call to the Queue object is to the queue, and what its answer is to whoever called.

use std::rc::Rc;

use crate::message::{Asker, Call, Happening, NOBODY, Reply};
use crate::queue_object::Crash;
use crate::reading::Taken;
use crate::scenario::Standstill;
use crate::serving::since_start;
use crate::world::{EPOCH, NONE, World, fresh, place, shopper_id, shopper_number};
use tidegate_core::fair::Root;
use tidegate_core::ids::{AdmissionId, Epoch};
use tidegate_core::lane::leaving::Left;
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::event::Holder;
use tidegate_core::queue::{Answer, Event};
use tidegate_judge::Violation;
use tidegate_judge::event::{Event as Seen, Told};

impl World {
    fn holder(&self, who: u32) -> Option<Holder> {
        let shopper = self.shoppers.get(place(who))?;
        (shopper.index != NONE).then(|| Holder {
            epoch: EPOCH,
            index: shopper.index.into(),
            position: Some(shopper.index.into()),
            shopper: shopper_id(who),
        })
    }

    fn admission(&self, who: u32) -> Option<AdmissionId> {
        let index = self.holder(who)?.index;
        Some(AdmissionId {
            epoch: EPOCH,
            index,
        })
    }

    pub fn event_of(&self, asker: Asker, call: Call) -> Option<Event> {
        let who = asker.who;
        Some(match call {
            Call::Lease { sequence, count } => Event::Lease {
                epoch: EPOCH,
                lane: u16::try_from(who).ok()?,
                sequence: sequence.into(),
                count,
                root: Root::from_bytes([0; 32]),
            },
            Call::Stands { shopper } => Event::Stands {
                epoch: EPOCH,
                index: self.lane_index(shopper)?,
            },
            Call::View => Event::View,
            Call::Claim => Event::Claim(self.holder(who)?),
            Call::Leave { shopper, index } => Event::Leave(Holder {
                epoch: EPOCH,
                index: index.into(),
                position: None,
                shopper: shopper_id(shopper),
            }),
            Call::Redeem { own_key } => Event::Redeem {
                admission: self.admission(who)?,
                idempotency_key: Some(format!("{own_key}-{who}")),
            },
            Call::Complete => Event::Complete(self.admission(who)?),
            Call::Release => Event::Release(self.admission(who)?),
            Call::Extend => Event::Extend(self.admission(who)?),
            Call::Wake => Event::Wake,
            Call::Forge | Call::Operate { .. } => return None,
        })
    }

    /// Tickets and tokens of another epoch, or for places that were never given, change nothing; nor does a
    /// ticket that claims another's place.
    pub fn forge(&mut self) -> Result<(), Violation> {
        self.handle(Event::Wake, Crash::None)?;
        let foreign = (Epoch::from_bytes([1; 16]), 0);
        let invented = (EPOCH, self.judge.ledger().leased());
        for (epoch, index) in [foreign, invented] {
            let holder = Holder {
                epoch,
                index,
                position: Some(0),
                shopper: shopper_id(0),
            };
            let admission = AdmissionId { epoch, index };
            for event in [
                Event::Claim(holder.clone()),
                Event::Leave(holder.clone()),
                Event::Redeem {
                    admission,
                    idempotency_key: None,
                },
                Event::Complete(admission),
            ] {
                self.is_refused(event)?;
            }
        }
        self.forge_places()
    }

    /// The last in line, and whoever is first called up, say that they stand elsewhere.
    fn forge_places(&mut self) -> Result<(), Violation> {
        let last = self.judge.ledger().leased().saturating_sub(1);
        for (index, position) in [(last, 0), (0, last)] {
            let owner = usize::try_from(index).ok();
            let owner = owner.and_then(|index| self.owners.get(index)).copied();
            let Some(owner) = owner.filter(|owner| *owner != NONE && index != position) else {
                continue;
            };
            let holder = Holder {
                epoch: EPOCH,
                index,
                position: Some(position),
                shopper: shopper_id(owner),
            };
            self.is_refused(Event::Claim(holder.clone()))?;
            self.is_refused(Event::Leave(holder))?;
        }
        Ok(())
    }

    fn is_refused(&mut self, event: Event) -> Result<(), Violation> {
        let (answer, effects) = self.handle(event, Crash::None)?;
        self.judge.see(Seen::Forged {
            accepted: matches!(answer, Some(Ok(_))),
            wrote: effects > 0,
        })
    }

    /// The operator pauses for a while, resumes, or changes a limit.
    pub fn operate(&mut self, what: u16) -> Result<(), Violation> {
        // What is due falls under the limits as they were.
        self.handle(Event::Wake, Crash::None)?;
        let event = match what % 4 {
            0 => Event::Pause,
            1 => Event::Resume,
            _ => {
                let change = u32::from(what / 4);
                let limits = &mut self.server.limits;
                limits.max_active = limits.max_active.map(|_| 1 + change % 40);
                limits.rate = limits.rate.map(|_| 5 + change % 500);
                self.judge.see(Seen::Limits(*limits))?;
                Event::Patch {
                    patch: limits.patch(),
                    fresh: fresh(),
                }
            }
        };
        let pauses = matches!(event, Event::Pause);
        self.handle(event, Crash::None)?;
        if pauses {
            let resume = Call::Operate { what: 1 };
            let nobody = Asker {
                who: 0,
                turn: NOBODY,
            };
            self.agenda
                .after(15_000, Happening::AtQueue(nobody, resume));
        }
        Ok(())
    }

    /// The scenario's standstill begins, or ends.
    pub fn interrupt(&mut self, ends: bool) -> Result<(), Violation> {
        let event = match (self.scenario.interruption.map(|one| one.what), ends) {
            (Some(Standstill::Pause), false) => Event::Pause,
            (Some(Standstill::Pause), true) => Event::Resume,
            (Some(Standstill::Closing), false) => Event::Close,
            (Some(Standstill::Closing), true) => Event::Reopen,
            (Some(Standstill::Gap), false) => {
                self.server.out = true;
                return Ok(());
            }
            (Some(Standstill::Gap), true) => return self.restored(),
            (None, _) => return Ok(()),
        };
        self.handle(event, Crash::None)?;
        Ok(())
    }

    /// Sends an answer to whoever asked.
    pub fn reply(
        &mut self,
        asker: Asker,
        call: Call,
        answer: Result<Answer, Problem>,
    ) -> Result<(), Violation> {
        if asker.turn == NOBODY {
            return Ok(());
        }
        let lost = Happening::Unanswered(asker, call);
        let written = self.server.written_after(self.agenda.now());
        match call {
            Call::Lease { sequence, .. } => {
                let lane = self.lanes.get_mut(place(asker.who));
                if let Some(lane) = lane.filter(|lane| lane.turn == asker.turn) {
                    lane.inbox = Some((sequence.into(), answer));
                    self.answer_after(written, Happening::Leased(asker), lost);
                }
            }
            Call::Stands { shopper } => {
                let told = Happening::Stood {
                    lane: asker,
                    shopper,
                    stands: answer == Ok(Answer::Stands(true)),
                };
                self.answer_after(written, told, lost);
            }
            Call::Leave { shopper, index } => {
                let told = Happening::LeftAtQueue {
                    lane: asker,
                    shopper,
                    index,
                    left: Left::of(&answer),
                };
                self.answer(told, lost);
            }
            Call::View => {
                if let (Ok(Answer::View(view)), Some(relay)) =
                    (answer, self.relays.get_mut(place(asker.who)))
                {
                    relay.inbox = Some(Taken {
                        snapshot: Rc::new(view.snapshot),
                        at: self.agenda.now(),
                    });
                    self.answer_after(written, Happening::Viewed(asker), lost);
                }
            }
            _ => {
                let told = self.reply_of(asker, call, answer)?;
                self.answer_after(written, Happening::Answered(asker, told), lost);
            }
        }
        Ok(())
    }

    /// What a shopper's call comes to.
    fn reply_of(
        &mut self,
        asker: Asker,
        call: Call,
        answer: Result<Answer, Problem>,
    ) -> Result<Reply, Violation> {
        let who = asker.who;
        let index = self.shoppers.get(place(who)).map(|shopper| shopper.index);
        let index = index.unwrap_or(NONE);
        let key = match call {
            Call::Redeem { own_key } => Some(u64::from(own_key)),
            _ => None,
        };
        let (told, reply) = match answer {
            Ok(Answer::Granted(grant)) => {
                let told = Told::Admitted {
                    admission: grant.admission_id,
                    holder: shopper_number(grant.shopper),
                };
                (Some(told), Reply::Granted)
            }
            Ok(Answer::Boarding { server_time, .. }) => {
                let at = since_start(server_time);
                (Some(Told::Waits), Reply::Boarding { at })
            }
            Ok(Answer::Admission(report)) => {
                if let Some(key) = key {
                    self.tell(who, index, Told::Redeemed { key })?;
                }
                (Some(Told::State(report.state)), Reply::Done)
            }
            Ok(_) => (None, Reply::Done),
            Err(problem) => match problem.code {
                // Too many are present already: that says when to come again.
                Code::NotYetServed if problem.retry_after_seconds.is_none() => {
                    (None, Reply::NotYet)
                }
                Code::NotYetServed | Code::Paused => (None, Reply::Later),
                Code::QueueClosed if self.closes_for_a_while() => (None, Reply::Later),
                Code::Unauthorized | Code::TicketVoid | Code::InternalError => {
                    (Some(Told::Void), Reply::Over)
                }
                _ => (None, Reply::Over),
            },
        };
        if let Some(told) = told {
            self.tell(who, index, told)?;
        }
        Ok(reply)
    }
}
