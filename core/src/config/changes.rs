//! What a configuration changes of the one before it, and what an operator should be told of that.

use serde::Serialize;
use serde_json::{Map, Value};

use super::QueueConfig;
use crate::UnixMillis;
use crate::problem::{Code, Problem};

/// A time that lies so little in the past is meant as now: clocks differ.
const NOW_MILLIS: u64 = 1_000;

/// One field that is not as it was.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Its name.
    pub field: String,
    /// What it was.
    pub from: Value,
    /// What it is.
    pub to: Value,
}

impl QueueConfig {
    /// The fields that differ from `before`, by name.
    pub fn changes_from(&self, before: &Self) -> Vec<Change> {
        let (mut from, to) = (before.fields(), self.fields());
        let changes = to.into_iter().map(|(field, to)| Change {
            from: from.remove(&field).unwrap_or_default(),
            field,
            to,
        });
        changes.filter(|change| change.from != change.to).collect()
    }

    fn fields(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        }
    }

    /// Refuses to take from a queue that lives, by not naming it, what holds shoppers back, and the
    /// product.
    pub fn check_removals_from(&self, before: &Self) -> Result<(), Problem> {
        let gone = |change: &Change| {
            let is_held = [
                "admitRatePerMinute",
                "maxActive",
                "maxAdmissions",
                "maxParticipants",
                "closesAt",
                "product",
            ];
            change.to.is_null() && is_held.contains(&&*change.field)
        };
        let removed: Vec<String> = self
            .changes_from(before)
            .into_iter()
            .filter(gone)
            .map(|change| match change.from {
                Value::Number(number) => format!("{} ({number})", change.field),
                _ => change.field,
            })
            .collect();
        if removed.is_empty() {
            return Ok(());
        }
        Err(Problem::new(
            Code::Conflict,
            format!(
                "This PUT would remove {} from a live queue, and nothing was changed. Name what is to stay, or PATCH what is to change; add ?confirm=removal if it is to go.",
                removed.join(", ")
            ),
        ))
    }

    /// Refuses a `closesAt`, other than the one `before`, that lies in the past.
    pub fn check_closing(&self, before: Option<&Self>, now: UnixMillis) -> Result<(), Problem> {
        let was = before.and_then(|before| before.closes_at);
        match self.closes_at {
            Some(at) if self.closes_at != was && at <= now => Err(Problem::validation(format!(
                "closesAt: lies {} in the past; to end a queue now, close it",
                duration(now.saturating_sub(at))
            ))),
            _ => Ok(()),
        }
    }

    /// What an operator may not have meant, of what is not as it was `before`.
    pub fn remarks(&self, before: Option<&Self>, now: UnixMillis) -> Vec<String> {
        let past = |at: Option<UnixMillis>, was: Option<UnixMillis>| {
            let ago = now.saturating_sub(at?);
            (at != was && ago >= NOW_MILLIS).then(|| duration(ago))
        };
        let entry = past(
            self.entry_opens_at,
            before.and_then(|before| before.entry_opens_at),
        );
        let opening = past(self.opens_at, before.and_then(|before| before.opens_at));
        let closing = past(self.closes_at, before.and_then(|before| before.closes_at));
        let said = [
            ("entryOpensAt", entry, "entry opens at once"),
            ("opensAt", opening, "the queue opens at once"),
            ("closesAt", closing, "the queue is closed"),
        ];
        said.into_iter()
            .filter_map(|(field, ago, so)| Some(format!("{field} lies {} in the past: {so}", ago?)))
            .collect()
    }
}

/// A duration as people say it, in one unit, not rounded up.
fn duration(millis: u64) -> String {
    let seconds = millis / 1_000;
    let (count, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..=7_199 => (seconds / 60, "minute"),
        7_200..=172_799 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        for (millis, said) in [
            (400, "0 seconds"),
            (1_999, "1 second"),
            (119_000, "119 seconds"),
            (120_000, "2 minutes"),
            (3 * 3_600_000, "3 hours"),
            (4 * 86_400_000, "4 days"),
        ] {
            assert_eq!(duration(millis), said);
        }
    }
}
