//! What shoppers call: the snapshot, enter, status, leave, and by way of others claim and audit. The room's forms do the same through
//! the functions that are public here.

use std::rc::Rc;

use serde_json::{Value, json};
use tidegate_core::UnixMillis;
use tidegate_core::calls::{LaneCall, LaneName, LaneReply, Reply};
use tidegate_core::edge::lifetime::{is_due, lives_until};
use tidegate_core::edge::naming::{EnterBody, Naming};
use tidegate_core::ids::{QueueId, ShopperId};
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::event::{Called, Holder};
use tidegate_core::token::ticket::{Ticket, TicketKeys};
use tidegate_core::view::snapshot::{EdgeView, Phase, Snapshot};
use tidegate_core::view::status::Status;
use tidegate_objects::{binding, stub};
use worker::{Method, Request};

use crate::answer::{Answered, json, nothing, private_json};
use crate::body;
use crate::credentials::{self, From, Shown};
use crate::keys;
use crate::paths::{get, nothing_here, only, post};
use crate::random;
use crate::recalled;
use crate::receipts;
use crate::routes::claiming::{claim, respond_claimed};
use crate::routes::{audit, live};
use crate::site::Site;
use crate::views;

/// A snapshot may be a second old at the edge, and a little older while it is refreshed.
pub const SNAPSHOT_CACHE: &str = "public, max-age=1, stale-while-revalidate=5";
/// An entry that meets a reset is tried again under the new epoch this often.
const ENTER_TRIES: usize = 3;

/// Answers one call of a shopper.
pub async fn call(site: &Site, mut request: Request, id: &QueueId, rest: &[&str]) -> Answered {
    match rest {
        [] => {
            get(site)?;
            let seen = views::view(site, id).await?;
            let response = json(&seen.value.snapshot, 200, SNAPSHOT_CACHE)?;
            // Pages of an allowed origin get one header more.
            response.headers().set("vary", "Origin")?;
            Ok(response)
        }
        ["enter"] => {
            post(site)?;
            let wanted: EnterBody = body::typed(&mut request).await?;
            let shown = credentials::shown(site, id);
            let entered = enter(site, id, &shown, &wanted.naming()?).await?;
            respond_entered(site, id, &entered)
        }
        ["audit"] => audit::audit(site, id).await,
        ["audit", "proof"] => audit::proof(site, id).await,
        ["fairness"] => audit::fairness(site, id).await,
        ["live"] => live::connect(site, id).await,
        ["status"] => {
            get(site)?;
            let shown = credentials::shown(site, id);
            let (view, status) = status(site, id, &shown).await?;
            respond_status(site, &view.snapshot, &shown, &status)
        }
        ["claim"] => {
            post(site)?;
            respond_claimed(claim(site, id, &credentials::shown(site, id)).await?)
        }
        ["leave"] => {
            only(site, &[Method::Delete], "DELETE")?;
            leave(site, id, &credentials::shown(site, id)).await?;
            let response = nothing()?;
            response
                .headers()
                .append("set-cookie", &credentials::drop_ticket(id))?;
            Ok(response)
        }
        _ => Err(nothing_here()),
    }
}

/// A shopper who is in.
pub struct Entered {
    /// The signed ticket.
    pub token: String,
    /// What it was signed under.
    pub view: Rc<EdgeView>,
    /// The receipt of an entrant.
    pub receipt: Option<Value>,
    /// What it means now.
    pub status: Status,
}

/// Enters a shopper, or finds their entry again.
pub async fn enter(
    site: &Site,
    id: &QueueId,
    shown: &Shown,
    naming: &Naming,
) -> Result<Entered, Problem> {
    credentials::check_origin(site, shown)?;
    // An old cookie must not keep anybody out; a bearer is somebody's word, and is held to it.
    let known = match (shown, credentials::read(site, id, shown)) {
        (Shown::Bearer(_), read) => read?,
        (_, read) => read.ok().flatten(),
    };
    let is_bearer = matches!(shown, Shown::Bearer(_));
    let fresh = random::bytes()?;
    let mut called = Called::default();
    for _ in 0..ENTER_TRIES {
        let judged = match &known {
            Some(known) => Some(views::view_for(site, &known.ticket).await),
            None => None,
        };
        let (seen, known) = match judged {
            Some(Ok(seen)) => (seen, known.as_ref()),
            // A ticket of an earlier life that a cookie held is no ticket.
            Some(Err(problem)) if problem.code != Code::TicketVoid || is_bearer => {
                return Err(problem);
            }
            _ => (views::view(site, id).await?, None),
        };
        let view = &seen.value;
        view.snapshot.check_entry_open(site.now)?;
        let epoch = view.snapshot.epoch;
        let shopper = match &known {
            Some(known) => known.ticket.shopper,
            None => naming.shopper(view, site, || Ok(fresh), site.now)?,
        };
        let refusal = views::entry_refusal(&seen);
        // Who is named may have an entry, which only the lane knows.
        if let (Some(problem), true) = (&refusal, naming.is_nobody() && known.is_none()) {
            return Err(problem.clone());
        }
        let number = shopper.lane(view.lanes);
        let lane = LaneName {
            queue: id.clone(),
            epoch,
            number,
        };
        let name = lane.object_name();
        called = view.snapshot.called().max(called);
        let call = LaneCall::Enter {
            lane,
            shopper,
            called,
            refusal,
            as_of: view.as_of(),
        };
        let reply: Reply<LaneReply> = stub::call(&site.env, binding::LANE, &name, &call).await;
        match reply {
            Ok(LaneReply::Entered {
                index,
                boarding,
                receipt,
            }) => {
                let keys = keys::ticket(site)?;
                let (now, jitter) = (site.now, random::jitter());
                let mut entered = entered(
                    &keys, view, shopper, index, boarding, seen.stale, now, jitter,
                )?;
                if let Some(receipt) = receipt {
                    let keys = keys::handoff(site)?;
                    entered.receipt = Some(receipts::shown(&keys, id, epoch, &receipt)?);
                }
                return Ok(entered);
            }
            Ok(_) => break,
            // The queue was reset since the view was taken.
            Err(problem) if problem.code == Code::TicketVoid => views::renew(site, id).await?,
            Err(problem) => return Err(problem),
        }
    }
    Err(Problem::new(
        Code::ServiceUnavailable,
        "The queue is being reset; try again.",
    ))
}

/// Makes the ticket of an entry, and what it means.
#[expect(clippy::too_many_arguments, reason = "each is one plain fact")]
pub fn entered(
    keys: &TicketKeys,
    view: &Rc<EdgeView>,
    shopper: ShopperId,
    index: u64,
    boarding: u64,
    stale: bool,
    now: UnixMillis,
    jitter: u32,
) -> Result<Entered, Problem> {
    let ticket = Ticket {
        queue: view.snapshot.id.clone(),
        epoch: view.snapshot.epoch,
        shopper,
        index,
        position: view.snapshot.shuffle.position(index),
        issued_at: now,
    };
    // The lane may know of boarding that the snapshot has not seen yet.
    let mut snapshot = view.snapshot.clone();
    if snapshot.phase == Phase::Scheduled {
        // Somebody has just entered.
        snapshot.phase = Phase::Entry;
    }
    if boarding > snapshot.boarding {
        snapshot.boarding = boarding;
        views::boarding_is(&snapshot.id, snapshot.epoch, boarding);
    }
    let status = Status::of(Some(&ticket), &snapshot, stale, jitter);
    Ok(Entered {
        token: keys.sign(&ticket, now, lives_until(&snapshot, now))?,
        view: Rc::clone(view),
        receipt: None,
        status,
    })
}

/// What an enter answers.
pub fn entered_body(id: &QueueId, entered: &Entered) -> Value {
    json!({
        "queueId": id,
        "ticket": entered.token,
        "receipt": entered.receipt,
        "status": entered.status,
    })
}

fn respond_entered(site: &Site, id: &QueueId, entered: &Entered) -> Answered {
    let response = private_json(&entered_body(id, entered), 200)?;
    // Another site's page keeps the ticket itself.
    if credentials::from(site) != From::Elsewhere {
        response.headers().append(
            "set-cookie",
            &credentials::set_ticket(&entered.view.snapshot, &entered.token, site.now),
        )?;
    }
    Ok(response)
}

/// What the shown ticket means now, and the view that says so.
pub async fn status(
    site: &Site,
    id: &QueueId,
    shown: &Shown,
) -> Result<(Rc<EdgeView>, Status), Problem> {
    let Some(known) = credentials::read(site, id, shown)? else {
        let seen = views::view(site, id).await?;
        let status = Status::of(None, &seen.value.snapshot, seen.stale, random::jitter());
        return Ok((seen.value, status));
    };
    let seen = views::view_for(site, &known.ticket).await?;
    let snapshot = &seen.value.snapshot;
    let is_due = is_due(&known, snapshot, site.now);
    let mut ticket = known.ticket;
    let had_place = ticket.position.is_some();
    ticket.position = ticket
        .position
        .or_else(|| snapshot.shuffle.position(ticket.index));
    let mut status = Status::of(Some(&ticket), snapshot, seen.stale, random::jitter());
    // With its place, so that it is computed once.
    if is_due || had_place != ticket.position.is_some() {
        let expires_at = lives_until(snapshot, site.now);
        status.ticket = Some(keys::ticket(site)?.sign(&ticket, site.now, expires_at)?);
    }
    Ok((seen.value, status))
}

fn respond_status(site: &Site, snapshot: &Snapshot, shown: &Shown, status: &Status) -> Answered {
    let response = private_json(status, 200)?;
    if let (Shown::Cookie(_), Some(renewed)) = (shown, &status.ticket) {
        response.headers().append(
            "set-cookie",
            &credentials::set_ticket(snapshot, renewed, site.now),
        )?;
    }
    Ok(response)
}

/// Gives up what the shown ticket holds: its lane does, in one step.
pub async fn leave(site: &Site, id: &QueueId, shown: &Shown) -> Result<(), Problem> {
    credentials::check_origin(site, shown)?;
    let (view, holder) = judged(site, id, shown).await?;
    if recalled::has_left(&holder, site.now) {
        return Ok(());
    }
    if let Some(problem) = recalled::leave_refusal(&holder, site.now) {
        return Err(problem);
    }
    let Holder {
        epoch,
        shopper,
        index,
        ..
    } = holder;
    let lane = LaneName {
        queue: id.clone(),
        epoch,
        number: shopper.lane(view.lanes),
    };
    let name = lane.object_name();
    let call = LaneCall::Leave {
        lane,
        shopper,
        index,
    };
    let told: Reply<LaneReply> = stub::call(&site.env, binding::LANE, &name, &call).await;
    if let Err(problem) = told {
        recalled::leave_refused((epoch, index), &problem, site.now);
        return Err(problem);
    }
    views::place_is_free(id, epoch, site.now);
    recalled::left((epoch, index), site.now);
    Ok(())
}

/// Whose ticket was shown, as the queue needs to know it.
pub async fn holder(site: &Site, id: &QueueId, shown: &Shown) -> Result<Holder, Problem> {
    judged(site, id, shown).await.map(|(_, holder)| holder)
}

/// The same, and the view of the life that the ticket is of.
pub async fn judged(
    site: &Site,
    id: &QueueId,
    shown: &Shown,
) -> Result<(Rc<EdgeView>, Holder), Problem> {
    views::exists(site, id).await?;
    let ticket = credentials::read(site, id, shown)?
        .ok_or_else(|| {
            Problem::unauthorized(
                "This call needs the ticket that entering gave, as bearer or cookie.",
            )
        })?
        .ticket;
    let view = views::view_for(site, &ticket).await?.value;
    let holder = holder_of(&ticket, &view.snapshot);
    Ok((view, holder))
}

/// What a ticket says of its holder to the queue, by a snapshot of the same life.
pub fn holder_of(ticket: &Ticket, snapshot: &Snapshot) -> Holder {
    let known = || snapshot.shuffle.position(ticket.index);
    Holder {
        epoch: ticket.epoch,
        index: ticket.index,
        position: ticket.position.or_else(known),
        shopper: ticket.shopper,
    }
}
