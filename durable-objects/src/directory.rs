//! The Directory object: which queues exist. One a deployment, so that an unknown queue id is
//! answered from a list and never makes an object.

use serde::Deserialize;
use tidegate_core::calls::{DirectoryCall, DirectoryReply, Reply};
use tidegate_core::directory::{Change, Directory as Listed, Life};
use tidegate_core::ids::QueueId;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{DurableObject, Env, Error, Request, Response, Result, State, durable_object};

use crate::storage::{add_column, integer, rows, run};
use crate::stub::{Answering, answer, asked_only, storage_failed};

/// See the module's documentation.
#[durable_object(fetch)]
pub struct Directory {
    state: State,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    epoch: String,
    since: u64,
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
        let failed = |error: Error| storage_failed(&error);
        let mut listed = Listed::new(self.list().map_err(failed)?);
        let (reply, change) = listed.handle(call);
        if let Some(change) = change {
            self.write(change).map_err(failed)?;
        }
        reply
    }

    fn list(&self) -> Result<Vec<(QueueId, Life)>> {
        let sql = self.state.storage().sql();
        run(
            &sql,
            "CREATE TABLE IF NOT EXISTS queues (id TEXT PRIMARY KEY, epoch TEXT NOT NULL,
                since INTEGER NOT NULL DEFAULT 0) STRICT",
            Vec::new(),
        )?;
        // Of before lives were told apart by age.
        add_column(&sql, "queues", "since", "INTEGER NOT NULL DEFAULT 0")?;
        let found: Vec<Row> = rows(
            &sql,
            "SELECT id, epoch, since FROM queues ORDER BY id",
            Vec::new(),
        )?;
        let parsed = found.into_iter().filter_map(|row| {
            let life = Life {
                epoch: row.epoch.parse().ok()?,
                since: row.since,
            };
            Some((row.id.parse().ok()?, life))
        });
        Ok(parsed.collect())
    }

    fn write(&self, change: Change) -> Result<()> {
        let sql = self.state.storage().sql();
        match change {
            Change::List(id, life) => run(
                &sql,
                "INSERT OR REPLACE INTO queues (id, epoch, since) VALUES (?, ?, ?)",
                vec![
                    String::from(id).into(),
                    life.epoch.to_string().into(),
                    integer(life.since)?,
                ],
            ),
            Change::Unlist(id) => run(
                &sql,
                "DELETE FROM queues WHERE id = ?",
                vec![String::from(id).into()],
            ),
        }
    }
}
