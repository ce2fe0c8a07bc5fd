//! A lane's rows: their schema, and how they are read back.

use std::collections::HashMap;

use serde::Deserialize;
use tidegate_core::calls::LaneName;
use tidegate_core::fair::Root;
use tidegate_core::fair::receipt::{Range, Receipts};
use tidegate_core::ids::ShopperId;
use tidegate_core::lane::rows::read as read_name;
use tidegate_core::lane::{Entry, Group, Lane as LaneState, leaving};
use worker::{Error, Result, SqlStorage, SqlStorageValue};

use crate::storage::{add_column, integer, optional_integer, rows, run};

/// Of the format that the row `name` says. One row a shopper, one a group; a shopper's index
/// follows from both. A group has its members, 16 bytes each by place, while it is pending and, for
/// their receipts, if it is in the log. An entry that is marked as leaving has a row more, with its
/// index.
const SCHEMA: [&str; 4] = [
    "CREATE TABLE IF NOT EXISTS name (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS groups (sequence INTEGER PRIMARY KEY, at INTEGER NOT NULL, root TEXT,
        members BLOB, first INTEGER, granted INTEGER, logged INTEGER) STRICT",
    "CREATE TABLE IF NOT EXISTS entries (shopper BLOB PRIMARY KEY, sequence INTEGER NOT NULL,
        place INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS leaving (shopper BLOB PRIMARY KEY, ticket INTEGER NOT NULL) STRICT, WITHOUT ROWID",
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
    leaving: Option<u64>,
}

#[derive(Deserialize)]
struct GroupRow {
    sequence: u64,
    at: u64,
    root: Option<Root>,
    /// In hex.
    members: Option<String>,
    first: Option<u64>,
    granted: Option<u32>,
}

const GROUP_COLUMNS: &str = "sequence, at, root, lower(hex(members)) AS members, first, granted";

/// A shopper id's length in hex.
const HEX_LENGTH: usize = 32;

impl GroupRow {
    fn members(&self) -> Vec<ShopperId> {
        let text = self.members.as_deref().unwrap_or_default();
        let ids = text.as_bytes().chunks(HEX_LENGTH);
        ids.filter_map(|id| str::from_utf8(id).ok()?.parse().ok())
            .collect()
    }
}

/// Which lane this is, if it was ever written to.
pub fn stored_name(sql: &SqlStorage) -> Result<Option<LaneName>> {
    load(sql)?;
    let found: Vec<NameRow> = rows(sql, "SELECT json FROM name", Vec::new())?;
    found
        .first()
        .map(|row| read_name(&row.json).map_err(Error::from))
        .transpose()
}

/// Reads a lane back: its last group, and that group's members if it is still pending.
pub fn load(sql: &SqlStorage) -> Result<LaneState> {
    for statement in SCHEMA {
        run(sql, statement, Vec::new())?;
    }
    // Of before there was a log.
    for (column, kind) in [
        ("at", "INTEGER NOT NULL DEFAULT 0"),
        ("root", "TEXT"),
        ("members", "BLOB"),
        ("logged", "INTEGER"),
    ] {
        add_column(sql, "groups", column, kind)?;
    }
    let last: Vec<GroupRow> = rows(
        sql,
        &format!("SELECT {GROUP_COLUMNS} FROM groups ORDER BY sequence DESC LIMIT 1"),
        Vec::new(),
    )?;
    let Some(last) = last.first() else {
        return Ok(LaneState::default());
    };
    // A group that was pending before there was a log has no root: its members enter anew.
    let pending = last.root.filter(|_| last.granted.is_none());
    let pending = pending.map(|root| Group {
        sequence: last.sequence,
        members: last.members(),
        at: last.at,
        root,
    });
    Ok(LaneState::restore(last.sequence, pending))
}

/// The entries of those of `shoppers` who have one, each with what its group's row says.
pub fn find(sql: &SqlStorage, shoppers: &[ShopperId]) -> Result<HashMap<ShopperId, Entry>> {
    let found: Vec<EntryRow> = rows(
        sql,
        "SELECT lower(hex(e.shopper)) AS shopper, e.sequence, e.place, g.first,
                l.ticket AS leaving
            FROM json_each(?) wanted
            JOIN entries e ON e.shopper = unhex(wanted.value)
            JOIN groups g ON g.sequence = e.sequence
            LEFT JOIN leaving l ON l.shopper = e.shopper",
        vec![list(shoppers)?],
    )?;
    let entry = |row: EntryRow| {
        let entry = Entry {
            sequence: row.sequence,
            place: row.place,
            first: row.first,
            leaving: row.leaving,
        };
        Some((row.shopper.parse().ok()?, entry))
    };
    Ok(found.into_iter().filter_map(entry).collect())
}

/// Marks a shopper's entry as leaving. `false`: there is no such entry.
pub fn mark_leaving(sql: &SqlStorage, shopper: ShopperId, index: u64) -> Result<bool> {
    let entry = find(sql, &[shopper])?.remove(&shopper);
    let is_here = leaving::is_for(entry, index);
    if is_here {
        run(
            sql,
            "INSERT OR REPLACE INTO leaving (shopper, ticket) VALUES (?, ?)",
            vec![key(shopper), integer(index)?],
        )?;
    }
    Ok(is_here)
}

/// The first index of the last group that does not begin behind `index`, and how many it was
/// granted.
pub fn last_given(sql: &SqlStorage, index: u64) -> Result<Option<(u64, u32)>> {
    let found: Vec<GroupRow> = rows(
        sql,
        "SELECT sequence, at, root, NULL AS members, first, granted FROM groups
            WHERE first <= ? ORDER BY sequence DESC LIMIT 1",
        vec![integer(index)?],
    )?;
    Ok(found.first().and_then(|row| row.first.zip(row.granted)))
}

/// Removes the mark of an entry that stays.
pub fn stay(sql: &SqlStorage, shopper: ShopperId, index: u64) -> Result<()> {
    run(
        sql,
        "DELETE FROM leaving WHERE shopper = ? AND ticket = ?",
        vec![key(shopper), integer(index)?],
    )
}

/// Removes an entry that stands for nothing any more, and its mark; a newer one stays.
pub fn forget(sql: &SqlStorage, shopper: ShopperId, index: u64) -> Result<()> {
    let entry = find(sql, &[shopper])?.remove(&shopper);
    if leaving::is_for(entry, index) {
        run(
            sql,
            "DELETE FROM entries WHERE shopper = ?",
            vec![key(shopper)],
        )?;
    }
    stay(sql, shopper, index)
}

/// Writes down what a group's lease came to. Its members are kept if it is `logged`.
pub fn settle(
    sql: &SqlStorage,
    sequence: u64,
    first: Option<u64>,
    granted: u32,
    logged: bool,
) -> Result<()> {
    if first.is_none() {
        // Of groups that were refused one after the other, the last number is enough.
        run(
            sql,
            "DELETE FROM groups WHERE granted = 0
                AND sequence = (SELECT MAX(sequence) FROM groups WHERE sequence < ?)",
            vec![integer(sequence)?],
        )?;
    }
    run(
        sql,
        "UPDATE groups SET first = ?1, granted = ?2, logged = ?3, members = iif(?3, members, NULL)
            WHERE sequence = ?4",
        vec![
            optional_integer(first)?,
            integer(granted.into())?,
            integer(logged.into())?,
            integer(sequence)?,
        ],
    )
}

/// The receipts of the group that an entry is in, if it is in the log. An entry that was given up
/// has no row any more, and is looked for among the groups.
pub fn receipts(
    sql: &SqlStorage,
    name: &LaneName,
    shopper: ShopperId,
    index: u64,
) -> Result<Option<Receipts>> {
    let found: Vec<GroupRow> = rows(
        sql,
        &format!(
            "SELECT {GROUP_COLUMNS} FROM groups WHERE logged = 1 AND sequence = COALESCE(
                (SELECT e.sequence FROM entries e JOIN groups g ON g.sequence = e.sequence
                    WHERE e.shopper = ?1 AND g.first + e.place = ?2),
                (SELECT sequence FROM groups WHERE first <= ?2 ORDER BY sequence DESC LIMIT 1))"
        ),
        vec![key(shopper), integer(index)?],
    )?;
    let Some((row, root)) = found.first().and_then(|row| Some((row, row.root?))) else {
        return Ok(None);
    };
    let members = row.members();
    let group = Range {
        lane: name.number,
        sequence: row.sequence,
        at: row.at,
        count: u32::try_from(members.len()).unwrap_or(u32::MAX),
        root,
        first: row.first.unwrap_or(0),
        granted: row.granted.unwrap_or(0),
    };
    Ok(Some(Receipts::new(name.epoch, group, members)))
}

/// Writes a group down as pending: its row, and its members' in the order of their places.
pub fn insert(sql: &SqlStorage, group: &Group) -> Result<()> {
    let sequence = integer(group.sequence)?;
    let members = group.members.iter().flat_map(|id| *id.as_bytes()).collect();
    run(
        sql,
        "INSERT INTO groups (sequence, at, root, members) VALUES (?, ?, ?, ?)",
        vec![
            sequence.clone(),
            integer(group.at)?,
            group.root.to_string().into(),
            SqlStorageValue::Blob(members),
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
