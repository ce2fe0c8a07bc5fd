//! The Relay object: it stands between the edges and a Queue object, and asks it at most once a
//! second however many edges ask the relay. It stores nothing.

use std::cell::{Cell, RefCell};

use futures::channel::oneshot;
use tidegate_core::UnixMillis;
use tidegate_core::calls::{QueueCall, QueueReply, RelayCall, RelayReply, Reply};
use tidegate_core::ids::QueueId;
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::{Answer, Event};
use tidegate_core::view::snapshot::EdgeView;
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use crate::binding;
use crate::storage::now;
use crate::stub::{self, read_call, respond};

/// How long an answer of the Queue object, good or bad, is passed on.
const FRESH_MILLIS: u64 = 1_000;

type Seen = Reply<Box<EdgeView>>;

/// See the module's documentation.
#[durable_object(fetch)]
pub struct Relay {
    env: Env,
    seen: RefCell<Option<(UnixMillis, Seen)>>,
    asking: Cell<bool>,
    waiters: RefCell<Vec<oneshot::Sender<Seen>>>,
}

impl DurableObject for Relay {
    fn new(_state: State, env: Env) -> Self {
        Self {
            env,
            seen: RefCell::default(),
            asking: Cell::default(),
            waiters: RefCell::default(),
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let RelayCall::View { queue } = read_call(&mut request).await?;
        respond(&self.view(&queue).await.map(RelayReply::View))
    }
}

impl Relay {
    async fn view(&self, queue: &QueueId) -> Seen {
        if let Some(seen) = self.fresh() {
            return seen;
        }
        if self.asking.get() {
            let (sender, receiver) = oneshot::channel();
            self.waiters.borrow_mut().push(sender);
            return receiver.await.unwrap_or_else(|_| Err(interrupted()));
        }
        let _asking = Asking::begin(self);
        let call = QueueCall::Event(Box::new(Event::View));
        let reply = stub::call(&self.env, binding::QUEUE, queue.as_str(), &call).await;
        let seen = reply.and_then(|reply| match reply {
            QueueReply::Answer(Answer::View(view)) => Ok(view),
            _ => Err(Problem::new(
                Code::InternalError,
                "The queue answered something else.",
            )),
        });
        *self.seen.borrow_mut() = Some((now(), seen.clone()));
        for waiter in self.waiters.take() {
            // A waiter that hung up needs no answer.
            let _ = waiter.send(seen.clone());
        }
        seen
    }

    fn fresh(&self) -> Option<Seen> {
        let seen = self.seen.borrow();
        let (at, seen) = seen.as_ref()?;
        (now().saturating_sub(*at) < FRESH_MILLIS).then(|| seen.clone())
    }
}

/// While it lives, this relay asks the Queue object. The caller may hang up at any await: dropping
/// this lets the next one ask, and tells those who wait.
struct Asking<'a>(&'a Relay);

impl<'a> Asking<'a> {
    fn begin(relay: &'a Relay) -> Self {
        relay.asking.set(true);
        Self(relay)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.asking.set(false);
        for waiter in self.0.waiters.take() {
            let _ = waiter.send(Err(interrupted()));
        }
    }
}

fn interrupted() -> Problem {
    Problem::new(
        Code::ServiceUnavailable,
        "The relay was interrupted; try again.",
    )
}
