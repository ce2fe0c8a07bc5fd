//! What an audit reads of a queue's rows: the log's groups by page, their inclusion proofs, and the
//! epochs that are over.

use serde::Deserialize;
use tidegate_core::UnixMillis;
use tidegate_core::calls::{QueueReply, Reply};
use tidegate_core::fair::Root;
use tidegate_core::fair::audit::{Audit, GroupProof, LIVES_LISTED, Life, PAGE_GROUPS};
use tidegate_core::fair::log::{Group, Logged};
use tidegate_core::fair::merkle::{Tree, leaf_hash, path};
use tidegate_core::ids::Epoch;
use tidegate_core::problem::{Code, Problem};
use tidegate_core::queue::event::Arrival;
use tidegate_core::queue::reporting::{Brief, PAGE_RECORDS, Page};
use tidegate_core::queue::{ClaimState, Machine};
use worker::{Error, Result, SqlStorage, SqlStorageValue};

use crate::storage::{integer, rows, run};
use crate::stub::storage_failed;

/// Format 1. The log's rows by number, the subtrees above them by level and number, and, which stay
/// whatever is removed, the epochs that are over.
pub const SCHEMA: [&str; 5] = [
    "CREATE TABLE IF NOT EXISTS log (number INTEGER PRIMARY KEY, first INTEGER NOT NULL, lane INTEGER NOT NULL,
        sequence INTEGER NOT NULL, granted INTEGER NOT NULL, root TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS nodes (level INTEGER NOT NULL, number INTEGER NOT NULL, hash TEXT NOT NULL,
        PRIMARY KEY (level, number)) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS arrivals (first INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS report (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS lives (number INTEGER PRIMARY KEY, epoch TEXT NOT NULL, commitment TEXT NOT NULL,
        created_at INTEGER NOT NULL, ended_at INTEGER NOT NULL, entered INTEGER NOT NULL,
        opened INTEGER NOT NULL) STRICT",
];
const GROUP_COLUMNS: &str = "lane, sequence, first, granted, root";

#[derive(Deserialize)]
struct CountRow {
    count: u64,
}

#[derive(Deserialize)]
struct HashRow {
    hash: Root,
}

#[derive(Deserialize)]
struct BriefRow {
    ticket: u64,
    position: u64,
    state: String,
    claimed_at: u64,
    admitted_at: Option<u64>,
    ends_at: Option<u64>,
    entered_at: Option<u64>,
    called_at: Option<u64>,
    hears_by: Option<u64>,
}

#[derive(Deserialize)]
struct ReportRow {
    json: String,
}

#[derive(Deserialize)]
struct LifeRow {
    epoch: Epoch,
    commitment: tidegate_core::fair::Commitment,
    created_at: u64,
    ended_at: u64,
    entered: u64,
    opened: u8,
}

/// Writes a group of the log.
pub fn write_group(sql: &SqlStorage, logged: &Logged) -> Result<()> {
    let group = &logged.group;
    run(
        sql,
        "INSERT INTO log (number, first, lane, sequence, granted, root) VALUES (?, ?, ?, ?, ?, ?)",
        vec![
            integer(logged.number)?,
            integer(group.first)?,
            integer(group.lane.into())?,
            integer(group.sequence)?,
            integer(group.granted.into())?,
            group.root.to_string().into(),
        ],
    )?;
    logged.nodes.iter().try_for_each(|node| {
        run(
            sql,
            "INSERT INTO nodes (level, number, hash) VALUES (?, ?, ?)",
            vec![
                integer(node.level.into())?,
                integer(node.number)?,
                node.hash.to_string().into(),
            ],
        )
    })
}

/// Writes an epoch that is over.
pub fn write_life(sql: &SqlStorage, life: &Life) -> Result<()> {
    run(
        sql,
        "INSERT INTO lives (number, epoch, commitment, created_at, ended_at, entered, opened)
            VALUES (?, ?, ?, ?, ?, ?, ?)",
        vec![
            integer(count(sql, "lives")?)?,
            life.epoch.to_string().into(),
            life.commitment.to_string().into(),
            integer(life.created_at)?,
            integer(life.ended_at)?,
            integer(life.entered)?,
            integer(life.opened.into())?,
        ],
    )
}

/// The log as it stands, to go on with.
pub fn log(sql: &SqlStorage, epoch: Epoch) -> Result<Tree> {
    let size = count(sql, "log")?;
    Tree::restore(size, |level, number| node(sql, epoch, level, number))
}

/// The fairness report, if it is made.
pub fn fairness(sql: &SqlStorage, machine: &Machine, now: UnixMillis) -> Reply<QueueReply> {
    // Before anything is read.
    machine.check_over(now)?;
    let found: Result<Vec<ReportRow>> = rows(sql, "SELECT json FROM report", Vec::new());
    let found = found.map_err(|error| storage_failed(&error))?;
    let stored = found.first().map(|row| row.json.as_str());
    Ok(QueueReply::Fairness(machine.fairness(stored, now)?))
}

/// Writes the fairness report.
pub fn write_report(sql: &SqlStorage, json: &str) -> Result<()> {
    run(
        sql,
        "INSERT OR REPLACE INTO report (id, json) VALUES (1, ?)",
        vec![json.into()],
    )
}

/// A page of the records that the report counts.
pub fn records(sql: &SqlStorage, page: Page) -> Result<Vec<Brief>> {
    let after = page
        .after
        .map_or(Ok(SqlStorageValue::Integer(-1)), integer)?;
    let found: Vec<BriefRow> = rows(
        sql,
        &format!(
            "SELECT ticket, position, state, claimed_at, admitted_at, ends_at, (SELECT at FROM arrivals
                WHERE first <= ticket ORDER BY first DESC LIMIT 1) AS entered_at,
                (SELECT at FROM call_ups WHERE first <= position ORDER BY first DESC LIMIT 1) AS called_at,
                (SELECT hears_by FROM call_ups WHERE first <= position ORDER BY first DESC LIMIT 1) AS hears_by
                FROM claims WHERE ticket > ? ORDER BY ticket LIMIT {PAGE_RECORDS}"
        ),
        vec![after],
    )?;
    let brief = |row: BriefRow| {
        let state = ClaimState::from_name(&row.state);
        Ok(Brief {
            index: row.ticket,
            position: row.position,
            state: state.ok_or("a record in no known state")?,
            claimed_at: row.claimed_at,
            admitted_at: row.admitted_at,
            ends_at: row.ends_at,
            entered_at: row.entered_at,
            called_up: row.called_at.zip(row.hears_by),
        })
    };
    found.into_iter().map(brief).collect()
}

/// Writes when an index was leased.
pub fn write_arrival(sql: &SqlStorage, arrival: Arrival) -> Result<()> {
    run(
        sql,
        "INSERT OR REPLACE INTO arrivals (first, at) VALUES (?, ?)",
        vec![integer(arrival.first)?, integer(arrival.at)?],
    )
}

/// A page of the audit.
pub fn audit(sql: &SqlStorage, machine: &Machine, page: u64) -> Reply<QueueReply> {
    let failed = |error: Error| storage_failed(&error);
    machine.check_page(page)?;
    let groups = count(sql, "log").map_err(failed)?;
    let earlier = count(sql, "lives").map_err(failed)?;
    let lives = lives(sql).map_err(failed)?;
    let facts = machine.audit(page, groups, &lives, earlier)?;
    let from = page.saturating_mul(PAGE_GROUPS);
    let groups = groups_from(sql, from, PAGE_GROUPS).map_err(failed)?;
    Ok(QueueReply::Audit(Box::new(Audit {
        epoch: machine.head().epoch,
        facts,
        groups,
    })))
}

/// The inclusion proof of the group whose first index this is.
pub fn prove(sql: &SqlStorage, machine: &Machine, epoch: Epoch, first: u64) -> Reply<QueueReply> {
    machine.check_sealed()?;
    if epoch != machine.head().epoch {
        return Err(Problem::new(
            Code::TicketVoid,
            "The queue was reset since this ticket was given.",
        ));
    }
    let found = find(sql, first).and_then(|found| match found {
        Some((number, groups)) => proof(sql, machine, number, groups).map(Some),
        None => Ok(None),
    });
    let proof = found.map_err(|error| storage_failed(&error))?;
    proof
        .map(QueueReply::Proof)
        .ok_or_else(|| Problem::new(Code::NotFound, "This entry is not in the entrants' log."))
}

fn proof(sql: &SqlStorage, machine: &Machine, number: u64, groups: u64) -> Result<GroupProof> {
    let head = machine.head();
    let node = |level, number| node(sql, head.epoch, level, number);
    let known = head.opened.as_ref().and_then(|opened| opened.root);
    Ok(GroupProof {
        number,
        groups,
        path: path(number, groups, node)?,
        root: match known {
            Some(root) => root,
            None => Tree::restore(groups, node)?.root(),
        },
    })
}

/// The number of the group that begins with this index, and how many groups there are. The log has
/// no index of first indices: they grow with the numbers.
fn find(sql: &SqlStorage, first: u64) -> Result<Option<(u64, u64)>> {
    let groups = count(sql, "log")?;
    let (mut from, mut to) = (0, groups);
    while from < to {
        let middle = from.midpoint(to);
        match groups_from(sql, middle, 1)?.first() {
            Some(group) if group.first == first => return Ok(Some((middle, groups))),
            Some(group) if group.first < first => from = middle.saturating_add(1),
            _ => to = middle,
        }
    }
    Ok(None)
}

fn groups_from(sql: &SqlStorage, number: u64, most: u64) -> Result<Vec<Group>> {
    rows(
        sql,
        &format!("SELECT {GROUP_COLUMNS} FROM log WHERE number >= ? ORDER BY number LIMIT {most}"),
        vec![integer(number)?],
    )
}

fn node(sql: &SqlStorage, epoch: Epoch, level: u8, number: u64) -> Result<Root> {
    let missing = || Error::from("the log lacks a node");
    if level == 0 {
        let groups = groups_from(sql, number, 1)?;
        let group = groups.first().ok_or_else(missing)?;
        return Ok(leaf_hash(&group.leaf(epoch)));
    }
    let found: Vec<HashRow> = rows(
        sql,
        "SELECT hash FROM nodes WHERE level = ? AND number = ?",
        vec![integer(level.into())?, integer(number)?],
    )?;
    found.first().map(|row| row.hash).ok_or_else(missing)
}

/// Of very many, those that matter: no number of empty epochs hides one that had opened.
fn lives(sql: &SqlStorage) -> Result<Vec<Life>> {
    let found: Vec<LifeRow> = rows(
        sql,
        &format!(
            "SELECT * FROM (SELECT * FROM lives ORDER BY opened DESC, entered > 0 DESC, number DESC
                LIMIT {LIVES_LISTED}) ORDER BY number"
        ),
        Vec::new(),
    )?;
    let life = |row: LifeRow| Life {
        epoch: row.epoch,
        commitment: row.commitment,
        created_at: row.created_at,
        ended_at: row.ended_at,
        entered: row.entered,
        opened: row.opened != 0,
    };
    Ok(found.into_iter().map(life).collect())
}

/// How many rows a table has, whose numbers begin with 0 and have no gaps.
fn count(sql: &SqlStorage, table: &str) -> Result<u64> {
    let found: Vec<CountRow> = rows(
        sql,
        &format!("SELECT COALESCE(MAX(number) + 1, 0) AS count FROM {table}"),
        Vec::new(),
    )?;
    Ok(found.first().map_or(0, |row| row.count))
}
