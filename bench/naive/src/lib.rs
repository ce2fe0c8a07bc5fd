//! Baseline: a waiting room as a competent engineer would first write it with `worker`. One object
//! for the queue, one insert for each join, and every poll goes to the object, which counts who is
//! ahead and admits those whose turn it is.
//!
//! `POST /join` answers `{id, position}`; `GET /status?id=…` answers `{status, position, ahead}`;
//! `POST /done?id=…` frees the slot. Ids are the only credential, and nobody is called up who does
//! not poll: less than Tidegate does, not more.

use serde::{Deserialize, Serialize};
use worker::{
    DurableObject, Env, Method, Request, Response, Result, SqlStorage, SqlStorageValue, State,
    durable_object, event,
};

/// How many may shop at once.
const MAX_ACTIVE: u64 = 1;

#[derive(Serialize)]
struct Joined {
    id: String,
    position: u64,
}

#[derive(Serialize)]
struct Status<'a> {
    status: &'a str,
    position: u64,
    ahead: u64,
}

#[derive(Deserialize)]
struct Position {
    position: u64,
}

#[derive(Deserialize)]
struct Shopper {
    position: u64,
    state: String,
}

#[derive(Deserialize)]
struct Count {
    count: u64,
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: worker::Context) -> Result<Response> {
    let known = matches!(request.path().as_str(), "/join" | "/status" | "/done");
    if !known {
        return Response::error("not found", 404);
    }
    let stub = env.durable_object("ROOM")?.get_by_name("room")?;
    stub.fetch_with_request(request).await
}

/// The whole room.
#[durable_object(fetch)]
pub struct Room {
    sql: SqlStorage,
}

impl DurableObject for Room {
    fn new(state: State, _env: Env) -> Self {
        let sql = state.storage().sql();
        for statement in [
            "CREATE TABLE IF NOT EXISTS shoppers (
                position INTEGER PRIMARY KEY,
                id TEXT UNIQUE NOT NULL,
                state TEXT NOT NULL DEFAULT 'waiting')",
            "CREATE INDEX IF NOT EXISTS by_state ON shoppers (state, position)",
        ] {
            sql.exec(statement, None).expect("a schema");
        }
        Self { sql }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        match (request.method(), request.path().as_str()) {
            (Method::Post, "/join") => self.join(),
            (Method::Get, "/status") => self.status(&request),
            (Method::Post, "/done") => self.done(&request),
            _ => Response::error("not found", 404),
        }
    }
}

impl Room {
    fn join(&self) -> Result<Response> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| error.to_string())?;
        let id = hex::encode(random);
        let rows: Vec<Position> = self
            .sql
            .exec(
                "INSERT INTO shoppers (id) VALUES (?) RETURNING position",
                vec![id.as_str().into()],
            )?
            .to_array()?;
        let position = rows.first().map_or(0, |row| row.position);
        Response::from_json(&Joined { id, position })
    }

    fn status(&self, request: &Request) -> Result<Response> {
        let Some(id) = id_of(request)? else {
            return Response::error("no id", 400);
        };
        let rows: Vec<Shopper> = self
            .sql
            .exec(
                "SELECT position, state FROM shoppers WHERE id = ?",
                vec![id.as_str().into()],
            )?
            .to_array()?;
        let Some(Shopper { position, state }) = rows.into_iter().next() else {
            return Response::error("unknown", 404);
        };
        if state != "waiting" {
            return answer(&state, position, 0);
        }
        let ahead = self.count(
            "SELECT COUNT(*) AS count FROM shoppers WHERE state = 'waiting' AND position < ?",
            vec![SqlStorageValue::try_from_i64(position.cast_signed())?],
        )?;
        let active = self.count(
            "SELECT COUNT(*) AS count FROM shoppers WHERE state = 'admitted'",
            Vec::new(),
        )?;
        if active + ahead >= MAX_ACTIVE {
            return answer("waiting", position, ahead);
        }
        self.sql.exec(
            "UPDATE shoppers SET state = 'admitted' WHERE id = ?",
            vec![id.into()],
        )?;
        answer("admitted", position, 0)
    }

    fn done(&self, request: &Request) -> Result<Response> {
        let Some(id) = id_of(request)? else {
            return Response::error("no id", 400);
        };
        self.sql.exec(
            "UPDATE shoppers SET state = 'done' WHERE id = ?",
            vec![id.into()],
        )?;
        Response::ok("done")
    }

    fn count(&self, query: &str, bindings: Vec<SqlStorageValue>) -> Result<u64> {
        let rows: Vec<Count> = self.sql.exec(query, bindings)?.to_array()?;
        Ok(rows.first().map_or(0, |row| row.count))
    }
}

fn answer(status: &str, position: u64, ahead: u64) -> Result<Response> {
    Response::from_json(&Status {
        status,
        position,
        ahead,
    })
}

fn id_of(request: &Request) -> Result<Option<String>> {
    let url = request.url()?;
    let id = url.query_pairs().find(|(name, _)| name == "id");
    Ok(id.map(|(_, id)| id.into_owned()))
}
