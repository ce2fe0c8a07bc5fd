//! The Relay object: it stands between the edges and a Queue object, and asks it at most once a
//! second however many edges ask the relay. It stores nothing.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures::channel::oneshot;
use tidegate_core::UnixMillis;
use tidegate_core::calls::{QueueCall, QueueReply, RelayCall, RelayReply, Reply};
use tidegate_core::ids::QueueId;
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::{Answer, Event};
use tidegate_core::view::snapshot::EdgeView;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use crate::binding;
use crate::storage::now;
use crate::stub::{self, Answering, answer, asked_only};

/// How long an answer of the Queue object, good or bad, is passed on.
const FRESH_MILLIS: u64 = 1_000;

type Seen = Reply<Box<EdgeView>>;

/// See the module's documentation.
#[durable_object(fetch)]
pub struct Relay {
    inner: Rc<Inner>,
}

struct Inner {
    env: Env,
    seen: RefCell<Option<(UnixMillis, Seen)>>,
    asking: Cell<bool>,
    waiters: RefCell<Vec<oneshot::Sender<Seen>>>,
}

impl DurableObject for Relay {
    fn new(_state: State, env: Env) -> Self {
        let inner = Inner {
            env,
            seen: RefCell::default(),
            asking: Cell::default(),
            waiters: RefCell::default(),
        };
        Self {
            inner: Rc::new(inner),
        }
    }

    async fn fetch(&self, _request: Request) -> Result<Response> {
        asked_only()
    }
}

#[wasm_bindgen]
impl Relay {
    /// Answers a [`RelayCall`].
    pub fn ask(&self, call: &str) -> std::result::Result<JsValue, JsValue> {
        answer(call, |RelayCall::View { queue }| {
            if let Some(seen) = self.inner.fresh() {
                return Answering::Now(seen.map(RelayReply::View));
            }
            let inner = Rc::clone(&self.inner);
            Answering::later(async move { inner.view(&queue).await.map(RelayReply::View) })
        })
    }
}

impl Inner {
    async fn view(&self, queue: &QueueId) -> Seen {
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
struct Asking<'a>(&'a Inner);

impl<'a> Asking<'a> {
    fn begin(relay: &'a Inner) -> Self {
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
