//! `POST enter`: a shopper gets a place in line, or finds the one they have.

use std::rc::Rc;

use serde_json::{Value, json};

use crate::calls::{LaneCall, LaneName, LaneReply, Reply};
use crate::edge::answer::{Answer, Outcome};
use crate::edge::body;
use crate::edge::context::Context;
use crate::edge::cookies;
use crate::edge::lifetime::lives_until;
use crate::edge::memory::freshness::Seen;
use crate::edge::memory::views::entry_refusal;
use crate::edge::naming::{EnterBody, Name, Naming};
use crate::edge::pending::Object;
use crate::edge::request::{From, Shown};
use crate::fair::receipt::Receipt;
use crate::ids::{QueueId, ShopperId};
use crate::problem::{Code, Problem};
use crate::queue::event::Called;
use crate::token::ticket::Ticket;
use crate::view::snapshot::{EdgeView, Phase};
use crate::view::status::Status;

/// An entry that meets a reset is tried again under the new epoch this often.
const TRIES: usize = 3;

/// The place that a shopper got, or had.
pub(in crate::edge) struct Placed {
    /// What it stands in.
    pub view: Rc<EdgeView>,
    /// What its ticket says.
    pub ticket: Ticket,
    /// What it means now.
    pub status: Status,
    receipt: Option<Box<Receipt>>,
}

/// A shopper who is in.
pub(in crate::edge) struct Entered {
    /// The signed ticket.
    pub token: String,
    /// What it was signed under.
    pub view: Rc<EdgeView>,
    /// The receipt of an entrant.
    receipt: Option<Value>,
    /// What it means now.
    status: Status,
}

/// Answers the call.
pub(in crate::edge) async fn call(context: &Context, id: &QueueId) -> Outcome {
    context.only_post()?;
    let wanted: EnterBody = body::typed(&context.body().await?)?;
    let shown = context.request.shown(id);
    let entered = context.enter(id, shown, &wanted.naming()?).await?;
    let answer = Answer::private(
        200,
        &json!({
            "queueId": id,
            "ticket": entered.token,
            "receipt": entered.receipt,
            "status": entered.status,
        }),
    )?;
    // Another site's page keeps the ticket itself.
    if context.request.from() == From::Elsewhere {
        return Ok(answer);
    }
    let cookie = cookies::set_ticket(&entered.view.snapshot, &entered.token, context.now());
    Ok(answer.with("set-cookie", cookie))
}

impl Context {
    /// Enters a shopper, or finds their entry again.
    pub(in crate::edge) async fn enter(
        &self,
        id: &QueueId,
        shown: Shown<'_>,
        naming: &Naming,
    ) -> Result<Entered, Problem> {
        self.check_same_origin(shown)?;
        // An old cookie must not keep anybody out; a bearer is somebody's word, and is held to it.
        let is_bearer = matches!(shown, Shown::Bearer(_));
        let known = match self.read(id, shown).await {
            Err(_) if !is_bearer => None,
            read => read?,
        };
        // Without it, the entry could not be answered.
        self.ticket_keys().await?;
        let ticket = known.map(|known| known.ticket);
        let mut fresh = None;
        let name = async |view: &EdgeView| {
            let shopper = self.named(view, naming, &mut fresh).await?;
            // Who is named may have an entry, which only the lane knows.
            Ok((shopper, !naming.is_nobody()))
        };
        let placed = self.place(id, ticket.as_ref(), is_bearer, name).await?;
        self.signed(placed).await
    }

    /// Gives a shopper a place, or finds the one they have: whom a known ticket names, or else
    /// `name`, which says besides whether they may have entered before. `is_held_to` the ticket is
    /// who must not enter without it.
    pub(in crate::edge) async fn place(
        &self,
        id: &QueueId,
        ticket: Option<&Ticket>,
        is_held_to: bool,
        mut name: impl AsyncFnMut(&EdgeView) -> Result<(ShopperId, bool), Problem>,
    ) -> Result<Placed, Problem> {
        let mut called = Called::default();
        for _ in 0..TRIES {
            let judged = match ticket {
                Some(ticket) => Some(self.view_for(ticket).await),
                None => None,
            };
            let (seen, ticket) = match judged {
                Some(Ok(seen)) => (seen, ticket),
                // A ticket of an earlier epoch that a cookie held is no ticket.
                Some(Err(problem)) if problem.code != Code::TicketVoid || is_held_to => {
                    return Err(problem);
                }
                _ => (self.view(id).await?, None),
            };
            let view = &seen.value;
            view.snapshot.check_entry_open(self.now())?;
            let (shopper, may_be_in) = match ticket {
                Some(ticket) => (ticket.shopper, true),
                None => name(view).await?,
            };
            let refusal = entry_refusal(&seen);
            if let (Some(problem), false) = (&refusal, may_be_in) {
                return Err(problem.clone());
            }
            called = view.snapshot.called().max(called);
            match self.ask_lane(&seen, shopper, called, refusal).await {
                Ok(reply) => return self.placed(&seen, shopper, reply),
                // The queue was reset since the view was taken.
                Err(problem) if problem.code == Code::TicketVoid => self.renew(id).await?,
                Err(problem) => return Err(problem),
            }
        }
        Err(being_reset())
    }

    async fn ask_lane(
        &self,
        seen: &Seen<EdgeView>,
        shopper: ShopperId,
        called: Called,
        refusal: Option<Problem>,
    ) -> Reply<LaneReply> {
        let view = &seen.value;
        let lane = LaneName {
            queue: view.snapshot.id.clone(),
            epoch: view.snapshot.epoch,
            number: shopper.lane(view.lanes),
        };
        let name = lane.object_name();
        let call = LaneCall::Enter {
            lane,
            shopper,
            called,
            refusal,
            as_of: view.as_of(),
        };
        self.ask(Object::Lane, &name, &call).await
    }

    /// The shopper whom `naming` names; chance's name for them is kept in `fresh`.
    async fn named(
        &self,
        view: &EdgeView,
        naming: &Naming,
        fresh: &mut Option<ShopperId>,
    ) -> Result<ShopperId, Problem> {
        let (queue, epoch) = (&view.snapshot.id, view.snapshot.epoch);
        match naming.name(view.unique_by)? {
            Name::Identity(token) => {
                let subject = self
                    .identity_keys()
                    .await?
                    .subject(token, queue, self.now())?;
                Ok(ShopperId::of_identity(
                    &*self.shopper_key().await?,
                    epoch,
                    &subject,
                ))
            }
            Name::Key(key) => Ok(ShopperId::of_entry_key(
                &*self.shopper_key().await?,
                epoch,
                key,
            )),
            Name::Nobody => {
                if fresh.is_none() {
                    *fresh = Some(ShopperId::from_bytes(self.isolate.bytes()?));
                }
                fresh.ok_or_else(being_reset)
            }
        }
    }

    /// Makes the ticket of an entry, and what it means.
    fn placed(
        &self,
        seen: &Seen<EdgeView>,
        shopper: ShopperId,
        reply: LaneReply,
    ) -> Result<Placed, Problem> {
        let LaneReply::Entered {
            index,
            boarding,
            receipt,
        } = reply
        else {
            return Err(Problem::unexpected("lane"));
        };
        let (id, epoch) = (&seen.value.snapshot.id, seen.value.snapshot.epoch);
        // The lane may know of boarding that no snapshot has seen yet.
        self.boarding_is(id, epoch, boarding);
        let seen = self.newest(seen);
        let (view, now) = (seen.value, self.now());
        let ticket = Ticket {
            queue: id.clone(),
            epoch,
            shopper,
            index,
            position: view.snapshot.shuffle.position(index),
            issued_at: now,
        };
        let jitter = self.isolate.jitter();
        let is_news = boarding > view.snapshot.boarding || view.snapshot.phase == Phase::Scheduled;
        let status = if is_news {
            let mut snapshot = view.snapshot.clone();
            if snapshot.phase == Phase::Scheduled {
                // Somebody has just entered.
                snapshot.phase = Phase::Entry;
            }
            snapshot.boarding = snapshot.boarding.max(boarding);
            Status::of(Some(&ticket), &snapshot, seen.stale, jitter)
        } else {
            Status::of(Some(&ticket), &view.snapshot, seen.stale, jitter)
        };
        Ok(Placed {
            view,
            ticket,
            status,
            receipt,
        })
    }

    /// Signs what a shopper holds of their place.
    async fn signed(&self, placed: Placed) -> Result<Entered, Problem> {
        let Placed {
            view,
            ticket,
            status,
            receipt,
        } = placed;
        let now = self.now();
        let keys = self.ticket_keys().await?;
        let token = keys.sign(&ticket, now, lives_until(&view.snapshot, now))?;
        let receipt = match receipt {
            Some(receipt) => {
                let keys = self.handoff_keys().await?;
                let statements = &self.isolate.statements;
                Some(statements.shown(&keys, &ticket.queue, ticket.epoch, &receipt)?)
            }
            None => None,
        };
        Ok(Entered {
            token,
            view,
            receipt,
            status,
        })
    }
}

/// The refusal where reset follows reset.
pub(in crate::edge) fn being_reset() -> Problem {
    Problem::new(
        Code::ServiceUnavailable,
        "The queue is being reset; try again.",
    )
}
