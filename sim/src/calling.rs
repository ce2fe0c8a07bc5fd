//! What a call to the Queue object is to the queue, and what its answer is to those who called.

use crate::message::{Asker, Call, Happening, NOBODY};
use crate::queue_object::Crash;
use crate::scenario::Standstill;
use crate::world::{EPOCH, NONE, START, World, fresh, place, shopper_id, shopper_number};
use tidegate_core::calls::{QueueCall, QueueReply, Reply};
use tidegate_core::fair::Root;
use tidegate_core::ids::{AdmissionId, Epoch};
use tidegate_core::lane::leaving::Left;
use tidegate_core::problem::Code;
use tidegate_core::queue::event::Holder;
use tidegate_core::queue::{Answer, Event};
use tidegate_core::wire;
use tidegate_judge::Violation;
use tidegate_judge::event::{Event as Seen, Told};

/// Whose entry an edge's call is about, and by which idempotency key a token is redeemed.
pub(crate) struct About {
    entry: u32,
    index: u32,
    key: Option<u64>,
}

impl World {
    /// What a call is to the queue, and whom it is about where an edge made it.
    pub fn event_of(&mut self, asker: Asker, call: Call) -> Option<(Event, Option<About>)> {
        let who = asker.who;
        let event = match call {
            Call::Lease { sequence, count } => Event::Lease {
                epoch: EPOCH,
                lane: u16::try_from(who).ok()?,
                sequence: sequence.into(),
                count,
                root: Root::from_bytes([0; 32]),
            },
            Call::Stands { index, .. } => Event::Stands {
                epoch: EPOCH,
                index: index.into(),
            },
            Call::View => self.relays.get(place(who))?.question.clone()?,
            Call::Leave { shopper, index } => Event::Leave(Holder {
                epoch: EPOCH,
                index: index.into(),
                position: None,
                shopper: shopper_id(shopper),
            }),
            Call::Edge { letter } => {
                let text = self.letters.take(letter)?;
                let Ok(QueueCall::Event(event)) = wire::read(&text) else {
                    return None;
                };
                let about = self.about(&event);
                return Some((*event, about));
            }
            Call::Wake => Event::Wake,
            Call::Forge | Call::Operate { .. } => return None,
        };
        Some((event, None))
    }

    fn about(&self, event: &Event) -> Option<About> {
        let index = u32::try_from(event.index()?).ok()?;
        let entry = match event {
            Event::Claim(holder) => shopper_number(holder.shopper),
            _ => self.owners.get(place(index)).copied()?,
        };
        let key = match event {
            Event::Redeem {
                idempotency_key, ..
            } => idempotency_key.as_ref()?.parse().ok(),
            _ => None,
        };
        Some(About { entry, index, key })
    }

    /// Tickets and tokens of another epoch, or for places that were never given, change nothing;
    /// nor does a ticket that claims another's place.
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

    /// The last in line, and the first who is called up, say that they stand elsewhere.
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

    /// Sends an answer to who asked.
    pub fn reply(
        &mut self,
        asker: Asker,
        call: Call,
        answer: Reply<Answer>,
        about: Option<About>,
    ) -> Result<(), Violation> {
        if asker.turn == NOBODY {
            return Ok(());
        }
        let lost = Happening::Unanswered(asker, call);
        let now = self.agenda.now();
        let written = self.server.written_after(now);
        match call {
            Call::Lease { sequence, .. } => {
                let lane = self.lanes.get_mut(place(asker.who));
                if let Some(lane) = lane.filter(|lane| lane.turn == asker.turn) {
                    lane.inbox = Some((sequence.into(), answer));
                    self.answer_after(written, Happening::Leased(asker), lost);
                }
            }
            Call::Stands { shopper, index } => {
                let told = Happening::Stood {
                    lane: asker,
                    shopper,
                    index,
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
                let relay = self.relays.get_mut(place(asker.who));
                let relay = relay.filter(|relay| relay.turn == asker.turn);
                if let (Ok(Answer::View(mut view)), Some(relay)) = (answer, relay) {
                    // The one epoch of the queue has no beginning to tell: the judge is told by
                    // this how old the view is.
                    view.since = START + now;
                    relay.inbox = Some(view);
                    self.answer_after(written, Happening::Viewed(asker), lost);
                }
            }
            _ => {
                if let Some(about) = about {
                    self.note_answer(&about, &answer)?;
                }
                self.reply_to_edge(asker, &answer.map(QueueReply::Answer), written);
            }
        }
        Ok(())
    }

    /// Shows the judge what a shopper's call, or their checkout's, comes to.
    fn note_answer(&mut self, about: &About, answer: &Reply<Answer>) -> Result<(), Violation> {
        let told = match answer {
            Ok(Answer::Granted(grant)) => Told::Admitted {
                admission: grant.admission_id,
                holder: shopper_number(grant.shopper),
            },
            Ok(Answer::Boarding { .. }) => Told::Waits,
            Ok(Answer::Admission(report)) => {
                if let Some(key) = about.key {
                    self.tell(about.entry, about.index, Told::Redeemed { key })?;
                }
                Told::State(report.state)
            }
            Ok(_) => return Ok(()),
            Err(problem) => match problem.code {
                // Too many are present already: that says when to come again.
                Code::NotYetServed if problem.retry_after_seconds.is_none() => Told::NotCalled,
                Code::Unauthorized | Code::TicketVoid | Code::InternalError => Told::Void,
                _ => return Ok(()),
            },
        };
        self.tell(about.entry, about.index, told)
    }

    /// The Queue object did not answer.
    pub fn unanswered(&mut self, asker: Asker, call: Call) -> Result<(), Violation> {
        match call {
            Call::Lease { .. } => self.not_leased(asker),
            Call::Stands { index, .. } => self.not_stood(asker, index),
            Call::Leave { shopper, index } => {
                return self.left_at_queue(asker, shopper, index, Left::Unknown);
            }
            Call::View => self.not_viewed(asker),
            Call::Edge { letter } => {
                self.letters.take(letter);
                return self.supplied(asker, None);
            }
            // The platform fires an alarm that failed again; the operator sees to their own.
            Call::Wake | Call::Forge | Call::Operate { .. } => {}
        }
        Ok(())
    }
}
