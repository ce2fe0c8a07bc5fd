//! What the fairness report says of a queue that is over.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::claim::ClaimState;
use super::event::{Arrival, LaneMark};
use super::machine::Machine;
use super::shoppers::{LEFT_EARLY_MAX, NOWHERE};
use crate::UnixMillis;
use crate::fair::report::{Record, inversions, tenths};
use crate::problem::{Code, Problem};

/// Arrivals are noted no more often than this.
const ARRIVALS_EVERY_MILLIS: u64 = 1_000;

/// A ticket's record, as far as the report needs it.
#[derive(Clone, Copy, Debug)]
pub struct Brief {
    /// The ticket's index.
    pub index: u64,
    /// Its position.
    pub position: u64,
    /// How far it has come.
    pub state: ClaimState,
    /// When it first claimed, or left.
    pub claimed_at: UnixMillis,
    /// When it was admitted.
    pub admitted_at: Option<UnixMillis>,
    /// When it ended.
    pub ends_at: Option<UnixMillis>,
}

impl Machine {
    /// Notes when an index is leased, at most once a second.
    pub(super) fn note_arrival(&mut self, first: u64, now: UnixMillis) {
        if now >= self.arrival_noted_at.saturating_add(ARRIVALS_EVERY_MILLIS) {
            self.arrival_noted_at = now;
            self.dirty.arrival = Some(Arrival { first, at: now });
        }
    }

    /// Refuses where the queue is not over. It may have ended since the last event: nothing need happen
    /// at `closesAt`.
    pub fn check_over(&self, now: UnixMillis) -> Result<(), Problem> {
        if self.snapshot(now.max(self.head.clock)).is_over() {
            return Ok(());
        }
        Err(Problem::new(
            Code::Conflict,
            "The fairness report is made when the queue is over.",
        ))
    }

    /// The report, without what only the shuffle tells. `arrivals` are in order; `is_whole` says that
    /// these are all there are of both.
    pub fn fairness(
        &self,
        briefs: &[Brief],
        arrivals: &[Arrival],
        is_whole: bool,
        now: UnixMillis,
    ) -> Result<Map<String, Value>, Problem> {
        self.check_over(now)?;
        let head = &self.head;
        let snapshot = self.snapshot(now.max(head.clock));
        let opened = head.opened.as_ref();
        let shuffled_at = opened.map_or(0, |opened| {
            let beacon = opened.beacon.as_ref();
            beacon.map_or(opened.at, |beacon| beacon.chain.made_at(beacon.round))
        });
        let entered_at = |index: u64| {
            let before = arrivals.partition_point(|arrival| arrival.first <= index);
            let last = before.checked_sub(1).and_then(|last| arrivals.get(last));
            last.map_or(head.created_at, |arrival| arrival.at)
        };
        // Whoever left before there were places had one from the opening on.
        let shuffle = self.shuffle();
        let unplaced = briefs.iter().filter(|brief| brief.position == NOWHERE);
        let is_whole = is_whole && unplaced.clone().count() <= LEFT_EARLY_MAX;
        let found = |brief: &Brief| Some((brief.index, shuffle.position(brief.index)?));
        let early: BTreeMap<u64, u64> = unplaced.take(LEFT_EARLY_MAX).filter_map(found).collect();
        let record = |brief: &Brief| {
            let only_left = brief.state == ClaimState::Left
                && brief.admitted_at.is_none()
                && brief.ends_at == Some(brief.claimed_at);
            let position = early.get(&brief.index).copied();
            Record {
                position: position.unwrap_or(brief.position),
                waits_since: entered_at(brief.index).max(if head.is_entrant(brief.index) {
                    shuffled_at
                } else {
                    0
                }),
                claimed_at: (!only_left).then_some(brief.claimed_at),
                admitted_at: brief.admitted_at,
                left_at: brief.ends_at.filter(|_| brief.admitted_at.is_none()),
            }
        };
        let records: Vec<Record> = briefs.iter().map(record).collect();
        let mut lanes: Vec<&LaneMark> = self.lanes.values().map(|(mark, _)| mark).collect();
        lanes.sort_unstable_by_key(|mark| mark.lane);
        let lane = |mark: &&LaneMark| json!({ "lane": mark.lane, "entries": mark.total });
        let came = records.iter().filter(|record| record.claimed_at.is_some());
        let heard_of = |record: &&Record| record.position < head.boarding;
        let known = u64::try_from(records.iter().filter(heard_of).count()).unwrap_or(u64::MAX);
        let facts = json!({
            "format": 1,
            "queueId": head.id,
            "access": head.config.access,
            "epoch": head.epoch,
            "phase": snapshot.phase,
            "createdAt": head.created_at,
            "openedAt": opened.map(|opened| opened.at),
            "winners": opened.and_then(|opened| opened.winners),
            "maxAdmissions": head.config.max_admissions,
            "claimWindowSeconds": head.config.claim_window_seconds,
            "entered": head.entered,
            "entrants": opened.map_or(0, |opened| opened.entrants),
            "calledUp": head.boarding,
            "came": came.count(),
            // Of records that were not read, nothing says that their holders stayed away.
            "noShows": is_whole.then(|| head.boarding.saturating_sub(known)),
            "admitted": head.admitted,
            "completed": head.completed,
            "complete": is_whole,
            "inversions": inversions(&records),
            "tenths": tenths(&records, head.boarding),
            "lanes": lanes.iter().map(lane).collect::<Vec<Value>>(),
        });
        match facts {
            Value::Object(facts) => Ok(facts),
            _ => Ok(Map::new()),
        }
    }
}
