//! Numbers, waits and times as people read them. `room.js` writes the same ones; the table in
//! `tests/waits.json` holds both to it.

use chrono::{DateTime, Datelike, Timelike};
use tidegate_core::UnixMillis;

use crate::text::{Text, fill};

/// The width of the picture of the tide, in its own units, and how far the water begins before it.
const TIDE_WIDTH: f64 = 320.0;
const TIDE_BEFORE: f64 = 60.0;

/// 1234567 as 1,234,567.
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len().saturating_mul(2));
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && digits.len().saturating_sub(place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// An estimate as a range, a fifth to either side: a single figure would promise too much.
pub(crate) fn wait(text: &Text, seconds: Option<u64>) -> String {
    let Some(seconds) = seconds else {
        return text.wait_unknown.to_owned();
    };
    let low = seconds.saturating_mul(4) / 5;
    let high = seconds.saturating_mul(6).div_ceil(5);
    let (sentence, low, high) = match high {
        0..=60 => return text.wait_under.to_owned(),
        61..=1_800 => (text.wait_minutes, (low / 60).max(1), high.div_ceil(60)),
        1_801..=5_400 => (
            text.wait_minutes,
            (low / 300).saturating_mul(5),
            high.div_ceil(300).saturating_mul(5),
        ),
        5_401..=172_800 => (text.wait_hours, low / 3_600, high.div_ceil(3_600)),
        _ => return text.wait_days.to_owned(),
    };
    fill(sentence, &[("low", &number(low)), ("high", &number(high))])
}

/// How wide the water is in the picture of the tide: 60 is nothing yet, 380 all of it. Each halving of the line
/// ahead is an equal step, so that it moves for those at the back too and never promises too much.
pub(crate) fn tide_width(position: u64, ahead: u64) -> u32 {
    #[expect(clippy::cast_precision_loss, reason = "a picture")]
    let share = 1.0 - (ahead as f64).ln_1p() / (position.max(1) as f64).ln_1p();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "60 to 380"
    )]
    let width = (TIDE_BEFORE + share.clamp(0.0, 1.0) * TIDE_WIDTH).round() as u32;
    width
}

/// A moment, for a `<time>` element. Without script it reads as UTC; the script makes it local.
pub(crate) struct Moment {
    /// What `datetime` takes.
    pub machine: String,
    /// What people read.
    pub human: String,
}

impl Moment {
    /// The time of a day: `14:05:09 UTC`.
    pub(crate) fn clock(at: UnixMillis) -> Self {
        Self::new(at, |time| {
            format!(
                "{:02}:{:02}:{:02} UTC",
                time.hour(),
                time.minute(),
                time.second()
            )
        })
    }

    /// Day and time: `2026-11-21, 14:05 UTC`.
    pub(crate) fn day(at: UnixMillis) -> Self {
        Self::new(at, |time| {
            let (year, month, day) = (time.year(), time.month(), time.day());
            format!(
                "{year}-{month:02}-{day:02}, {:02}:{:02} UTC",
                time.hour(),
                time.minute()
            )
        })
    }

    fn new(at: UnixMillis, human: impl Fn(&DateTime<chrono::Utc>) -> String) -> Self {
        let time = i64::try_from(at)
            .ok()
            .and_then(DateTime::from_timestamp_millis);
        let time = time.unwrap_or_default();
        let (year, month, day) = (time.year(), time.month(), time.day());
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        Self {
            machine: format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"),
            human: human(&time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::ENGLISH;

    #[test]
    fn thousands_are_grouped() {
        for (value, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn waits_read_as_the_table_says() {
        let table: Vec<(Option<u64>, String)> =
            serde_json::from_str(include_str!("../tests/waits.json")).unwrap();
        for (seconds, text) in table {
            assert_eq!(wait(&ENGLISH, seconds), text, "{seconds:?}");
        }
    }

    #[test]
    fn a_range_never_turns_round_and_holds_its_estimate() {
        for seconds in 1..200_000 {
            let text = wait(&ENGLISH, Some(seconds));
            let figures: Vec<u64> = text
                .split(' ')
                .filter_map(|word| word.replace(',', "").parse().ok())
                .collect();
            let [low, high] = figures[..] else { continue };
            let unit = if text.ends_with("hours") { 3_600 } else { 60 };
            assert!(low < high && seconds <= high * unit, "{seconds}: {text}");
            assert!(low * unit <= seconds || low == 1, "{seconds}: {text}");
        }
    }

    #[test]
    fn the_tide_rises_as_the_line_shortens() {
        let levels: Vec<u32> = (0..=500)
            .rev()
            .map(|ahead| tide_width(501, ahead))
            .collect();
        assert!(levels.is_sorted());
        assert_eq!((levels.first(), levels.last()), (Some(&60), Some(&380)));
        assert_eq!((tide_width(0, 0), tide_width(1, u64::MAX)), (380, 60));
    }

    #[test]
    fn moments_are_written_for_machines_and_people() {
        let moment = Moment::clock(1_800_000_000_000);
        assert_eq!(moment.machine, "2027-01-15T08:00:00Z");
        assert_eq!(moment.human, "08:00:00 UTC");
        assert_eq!(
            Moment::day(1_800_000_000_000).human,
            "2027-01-15, 08:00 UTC"
        );
    }

    #[test]
    fn a_time_beyond_the_calendar_does_no_harm() {
        assert_eq!(
            Moment::clock(UnixMillis::MAX).machine,
            "1970-01-01T00:00:00Z"
        );
    }
}
