//! A shopper's and a shop's calls without their text: what a verified ticket or token says comes
//! in, and what an answer would say comes out. The simulator drives them by the million. [`calls`]
//! are the same calls with text around them: they read the request, verify and sign, and write the
//! answer.
//!
//! [`calls`]: super::calls

use std::rc::Rc;

use super::address::Address;
use super::context::Context;
use super::isolate::Isolate;
use super::pending::{Pending, Port};
use super::request::{Method, Request};
use crate::ids::{QueueId, ShopperId};
use crate::problem::Problem;
use crate::queue::claim::AdmissionReport;
use crate::queue::{Answer, Event};
use crate::token::ticket::Ticket;
use crate::view::snapshot::EdgeView;
use crate::view::status::Status;

/// What is called for.
#[derive(Debug)]
pub enum Call {
    /// A shopper enters: by a key or a token that was read, or with the ticket that they have.
    Enter {
        /// The queue.
        queue: QueueId,
        /// Who it is.
        shopper: ShopperId,
        /// Their ticket, if they have one.
        ticket: Option<Ticket>,
    },
    /// A shopper looks where they stand.
    Status(Ticket),
    /// A shopper claims.
    Claim(Ticket),
    /// A shopper leaves.
    Leave(Ticket),
    /// A checkout redeems, completes, releases or extends.
    Checkout(QueueId, Box<Event>),
}

/// What a call comes to.
#[derive(Debug)]
pub enum Said {
    /// Who entered has a place.
    Entered {
        /// What their ticket says.
        ticket: Ticket,
        /// The view that it is of.
        view: Rc<EdgeView>,
        /// What it means now.
        status: Status,
    },
    /// Where a ticket stands.
    Status {
        /// The view that says so.
        view: Rc<EdgeView>,
        /// What the ticket means now.
        status: Status,
    },
    /// What the queue says to a claim.
    Claimed(Answer),
    /// The place is given up.
    Left,
    /// How an admission stands.
    Admission(Box<AdmissionReport>),
}

impl Isolate {
    /// Begins a call to the deployment at `site`.
    pub fn call_typed(
        self: &Rc<Self>,
        site: &Address,
        call: Call,
    ) -> Pending<Result<Said, Problem>> {
        let request = Request {
            method: Method::Post,
            address: site.clone(),
            authorization: None,
            cookie: None,
            origin: None,
            is_forwarded: false,
            rest: None,
            body: None,
        };
        let port = Rc::<Port>::default();
        let context = Context::new(request, Rc::clone(self), Rc::clone(&port));
        match call {
            Call::Status(mut ticket) => Pending::new(port, async move {
                let (seen, status) = context.standing(&mut ticket).await?;
                let view = seen.value;
                Ok(Said::Status { view, status })
            }),
            Call::Enter {
                queue,
                shopper,
                ticket,
            } => Pending::new(port, async move {
                let known = async |_: &_| Ok((shopper, true));
                let placed = context.place(&queue, ticket.as_ref(), true, known).await?;
                Ok(Said::Entered {
                    ticket: placed.ticket,
                    view: placed.view,
                    status: placed.status,
                })
            }),
            Call::Claim(ticket) => Pending::new(port, async move {
                Ok(Said::Claimed(context.claim_by(&ticket).await?))
            }),
            Call::Leave(ticket) => Pending::new(port, async move {
                context.leave_by(&ticket).await?;
                Ok(Said::Left)
            }),
            Call::Checkout(queue, event) => Pending::new(port, async move {
                let report = context.at_checkout(&queue, *event).await?;
                Ok(Said::Admission(Box::new(report)))
            }),
        }
    }
}
