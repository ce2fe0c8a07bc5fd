//! What the code of a call has at hand: its request, the isolate's memory, the time, and what it
//! may demand.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use serde::de::DeserializeOwned;

use super::body;
use super::isolate::Isolate;
use super::pending::{Demand, Object, Port, Supply};
use super::request::{Request, Rest};
use crate::UnixMillis;
use crate::calls::{Call, Reply};
use crate::problem::{Code, Problem};
use crate::wire;

/// A request's context.
pub(super) struct Context {
    pub(super) request: Request,
    pub(super) isolate: Rc<Isolate>,
    /// Another site's page asks, and the queue allows its pages to.
    pub(super) is_allowed_elsewhere: Cell<bool>,
    rest: OnceCell<Rest>,
    id: OnceCell<String>,
    port: Rc<Port>,
}

impl Context {
    pub(super) fn new(mut request: Request, isolate: Rc<Isolate>, port: Rc<Port>) -> Self {
        let rest = request
            .rest
            .take()
            .map_or_else(OnceCell::new, OnceCell::from);
        Self {
            request,
            isolate,
            is_allowed_elsewhere: Cell::new(false),
            rest,
            id: OnceCell::new(),
            port,
        }
    }

    /// The edge's clock, as of the last step.
    pub(super) fn now(&self) -> UnixMillis {
        self.port.now()
    }

    /// Says what is needed, and waits for it.
    pub(super) async fn demand(&self, demand: Demand) -> Supply {
        self.port.demand(demand).await
    }

    /// Lets time pass.
    pub(super) async fn sleep(&self, millis: u64) {
        self.demand(Demand::Sleep(millis)).await;
    }

    /// The headers that few calls look at.
    pub(super) async fn rest(&self) -> &Rest {
        if self.rest.get().is_none() {
            let rest = match self.demand(Demand::Rest).await {
                Supply::Rest(rest) => *rest,
                _ => Rest::default(),
            };
            let _ = self.rest.set(rest);
        }
        self.rest.get_or_init(Rest::default)
    }

    /// The same, if they have been read.
    pub(super) fn known_rest(&self) -> Option<&Rest> {
        self.rest.get()
    }

    /// What names the request in answers and logs: what the platform calls it, if that is known.
    pub(super) fn id(&self) -> &str {
        self.id.get_or_init(|| {
            let ray = self.rest.get().and_then(|rest| rest.ray.clone());
            ray.unwrap_or_else(|| self.isolate.request_id())
        })
    }

    /// The body, unless it is too large.
    pub(super) async fn body(&self) -> Result<Vec<u8>, Problem> {
        if let Some(body) = &self.request.body {
            return if body.len() > super::request::BODY_MAX {
                Err(body::too_large())
            } else {
                Ok(body.clone())
            };
        }
        if self.rest().await.announces_too_much() {
            return Err(body::too_large());
        }
        match self.demand(Demand::Body).await {
            Supply::Bytes(bytes) => Ok(bytes),
            Supply::TooMuch => Err(body::too_large()),
            _ => Err(Problem::validation("The request body broke off.")),
        }
    }

    /// A variable of the configuration, unless it is empty.
    pub(super) async fn variable(&self, name: &'static str) -> Option<String> {
        if let Some(known) = self.isolate.variables.borrow().get(name) {
            return known.clone();
        }
        let value = match self.demand(Demand::Variable(name)).await {
            Supply::Text(text) => Some(text),
            _ => None,
        };
        self.isolate
            .variables
            .borrow_mut()
            .insert(name, value.clone());
        value
    }

    /// What handoff tokens name as `iss`.
    pub(super) async fn issuer(&self) -> String {
        let configured = self.variable("ISSUER").await;
        configured.unwrap_or_else(|| self.request.address.origin().to_owned())
    }

    /// Asks an object.
    pub(super) async fn ask<C: Call, R: DeserializeOwned>(
        &self,
        object: Object,
        name: &str,
        call: &C,
    ) -> Reply<R> {
        let Ok(call) = wire::write(&call.label(), call) else {
            return Err(Problem::unexpected(said(object)));
        };
        let name = name.to_owned();
        match self.demand(Demand::Ask { object, name, call }).await {
            Supply::Text(reply) => wire::read(&reply).unwrap_or_else(|_| Err(no_answer(object))),
            _ => Err(no_answer(object)),
        }
    }
}

const fn said(object: Object) -> &'static str {
    match object {
        Object::Directory => "directory",
        Object::Queue => "queue",
        Object::Lane => "lane",
        Object::Relay => "relay",
    }
}

/// The refusal where an object is out of reach, or its reply is of another version.
pub(super) fn no_answer(object: Object) -> Problem {
    Problem::new(
        Code::ServiceUnavailable,
        format!(
            "The {} does not answer; try again, you lose nothing.",
            said(object)
        ),
    )
}
