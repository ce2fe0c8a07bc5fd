//! The Queue object: one a queue. It serializes indices and admissions around the core's machine.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures::channel::oneshot;
use futures::future::join_all;
use serde::Deserialize;
use tidegate_core::UnixMillis;
use tidegate_core::calls::{
    ADMISSIONS_PAGE, LaneCall, LaneName, LaneReply, QueueCall, QueueReply, Reply,
};
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::machine::Stored;
use tidegate_core::queue::{
    Answer, Claim, ClaimState, Effect, Event, Head, LaneMark, Machine, Writes, handle,
};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys;
use worker::{
    Delay, DurableObject, Env, Error, Request, Response, Result, ScheduledTime, SqlStorage,
    SqlStorageValue, State, durable_object,
};

use crate::binding;
use crate::storage::{in_transaction, integer, now, optional_integer, rows, run};
use crate::stub::{self, Answering, answer, asked_only, storage_failed};

/// Format 1. The partial indices serve loading; only tickets that claimed have a row at all.
const SCHEMA: [&str; 6] = [
    "CREATE TABLE IF NOT EXISTS head (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS lanes (lane INTEGER PRIMARY KEY, sequence INTEGER NOT NULL,
        count INTEGER NOT NULL, first INTEGER NOT NULL, granted INTEGER NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS claims (ticket INTEGER PRIMARY KEY, position INTEGER NOT NULL,
        shopper TEXT NOT NULL, state TEXT NOT NULL, claimed_at INTEGER NOT NULL, admitted_at INTEGER,
        redeemed_at INTEGER, ends_at INTEGER, idempotency_key TEXT) STRICT",
    "CREATE INDEX IF NOT EXISTS claims_live ON claims (state)
        WHERE state IN ('present', 'admitted', 'redeemed')",
    "CREATE INDEX IF NOT EXISTS claims_left ON claims (position) WHERE state = 'left'",
    "CREATE INDEX IF NOT EXISTS claims_admitted ON claims (admitted_at) WHERE admitted_at IS NOT NULL",
];
const CLAIM_COLUMNS: &str = "ticket, position, shopper, state, claimed_at, admitted_at, redeemed_at, ends_at, idempotency_key";
/// Lanes that are told of an epoch's end at once.
const RETIRE_AT_ONCE: u16 = 6;

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
            .gather(Event::Wake)
            .await
            .map_err(|_| Error::from("interrupted"))?
            .map_err(|problem| Error::from(problem.to_string()))?;
        Response::empty()
    }
}

#[wasm_bindgen]
impl Queue {
    /// Answers a [`QueueCall`].
    pub fn ask(&self, call: &str) -> std::result::Result<JsValue, JsValue> {
        answer(call, |call| match call {
            QueueCall::Event(event) => {
                let receiver = self.inner.gather(*event);
                Answering::later(async move {
                    let answer = receiver.await.unwrap_or_else(|_| Err(interrupted()));
                    answer.map(QueueReply::Answer)
                })
            }
            QueueCall::Admissions { state, after } => {
                let listed = self.inner.admissions(state, after);
                Answering::Now(listed.map_err(|error| storage_failed(&error)))
            }
        })
    }
}

/// One for each event, in order.
type Answers = Vec<Reply<Answer>>;

/// Who waits for an event's answer.
type Asker = oneshot::Sender<Reply<Answer>>;

/// Handles what has gathered. Runs beside the requests, one at a time.
async fn work(inner: Rc<Inner>) {
    let _gathering = Gathering(Rc::clone(&inner));
    // Whatever is on its way in now comes in before this goes on.
    Delay::from(Duration::ZERO).await;
    let (events, askers): (Vec<Event>, Vec<Asker>) = inner.gathered.take().into_iter().unzip();
    let answers = match inner.happen(events).await {
        Ok(answers) => answers,
        Err(error) => {
            let problem = storage_failed(&error);
            askers.iter().map(|_| Err(problem.clone())).collect()
        }
    };
    for (asker, answer) in askers.into_iter().zip(answers) {
        // Whoever hung up asks again.
        let _ = asker.send(answer);
    }
}

/// While it lives, events gather. If the work ends for whatever reason, the next event starts it anew,
/// and nobody is left waiting.
struct Gathering(Rc<Inner>);

impl Drop for Gathering {
    fn drop(&mut self) {
        self.0.gathered.take();
    }
}

impl Inner {
    /// Lets an event happen, together with those that come in at the same time.
    fn gather(self: &Rc<Self>, event: Event) -> oneshot::Receiver<Reply<Answer>> {
        let (sender, receiver) = oneshot::channel();
        let mut gathered = self.gathered.borrow_mut();
        if gathered.is_empty() {
            self.state.wait_until(work(Rc::clone(self)));
        }
        gathered.push((event, sender));
        receiver
    }

    /// Events that came together: the clock is read once, the core decides one after the other, all is
    /// written in one transaction, and only then is anything answered.
    async fn happen(&self, events: Vec<Event>) -> Result<Answers> {
        let (answers, wake_at, effects) = {
            let mut slot = self.memory.borrow_mut();
            self.step(&mut slot, events).inspect_err(|_| {
                // Memory may be ahead of storage now: the next event reads storage again.
                *slot = None;
            })?
        };
        for effect in effects {
            if let Effect::RetireLanes { id, epoch, lanes } = effect {
                let names = (0..lanes).map(move |number| LaneName {
                    queue: id.clone(),
                    epoch,
                    number,
                });
                self.state
                    .wait_until(retire(self.env.clone(), names.collect()));
            }
        }
        // An early alarm finds nothing to do and arms anew.
        if let Some(at) = wake_at.filter(|at| self.alarm.get().is_none_or(|armed| armed > *at)) {
            self.wake_at(at).await?;
        }
        Ok(answers)
    }

    fn step(
        &self,
        slot: &mut Option<Memory>,
        events: Vec<Event>,
    ) -> Result<(Answers, Option<UnixMillis>, Vec<Effect>)> {
        let storage = self.state.storage();
        let Memory { machine } = match slot {
            Some(memory) => memory,
            None => slot.insert(load(&storage.sql())?),
        };
        let (mut answers, mut writes) = (Vec::with_capacity(events.len()), Writes::default());
        let now = now();
        for event in events {
            let in_memory = |index| machine.as_ref().is_some_and(|machine| machine.holds(index));
            let record = match event.index().filter(|index| !in_memory(*index)) {
                Some(index) if machine.is_some() => {
                    writes.claim_or(index, || load_claim(&storage.sql(), index))?
                }
                _ => None,
            };
            let step = handle(machine, event, record.as_ref(), now);
            answers.push(step.answer);
            writes.add(step.effects);
        }
        let effects = writes.into_effects();
        if !effects.is_empty() {
            in_transaction(&storage, |sql| {
                effects
                    .iter()
                    .try_for_each(|effect| write(sql, effect, machine.as_ref()))
            })?;
        }
        let wake_at = machine.as_ref().and_then(Machine::next_timeout);
        Ok((answers, wake_at, effects))
    }

    /// Arms the object's one alarm.
    async fn wake_at(&self, at: UnixMillis) -> Result<()> {
        self.alarm.set(Some(at));
        let soonest = now().saturating_add(1);
        #[expect(clippy::cast_precision_loss, reason = "times are below 2^53")]
        let date = js_sys::Date::new(&(at.max(soonest) as f64).into());
        self.state
            .storage()
            .set_alarm(ScheduledTime::new(date))
            .await?;
        self.alarm.set(Some(at));
        Ok(())
    }

    fn admissions(&self, state: Option<ClaimState>, after: Option<u64>) -> Result<QueueReply> {
        let mut slot = self.memory.borrow_mut();
        let sql = self.state.storage().sql();
        let memory = match &mut *slot {
            Some(memory) => memory,
            None => slot.insert(load(&sql)?),
        };
        let Some(machine) = &memory.machine else {
            return Ok(QueueReply::Admissions {
                admissions: Vec::new(),
                next: None,
            });
        };
        let after = after.map_or(Ok(SqlStorageValue::Integer(-1)), integer)?;
        let state = state.map(|state| String::from(state.name()));
        let found: Vec<ClaimRow> = rows(
            &sql,
            &format!(
                "SELECT {CLAIM_COLUMNS} FROM claims WHERE ticket > ? AND state = COALESCE(?, state)
                    AND admitted_at IS NOT NULL ORDER BY ticket LIMIT {ADMISSIONS_PAGE}"
            ),
            vec![after, state.into()],
        )?;
        let head = machine.head();
        let admissions: Vec<_> = found
            .into_iter()
            .filter_map(|row| Some(row.claim()?.report(&head.id, head.epoch)))
            .collect();
        let full = u32::try_from(admissions.len()).is_ok_and(|count| count >= ADMISSIONS_PAGE);
        let next = admissions
            .last()
            .filter(|_| full)
            .map(|last| last.admission_id.index);
        Ok(QueueReply::Admissions { admissions, next })
    }
}

fn interrupted() -> Problem {
    Problem::new(
        Code::ServiceUnavailable,
        "The queue was interrupted; try again.",
    )
}

/// Tells lanes that their epoch is over. Whoever is missed finds out by its own alarm.
async fn retire(env: Env, lanes: Vec<LaneName>) {
    for some in lanes.chunks(usize::from(RETIRE_AT_ONCE)) {
        let calls = some.iter().map(|lane| {
            let (env, name) = (&env, lane.object_name());
            async move {
                let told: Reply<LaneReply> =
                    stub::call(env, binding::LANE, &name, &LaneCall::Retire).await;
                told.is_ok()
            }
        });
        join_all(calls).await;
    }
}

#[derive(Deserialize)]
struct HeadRow {
    json: String,
}

#[derive(Deserialize)]
struct GrantRow {
    admitted_at: u64,
}

#[derive(Deserialize)]
struct LeftRow {
    position: u64,
}

#[derive(Deserialize)]
struct ClaimRow {
    ticket: u64,
    position: u64,
    shopper: String,
    state: String,
    claimed_at: u64,
    admitted_at: Option<u64>,
    redeemed_at: Option<u64>,
    ends_at: Option<u64>,
    idempotency_key: Option<String>,
}

impl ClaimRow {
    fn claim(self) -> Option<Claim> {
        Some(Claim {
            index: self.ticket,
            position: self.position,
            shopper: self.shopper.parse().ok()?,
            state: ClaimState::from_name(&self.state)?,
            claimed_at: self.claimed_at,
            admitted_at: self.admitted_at,
            redeemed_at: self.redeemed_at,
            ends_at: self.ends_at,
            idempotency_key: self.idempotency_key,
        })
    }
}

/// Reads a queue back, if there is one.
fn load(sql: &SqlStorage) -> Result<Memory> {
    for statement in SCHEMA {
        run(sql, statement, Vec::new())?;
    }
    let head: Vec<HeadRow> = rows(sql, "SELECT json FROM head", Vec::new())?;
    let Some(row) = head.first() else {
        return Ok(Memory { machine: None });
    };
    let head: Head = serde_json::from_str(&row.json)?;
    let lanes: Vec<LaneMark> = rows(
        sql,
        "SELECT lane, sequence, count, first, granted FROM lanes",
        Vec::new(),
    )?;
    let live: Vec<ClaimRow> = rows(
        sql,
        &format!(
            "SELECT {CLAIM_COLUMNS} FROM claims WHERE state IN ('present', 'admitted', 'redeemed')"
        ),
        Vec::new(),
    )?;
    let since = integer(head.clock.saturating_sub(60_000))?;
    let recent: Vec<GrantRow> = rows(
        sql,
        "SELECT admitted_at FROM claims WHERE admitted_at IS NOT NULL AND admitted_at > ? ORDER BY admitted_at",
        vec![since],
    )?;
    let left: Vec<LeftRow> = rows(
        sql,
        "SELECT position FROM claims WHERE state = 'left' AND position >= ?",
        vec![integer(head.boarding)?],
    )?;
    let stored = Stored {
        lanes,
        live: live.into_iter().filter_map(ClaimRow::claim).collect(),
        recent_grants: recent.into_iter().map(|row| row.admitted_at).collect(),
        left: left.into_iter().map(|row| row.position).collect(),
    };
    Ok(Memory {
        machine: Some(Machine::restore(head, stored)),
    })
}

fn load_claim(sql: &SqlStorage, index: u64) -> Result<Option<Claim>> {
    let found: Vec<ClaimRow> = rows(
        sql,
        &format!("SELECT {CLAIM_COLUMNS} FROM claims WHERE ticket = ?"),
        vec![integer(index)?],
    )?;
    Ok(found.into_iter().next().and_then(ClaimRow::claim))
}

fn write(sql: &SqlStorage, effect: &Effect, machine: Option<&Machine>) -> Result<()> {
    match effect {
        Effect::Wipe => ["head", "lanes", "claims"]
            .iter()
            .try_for_each(|table| run(sql, &format!("DELETE FROM {table}"), Vec::new())),
        Effect::SaveHead => {
            let Some(machine) = machine else {
                return Ok(());
            };
            let json = serde_json::to_string(machine.head())?;
            run(
                sql,
                "INSERT OR REPLACE INTO head (id, json) VALUES (1, ?)",
                vec![json.into()],
            )
        }
        Effect::SaveLane(mark) => run(
            sql,
            "INSERT OR REPLACE INTO lanes (lane, sequence, count, first, granted) VALUES (?, ?, ?, ?, ?)",
            vec![
                integer(mark.lane.into())?,
                integer(mark.sequence)?,
                integer(mark.count.into())?,
                integer(mark.first)?,
                integer(mark.granted.into())?,
            ],
        ),
        Effect::SaveClaim(claim) => run(
            sql,
            &format!(
                "INSERT OR REPLACE INTO claims ({CLAIM_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            ),
            vec![
                integer(claim.index)?,
                integer(claim.position)?,
                claim.shopper.to_string().into(),
                claim.state.name().into(),
                integer(claim.claimed_at)?,
                optional_integer(claim.admitted_at)?,
                optional_integer(claim.redeemed_at)?,
                optional_integer(claim.ends_at)?,
                claim.idempotency_key.clone().into(),
            ],
        ),
        // A message, not a row: it is sent after the writes.
        Effect::RetireLanes { .. } => Ok(()),
    }
}
