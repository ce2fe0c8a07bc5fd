//! What the fairness report says of a queue that is over: it is made once, in pieces, and stored.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use crate::UnixMillis;
use crate::fair::report::{Counted, Record};
use crate::queue::entry::shoppers::NOWHERE;
use crate::queue::event::{Arrival, LaneMark};
use crate::queue::machine::Machine;
use crate::queue::refusal::Refusal;
use crate::queue::state::claim::ClaimState;
use crate::view::snapshot::Phase;

/// The most records in a page: some milliseconds, also where all of them left before there were
/// places.
pub const PAGE_RECORDS: usize = 500;
/// The most records that a report looks at: some tens of megabytes.
pub const RECORDS_MAX: usize = 300_000;
/// The parts in which records are counted, by position: each as large as a few pages at the most.
const PARTS: usize = 256;
/// A piece of the report is made no more often than this: orders are completed meanwhile.
const PIECE_EVERY_MILLIS: u64 = 50;
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
    /// When it entered, to the second, if that was noted.
    pub entered_at: Option<UnixMillis>,
    /// When its position was called up, and until when it had time to hear of it, if that was kept.
    pub called_up: Option<(UnixMillis, UnixMillis)>,
}

/// A page of records to read: [`PAGE_RECORDS`] at most.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Those with a larger index, or from the first on.
    pub after: Option<u64>,
}

/// The report while it is made, in pieces. Lost with an eviction, and then it is begun anew.
#[derive(Default)]
pub(in crate::queue) struct Reckoning {
    stage: Stage,
    next_at: UnixMillis,
    /// A page is to be read.
    due: bool,
}

#[derive(Default)]
enum Stage {
    #[default]
    Idle,
    /// Records come by index, and are put aside by position.
    Reading(Reading),
    /// They are counted by position.
    Counting(Counting),
}

struct Reading {
    after: Option<u64>,
    read: usize,
    parts: Vec<Vec<Record>>,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            after: None,
            read: 0,
            parts: (0..PARTS).map(|_| Vec::new()).collect(),
        }
    }
}

struct Counting {
    parts: VecDeque<Vec<Record>>,
    counted: Counted,
    is_whole: bool,
}

impl Counting {
    /// Counts as many parts as hold about a page of records.
    fn go_on(&mut self) {
        let mut count = 0_usize;
        while count < PAGE_RECORDS
            && let Some(mut records) = self.parts.pop_front()
        {
            count = count.saturating_add(records.len());
            records.sort_unstable_by_key(|record| record.position);
            for record in &records {
                self.counted.add(record);
            }
        }
    }
}

impl Machine {
    /// Notes when an index is leased, at most once a second.
    pub(in crate::queue) fn note_arrival(&mut self, first: u64, now: UnixMillis) {
        if now >= self.arrival_noted_at.saturating_add(ARRIVALS_EVERY_MILLIS) {
            self.arrival_noted_at = now;
            self.dirty.arrival = Some(Arrival { first, at: now });
        }
    }

    /// Refuses where the queue is not over. It may have ended since the last event: nothing need
    /// happen at `closesAt`.
    pub fn check_over(&self, now: UnixMillis) -> Result<(), Refusal> {
        if self.snapshot(now.max(self.head.clock)).is_over() {
            return Ok(());
        }
        Err(Refusal::NotOver)
    }

    /// Goes on with the report, if the queue is over and it is time; forgets it where the queue
    /// goes on after all.
    pub(in crate::queue) fn reckon(&mut self, now: UnixMillis) {
        let is_over = matches!(self.head.phase(now), Phase::SoldOut | Phase::Closed);
        if !is_over {
            self.reckoning = Reckoning::default();
            if self.head.reported_at.take().is_some() {
                self.dirty.head = true;
            }
            return;
        }
        if self.head.reported_at.is_some() || now < self.reckoning.next_at {
            return;
        }
        self.reckoning.next_at = now.saturating_add(PIECE_EVERY_MILLIS);
        match &mut self.reckoning.stage {
            // Nothing is read yet: what happens together with the end is not written before it is
            // decided.
            Stage::Idle => self.reckoning.stage = Stage::Reading(Reading::default()),
            Stage::Reading(_) => self.reckoning.due = true,
            Stage::Counting(counting) => {
                counting.go_on();
                if counting.parts.is_empty() {
                    self.end_report();
                }
            }
        }
    }

    /// When the report goes on, or the queue is over by the clock.
    pub(in crate::queue) fn next_piece_at(&self) -> Option<UnixMillis> {
        let now = self.head.clock;
        if matches!(self.head.phase(now), Phase::SoldOut | Phase::Closed) {
            let next = self.reckoning.next_at.max(now.saturating_add(1));
            return self.head.reported_at.is_none().then_some(next);
        }
        self.head.config.closes_at.filter(|at| *at > now)
    }

    /// The records to read now, if it is time: a page of those whose index is above this, by index.
    /// Who takes it brings them by [`Machine::read_on`].
    pub fn next_page(&mut self) -> Option<Page> {
        match (
            core::mem::take(&mut self.reckoning.due),
            &self.reckoning.stage,
        ) {
            (true, Stage::Reading(reading)) => Some(Page {
                after: reading.after,
            }),
            _ => None,
        }
    }

    /// Takes a page of records.
    pub fn read_on(&mut self, page: &[Brief]) {
        let shuffle = self.shuffle();
        let head = &self.head;
        let shuffled_at = head.opened.as_ref().map_or(0, |opened| {
            let beacon = opened.beacon.as_ref();
            beacon.map_or(opened.at, |beacon| beacon.chain.made_at(beacon.round))
        });
        let record = |brief: &Brief| {
            let only_left = brief.state == ClaimState::Left
                && brief.admitted_at.is_none()
                && brief.ends_at == Some(brief.claimed_at);
            // Who left before there were places had one from the opening on.
            let position = match brief.position {
                NOWHERE => shuffle.position(brief.index)?,
                position => position,
            };
            let entered_at = brief.entered_at.unwrap_or(head.created_at);
            let shuffled_at = head.is_entrant(brief.index).then_some(shuffled_at);
            Some(Record {
                position,
                waits_since: entered_at.max(shuffled_at.unwrap_or(0)),
                claimed_at: (!only_left).then_some(brief.claimed_at),
                admitted_at: brief.admitted_at,
                left_at: brief.ends_at.filter(|_| brief.admitted_at.is_none()),
                called_up: brief.called_up,
            })
        };
        let records: Vec<Record> = page.iter().filter_map(record).collect();
        let called = head.boarding;
        let Stage::Reading(reading) = &mut self.reckoning.stage else {
            return;
        };
        reading.read = reading.read.saturating_add(page.len());
        reading.after = page.last().map(|brief| brief.index).or(reading.after);
        // Of who left before they were called up there is nothing to count.
        for record in records {
            if record.position < called
                && let Some(part) = reading.parts.get_mut(part_of(record.position, called))
            {
                part.push(record);
            }
        }
        let is_whole = page.len() < PAGE_RECORDS;
        if is_whole || reading.read >= RECORDS_MAX {
            let parts = core::mem::take(&mut reading.parts);
            self.reckoning.stage = Stage::Counting(Counting {
                parts: parts.into(),
                counted: Counted::new(called),
                is_whole,
            });
        }
    }

    /// All is counted: the report is stored.
    fn end_report(&mut self) {
        let stage = core::mem::take(&mut self.reckoning.stage);
        let Stage::Counting(Counting {
            counted, is_whole, ..
        }) = stage
        else {
            return;
        };
        let (facts, head) = (counted.end(), &self.head);
        let opened = head.opened.as_ref();
        let mut lanes: Vec<&LaneMark> = self.lanes.values().map(|(mark, _)| mark).collect();
        lanes.sort_unstable_by_key(|mark| mark.lane);
        let lane = |mark: &&LaneMark| json!({ "lane": mark.lane, "entries": mark.total });
        let report = json!({
            "format": 1,
            "queueId": head.id,
            "access": head.config.access,
            "epoch": head.epoch,
            "createdAt": head.created_at,
            "openedAt": opened.map(|opened| opened.at),
            "winners": opened.and_then(|opened| opened.winners),
            "entered": head.entered,
            "entrants": opened.map_or(0, |opened| opened.entrants),
            "calledUp": head.boarding,
            "came": facts.came,
            // Of records that were not read, nothing says that their holders stayed away.
            "noShows": is_whole.then(|| head.boarding.saturating_sub(facts.known)),
            "complete": is_whole,
            "inversions": facts.inversions,
            "overtaken": facts.overtaken,
            "tenths": facts.tenths,
            "lanes": lanes.iter().map(lane).collect::<Vec<Value>>(),
        });
        self.dirty.report = Some(report.to_string());
        self.head.reported_at = Some(self.head.clock);
        self.dirty.head = true;
    }

    /// The report as `stored`, with what orders that were still under way have come to since;
    /// without what only the shuffle tells.
    pub fn fairness(
        &self,
        stored: Option<&str>,
        now: UnixMillis,
    ) -> Result<Map<String, Value>, Refusal> {
        self.check_over(now)?;
        let head = &self.head;
        let stored = stored.filter(|_| head.reported_at.is_some());
        let stored = stored.and_then(|text| serde_json::from_str(text).ok());
        let Some(Value::Object(mut report)) = stored else {
            return Err(Refusal::ReportUnderWay);
        };
        let now = now.max(head.clock);
        for (name, value) in [
            ("phase", json!(head.phase(now))),
            ("maxAdmissions", json!(head.config.max_admissions)),
            (
                "claimWindowSeconds",
                json!(head.config.claim_window_seconds),
            ),
            ("admitted", json!(head.admitted)),
            ("completed", json!(head.completed)),
        ] {
            report.insert(name.into(), value);
        }
        Ok(report)
    }
}

/// The part of the called-up positions that a position is in.
fn part_of(position: u64, called: u64) -> usize {
    let parts = u64::try_from(PARTS).unwrap_or(1);
    let part = position.saturating_mul(parts).checked_div(called);
    usize::try_from(part.unwrap_or(0)).unwrap_or(0)
}
