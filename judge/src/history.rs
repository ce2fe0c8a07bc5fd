//! A history as JSON lines: what a queue promised, what was asked of it and answered, what its
//! operator saw. `docs/histories.md` describes the format.

use core::fmt;

use serde::{Deserialize, Serialize};
use tidegate_core::UnixMillis;
use tidegate_core::ids::{AdmissionId, Epoch};
use tidegate_core::queue::ClaimState;
use tidegate_core::view::snapshot::{Phase, Shuffle};

use crate::limits::Limits;

/// Microseconds since the Unix epoch, by the client's clock. In JSON they are milliseconds, with a
/// fraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Micros(pub u64);

impl TryFrom<f64> for Micros {
    type Error = &'static str;

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within the bounds just checked"
    )]
    fn try_from(millis: f64) -> Result<Self, Self::Error> {
        if (0.0..1e13).contains(&millis) {
            Ok(Self((millis * 1_000.0).round() as u64))
        } else {
            Err("a time is milliseconds since 1970")
        }
    }
}

impl From<Micros> for f64 {
    #[expect(clippy::cast_precision_loss, reason = "below 2^53 until the year 2255")]
    fn from(micros: Micros) -> Self {
        micros.0 as Self / 1_000.0
    }
}

/// One line.
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time is read, and taken apart"
)]
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Line {
    /// What the queue promises: the first line.
    Queue(Queue),
    /// How the queue stood when the history began, where it was not new.
    Start(Start),
    /// A call.
    Call(Call),
    /// The operator looked at everything.
    Audit(Audit),
    /// The public state, as it was told to somebody.
    Snapshot(Snapshot),
    /// A relay or an edge asked for the public state.
    Asked(Asked),
}

/// What the queue promises.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Queue {
    /// Its limits, as they are all the while.
    #[serde(default)]
    pub limits: Limits,
    /// Whether nobody but these calls used the queue.
    #[serde(default)]
    pub alone: bool,
}

/// How the queue stood in the beginning.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Start {
    /// By itself.
    pub snapshot: Snapshot,
    /// The admissions that were held: by which limits they were given is not known.
    pub held: Vec<Admission>,
}

/// What a call is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Verb {
    #[default]
    Enter,
    Status,
    Claim,
    Leave,
    Redeem,
    Complete,
    Release,
    Extend,
}

/// A call, and what came back if anything did.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// What it is for.
    pub verb: Verb,
    /// The client's own name of the entry. Who enters anew after leaving has a new one.
    pub entry: String,
    /// Its idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The ticket or token was never given.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub forged: bool,
    /// When it was sent, at the earliest.
    pub sent: Micros,
    /// When the answer was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Micros>,
    /// The answer's HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What the answer says.
    #[serde(flatten)]
    pub said: Said,
}

/// What an answer says, as far as it says it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Said {
    /// The ticket's epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// The ticket's index, 0-based.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// The ticket's position, 0-based.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// The position that a status shows, 1-based.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown: Option<u64>,
    /// The admission.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admission_id: Option<AdmissionId>,
    /// When the admission runs out, by the queue's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UnixMillis>,
    /// The admission's state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<ClaimState>,
    /// The queue's clock, of the state that the answer was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_time: Option<UnixMillis>,
    /// Whether that state is called stale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale: Option<bool>,
}

/// Everything that an operator sees.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Audit {
    /// When the first look was sent.
    pub sent: Micros,
    /// The queue before the admissions were read.
    pub before: Snapshot,
    /// Every admission there is; none where there were too many to read.
    #[serde(default)]
    pub admissions: Option<Vec<Admission>>,
    /// The queue afterwards.
    #[serde(default)]
    pub after: Option<Snapshot>,
}

/// A line of the queue's account of admissions.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Admission {
    /// Its id, which names the index.
    pub admission_id: AdmissionId,
    /// The place it was admitted from, 1-based; the index plus 1 if it is not said.
    #[serde(default)]
    pub position: Option<u64>,
    /// How far it has come.
    pub state: ClaimState,
    /// When it was admitted; never, of who is present.
    #[serde(default)]
    pub admitted_at: Option<UnixMillis>,
    /// When its token was redeemed.
    #[serde(default)]
    pub redeemed_at: Option<UnixMillis>,
    /// When it ended or will end.
    #[serde(default)]
    pub expires_at: Option<UnixMillis>,
}

impl Admission {
    /// The position it was admitted from, 0-based.
    pub(crate) fn place(&self) -> u64 {
        let index = self.admission_id.index;
        self.position.map_or(index, |shown| shown.saturating_sub(1))
    }
}

/// A queue's state, as far as it is judged.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "docs/http.md describes a snapshot")]
pub struct Snapshot {
    pub epoch: Option<Epoch>,
    pub phase: Option<Phase>,
    pub entered: u64,
    pub waiting: u64,
    pub present: u64,
    pub admitted: u64,
    pub active: u64,
    pub completed: u64,
    pub boarding: u64,
    pub version: u64,
    pub server_time: UnixMillis,
    pub shuffle: Shuffle,
}

/// A relay or an edge asked for the public state.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Asked {
    /// A relay asked the queue, and not an edge a relay.
    pub relay: bool,
    /// Its number.
    pub number: u32,
    /// When.
    pub at: Micros,
}

/// A whole history.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "each holds the lines of its name")]
pub struct History {
    pub queue: Queue,
    pub start: Option<Start>,
    pub calls: Vec<Call>,
    pub audits: Vec<Audit>,
    pub snapshots: Vec<Snapshot>,
    pub asked: Vec<Asked>,
}

/// A line that is none of a history's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Which, from 1.
    pub line: usize,
    /// Why.
    pub why: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}: {}", self.line, self.why)
    }
}

impl History {
    /// Reads a history. Empty lines are passed over.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let mut history = Self::default();
        let mut is_first = true;
        for (number, text) in (1..).zip(text.lines()) {
            let unreadable = |why: String| Unreadable { line: number, why };
            if text.trim().is_empty() {
                continue;
            }
            let line: Line = serde_json::from_str(text)
                .map_err(|error| unreadable(without_place(&error.to_string()).to_owned()))?;
            if is_first != matches!(line, Line::Queue(_)) {
                return Err(unreadable(String::from(
                    "the line of type \"queue\" is the first, and there is one",
                )));
            }
            is_first = false;
            history
                .take(line)
                .map_err(|why| unreadable(String::from(why)))?;
        }
        if is_first {
            return Err(Unreadable {
                line: 1,
                why: String::from("there is no line of type \"queue\": the history is empty"),
            });
        }
        Ok(history)
    }

    fn take(&mut self, line: Line) -> Result<(), &'static str> {
        match line {
            Line::Queue(queue) => self.queue = queue,
            Line::Start(start) if self.start.is_none() => self.start = Some(start),
            Line::Start(_) => return Err("the history began once already"),
            Line::Call(call) => {
                if call.answered.is_some() != call.status.is_some() {
                    return Err("a call has both \"answered\" and \"status\", or neither");
                }
                if call.answered.is_some_and(|answered| answered < call.sent) {
                    return Err("the answer came before the call was sent");
                }
                self.calls.push(call);
            }
            Line::Audit(audit) => self.audits.push(audit),
            Line::Snapshot(snapshot) => self.snapshots.push(snapshot),
            Line::Asked(asked) => self.asked.push(asked),
        }
        Ok(())
    }

    /// The history as JSON lines.
    pub fn write(&self) -> String {
        let Self {
            queue,
            start,
            calls,
            audits,
            snapshots,
            asked,
        } = self.clone();
        let lines = core::iter::once(Line::Queue(queue))
            .chain(start.map(Line::Start))
            .chain(calls.into_iter().map(Line::Call))
            .chain(audits.into_iter().map(Line::Audit))
            .chain(snapshots.into_iter().map(Line::Snapshot))
            .chain(asked.into_iter().map(Line::Asked));
        let mut text = String::new();
        // What these types hold always has a text.
        for line in lines.filter_map(|line| serde_json::to_string(&line).ok()) {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }
}

/// A parser's message without its own line and column: each line is parsed by itself.
fn without_place(message: &str) -> &str {
    message
        .split_once(" at line ")
        .map_or(message, |(what, _)| what)
}
