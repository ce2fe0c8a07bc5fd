//! The Relay object: it stands between a Queue object and its readers. It asks the queue at most
//! once a second however many edges and sockets ask the relay, and holds hibernating sockets, to
//! which it sends what the queue pushes. It stores nothing.
//!
//! What must survive that its memory is lost: the sockets and their label survive with the
//! platform; while they sleep, nothing is waiting to be sent, for a send that waits is a timer, and
//! the platform lets no object sleep that has one. If the object is killed, its sockets are closed
//! with it, and those who come back are greeted with the last state. The sweep's alarm asks the
//! queue anew, so that a push that was lost on its way is made up for.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures::channel::oneshot;
use tidegate_core::UnixMillis;
use tidegate_core::calls::{QueueCall, QueueReply, RelayCall, RelayName, RelayReply, Reply};
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::Answer;
use tidegate_core::reading;
use tidegate_core::relay::{
    CAPACITY, Closing, Effect, Event, Relay as Machine, is_silent, next_sweep,
};
use tidegate_core::view::snapshot::EdgeView;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{
    Delay, DurableObject, Env, Error, Request, Response, Result, Socket, State, WebSocket,
    WebSocketIncomingMessage, console_error, durable_object,
};

use crate::binding;
use crate::sockets;
use crate::storage::now;
use crate::stub::{self, Answering, answer, refuse_upgrade, upgrade_call};

/// How often a new socket may find that the queue must be asked first.
const ASK_TRIES: usize = 3;

/// See the module's documentation.
#[durable_object]
pub struct Relay {
    inner: Rc<Inner>,
}

struct Inner {
    state: State,
    env: Env,
    /// `None` until the relay is told who it is.
    machine: RefCell<Option<Machine>>,
    asking: Cell<bool>,
    waiters: RefCell<Vec<oneshot::Sender<()>>>,
    /// Something waits to be sent.
    timing: Cell<bool>,
    /// The sweep's alarm is known to be armed.
    armed: Cell<bool>,
}

impl DurableObject for Relay {
    fn new(state: State, env: Env) -> Self {
        let inner = Inner {
            state,
            env,
            machine: RefCell::default(),
            asking: Cell::default(),
            waiters: RefCell::default(),
            timing: Cell::default(),
            armed: Cell::default(),
        };
        Self {
            inner: Rc::new(inner),
        }
    }

    /// Takes a socket.
    async fn fetch(&self, request: Request) -> Result<Response> {
        let Some(RelayCall::Live(name)) = upgrade_call(&request)? else {
            return Err(Error::from("no call for an upgrade"));
        };
        match live(&self.inner, &name).await {
            Ok(socket) => Response::from_websocket(socket),
            Err(problem) => refuse_upgrade(problem),
        }
    }

    /// Closes the sockets that are dead, and asks the queue for the others.
    async fn alarm(&self) -> Result<Response> {
        let inner = &self.inner;
        inner.armed.set(false);
        let (sockets, _) = sockets::all(&inner.state)?;
        if let Some(first) = sockets.first() {
            let label = sockets::label(&inner.state, first)?;
            inner.know(&reading::parse(&label)?)?;
            let now = now();
            let (mut alive, mut longest) = (0_u32, now);
            for socket in &sockets {
                let Some(heard_at) = sockets::heard_at(&inner.state, socket)? else {
                    continue;
                };
                if is_silent(heard_at, now) {
                    sockets::leaves(socket);
                    sockets::close(socket, Closing::Silent);
                } else {
                    alive = alive.saturating_add(1);
                    longest = longest.min(heard_at);
                }
            }
            inner.with(|relay| relay.counted(alive))?;
            if alive > 0 {
                let pause = next_sweep(longest, now).saturating_sub(now);
                inner.arm(Duration::from_millis(pause)).await?;
                if inner.with(|relay| relay.must_ask(now))? {
                    ask(inner, false).await;
                }
            }
        }
        Response::empty()
    }

    async fn websocket_message(
        &self,
        socket: WebSocket,
        _: WebSocketIncomingMessage,
    ) -> Result<()> {
        self.inner.closed(&socket);
        let (code, reason) = Closing::Talked.frame();
        socket.close(Some(code), Some(reason))
    }

    async fn websocket_close(&self, socket: WebSocket, _: usize, _: String, _: bool) -> Result<()> {
        self.inner.closed(&socket);
        // Ends the handshake that the client began; for one that is gone it fails, and that is
        // well.
        let _ = socket.close(Some(1000), Some(""));
        Ok(())
    }

    async fn websocket_error(&self, socket: WebSocket, _: Error) -> Result<()> {
        self.inner.closed(&socket);
        Ok(())
    }

    async fn connect(&self, _: Socket) -> Result<()> {
        Err(Error::from("a relay takes no TCP connections"))
    }
}

#[wasm_bindgen]
impl Relay {
    /// Answers a [`RelayCall`], but for an upgrade.
    pub fn ask(&self, call: &str) -> std::result::Result<JsValue, JsValue> {
        let inner = &self.inner;
        answer(call, |call| match call {
            RelayCall::View(name) => {
                let (inner, known) = (Rc::clone(inner), inner.know(&name));
                Answering::later(async move {
                    known.map_err(failed)?;
                    view(&inner).await
                })
            }
            RelayCall::Push(name, view) => {
                Answering::Now(inner.pushed(&name, view).map_err(failed))
            }
            RelayCall::Close(name, closing) => {
                Answering::Now(inner.over(&name, closing).map_err(failed))
            }
            RelayCall::Live(_) => {
                Answering::Now(Err(Problem::validation("a socket comes as an upgrade")))
            }
        })
    }
}

/// What an edge keeps, at most a second old.
async fn view(inner: &Rc<Inner>) -> Reply<RelayReply> {
    if !inner.with(|relay| relay.is_fresh(now())).map_err(failed)? {
        ask(inner, false).await;
    }
    let heard = inner.with(|relay| relay.heard().cloned()).map_err(failed)?;
    heard
        .unwrap_or_else(|| Err(failed(Error::from("no answer was heard"))))
        .map(RelayReply::View)
}

/// Holds a socket, greeted with the last state.
async fn live(inner: &Rc<Inner>, name: &RelayName) -> Reply<WebSocket> {
    inner.know(name).map_err(failed)?;
    for _ in 0..ASK_TRIES {
        if !inner.with(|relay| relay.must_ask(now())).map_err(failed)? {
            break;
        }
        ask(inner, true).await;
    }
    let greeting = inner.with(Machine::open).map_err(failed)??;
    let label = serde_json::to_string(name).map_err(|error| failed(error.into()))?;
    let held = sockets::hold(&inner.state, &label, &greeting, now());
    if held.is_err() {
        inner.with(Machine::closed).map_err(failed)?;
    }
    if !inner.armed.get() {
        inner.arm_if_unarmed().await.map_err(failed)?;
    }
    held.map_err(failed)
}

/// Asks the queue, or waits for the answer to a question that is under way. The work belongs to the
/// relay, not to the request that began it: that client may hang up.
async fn ask(inner: &Rc<Inner>, opening: bool) {
    let (sender, receiver) = oneshot::channel();
    inner.waiters.borrow_mut().push(sender);
    if !inner.asking.replace(true) {
        let asker = Rc::clone(inner);
        inner.state.wait_until(async move {
            if let Err(error) = asker.put_question(opening).await {
                console_error!("relay: {error}");
            }
            asker.asking.set(false);
            for waiter in asker.waiters.take() {
                // A waiter that hung up needs no answer.
                let _ = waiter.send(());
            }
        });
    }
    // Who asks tells all who wait.
    let _ = receiver.await;
}

impl Inner {
    fn pushed(self: &Rc<Self>, name: &RelayName, view: Box<EdgeView>) -> Result<RelayReply> {
        self.know(name)?;
        self.count()?;
        self.happen(Event::Pushed(view))?;
        let sockets = self.with(|relay| relay.sockets(now()))?;
        Ok(RelayReply::Sockets(sockets))
    }

    fn over(self: &Rc<Self>, name: &RelayName, closing: Closing) -> Result<RelayReply> {
        self.know(name)?;
        self.count()?;
        self.happen(Event::Over(closing))?;
        Ok(RelayReply::Sockets(0))
    }

    /// Learns who this relay is, if its memory does not say.
    fn know(&self, name: &RelayName) -> Result<()> {
        if self.machine.borrow().is_some() {
            return Ok(());
        }
        sockets::answer_pings(&self.state)?;
        let (_, held) = sockets::all(&self.state)?;
        let set = self.env.var("RELAY_CAPACITY").ok();
        let capacity = set.and_then(|set| set.to_string().parse().ok());
        let capacity = capacity.filter(|most| *most > 0).unwrap_or(CAPACITY);
        let machine = Machine::new(name.clone(), capacity, held);
        *self.machine.borrow_mut() = Some(machine);
        Ok(())
    }

    fn with<T>(&self, step: impl FnOnce(&mut Machine) -> T) -> Result<T> {
        let mut machine = self.machine.borrow_mut();
        let machine = machine.as_mut();
        machine
            .map(step)
            .ok_or_else(|| Error::from("a relay that does not know who it is"))
    }

    /// Lets an event happen, and does what follows.
    fn happen(self: &Rc<Self>, event: Event) -> Result<()> {
        let effects = self.with(|relay| relay.handle(event, now()))?;
        if !effects.is_empty() {
            let (sockets, held) = sockets::all(&self.state)?;
            self.with(|relay| relay.counted(held))?;
            for effect in effects {
                match effect {
                    Effect::Send(message) => sockets::send_to_all(&sockets, &message),
                    Effect::CloseAll(closing) => sockets::close_all(&sockets, closing),
                }
            }
        }
        if !self.timing.get() && self.next_timeout().is_some() {
            self.timing.set(true);
            self.state.wait_until(send_when_due(Rc::clone(self)));
        }
        Ok(())
    }

    fn next_timeout(&self) -> Option<UnixMillis> {
        self.with(|relay| relay.next_timeout()).ok().flatten()
    }

    fn count(&self) -> Result<()> {
        let (_, held) = sockets::all(&self.state)?;
        self.with(|relay| relay.counted(held))
    }

    fn closed(&self, socket: &WebSocket) {
        if sockets::leaves(socket.as_ref().as_ref())
            && let Some(relay) = &mut *self.machine.borrow_mut()
        {
            relay.closed();
        }
    }

    async fn put_question(self: &Rc<Self>, opening: bool) -> Result<()> {
        let (queue, event) = self.with(|relay| {
            let event = relay.question(opening, now());
            (relay.name().queue.clone(), event)
        })?;
        let call = QueueCall::Event(Box::new(event));
        let reply = stub::call(&self.env, binding::QUEUE, queue.as_str(), &call).await;
        let heard = reply.and_then(|reply| match reply {
            QueueReply::Answer(Answer::View(view)) => Ok(view),
            _ => Err(Problem::unexpected("queue")),
        });
        self.happen(Event::Heard(heard))
    }

    async fn arm(&self, pause: Duration) -> Result<()> {
        self.armed.set(true);
        self.state.storage().set_alarm(pause).await
    }

    /// Arms the sweep's alarm, unless it is armed from before this memory began.
    async fn arm_if_unarmed(&self) -> Result<()> {
        if self.state.storage().get_alarm().await?.is_some() {
            self.armed.set(true);
            return Ok(());
        }
        let now = now();
        let pause = next_sweep(now, now).saturating_sub(now);
        self.arm(Duration::from_millis(pause)).await
    }
}

/// Sends what may not be sent yet, when it may.
async fn send_when_due(inner: Rc<Inner>) {
    while let Some(at) = inner.next_timeout() {
        let pause = at.saturating_sub(now()).max(1);
        Delay::from(Duration::from_millis(pause)).await;
        if let Err(error) = inner.happen(Event::Wake) {
            console_error!("relay: {error}");
            break;
        }
    }
    inner.timing.set(false);
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: Error) -> Problem {
    console_error!("relay: {error}");
    Problem::new(Code::ServiceUnavailable, "The relay failed; try again.")
}
