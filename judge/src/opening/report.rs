//! What was checked and what came of it, as lines for people or as JSON.

use core::fmt::Write;

use serde::Serialize;

use crate::plain;

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    Ok,
    Failed,
    NotChecked,
}

impl Outcome {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "FAILED",
            Self::NotChecked => "not checked",
        }
    }
}

/// One thing that was checked.
#[derive(Serialize)]
pub struct Check {
    pub name: &'static str,
    pub outcome: Outcome,
    /// What is there, or what is wrong, or why it was not checked.
    pub found: String,
}

/// A place that was asked for.
#[derive(Serialize)]
pub struct Place {
    pub index: u64,
    /// 1-based.
    pub position: u64,
    /// In a draw that has an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub won: Option<bool>,
}

/// All that was checked.
#[derive(Default)]
pub struct Report {
    /// In order.
    pub checks: Vec<Check>,
    /// What somebody should know although every check is met.
    pub warnings: Vec<String>,
    /// The place of `--index`.
    pub place: Option<Place>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AsJson<'a> {
    audit: &'a str,
    verified: bool,
    failed: Vec<&'static str>,
    checks: &'a [Check],
    warnings: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'a Place>,
}

impl Report {
    /// Notes a check whose error names what is wrong, and whether it was met.
    pub fn note(&mut self, name: &'static str, result: Result<String, String>) -> bool {
        let (outcome, found) = match result {
            Ok(found) => (Outcome::Ok, found),
            Err(fault) => (Outcome::Failed, fault),
        };
        self.checks.push(Check {
            name,
            outcome,
            found,
        });
        outcome == Outcome::Ok
    }

    /// Notes that a check was not made, and why.
    pub fn not_checked(&mut self, name: &'static str, why: impl Into<String>) {
        self.checks.push(Check {
            name,
            outcome: Outcome::NotChecked,
            found: why.into(),
        });
    }

    /// The names of the checks that failed, each once, in order.
    pub fn failed(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self
            .checks
            .iter()
            .filter(|check| check.outcome == Outcome::Failed)
            .map(|check| check.name)
            .collect();
        names.dedup();
        names
    }

    /// A line a check, then the verdict.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for check in &self.checks {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{:<11}  {:<10}  {}",
                check.outcome.word(),
                check.name,
                plain(&check.found)
            );
        }
        if let Some(place) = &self.place {
            let won = match place.won {
                Some(true) => ", and won",
                Some(false) => ", and did not win",
                None => "",
            };
            let _ = writeln!(
                text,
                "\nIndex {} stands at position {}{won}.",
                place.index, place.position
            );
        }
        let failed = self.failed();
        let _ = if failed.is_empty() {
            writeln!(text, "\nVERIFIED")
        } else {
            writeln!(text, "\nFAILED: {}", failed.join(", "))
        };
        for warning in &self.warnings {
            let _ = writeln!(text, "Mind: {}", plain(warning));
        }
        text
    }

    /// The same as JSON.
    pub fn json(&self, audit: &str) -> Result<String, serde_json::Error> {
        let failed = self.failed();
        let json = AsJson {
            audit,
            verified: failed.is_empty(),
            failed,
            checks: &self.checks,
            warnings: &self.warnings,
            place: self.place.as_ref(),
        };
        serde_json::to_string_pretty(&json).map(|json| json + "\n")
    }
}
