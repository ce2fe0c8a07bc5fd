//! The Lane object: it takes the entries of a share of the shoppers. The group's work belongs to
//! the lane, not to the request that began it: that shopper may hang up.

mod leaving;
mod rows;
mod standing;
mod work;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use futures::channel::oneshot;
use tidegate_core::UnixMillis;
use tidegate_core::calls::{LaneCall, LaneName, LaneReply, QueueCall, QueueReply, Reply};
use tidegate_core::fair::receipt::{Receipt, Receipts};
use tidegate_core::ids::ShopperId;
use tidegate_core::lane::leaving::Left;
use tidegate_core::lane::questions::Questions;
use tidegate_core::lane::{Heard, Lane as LaneState, Outcomes};
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::event::Called;
use tidegate_core::queue::{Answer, Event};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{DurableObject, Env, Request, Response, Result, SqlStorage, State, durable_object};

use self::rows::{load, receipts, stored_name};
use self::work::work;
use crate::binding;
use crate::storage::now;
use crate::stub::{self, Answering, Teller, answer, asked_only, interrupted, storage_failed};

/// How often a lane asks whether its epoch still lives.
const REVIEW: Duration = Duration::from_hours(1);
/// An entry that ended is asked about, entered anew, and looked at again: never more often than
/// this.
const ENTER_TRIES: usize = 3;

/// See the module's documentation.
#[durable_object(alarm)]
pub struct Lane {
    inner: Rc<Inner>,
}

struct Inner {
    state: State,
    env: Env,
    /// `None` until storage was read, and again after a write failed.
    lane: RefCell<Option<LaneState>>,
    /// Whether the name row is written, and so the review alarm armed.
    named: Cell<bool>,
    waiters: RefCell<HashMap<ShopperId, Vec<Waiter>>>,
    working: Cell<bool>,
    /// Which entries the queue is asked about when, and who waits for that.
    questions: RefCell<Questions<oneshot::Sender<Reply<bool>>>>,
    /// The group that a receipt was last asked of.
    receipts: RefCell<Option<Receipts>>,
    /// The last indices that were leased after the opening: from, and up to. They have no receipts.
    unlogged: Cell<(u64, u64)>,
    /// Why nobody can enter here any more: the epoch is over, and an epoch never comes back.
    over: RefCell<Option<Problem>>,
}

/// Tells a shopper what they wait to hear.
type Waiter = Box<dyn FnOnce(Reply<Heard>)>;

impl DurableObject for Lane {
    fn new(state: State, env: Env) -> Self {
        let inner = Inner {
            state,
            env,
            lane: RefCell::default(),
            named: Cell::default(),
            waiters: RefCell::default(),
            working: Cell::default(),
            questions: RefCell::default(),
            receipts: RefCell::default(),
            unlogged: Cell::default(),
            over: RefCell::default(),
        };
        Self {
            inner: Rc::new(inner),
        }
    }

    async fn fetch(&self, _request: Request) -> Result<Response> {
        asked_only()
    }

    /// Asks whether the epoch still lives, and cleans up where it does not.
    async fn alarm(&self) -> Result<Response> {
        let Some(name) = self.inner.name()? else {
            return Response::empty();
        };
        let stands = Event::Stands {
            epoch: name.epoch,
            index: 0,
        };
        match self.inner.ask(&name, stands).await {
            Err(problem) if is_over(&problem) => self.inner.retire(&problem).await?,
            _ => self.inner.state.storage().set_alarm(REVIEW).await?,
        }
        Response::empty()
    }
}

#[wasm_bindgen]
impl Lane {
    /// Answers a [`LaneCall`].
    pub fn ask(&self, call: &str) -> std::result::Result<JsValue, JsValue> {
        let inner = Rc::clone(&self.inner);
        answer(call, |call| match call {
            LaneCall::Enter {
                lane,
                shopper,
                called,
                refusal,
                as_of,
            } => {
                inner.heed(refusal, as_of);
                let (teller, answering) = Teller::new();
                enter(&inner, &lane, shopper, called, teller);
                answering
            }
            LaneCall::Leave {
                lane,
                shopper,
                index,
            } => {
                let (teller, answering) = Teller::new();
                // The leave belongs to the lane: who hangs up has left all the same.
                let of = Rc::clone(&inner);
                inner.state.wait_until(async move {
                    teller.tell(&of.leave(&lane, shopper, index).await);
                });
                answering
            }
            LaneCall::Show { shopper, index } => {
                let receipt = inner.name().and_then(|name| match name {
                    Some(name) => inner.receipt(&name, shopper, index),
                    None => Ok(None),
                });
                let reply = receipt.map(LaneReply::Receipt);
                Answering::Now(reply.map_err(|error| storage_failed(&error)))
            }
            LaneCall::Retire => {
                Answering::later(async move { done(inner.retire(&retired()).await) })
            }
        })
    }
}

fn done(outcome: Result<()>) -> Reply<LaneReply> {
    outcome
        .map(|()| LaneReply::Done)
        .map_err(|error| storage_failed(&error))
}

/// Enters a shopper, or finds their entry.
fn enter(
    inner: &Rc<Inner>,
    name: &LaneName,
    shopper: ShopperId,
    called: Called,
    teller: Teller<LaneReply>,
) {
    let (of, by) = (Rc::clone(inner), name.clone());
    let waiter = move |heard| match heard {
        Ok(Heard::Index(index)) => teller.tell(&of.entered(&by, shopper, index)),
        Ok(heard) => {
            teller.tell_later(async move { enter_again(&of, &by, shopper, called, heard).await });
        }
        Err(problem) => teller.tell(&Err(problem)),
    };
    arrive(inner, name, shopper, called, Box::new(waiter));
}

/// Enters a shopper whose entry may have ended: it stands, or they enter anew.
async fn enter_again(
    inner: &Rc<Inner>,
    name: &LaneName,
    shopper: ShopperId,
    called: Called,
    mut heard: Heard,
) -> Reply<LaneReply> {
    for _ in 0..ENTER_TRIES {
        match heard {
            Heard::Index(index) => return inner.entered(name, shopper, index),
            Heard::CalledUp(index) => {
                if standing::stands(inner, name, index).await? {
                    return inner.entered(name, shopper, index);
                }
                inner
                    .forget(shopper, index)
                    .map_err(|error| storage_failed(&error))?;
            }
            Heard::Leaving(index) => match inner.finish_leaving(name, shopper, index).await {
                (Left::Gone, _) => {}
                (Left::Stays, _) => return inner.entered(name, shopper, index),
                (Left::Unknown, told) => return told.and_then(|()| Err(interrupted())),
            },
        }
        // It ended and is removed: they look again, for a retry may have been quicker.
        let (sender, receiver) = oneshot::channel();
        let waiter = move |heard| {
            let _ = sender.send(heard);
        };
        arrive(inner, name, shopper, called, Box::new(waiter));
        heard = receiver.await.unwrap_or_else(|_| Err(interrupted()))?;
    }
    Err(Problem::new(
        Code::ServiceUnavailable,
        "This entry changes too fast; try again.",
    ))
}

/// The shopper waits until they were looked up and, where they have no entry, their group is
/// through; sees to it that somebody works.
fn arrive(inner: &Rc<Inner>, name: &LaneName, shopper: ShopperId, called: Called, waiter: Waiter) {
    if let Some(problem) = inner.over.borrow().clone() {
        return waiter(Err(problem));
    }
    let arrived = inner.with_lane(|lane, _| Ok(lane.arrive(shopper, called)));
    if let Err(problem) = arrived.unwrap_or_else(|error| Err(storage_failed(&error))) {
        return waiter(Err(problem));
    }
    inner
        .waiters
        .borrow_mut()
        .entry(shopper)
        .or_default()
        .push(waiter);
    if !inner.working.replace(true) {
        inner.state.wait_until(work(Rc::clone(inner), name.clone()));
    }
}

impl Inner {
    async fn ask(&self, name: &LaneName, event: Event) -> Reply<Answer> {
        let call = QueueCall::Event(Box::new(event));
        let reply = stub::call(&self.env, binding::QUEUE, name.queue.as_str(), &call).await?;
        match reply {
            QueueReply::Answer(answer) => Ok(answer),
            _ => Err(Problem::unexpected("queue")),
        }
    }

    /// What cannot be heeded now costs a lease.
    fn heed(&self, refusal: Option<Problem>, as_of: UnixMillis) {
        if self.over.borrow().is_none() {
            let heeded = self.with_lane(|lane, _| {
                lane.heed(refusal, as_of, now());
                Ok(())
            });
            if let Err(error) = heeded {
                storage_failed(&error);
            }
        }
    }

    fn entered(&self, name: &LaneName, shopper: ShopperId, index: u64) -> Reply<LaneReply> {
        let receipt = self.receipt(name, shopper, index);
        let lane = self.lane.borrow();
        let boarding = lane.as_ref().map_or(0, |lane| lane.called().boarding);
        Ok(LaneReply::Entered {
            index,
            boarding,
            receipt: receipt.map_err(|error| storage_failed(&error))?,
        })
    }

    /// The receipt of an entry, if it is in the log.
    fn receipt(
        &self,
        name: &LaneName,
        shopper: ShopperId,
        index: u64,
    ) -> Result<Option<Box<Receipt>>> {
        let (from, to) = self.unlogged.get();
        if (from..to).contains(&index) {
            return Ok(None);
        }
        let mut last = self.receipts.borrow_mut();
        if let Some(receipt) = last.as_ref().and_then(|last| last.of(index)) {
            return Ok(Some(Box::new(receipt)));
        }
        *last = self.with_lane(|_, sql| receipts(sql, name, shopper, index))?;
        let receipt = last.as_ref().and_then(|last| last.of(index));
        Ok(receipt.map(Box::new))
    }

    fn name(&self) -> Result<Option<LaneName>> {
        stored_name(&self.state.storage().sql())
    }

    /// Runs `body` on the lane, read back from storage if need be. No await can fall in between.
    fn with_lane<T>(
        &self,
        body: impl FnOnce(&mut LaneState, &SqlStorage) -> Result<T>,
    ) -> Result<T> {
        let sql = self.state.storage().sql();
        let mut slot = self.lane.borrow_mut();
        let lane = match &mut *slot {
            Some(lane) => lane,
            None => slot.insert(load(&sql)?),
        };
        body(lane, &sql)
    }

    fn tell(&self, outcomes: Outcomes) {
        for (shopper, outcome) in outcomes {
            // Not borrowed while they are told. Who hung up finds the same entry when they come
            // back.
            let waiters = self.waiters.borrow_mut().remove(&shopper);
            for waiter in waiters.unwrap_or_default() {
                waiter(outcome.clone());
            }
        }
    }

    /// The epoch is over: those who wait hear so, and all that is stored goes.
    async fn retire(&self, problem: &Problem) -> Result<()> {
        *self.over.borrow_mut() = Some(problem.clone());
        self.give_up(problem);
        let storage = self.state.storage();
        // The alarm goes last: where this fails, it tries again.
        storage.delete_all().await?;
        storage.delete_alarm().await?;
        // Memory of rows that are gone; a worker may have read them back meanwhile.
        self.lane.take();
        Ok(())
    }

    /// Who waits is told to come back. Memory goes: the lane is read back from storage, with a
    /// group still pending if it was written, and its next lease gets the range that it has.
    fn give_up(&self, problem: &Problem) {
        self.lane.take();
        for waiter in self.waiters.take().into_values().flatten() {
            waiter(Err(problem.clone()));
        }
    }
}

fn retired() -> Problem {
    Problem::new(Code::TicketVoid, "The queue was reset; enter again.")
}

/// Whether the queue, or this life of it, is no more.
fn is_over(problem: &Problem) -> bool {
    matches!(problem.code, Code::TicketVoid | Code::QueueNotFound)
}
