//! The Queue object: one a queue. It serializes indices and admissions around the core's machine.

mod audit;
mod fetching;
mod rows;
mod telling;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use futures::channel::oneshot;
use tidegate_core::UnixMillis;
use tidegate_core::calls::{ADMISSIONS_PAGE, LaneName, QueueCall, QueueReply, Reply};
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::{
    Answer, ClaimState, Effect, Event, Fetch, Machine, Push, Writes, handle,
};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys;
use worker::{
    Delay, DurableObject, Env, Error, Request, Response, Result, ScheduledTime, SqlStorage, State,
    console_error, durable_object,
};

use self::fetching::fetch_beacon;
use self::rows::{admissions, load, load_claims, write_all};
use self::telling::{close_relays, push_to_relays, retire_lanes};
use crate::storage::{in_transaction, now};
use crate::stub::{Answering, Teller, answer, asked_only, storage_failed};

/// The platform refuses an alarm that is centuries ahead; one that comes early arms the next. A
/// year.
const ALARM_AHEAD_MAX: u64 = 31_536_000_000;

/// See the module's documentation.
#[durable_object(alarm)]
pub struct Queue {
    inner: Rc<Inner>,
}

struct Inner {
    state: State,
    env: Env,
    /// `None` until storage was read, and again after a write failed.
    memory: RefCell<Option<Memory>>,
    alarm: Cell<Option<UnixMillis>>,
    /// Events that are handled together, shortly.
    gathered: RefCell<Vec<(Event, Asker)>>,
}

/// What storage said: there may be no queue here.
struct Memory {
    machine: Option<Machine>,
}

impl DurableObject for Queue {
    fn new(state: State, env: Env) -> Self {
        let inner = Inner {
            state,
            env,
            memory: RefCell::default(),
            alarm: Cell::default(),
            gathered: RefCell::default(),
        };
        Self {
            inner: Rc::new(inner),
        }
    }

    async fn fetch(&self, _request: Request) -> Result<Response> {
        asked_only()
    }

    async fn alarm(&self) -> Result<Response> {
        // The alarm that fired is gone.
        self.inner.alarm.set(None);
        // The platform fires an alarm that fails again.
        self.inner
            .gather_own(Event::Wake)
            .await
            .map_err(|_| Error::from("interrupted"))?
            .map_err(|problem| Error::from(problem.to_string()))?;
        if self.inner.is_unarmed() {
            return Err(Error::from("interrupted"));
        }
        Response::empty()
    }
}

#[wasm_bindgen]
impl Queue {
    /// Answers a [`QueueCall`].
    pub fn ask(&self, call: &str) -> std::result::Result<JsValue, JsValue> {
        answer(call, |call| match call {
            QueueCall::Event(event) => {
                let (teller, answering) = Teller::new();
                self.inner.gather(*event, Asker::Caller(teller));
                answering
            }
            QueueCall::Admissions { state, after } => {
                let listed = |sql: &_, machine: &_| {
                    list_admissions(sql, machine, state, after)
                        .map_err(|error| storage_failed(&error))
                };
                Answering::Now(self.inner.read(listed))
            }
            QueueCall::Audit { page } => Answering::Now(
                self.inner
                    .read(|sql, machine| audit::audit(sql, machine, page)),
            ),
            QueueCall::Fairness => {
                let report = |sql: &_, machine: &_| audit::fairness(sql, machine, now());
                let said = self.inner.read(report);
                if matches!(&said, Err(problem) if problem.code == Code::ServiceUnavailable) {
                    // It is made from now on, if it was not begun: nobody waits for that.
                    drop(self.inner.gather_own(Event::Wake));
                }
                Answering::Now(said)
            }
            QueueCall::Prove { epoch, first } => {
                let proof = |sql: &_, machine: &_| audit::prove(sql, machine, epoch, first);
                Answering::Now(self.inner.read(proof))
            }
        })
    }
}

/// One for each event, in order.
type Answers = Vec<Reply<Answer>>;

/// Who waits for an event's answer.
enum Asker {
    Caller(Teller<QueueReply>),
    /// The object itself.
    Own(oneshot::Sender<Reply<Answer>>),
}

impl Asker {
    fn tell(self, answer: Reply<Answer>) {
        match self {
            Self::Caller(teller) => teller.tell(&answer.map(QueueReply::Answer)),
            Self::Own(sender) => {
                let _ = sender.send(answer);
            }
        }
    }
}

/// Handles what has gathered. Runs beside the requests, one at a time.
async fn work(inner: Rc<Inner>) {
    let gathering = Gathering(Some(Rc::clone(&inner)));
    // Whatever is on its way in now comes in before this goes on.
    Delay::from(Duration::ZERO).await;
    let (events, askers): (Vec<Event>, Vec<Asker>) = gathering.end().into_iter().unzip();
    let answers = match inner.happen(events).await {
        Ok(answers) => answers,
        Err(error) => {
            let problem = storage_failed(&error);
            askers.iter().map(|_| Err(problem.clone())).collect()
        }
    };
    for (asker, answer) in askers.into_iter().zip(answers) {
        asker.tell(answer);
    }
}

/// Pushes, and lets what it came to happen.
async fn push_and_note(inner: Rc<Inner>, push: Push) {
    if let Some(event) = push_to_relays(&inner.env, push).await {
        // What storage cannot note is pushed again when it is read anew.
        let _ = inner.gather_own(event).await;
    }
}

/// Fetches the beacon, and lets what it came to happen.
async fn fetch_and_note(inner: Rc<Inner>, fetch: Fetch) {
    let event = fetch_beacon(&inner.env, fetch).await;
    // What storage cannot note is fetched again.
    let _ = inner.gather_own(event).await;
}

/// What is left to do of events that are decided and written.
struct Stepped {
    answers: Answers,
    effects: Vec<Effect>,
    push: Option<Push>,
    fetch: Option<Fetch>,
    wake_at: Option<UnixMillis>,
}

/// While it lives, events gather. If the work ends for whatever reason, the next event starts it
/// anew, and nobody is left waiting.
struct Gathering(Option<Rc<Inner>>);

impl Gathering {
    /// What has gathered. What comes from now on is another work's.
    fn end(mut self) -> Vec<(Event, Asker)> {
        let inner = self.0.take();
        inner.map(|inner| inner.gathered.take()).unwrap_or_default()
    }
}

impl Drop for Gathering {
    fn drop(&mut self) {
        if let Some(inner) = self.0.take() {
            inner.gathered.take();
        }
    }
}

impl Inner {
    /// Lets an event happen, together with those that come in at the same time.
    fn gather(self: &Rc<Self>, event: Event, asker: Asker) {
        let mut gathered = self.gathered.borrow_mut();
        if gathered.is_empty() {
            self.state.wait_until(work(Rc::clone(self)));
        }
        gathered.push((event, asker));
    }

    /// The same with an event of the object's own.
    fn gather_own(self: &Rc<Self>, event: Event) -> oneshot::Receiver<Reply<Answer>> {
        let (sender, receiver) = oneshot::channel();
        self.gather(event, Asker::Own(sender));
        receiver
    }

    /// Events that came together: the clock is read once, the core decides one after the other, all
    /// is written in one transaction, and only then is anything answered.
    async fn happen(self: &Rc<Self>, events: Vec<Event>) -> Result<Answers> {
        let Stepped {
            answers,
            effects,
            push,
            fetch,
            wake_at,
        } = {
            let mut slot = self.memory.borrow_mut();
            self.step(&mut slot, events).inspect_err(|_| {
                // Memory may be ahead of storage now: the next event reads storage again.
                *slot = None;
            })?
        };
        for effect in effects {
            let env = self.env.clone();
            match effect {
                Effect::RetireLanes { id, epoch, lanes } => {
                    let names = (0..lanes).map(move |number| LaneName {
                        queue: id.clone(),
                        epoch,
                        number,
                    });
                    self.state.wait_until(retire_lanes(env, names.collect()));
                }
                Effect::CloseRelays { relays, closing } => {
                    self.state.wait_until(close_relays(env, relays, closing));
                }
                _ => {}
            }
        }
        if let Some(push) = push {
            self.state.wait_until(push_and_note(Rc::clone(self), push));
        }
        if let Some(fetch) = fetch {
            self.state
                .wait_until(fetch_and_note(Rc::clone(self), fetch));
        }
        // An early alarm finds nothing to do and arms anew.
        if let Some(at) = wake_at.filter(|at| self.alarm.get().is_none_or(|armed| armed > *at))
            && let Err(error) = self.wake_at(at).await
        {
            // What happened is written, and is answered; the next event arms, or this alarm again.
            console_error!("alarm: {error}");
            self.alarm.set(None);
        }
        Ok(answers)
    }

    fn step(&self, slot: &mut Option<Memory>, events: Vec<Event>) -> Result<Stepped> {
        let storage = self.state.storage();
        let Memory { machine } = match slot {
            Some(memory) => memory,
            None => slot.insert(Memory {
                machine: load(&storage.sql())?,
            }),
        };
        let (mut answers, mut writes) = (Vec::with_capacity(events.len()), Writes::default());
        let now = now();
        let in_memory = |machine: &Option<Machine>, index| {
            // Without a queue there is no record, either.
            machine.as_ref().is_none_or(|machine| machine.holds(index))
        };
        let indices = events.iter().filter_map(Event::index);
        let unknown = indices.filter(|index| !in_memory(machine, *index));
        let wanted: BTreeSet<u64> = unknown.collect();
        let stored = load_claims(&storage.sql(), &wanted)?;
        for event in events {
            let record = match event.index().filter(|index| !in_memory(machine, *index)) {
                Some(index) => writes.claim_or(index, || {
                    if wanted.contains(&index) {
                        return Ok(stored.get(&index).cloned());
                    }
                    // It was in memory when this began.
                    load_claims(&storage.sql(), &BTreeSet::from([index]))
                        .map(|mut found| found.remove(&index))
                })?,
                None => None,
            };
            let step = handle(machine, event, record.as_ref(), now);
            answers.push(step.answer);
            writes.add(step.effects);
        }
        if let Some(machine) = machine.as_mut()
            && let Some(page) = machine.next_page()
        {
            machine.read_on(&audit::records(&storage.sql(), page)?);
        }
        let effects = writes.into_effects();
        if !effects.is_empty() {
            in_transaction(&storage, |sql| write_all(sql, &effects, machine.as_ref()))?;
        }
        Ok(Stepped {
            answers,
            effects,
            push: machine.as_mut().and_then(Machine::next_push),
            fetch: machine.as_mut().and_then(Machine::next_fetch),
            wake_at: machine.as_ref().and_then(Machine::next_timeout),
        })
    }

    /// Whether an alarm is needed, and none is set.
    fn is_unarmed(&self) -> bool {
        let memory = self.memory.borrow();
        let machine = memory.as_ref().and_then(|memory| memory.machine.as_ref());
        self.alarm.get().is_none() && machine.and_then(Machine::next_timeout).is_some()
    }

    /// Arms the object's one alarm.
    async fn wake_at(&self, at: UnixMillis) -> Result<()> {
        self.alarm.set(Some(at));
        let soonest = now().saturating_add(1);
        let latest = soonest.saturating_add(ALARM_AHEAD_MAX);
        #[expect(clippy::cast_precision_loss, reason = "times are below 2^53")]
        let date = js_sys::Date::new(&(at.clamp(soonest, latest) as f64).into());
        self.state
            .storage()
            .set_alarm(ScheduledTime::new(date))
            .await?;
        self.alarm.set(Some(at));
        Ok(())
    }

    /// Reads of the queue, and changes nothing.
    fn read(
        &self,
        body: impl FnOnce(&SqlStorage, &Machine) -> Reply<QueueReply>,
    ) -> Reply<QueueReply> {
        let mut slot = self.memory.borrow_mut();
        let sql = self.state.storage().sql();
        if slot.is_none() {
            let machine = load(&sql).map_err(|error| storage_failed(&error))?;
            *slot = Some(Memory { machine });
        }
        let machine = slot.as_ref().and_then(|memory| memory.machine.as_ref());
        let none = || Problem::new(Code::QueueNotFound, "There is no such queue.");
        body(&sql, machine.ok_or_else(none)?)
    }
}

fn list_admissions(
    sql: &SqlStorage,
    machine: &Machine,
    state: Option<ClaimState>,
    after: Option<u64>,
) -> Result<QueueReply> {
    let found = admissions(sql, state, after)?;
    let head = machine.head();
    let admissions: Vec<_> = found
        .into_iter()
        .map(|claim| claim.report(&head.id, head.epoch))
        .collect();
    let full = u32::try_from(admissions.len()).is_ok_and(|count| count >= ADMISSIONS_PAGE);
    let next = admissions
        .last()
        .filter(|_| full)
        .map(|last| last.admission_id.index);
    Ok(QueueReply::Admissions { admissions, next })
}
