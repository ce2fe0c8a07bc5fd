//! A queue's rows: their schema, how they are read back, and how effects are written.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use tidegate_core::calls::ADMISSIONS_PAGE;
use tidegate_core::fair::merkle::Tree;
use tidegate_core::queue::gone::{STRETCHES_MAX, Stretch};
use tidegate_core::queue::machine::Stored;
use tidegate_core::queue::rows::ClaimRow;
use tidegate_core::queue::shoppers::{LEFT_EARLY_MAX, NOWHERE};
use tidegate_core::queue::{Claim, ClaimState, Effect, Head, LaneMark, Machine};
use worker::{Error, Result, SqlStorage, SqlStorageValue};

use super::audit;
use crate::storage::{add_column, integer, rows, run};

/// How many tickets' records one statement writes: a bound text has two megabytes at most.
const CLAIMS_AT_ONCE: usize = 1_000;

/// Of the format that the head's row names. The partial indices serve loading; only tickets that
/// claimed have a row at all. A column that is added has a default, for a version that was rolled
/// back does not name it.
const SCHEMA: [&str; 8] = [
    "CREATE TABLE IF NOT EXISTS head (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS lanes (lane INTEGER PRIMARY KEY, sequence INTEGER NOT NULL,
        count INTEGER NOT NULL, first INTEGER NOT NULL, granted INTEGER NOT NULL,
        total INTEGER NOT NULL DEFAULT 0) STRICT",
    "CREATE TABLE IF NOT EXISTS claims (ticket INTEGER PRIMARY KEY, position INTEGER NOT NULL,
        shopper TEXT NOT NULL, state TEXT NOT NULL, claimed_at INTEGER NOT NULL, admitted_at INTEGER,
        redeemed_at INTEGER, ends_at INTEGER, idempotency_key TEXT) STRICT",
    "CREATE TABLE IF NOT EXISTS call_ups (first INTEGER PRIMARY KEY, at INTEGER NOT NULL,
        hears_by INTEGER NOT NULL) STRICT",
    "CREATE INDEX IF NOT EXISTS claims_live ON claims (state)
        WHERE state IN ('present', 'admitted', 'redeemed')",
    "CREATE INDEX IF NOT EXISTS claims_left ON claims (position) WHERE state = 'left'",
    "CREATE TABLE IF NOT EXISTS gone (first INTEGER PRIMARY KEY, until INTEGER NOT NULL, gone INTEGER NOT NULL) STRICT",
    "CREATE INDEX IF NOT EXISTS claims_admitted ON claims (admitted_at) WHERE admitted_at IS NOT NULL",
];
const CLAIM_COLUMNS: &str = "ticket, position, shopper, state, claimed_at, admitted_at, redeemed_at, ends_at, idempotency_key";

#[derive(Deserialize)]
struct HeadRow {
    json: String,
}

#[derive(Deserialize)]
struct GrantRow {
    admitted_at: u64,
    position: u64,
}

#[derive(Deserialize)]
struct LeftRow {
    position: u64,
}

#[derive(Deserialize)]
struct EarlyRow {
    ticket: u64,
}

#[derive(Deserialize)]
struct StretchRow {
    first: u64,
    until: u64,
    gone: u64,
}

impl StretchRow {
    fn stretch(self) -> Stretch {
        Stretch {
            from: self.first,
            until: self.until,
            gone: self.gone,
        }
    }
}

/// The records in rows. One that cannot be read is not passed over.
fn claims(rows: Vec<ClaimRow>) -> Result<Vec<Claim>> {
    let claims = rows.into_iter().map(Claim::try_from);
    claims
        .collect::<std::result::Result<_, _>>()
        .map_err(Error::from)
}

/// Reads a queue back, if there is one.
pub fn load(sql: &SqlStorage) -> Result<Option<Machine>> {
    for statement in SCHEMA.into_iter().chain(audit::SCHEMA) {
        run(sql, statement, Vec::new())?;
    }
    // Of before the fairness report.
    add_column(sql, "lanes", "total", "INTEGER NOT NULL DEFAULT 0")?;
    let head: Vec<HeadRow> = rows(sql, "SELECT json FROM head", Vec::new())?;
    let Some(row) = head.first() else {
        return Ok(None);
    };
    let head = Head::read(&row.json)?;
    let lanes: Vec<LaneMark> = rows(
        sql,
        "SELECT lane, sequence, count, first, granted, total FROM lanes",
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
        "SELECT admitted_at, position FROM claims WHERE admitted_at IS NOT NULL AND admitted_at > ?
            ORDER BY admitted_at",
        vec![since],
    )?;
    let gone: Vec<StretchRow> = rows(
        sql,
        &format!("SELECT first, until, gone FROM gone ORDER BY first LIMIT {STRETCHES_MAX}"),
        Vec::new(),
    )?;
    let left = if head.keeps_gone {
        Vec::new()
    } else {
        left_before_stretches(sql, head.boarding)?
    };
    let left_early = if head.needs_left_early() {
        left_early(sql)?
    } else {
        Vec::new()
    };
    let called_up_from = head
        .batches
        .first()
        .map_or(head.boarding, |batch| batch.from);
    let left_called_up: Vec<LeftRow> = rows(
        sql,
        "SELECT DISTINCT position FROM claims WHERE state = 'left' AND position >= ? AND position < ? LIMIT 10000",
        vec![integer(called_up_from)?, integer(head.boarding)?],
    )?;
    let log = match head.opened {
        Some(_) => Tree::default(),
        None => audit::log(sql, head.epoch)?,
    };
    let stored = Stored {
        log,
        lanes,
        live: claims(live)?,
        recent_grants: recent
            .into_iter()
            .map(|row| (row.admitted_at, row.position))
            .collect(),
        left_called_up: left_called_up.into_iter().map(|row| row.position).collect(),
        gone: gone.into_iter().map(StretchRow::stretch).collect(),
        left,
        left_early,
    };
    Ok(Some(Machine::restore(head, stored)))
}

/// The places beyond `boarding` that were left, of a queue that keeps no stretches yet.
fn left_before_stretches(sql: &SqlStorage, boarding: u64) -> Result<Vec<u64>> {
    let found: Vec<LeftRow> = rows(
        sql,
        &format!(
            "SELECT DISTINCT position FROM claims WHERE state = 'left' AND position >= ?
                AND position < {NOWHERE} ORDER BY position LIMIT {STRETCHES_MAX}"
        ),
        vec![integer(boarding)?],
    )?;
    Ok(found.into_iter().map(|row| row.position).collect())
}

/// The lowest tickets whose holders left before there were places. The index holds them in order.
fn left_early(sql: &SqlStorage) -> Result<Vec<u64>> {
    let found: Vec<EarlyRow> = rows(
        sql,
        &format!(
            "SELECT ticket FROM claims WHERE state = 'left' AND position = {NOWHERE}
                ORDER BY ticket LIMIT {LEFT_EARLY_MAX}"
        ),
        Vec::new(),
    )?;
    Ok(found.into_iter().map(|row| row.ticket).collect())
}

/// The records that these tickets have, by ticket, in one statement: each costs more than its row.
pub fn load_claims(sql: &SqlStorage, tickets: &BTreeSet<u64>) -> Result<BTreeMap<u64, Claim>> {
    if tickets.is_empty() {
        return Ok(BTreeMap::new());
    }
    let found: Vec<ClaimRow> = rows(
        sql,
        &format!(
            "SELECT {CLAIM_COLUMNS} FROM claims WHERE ticket IN (SELECT value FROM json_each(?))"
        ),
        vec![serde_json::to_string(tickets)?.into()],
    )?;
    let claims = claims(found)?.into_iter();
    Ok(claims.map(|claim| (claim.index, claim)).collect())
}

/// Writes all that effects say is to be written, in order; records of tickets many to a statement.
pub fn write_all(sql: &SqlStorage, effects: &[Effect], machine: Option<&Machine>) -> Result<()> {
    let (before, others): (Vec<_>, Vec<_>) = effects
        .iter()
        .filter(|effect| !matches!(effect, Effect::SaveClaim(_)))
        .partition(|effect| matches!(effect, Effect::Wipe));
    let claims = effects.iter().filter_map(|effect| match effect {
        Effect::SaveClaim(claim) => Some(claim),
        _ => None,
    });
    let claims: Vec<&Claim> = claims.collect();
    before
        .into_iter()
        .try_for_each(|effect| write(sql, effect, machine))?;
    claims
        .chunks(CLAIMS_AT_ONCE)
        .try_for_each(|some| write_claims(sql, some))?;
    others
        .into_iter()
        .try_for_each(|effect| write(sql, effect, machine))
}

fn write_claims(sql: &SqlStorage, claims: &[&Claim]) -> Result<()> {
    let rows: Vec<_> = claims
        .iter()
        .map(|claim| {
            (
                claim.index,
                claim.position,
                claim.shopper,
                claim.state.name(),
                claim.claimed_at,
                claim.admitted_at,
                claim.redeemed_at,
                claim.ends_at,
                &claim.idempotency_key,
            )
        })
        .collect();
    run(
        sql,
        &format!(
            "INSERT OR REPLACE INTO claims ({CLAIM_COLUMNS})
                SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
                    value ->> 6, value ->> 7, value ->> 8 FROM json_each(?)"
        ),
        vec![serde_json::to_string(&rows)?.into()],
    )
}

/// Writes what an effect says is to be written.
fn write(sql: &SqlStorage, effect: &Effect, machine: Option<&Machine>) -> Result<()> {
    match effect {
        Effect::Wipe => [
            "head", "lanes", "log", "nodes", "arrivals", "call_ups", "report", "claims", "gone",
        ]
        .iter()
        .try_for_each(|table| run(sql, &format!("DELETE FROM {table}"), Vec::new())),
        Effect::SaveHead => {
            let Some(machine) = machine else {
                return Ok(());
            };
            let json = machine.head().row()?;
            run(
                sql,
                "INSERT OR REPLACE INTO head (id, json) VALUES (1, ?)",
                vec![json.into()],
            )
        }
        Effect::SaveLane(mark) => run(
            sql,
            "INSERT OR REPLACE INTO lanes (lane, sequence, count, first, granted, total) VALUES (?, ?, ?, ?, ?, ?)",
            vec![
                integer(mark.lane.into())?,
                integer(mark.sequence)?,
                integer(mark.count.into())?,
                integer(mark.first)?,
                integer(mark.granted.into())?,
                integer(mark.total)?,
            ],
        ),
        Effect::SaveClaim(claim) => write_claims(sql, &[claim]),
        Effect::SaveStretch {
            from,
            stretch: Some(stretch),
        } => run(
            sql,
            "INSERT OR REPLACE INTO gone (first, until, gone) VALUES (?, ?, ?)",
            vec![
                integer(*from)?,
                integer(stretch.until)?,
                integer(stretch.gone)?,
            ],
        ),
        Effect::SaveStretch {
            from,
            stretch: None,
        } => run(
            sql,
            "DELETE FROM gone WHERE first = ?",
            vec![integer(*from)?],
        ),
        Effect::LogGroup(logged) => audit::write_group(sql, logged),
        Effect::SaveArrival(arrival) => audit::write_arrival(sql, *arrival),
        Effect::SaveCallUp(call_up) => run(
            sql,
            "INSERT OR REPLACE INTO call_ups (first, at, hears_by) VALUES (?, ?, ?)",
            vec![
                integer(call_up.from)?,
                integer(call_up.at)?,
                integer(call_up.hears_by)?,
            ],
        ),
        Effect::SaveReport(json) => audit::write_report(sql, json),
        Effect::EndLife(life) => audit::write_life(sql, life),
        // Messages, not rows: they are sent after the writes.
        Effect::RetireLanes { .. } | Effect::CloseRelays { .. } => Ok(()),
    }
}

/// A page of the tickets that were ever admitted, by index.
pub fn admissions(
    sql: &SqlStorage,
    state: Option<ClaimState>,
    after: Option<u64>,
) -> Result<Vec<Claim>> {
    let after = after.map_or(Ok(SqlStorageValue::Integer(-1)), integer)?;
    let state = state.map(|state| String::from(state.name()));
    let found: Vec<ClaimRow> = rows(
        sql,
        &format!(
            "SELECT {CLAIM_COLUMNS} FROM claims WHERE ticket > ? AND state = COALESCE(?, state)
                AND admitted_at IS NOT NULL ORDER BY ticket LIMIT {ADMISSIONS_PAGE}"
        ),
        vec![after, state.into()],
    )?;
    claims(found)
}
