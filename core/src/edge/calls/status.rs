//! `GET /v1/queues/{id}` and `GET status`: how the queue stands, and where a ticket stands in it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::UnixMillis;
use crate::edge::answer::{Answer, Outcome};
use crate::edge::context::Context;
use crate::edge::cookies;
use crate::edge::isolate::Isolate;
use crate::edge::judging::{Judgement, judge};
use crate::edge::lifetime::{is_due, lives_until};
use crate::edge::memory::freshness::{SECOND_MILLIS, Seen};
use crate::edge::request::Shown;
use crate::edge::tickets::position_of;
use crate::ids::QueueId;
use crate::problem::{Code, Problem};
use crate::token::ticket::Ticket;
use crate::view::snapshot::EdgeView;
use crate::view::status::Status;

/// A snapshot may be a second old at the edge, and a little older while it is refreshed.
pub(in crate::edge) const SNAPSHOT_CACHE: &str = "public, max-age=1, stale-while-revalidate=5";

/// Answers with the snapshot.
pub(in crate::edge) async fn snapshot(context: &Context, id: &QueueId) -> Outcome {
    context.only_reads()?;
    let seen = context.view(id).await?;
    let text = context.isolate.texts.of(id, &seen.value)?;
    Ok(Answer::public(text, SNAPSHOT_CACHE))
}

/// The last snapshot of each queue, as text: the same for all who ask within a second.
#[derive(Default)]
pub(in crate::edge) struct Texts(RefCell<BTreeMap<QueueId, (Rc<EdgeView>, String)>>);

impl Texts {
    fn of(&self, id: &QueueId, view: &Rc<EdgeView>) -> Result<String, Problem> {
        let mut texts = self.0.borrow_mut();
        match texts.get(id) {
            Some((of, text)) if Rc::ptr_eq(of, view) => Ok(text.clone()),
            _ => {
                let text = serde_json::to_string(&view.snapshot).map_err(|_| {
                    Problem::new(Code::InternalError, "The snapshot was not written.")
                })?;
                texts.insert(id.clone(), (Rc::clone(view), text.clone()));
                Ok(text)
            }
        }
    }
}

/// Answers with where the shown ticket stands.
pub(in crate::edge) async fn call(context: &Context, id: &QueueId) -> Outcome {
    context.only_reads()?;
    let shown = context.request.shown(id);
    let (view, status) = context.status(id, shown).await?;
    let answer = Answer::private(200, &status)?;
    Ok(match (shown, &status.ticket) {
        (Shown::Cookie(_), Some(renewed)) => {
            let cookie = cookies::set_ticket(&view.snapshot, renewed, context.now());
            answer.with("set-cookie", cookie)
        }
        _ => answer,
    })
}

impl Isolate {
    /// What a ticket means by a view of its epoch that is at hand. The ticket gets its place, if
    /// that is known.
    pub fn standing(
        &self,
        ticket: &mut Ticket,
        now: UnixMillis,
    ) -> Option<(Seen<EdgeView>, Status)> {
        let seen = self
            .views
            .at_hand(ticket.queue.as_str(), SECOND_MILLIS, now)?;
        let judged = judge(ticket, &seen.value.snapshot, seen.fetched_at);
        let status = (judged == Judgement::OneEpoch).then(|| self.status_by(ticket, &seen))?;
        Some((seen, status))
    }

    fn status_by(&self, ticket: &mut Ticket, seen: &Seen<EdgeView>) -> Status {
        let snapshot = &seen.value.snapshot;
        ticket.position = position_of(ticket, snapshot);
        Status::of(Some(ticket), snapshot, seen.stale, self.jitter())
    }
}

impl Context {
    /// What the shown ticket means now, and the view that says so.
    pub(in crate::edge) async fn status(
        &self,
        id: &QueueId,
        shown: Shown<'_>,
    ) -> Result<(Rc<EdgeView>, Status), Problem> {
        let Some(mut known) = self.read(id, shown).await? else {
            let seen = self.view(id).await?;
            let jitter = self.isolate.jitter();
            let status = Status::of(None, &seen.value.snapshot, seen.stale, jitter);
            return Ok((seen.value, status));
        };
        let had_place = known.ticket.position.is_some();
        let (seen, mut status) = self.standing(&mut known.ticket).await?;
        let (snapshot, now) = (&seen.value.snapshot, self.now());
        // With its place, so that it is computed once.
        if is_due(&known, snapshot, now) || had_place != known.ticket.position.is_some() {
            let expires_at = lives_until(snapshot, now);
            let keys = self.ticket_keys().await?;
            status.ticket = Some(keys.sign(&known.ticket, now, expires_at)?);
        }
        Ok((seen.value, status))
    }

    /// What a ticket means now, and the view that says so. The ticket gets its place, if that is
    /// known.
    pub(in crate::edge) async fn standing(
        &self,
        ticket: &mut Ticket,
    ) -> Result<(Seen<EdgeView>, Status), Problem> {
        if let Some(known) = self.isolate.standing(ticket, self.now()) {
            return Ok(known);
        }
        // On the heap, for most looks are answered from memory, and carry it in vain.
        let seen = Box::pin(self.view_for(ticket)).await?;
        let status = self.isolate.status_by(ticket, &seen);
        Ok((seen, status))
    }
}
