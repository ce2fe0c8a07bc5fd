//! `POST claim`: what a called-up shopper is told, and the handoff token of who is admitted.

use serde_json::json;

use crate::UnixMillis;
use crate::calls::Reply;
use crate::edge::answer::{Answer as Answered, Outcome};
use crate::edge::context::Context;
use crate::edge::doors;
use crate::edge::memory::claims::Turn;
use crate::edge::memory::freshness::Seen;
use crate::edge::memory::recall::TicketKey;
use crate::edge::pending::{Demand, Supply};
use crate::edge::request::Shown;
use crate::ids::QueueId;
use crate::problem::{Code, Problem};
use crate::queue::event::{Grant, Holder};
use crate::queue::{Answer, Event};
use crate::token::handoff::Handoff;
use crate::token::ticket::Ticket;
use crate::view::snapshot::EdgeView;

/// What a claim comes to.
pub(in crate::edge) enum Claimed {
    /// Admitted, with the signed handoff token.
    Granted(Grant, String),
    /// Present, and next as slots free.
    Boarding {
        retry_after_ms: u64,
        server_time: UnixMillis,
    },
}

/// What a ticket holds.
pub(in crate::edge) enum Held {
    /// Nothing yet.
    Nothing,
    /// What a claim came to.
    Claimed(Claimed),
    /// A place in a draw that went to the next.
    Lapsed,
}

/// Answers the call.
pub(in crate::edge) async fn call(context: &Context, id: &QueueId) -> Outcome {
    context.only_post()?;
    match context.claim(id, context.request.shown(id)).await? {
        Claimed::Granted(grant, token) => Answered::private(
            200,
            &json!({
                "status": "GRANTED",
                "admissionId": grant.admission_id,
                "handoffToken": token,
                "expiresAt": grant.expires_at,
                "checkoutUrl": grant.checkout_url,
            }),
        ),
        Claimed::Boarding {
            retry_after_ms,
            server_time,
        } => Answered::private(
            202,
            &json!({
                "status": "BOARDING",
                "retryAfterMs": retry_after_ms,
                "serverTime": server_time,
            }),
        ),
    }
}

/// What tells a ticket from all others.
pub(in crate::edge) const fn key(holder: &Holder) -> TicketKey {
    (holder.epoch, holder.index)
}

impl Context {
    /// Claims what the shown ticket is called up for.
    pub(in crate::edge) async fn claim(
        &self,
        id: &QueueId,
        shown: Shown<'_>,
    ) -> Result<Claimed, Problem> {
        self.check_same_origin(shown)?;
        let ticket = self.shown_ticket(id, shown).await?;
        // Without them, an admission could not be answered.
        self.handoff_keys().await?;
        let answer = self.claim_by(&ticket).await?;
        self.claimed(id, answer)
            .await?
            .ok_or_else(|| Problem::unexpected("queue"))
    }

    /// What the queue says to a ticket's claim, or said a moment ago.
    pub(in crate::edge) async fn claim_by(&self, ticket: &Ticket) -> Result<Answer, Problem> {
        let id = &ticket.queue;
        let (seen, holder) = self.judged_by(ticket).await?;
        if let Some(problem) = self.claim_refusal(&holder, &seen) {
            return Err(problem);
        }
        let (version, now) = (seen.value.snapshot.version, self.now());
        let turn = self
            .isolate
            .claims
            .borrow_mut()
            .turn(key(&holder), version, now);
        let answer = match turn {
            Turn::Again(answer) => answer,
            Turn::Ask => {
                let answer = self.queue(id, Event::Claim(holder.clone())).await;
                self.note_claim(&holder, &seen, &answer);
                answer?
            }
        };
        if let Some(position) = holder.position {
            self.boarding_is(id, holder.epoch, position.saturating_add(1));
        }
        Ok(answer)
    }

    /// Why a claim need not reach the queue, if so.
    fn claim_refusal(&self, holder: &Holder, seen: &Seen<EdgeView>) -> Option<Problem> {
        if seen.stale {
            return None;
        }
        let (view, now) = (&seen.value, self.now());
        let refusal = doors::claim_refusal(view, holder.position, now);
        refusal.map(Problem::from).or_else(|| {
            let recall = self.isolate.recall.borrow();
            recall.claim_refusal(key(holder), holder.position, &view.snapshot, now)
        })
    }

    /// Notes what a queue answered to a claim, where the edge's view was this.
    fn note_claim(&self, holder: &Holder, seen: &Seen<EdgeView>, answer: &Reply<Answer>) {
        let (snapshot, now) = (&seen.value.snapshot, self.now());
        let mut recall = self.isolate.recall.borrow_mut();
        recall.changed(key(holder));
        if let Err(problem) = answer {
            recall.claim_refused(key(holder), holder.position, problem, snapshot, now);
        }
        let mut claims = self.isolate.claims.borrow_mut();
        claims.answered(key(holder), answer, snapshot.version, now);
    }

    /// What the shown ticket holds already, if anything. Changes nothing.
    pub(in crate::edge) async fn look(
        &self,
        id: &QueueId,
        shown: Shown<'_>,
    ) -> Result<Held, Problem> {
        let (_, holder) = self.judged(id, shown).await?;
        let known = self
            .isolate
            .recall
            .borrow()
            .look(key(&holder), self.now())
            .cloned();
        let found = if let Some(found) = known {
            found
        } else {
            let found = self.queue(id, Event::Look(holder.clone())).await;
            self.note_look(&holder, &found);
            found
        };
        match found? {
            Answer::Lapsed => Ok(Held::Lapsed),
            answer => Ok(self
                .claimed(id, answer)
                .await?
                .map_or(Held::Nothing, Held::Claimed)),
        }
    }

    /// Notes what a look found. A fault of ours is nothing to find.
    fn note_look(&self, holder: &Holder, found: &Reply<Answer>) {
        if !matches!(found, Err(problem) if problem.code.status() >= 500) {
            let mut recall = self.isolate.recall.borrow_mut();
            recall.looked(key(holder), found.clone(), self.now());
        }
    }

    /// Makes of a queue's answer what the shopper is told.
    async fn claimed(&self, id: &QueueId, answer: Answer) -> Result<Option<Claimed>, Problem> {
        match answer {
            Answer::Granted(grant) => {
                let token = self.handoff_token(id, &grant).await?;
                Ok(Some(Claimed::Granted(grant, token)))
            }
            Answer::Boarding {
                retry_after_ms,
                server_time,
            } => Ok(Some(Claimed::Boarding {
                retry_after_ms,
                server_time,
            })),
            _ => Ok(None),
        }
    }

    async fn handoff_token(&self, id: &QueueId, grant: &Grant) -> Result<String, Problem> {
        let handoff = Handoff {
            admission_id: grant.admission_id,
            queue: id.clone(),
            subject: grant.shopper,
            position: grant.position,
            access: grant.access,
            issued_at: self.now(),
            expires_at: grant.expires_at,
        };
        let keys = self.handoff_keys().await?;
        let unsigned = keys.unsigned(&handoff, &self.issuer().await, &grant.audience)?;
        let (key, input) = (unsigned.key, unsigned.input.clone());
        match self.demand(Demand::Sign { key, input }).await {
            Supply::Text(signature) => Ok(format!("{}.{signature}", unsigned.input)),
            _ => Err(Problem::new(
                Code::InternalError,
                "The handoff was not signed.",
            )),
        }
    }
}
