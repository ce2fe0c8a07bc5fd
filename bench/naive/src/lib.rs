//! Baseline: a waiting room as a competent engineer would first write it with `worker`. One object
//! for the queue, one insert for each join, and every poll goes to the object.
//!
//! `POST /join` answers `{id, position}`; `GET /status?id=…` answers `{position, ahead}`. Ids are the
//! only credential and admission moves by hand: less work than Tidegate does, not more.

use serde::{Deserialize, Serialize};
use worker::{
    DurableObject, Env, Method, Request, Response, Result, SqlStorage, State, durable_object, event,
};

#[derive(Serialize)]
struct Joined {
    id: String,
    position: u64,
}

#[derive(Serialize)]
struct Status {
    position: u64,
    ahead: u64,
}

#[derive(Deserialize)]
struct Place {
    position: u64,
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: worker::Context) -> Result<Response> {
    let known = matches!(request.path().as_str(), "/join" | "/status");
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
        sql.exec(
            "CREATE TABLE IF NOT EXISTS shoppers (position INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL)",
            None,
        )
        .expect("a table");
        Self { sql }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        match (request.method(), request.path().as_str()) {
            (Method::Post, "/join") => self.join(),
            (Method::Get, "/status") => self.status(&request),
            _ => Response::error("not found", 404),
        }
    }
}

impl Room {
    fn join(&self) -> Result<Response> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| error.to_string())?;
        let id = hex::encode(random);
        let rows: Vec<Place> = self
            .sql
            .exec(
                "INSERT INTO shoppers (id) VALUES (?) RETURNING position",
                vec![id.as_str().into()],
            )?
            .to_array()?;
        let position = rows.first().map_or(0, |place| place.position);
        Response::from_json(&Joined { id, position })
    }

    fn status(&self, request: &Request) -> Result<Response> {
        let url = request.url()?;
        let id = url.query_pairs().find(|(name, _)| name == "id");
        let Some((_, id)) = id else {
            return Response::error("no id", 400);
        };
        let rows: Vec<Place> = self
            .sql
            .exec(
                "SELECT position FROM shoppers WHERE id = ?",
                vec![id.as_ref().into()],
            )?
            .to_array()?;
        match rows.first() {
            Some(place) => Response::from_json(&Status {
                position: place.position,
                ahead: place.position.saturating_sub(1),
            }),
            None => Response::error("unknown", 404),
        }
    }
}
