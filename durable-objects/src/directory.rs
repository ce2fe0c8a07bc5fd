//! The Directory object: which queues exist. One a deployment, so that an unknown queue id is
//! answered from a list and never makes an object.

use serde::Deserialize;
use tidegate_core::calls::{DirectoryCall, DirectoryEntry, DirectoryReply, Reply};
use tidegate_core::problem::{Code, Problem};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use crate::storage::{rows, run};
use crate::stub::{Answering, answer, asked_only, storage_failed};

/// The most queues of one deployment: every edge keeps the whole list.
const QUEUES_MAX: usize = 1_000;

/// See the module's documentation.
#[durable_object(fetch)]
pub struct Directory {
    state: State,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    epoch: String,
}

impl DurableObject for Directory {
    fn new(state: State, _env: Env) -> Self {
        Self { state }
    }

    async fn fetch(&self, _request: Request) -> Result<Response> {
        asked_only()
    }
}

#[wasm_bindgen]
impl Directory {
    /// Answers a [`DirectoryCall`].
    pub fn ask(&self, call: &str) -> std::result::Result<JsValue, JsValue> {
        answer(call, |call| Answering::Now(self.handle(call)))
    }
}

impl Directory {
    fn handle(&self, call: DirectoryCall) -> Reply<DirectoryReply> {
        let queues = self.list().map_err(|error| storage_failed(&error))?;
        match call {
            DirectoryCall::List => return Ok(DirectoryReply::Queues(queues)),
            DirectoryCall::Add(entry) => {
                let known = queues.iter().any(|queue| queue.id == entry.id);
                if !known && queues.len() >= QUEUES_MAX {
                    return Err(Problem::new(
                        Code::Conflict,
                        format!("There are {QUEUES_MAX} queues already; delete one first."),
                    ));
                }
                self.add(entry)
            }
            DirectoryCall::Remove(id) => {
                let sql = self.state.storage().sql();
                run(
                    &sql,
                    "DELETE FROM queues WHERE id = ?",
                    vec![id.to_string().into()],
                )
            }
        }
        .map(|()| DirectoryReply::Done)
        .map_err(|error| storage_failed(&error))
    }

    fn list(&self) -> Result<Vec<DirectoryEntry>> {
        let sql = self.state.storage().sql();
        run(
            &sql,
            "CREATE TABLE IF NOT EXISTS queues (id TEXT PRIMARY KEY, epoch TEXT NOT NULL) STRICT",
            Vec::new(),
        )?;
        let found: Vec<Row> = rows(&sql, "SELECT id, epoch FROM queues ORDER BY id", Vec::new())?;
        let parsed = found.into_iter().filter_map(|row| {
            Some(DirectoryEntry {
                id: row.id.parse().ok()?,
                epoch: row.epoch.parse().ok()?,
            })
        });
        Ok(parsed.collect())
    }

    fn add(&self, entry: DirectoryEntry) -> Result<()> {
        run(
            &self.state.storage().sql(),
            "INSERT OR REPLACE INTO queues (id, epoch) VALUES (?, ?)",
            vec![
                String::from(entry.id).into(),
                entry.epoch.to_string().into(),
            ],
        )
    }
}
