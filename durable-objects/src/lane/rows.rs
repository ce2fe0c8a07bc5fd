//! A lane's rows: their schema, and how they are read back.

use serde::Deserialize;
use tidegate_core::calls::LaneName;
use tidegate_core::ids::ShopperId;
use tidegate_core::lane::{Entry, Group, Lane as LaneState};
use worker::{Error, Result, SqlStorage, SqlStorageValue};

use crate::storage::{integer, rows, run};

/// Format 1. One row a shopper, one a group; a shopper's index follows from both.
const SCHEMA: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS name (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS groups (sequence INTEGER PRIMARY KEY, first INTEGER, granted INTEGER) STRICT",
    "CREATE TABLE IF NOT EXISTS entries (shopper BLOB PRIMARY KEY, sequence INTEGER NOT NULL,
        place INTEGER NOT NULL) STRICT, WITHOUT ROWID",
];
#[derive(Deserialize)]
struct NameRow {
    json: String,
}

#[derive(Deserialize)]
struct EntryRow {
    sequence: u64,
    place: u32,
    first: Option<u64>,
}

#[derive(Deserialize)]
struct GroupRow {
    sequence: u64,
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
        .map(|row| serde_json::from_str(&row.json).map_err(Error::from))
        .transpose()
}

/// Reads a lane back: its last group, and that group's members if it is still pending.
pub fn load(sql: &SqlStorage) -> Result<LaneState> {
    for statement in SCHEMA {
        run(sql, statement, Vec::new())?;
    }
    let last: Vec<GroupRow> = rows(
        sql,
        "SELECT sequence, granted IS NULL AS pending FROM groups ORDER BY sequence DESC LIMIT 1",
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
    };
    Ok(LaneState::restore(last.sequence, Some(group)))
}

/// A shopper's entry, with what its group's row says.
pub fn find(sql: &SqlStorage, shopper: ShopperId) -> Result<Option<Entry>> {
    let found: Vec<EntryRow> = rows(
        sql,
        "SELECT e.sequence, e.place, g.first FROM entries e JOIN groups g ON g.sequence = e.sequence
            WHERE e.shopper = ?",
        vec![key(shopper)],
    )?;
    let entry = |row: &EntryRow| Entry {
        sequence: row.sequence,
        place: row.place,
        first: row.first,
    };
    Ok(found.first().map(entry))
}

/// A shopper's key.
pub fn key(shopper: ShopperId) -> SqlStorageValue {
    SqlStorageValue::Blob(shopper.as_bytes().to_vec())
}
