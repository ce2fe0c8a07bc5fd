//! `DELETE leave`: a shopper gives up what their ticket holds. Its lane does it, in one step.

use super::claim::key;
use crate::calls::{LaneCall, LaneName, LaneReply, Reply};
use crate::edge::answer::{Answer, Outcome};
use crate::edge::context::Context;
use crate::edge::cookies;
use crate::edge::pending::Object;
use crate::edge::request::{Method, Shown};
use crate::ids::QueueId;
use crate::problem::Problem;
use crate::queue::event::Holder;
use crate::token::ticket::Ticket;
use crate::view::snapshot::EdgeView;

/// Answers the call.
pub(in crate::edge) async fn call(context: &Context, id: &QueueId) -> Outcome {
    context.only(&[Method::Delete], "DELETE")?;
    context.leave(id, context.request.shown(id)).await?;
    Ok(Answer::empty(204).with("set-cookie", cookies::drop_ticket(id)))
}

impl Context {
    /// Gives up what the shown ticket holds.
    pub(in crate::edge) async fn leave(
        &self,
        id: &QueueId,
        shown: Shown<'_>,
    ) -> Result<(), Problem> {
        self.check_same_origin(shown)?;
        let ticket = self.shown_ticket(id, shown).await?;
        self.leave_by(&ticket).await
    }

    /// Gives up what a ticket holds.
    pub(in crate::edge) async fn leave_by(&self, ticket: &Ticket) -> Result<(), Problem> {
        let (seen, holder) = self.judged_by(ticket).await?;
        if let Some(known) = self.known_leave(&holder) {
            return known;
        }
        let told = self.tell_lane(&seen.value, &holder).await;
        let (held, now) = (key(&holder), self.now());
        let mut recall = self.isolate.recall.borrow_mut();
        if let Err(problem) = told {
            recall.leave_refused(held, &problem, now);
            return Err(problem);
        }
        recall.left(held, now);
        self.isolate.claims.borrow_mut().changed(held, now);
        self.place_is_free(&ticket.queue, holder.epoch);
        Ok(())
    }

    /// What a leave comes to without asking anybody, if that is known.
    fn known_leave(&self, holder: &Holder) -> Option<Result<(), Problem>> {
        let recall = self.isolate.recall.borrow();
        if recall.has_left(key(holder), self.now()) {
            return Some(Ok(()));
        }
        recall.leave_refusal(key(holder), self.now()).map(Err)
    }

    async fn tell_lane(&self, view: &EdgeView, holder: &Holder) -> Reply<LaneReply> {
        let lane = LaneName {
            queue: view.snapshot.id.clone(),
            epoch: holder.epoch,
            number: holder.shopper.lane(view.lanes),
        };
        let name = lane.object_name();
        let call = LaneCall::Leave {
            lane,
            shopper: holder.shopper,
            index: holder.index,
        };
        self.ask(Object::Lane, &name, &call).await
    }
}
