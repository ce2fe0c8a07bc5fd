//! A lane's rows: their schema, and how they are read back.

use std::collections::HashMap;

use serde::Deserialize;
use tidegate_core::calls::LaneName;
use tidegate_core::fair::Root;
use tidegate_core::ids::ShopperId;
use tidegate_core::lane::{Entry, Group, Lane as LaneState};
use tidegate_core::reading;
use worker::{Error, Result, SqlStorage, SqlStorageValue};

use crate::storage::{integer, rows, run};

/// Format 1. One row a shopper, one a group; a shopper's index follows from both.
const SCHEMA: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS name (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS groups (sequence INTEGER PRIMARY KEY, at INTEGER NOT NULL, root TEXT NOT NULL,
        first INTEGER, granted INTEGER) STRICT",
    "CREATE TABLE IF NOT EXISTS entries (shopper BLOB PRIMARY KEY, sequence INTEGER NOT NULL,
        place INTEGER NOT NULL) STRICT, WITHOUT ROWID",
];
#[derive(Deserialize)]
struct NameRow {
    json: String,
}

#[derive(Deserialize)]
struct EntryRow {
    shopper: String,
    sequence: u64,
    place: u32,
    first: Option<u64>,
}

#[derive(Deserialize)]
struct GroupRow {
    sequence: u64,
    at: u64,
    root: Root,
    pending: u8,
}

#[derive(Deserialize)]
struct MemberRow {
    shopper: String,
}

/// Which lane this is, if it was ever written to.
pub fn stored_name(sql: &SqlStorage) -> Result<Option<LaneName>> {
    load(sql)?;
    let found: Vec<NameRow> = rows(sql, "SELECT json FROM name", Vec::new())?;
    found
        .first()
        .map(|row| reading::parse(&row.json).map_err(Error::from))
        .transpose()
}

/// Reads a lane back: its last group, and that group's members if it is still pending.
pub fn load(sql: &SqlStorage) -> Result<LaneState> {
    for statement in SCHEMA {
        run(sql, statement, Vec::new())?;
    }
    let last: Vec<GroupRow> = rows(
        sql,
        "SELECT sequence, at, root, granted IS NULL AS pending FROM groups ORDER BY sequence DESC LIMIT 1",
        Vec::new(),
    )?;
    let Some(last) = last.first() else {
        return Ok(LaneState::default());
    };
    if last.pending == 0 {
        return Ok(LaneState::restore(last.sequence, None));
    }
    let members: Vec<MemberRow> = rows(
        sql,
        "SELECT lower(hex(shopper)) AS shopper FROM entries WHERE sequence = ? ORDER BY place",
        vec![integer(last.sequence)?],
    )?;
    let members = members
        .into_iter()
        .filter_map(|row| row.shopper.parse().ok())
        .collect();
    let group = Group {
        sequence: last.sequence,
        members,
        at: last.at,
        root: last.root,
    };
    Ok(LaneState::restore(last.sequence, Some(group)))
}

/// The entries of those of `shoppers` who have one, each with what its group's row says.
pub fn find(sql: &SqlStorage, shoppers: &[ShopperId]) -> Result<HashMap<ShopperId, Entry>> {
    let found: Vec<EntryRow> = rows(
        sql,
        "SELECT lower(hex(e.shopper)) AS shopper, e.sequence, e.place, g.first
            FROM json_each(?) wanted
            JOIN entries e ON e.shopper = unhex(wanted.value)
            JOIN groups g ON g.sequence = e.sequence",
        vec![list(shoppers)?],
    )?;
    let entry = |row: EntryRow| {
        let entry = Entry {
            sequence: row.sequence,
            place: row.place,
            first: row.first,
        };
        Some((row.shopper.parse().ok()?, entry))
    };
    Ok(found.into_iter().filter_map(entry).collect())
}

/// Writes a group down as pending: its row, and its members' in the order of their places.
pub fn insert(sql: &SqlStorage, group: &Group) -> Result<()> {
    let sequence = integer(group.sequence)?;
    run(
        sql,
        "INSERT INTO groups (sequence, at, root) VALUES (?, ?, ?)",
        vec![
            sequence.clone(),
            integer(group.at)?,
            group.root.to_string().into(),
        ],
    )?;
    run(
        sql,
        "INSERT OR REPLACE INTO entries (shopper, sequence, place)
            SELECT unhex(value), ?, key FROM json_each(?)",
        vec![sequence, list(&group.members)?],
    )
}

/// Shoppers as one value to bind: a statement for each would take most of an entry's time.
fn list(shoppers: &[ShopperId]) -> Result<SqlStorageValue> {
    Ok(serde_json::to_string(shoppers)?.into())
}

/// A shopper's key.
pub fn key(shopper: ShopperId) -> SqlStorageValue {
    SqlStorageValue::Blob(shopper.as_bytes().to_vec())
}
