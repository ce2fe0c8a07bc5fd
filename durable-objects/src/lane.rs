//! The Lane object: it takes the entries of a share of the shoppers. The group's work belongs to the
//! lane, not to the request that began it: that shopper may hang up.

mod rows;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use futures::channel::oneshot;
use tidegate_core::calls::{LaneCall, LaneName, LaneReply, QueueCall, QueueReply, Reply};
use tidegate_core::ids::ShopperId;
use tidegate_core::lane::{
    Enter, GATHERING_MAX, Group, Lane as LaneState, Outcomes, Work, too_many,
};
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::{Answer, Event};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{
    Delay, DurableObject, Env, Request, Response, Result, SqlStorage, State, durable_object,
};

use self::rows::{find, insert, key, load, stored_name};
use crate::binding;
use crate::storage::{in_transaction, integer, optional_integer, run};
use crate::stub::{self, Answering, Teller, answer, asked_only, interrupted, storage_failed};

/// How often a lane asks whether its epoch still lives.
const REVIEW: Duration = Duration::from_hours(1);
/// An entry that ended is asked about, entered anew, and looked at again: never more often than this.
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
    /// Who wants to enter and was not looked up yet, with the boarding that they know of.
    arrivals: RefCell<Vec<(ShopperId, u64)>>,
    waiters: RefCell<HashMap<ShopperId, Vec<Waiter>>>,
    working: Cell<bool>,
    /// Why nobody can enter here any more: the epoch is over, and an epoch never comes back.
    over: RefCell<Option<Problem>>,
}

/// What a shopper who enters hears.
#[derive(Clone, Copy)]
enum Heard {
    /// Their entry has this index.
    Index(u64),
    /// Their entry has this index, and was called up: the queue knows whether it still stands.
    CalledUp(u64),
}

/// Tells it to who waits for it.
type Waiter = Box<dyn FnOnce(Reply<Heard>)>;

impl DurableObject for Lane {
    fn new(state: State, env: Env) -> Self {
        let inner = Inner {
            state,
            env,
            lane: RefCell::default(),
            named: Cell::default(),
            arrivals: RefCell::default(),
            waiters: RefCell::default(),
            working: Cell::default(),
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
        let Some(name) = stored_name(&self.inner.state.storage().sql())? else {
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
                boarding,
            } => {
                let (teller, answering) = Teller::new();
                enter(&inner, &lane, shopper, boarding, teller);
                answering
            }
            LaneCall::Forget { shopper, index } => {
                let forgotten = inner.forget(shopper, index);
                Answering::Now(done(forgotten))
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
    boarding: u64,
    teller: Teller<LaneReply>,
) {
    let (of, by) = (Rc::clone(inner), name.clone());
    let waiter = move |heard| match heard {
        Ok(Heard::Index(index)) => teller.tell(&Ok(of.entered(index))),
        Ok(Heard::CalledUp(index)) => {
            teller.tell_later(
                async move { enter_called_up(&of, &by, shopper, boarding, index).await },
            );
        }
        Err(problem) => teller.tell(&Err(problem)),
    };
    arrive(inner, name, shopper, boarding, Box::new(waiter));
}

/// Enters a shopper whose entry was called up: it stands, or they enter anew.
async fn enter_called_up(
    inner: &Rc<Inner>,
    name: &LaneName,
    shopper: ShopperId,
    boarding: u64,
    mut index: u64,
) -> Reply<LaneReply> {
    for _ in 1..ENTER_TRIES {
        if inner.still_stands(name, index).await? {
            return Ok(inner.entered(index));
        }
        // It ended: remove it, and look again, for a retry may have been quicker.
        inner
            .forget(shopper, index)
            .map_err(|error| storage_failed(&error))?;
        let (sender, receiver) = oneshot::channel();
        let waiter = move |heard| {
            let _ = sender.send(heard);
        };
        arrive(inner, name, shopper, boarding, Box::new(waiter));
        match receiver.await.unwrap_or_else(|_| Err(interrupted()))? {
            Heard::Index(index) => return Ok(inner.entered(index)),
            Heard::CalledUp(anew) => index = anew,
        }
    }
    Err(Problem::new(
        Code::ServiceUnavailable,
        "This entry changes too fast; try again.",
    ))
}

/// The shopper waits until they were looked up and, where they have no entry, their group is through;
/// sees to it that somebody works.
fn arrive(inner: &Rc<Inner>, name: &LaneName, shopper: ShopperId, boarding: u64, waiter: Waiter) {
    if let Some(problem) = inner.over.borrow().clone() {
        return waiter(Err(problem));
    }
    if inner.arrivals.borrow().len() >= GATHERING_MAX {
        return waiter(Err(too_many()));
    }
    inner
        .waiters
        .borrow_mut()
        .entry(shopper)
        .or_default()
        .push(waiter);
    inner.arrivals.borrow_mut().push((shopper, boarding));
    if !inner.working.replace(true) {
        inner.state.wait_until(work(Rc::clone(inner), name.clone()));
    }
}

/// Works off groups until none is left. Runs beside the requests, one at a time.
async fn work(inner: Rc<Inner>, name: LaneName) {
    let _working = Working(Rc::clone(&inner));
    loop {
        // Nothing is read, and so made anew, once all that was stored is gone.
        if inner.over.borrow().is_some() {
            return;
        }
        let next = inner
            .look_up()
            .and_then(|()| inner.with_lane(|lane, _| Ok(lane.next_work())));
        let next = match next {
            Ok(next) => next,
            Err(error) => return inner.tell_all(&storage_failed(&error)),
        };
        match next {
            None => return,
            Some(Work::Write(group)) => {
                if let Err(error) = inner.write_group(&name, &group).await {
                    storage_failed(&error);
                    inner.tell_from(LaneState::write_failed);
                    inner.lane.take();
                    return;
                }
            }
            Some(Work::Lease { sequence, count }) => {
                match inner.lease(&name, sequence, count).await {
                    Some(pause) => Delay::from(pause).await,
                    None => return,
                }
            }
        }
    }
}

/// While it lives, the lane's one worker runs. If the worker ends for whatever reason, the next
/// shopper starts another, and nobody is left waiting.
struct Working(Rc<Inner>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.working.set(false);
        let problem = self.0.over.borrow().clone().unwrap_or_else(interrupted);
        self.0.tell_all(&problem);
    }
}

impl Inner {
    /// Looks up all who arrived since the last time, together: who has an entry is told, all others
    /// join the next group.
    fn look_up(&self) -> Result<()> {
        let arrivals = self.arrivals.take();
        if arrivals.is_empty() {
            return Ok(());
        }
        let shoppers: Vec<ShopperId> = arrivals.iter().map(|(shopper, _)| *shopper).collect();
        let outcomes = self.with_lane(|lane, sql| {
            let entries = find(sql, &shoppers)?;
            let decided = arrivals.into_iter().map(|(shopper, boarding)| {
                (
                    shopper,
                    lane.enter(shopper, entries.get(&shopper).copied(), boarding),
                )
            });
            Ok(decided.collect::<Vec<_>>())
        })?;
        let known = outcomes.into_iter().filter_map(|(shopper, decision)| {
            let outcome = match decision {
                Enter::Known(index) => Ok(Heard::Index(index)),
                Enter::Ask(index) => Ok(Heard::CalledUp(index)),
                Enter::Refuse(problem) => Err(problem),
                Enter::Join => return None,
            };
            Some((shopper, outcome))
        });
        self.tell(known);
        Ok(())
    }

    /// Leases the pending group's range, writes it down and tells the members. Returns how long the
    /// next group should gather, or `None` if the work must stop.
    async fn lease(&self, name: &LaneName, sequence: u64, count: u32) -> Option<Duration> {
        let event = Event::Lease {
            epoch: name.epoch,
            lane: name.number,
            sequence,
            count,
        };
        let reply = self.ask(name, event).await;
        if self.over.borrow().is_some() {
            return None;
        }
        match reply {
            Ok(Answer::Leased {
                first,
                granted,
                boarding,
                linger_ms,
            }) => {
                let outcomes = self
                    .with_lane(|lane, _| Ok(lane.leased(first, granted, boarding)))
                    .ok()?;
                self.write_outcome(sequence, Some(first), granted, &outcomes)?;
                self.tell(indices(outcomes));
                Some(Duration::from_millis(linger_ms.into()))
            }
            Err(problem) if is_over(&problem) => {
                if let Err(error) = self.retire(&problem).await {
                    storage_failed(&error);
                }
                None
            }
            Err(problem) if problem.code.status() < 500 => {
                let outcomes = self.with_lane(|lane, _| Ok(lane.refused(&problem))).ok()?;
                self.write_outcome(sequence, None, 0, &outcomes)?;
                self.tell(indices(outcomes));
                Some(Duration::ZERO)
            }
            _ => {
                // Who has an entry already keeps it in view.
                if let Err(error) = self.look_up() {
                    storage_failed(&error);
                }
                self.tell_from(LaneState::lease_failed);
                None
            }
        }
    }

    async fn ask(&self, name: &LaneName, event: Event) -> Reply<Answer> {
        let call = QueueCall::Event(Box::new(event));
        let reply = stub::call(&self.env, binding::QUEUE, name.queue.as_str(), &call).await?;
        match reply {
            QueueReply::Answer(answer) => Ok(answer),
            QueueReply::Admissions { .. } => Err(Problem::new(
                Code::InternalError,
                "The queue answered something else.",
            )),
        }
    }

    async fn still_stands(&self, name: &LaneName, index: u64) -> Reply<bool> {
        let answer = self
            .ask(
                name,
                Event::Stands {
                    epoch: name.epoch,
                    index,
                },
            )
            .await?;
        Ok(answer == Answer::Stands(true))
    }

    fn entered(&self, index: u64) -> LaneReply {
        let boarding = self.lane.borrow().as_ref().map_or(0, LaneState::boarding);
        LaneReply::Entered { index, boarding }
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

    fn tell_from(&self, outcomes: impl FnOnce(&mut LaneState) -> Outcomes) {
        if let Ok(outcomes) = self.with_lane(|lane, _| Ok(outcomes(lane))) {
            self.tell(indices(outcomes));
        }
    }

    fn tell(&self, outcomes: impl IntoIterator<Item = (ShopperId, Reply<Heard>)>) {
        for (shopper, outcome) in outcomes {
            // Not borrowed while they are told. Whoever hung up finds the same entry when they come back.
            let waiters = self.waiters.borrow_mut().remove(&shopper);
            for waiter in waiters.unwrap_or_default() {
                waiter(outcome.clone());
            }
        }
    }

    async fn write_group(&self, name: &LaneName, group: &Group) -> Result<()> {
        let storage = self.state.storage();
        let first_write = !self.named.get();
        let json = serde_json::to_string(name)?;
        in_transaction(&storage, |sql| {
            if first_write {
                run(
                    sql,
                    "INSERT OR REPLACE INTO name (id, json) VALUES (1, ?)",
                    vec![json.as_str().into()],
                )?;
            }
            insert(sql, group)
        })?;
        if first_write {
            storage.set_alarm(REVIEW).await?;
            self.named.set(true);
        }
        Ok(())
    }

    /// Writes what became of a group, and removes the entries that got no index. If that fails, memory
    /// is dropped: the group is found pending again, and its next lease gets the same range.
    fn write_outcome(
        &self,
        sequence: u64,
        first: Option<u64>,
        granted: u32,
        outcomes: &Outcomes,
    ) -> Option<()> {
        let written = in_transaction(&self.state.storage(), |sql| {
            run(
                sql,
                "UPDATE groups SET first = ?, granted = ? WHERE sequence = ?",
                vec![
                    optional_integer(first)?,
                    integer(granted.into())?,
                    integer(sequence)?,
                ],
            )?;
            for (shopper, _) in outcomes.iter().filter(|(_, outcome)| outcome.is_err()) {
                run(
                    sql,
                    "DELETE FROM entries WHERE shopper = ?",
                    vec![key(*shopper)],
                )?;
            }
            Ok(())
        });
        if let Err(error) = written {
            storage_failed(&error);
            self.lane.take();
            return None;
        }
        Some(())
    }

    fn forget(&self, shopper: ShopperId, index: u64) -> Result<()> {
        if self.over.borrow().is_some() {
            return Ok(());
        }
        self.with_lane(|_, sql| {
            let entry = find(sql, &[shopper])?.remove(&shopper);
            let known = entry.and_then(|entry| entry.first?.checked_add(entry.place.into()));
            if known == Some(index) {
                run(
                    sql,
                    "DELETE FROM entries WHERE shopper = ?",
                    vec![key(shopper)],
                )?;
            }
            Ok(())
        })
    }

    /// The epoch is over: whoever waits hears so, and all that is stored goes.
    async fn retire(&self, problem: &Problem) -> Result<()> {
        *self.over.borrow_mut() = Some(problem.clone());
        self.tell_all(problem);
        let storage = self.state.storage();
        // The alarm goes last: where this fails, it tries again.
        storage.delete_all().await?;
        storage.delete_alarm().await?;
        // Memory of rows that are gone; a worker may have read them back meanwhile.
        self.lane.take();
        Ok(())
    }

    fn tell_all(&self, problem: &Problem) {
        self.arrivals.take();
        for waiter in self.waiters.take().into_values().flatten() {
            waiter(Err(problem.clone()));
        }
    }
}

/// Outcomes of a group, as its members hear them.
fn indices(outcomes: Outcomes) -> impl Iterator<Item = (ShopperId, Reply<Heard>)> {
    outcomes
        .into_iter()
        .map(|(shopper, outcome)| (shopper, outcome.map(Heard::Index)))
}

fn retired() -> Problem {
    Problem::new(Code::TicketVoid, "The queue was reset; enter again.")
}

/// Whether the queue, or this life of it, is no more.
fn is_over(problem: &Problem) -> bool {
    matches!(problem.code, Code::TicketVoid | Code::QueueNotFound)
}
