//! Numbers, waits and times as people read them. `room.js` writes the same ones; the table in
//! `tests/waits.json` holds both to it.

use chrono::{DateTime, Datelike, Timelike};
use tidegate_core::UnixMillis;
use tidegate_core::view::wait::WaitRange;

use crate::text::{Text, fill};

/// The width of the picture of the tide, in its own units, and how far the water begins before it.
const TIDE_WIDTH: f64 = 320.0;
const TIDE_BEFORE: f64 = 60.0;

/// Beyond this nobody is told by when.
const DAYS_SECONDS: u64 = 172_800;

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

/// A wait as a range, in words that promise no more than is known.
pub(crate) fn wait(text: &Text, range: Option<WaitRange>) -> String {
    let (low, high) = match range {
        Some(range) => (range.at_least_seconds, range.at_most_seconds),
        None => (0, None),
    };
    let Some(high) = high.filter(|high| *high <= DAYS_SECONDS) else {
        let (sentence, unit) = match low {
            0..=119 => return text.wait_unknown.to_owned(),
            120..=7_199 => (text.wait_least_minutes, 60_u64),
            7_200..=86_399 => (text.wait_least_hours, 3_600),
            _ => return text.wait_days.to_owned(),
        };
        return fill(
            sentence,
            &[("low", &number(low.checked_div(unit).unwrap_or(0)))],
        );
    };
    let (words, unit, step) = match high {
        0..=60 => return text.wait_under.to_owned(),
        61..=1_800 => ([text.wait_most_minutes, text.wait_minutes], 60_u64, 1_u64),
        1_801..=5_400 => ([text.wait_most_minutes, text.wait_minutes], 60, 5),
        _ => ([text.wait_most_hours, text.wait_hours], 3_600, 1),
    };
    let size = unit.saturating_mul(step);
    let high = high.div_ceil(size);
    // A range of nothing would promise too much.
    let low = low
        .checked_div(size)
        .unwrap_or(0)
        .min(high.saturating_sub(1));
    let [most, between] = words;
    let sentence = if low == 0 { most } else { between };
    let (low, high) = (low.saturating_mul(step), high.saturating_mul(step));
    fill(sentence, &[("low", &number(low)), ("high", &number(high))])
}

/// How wide the water is in the picture of the tide: 60 is nothing yet, 380 all of it. Each halving
/// of the line ahead is an equal step, so that it moves for those at the back too and never
/// promises too much.
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

    fn between(low: u64, high: Option<u64>) -> String {
        let range = WaitRange {
            at_least_seconds: low,
            at_most_seconds: high,
        };
        wait(&ENGLISH, Some(range))
    }

    #[test]
    fn waits_read_as_the_table_says() {
        let table: Vec<(u64, Option<u64>, String)> =
            serde_json::from_str(include_str!("../tests/waits.json")).unwrap();
        for (low, high, text) in table {
            assert_eq!(between(low, high), text, "{low} to {high:?}");
        }
        assert_eq!(wait(&ENGLISH, None), ENGLISH.wait_unknown);
    }

    #[test]
    fn what_is_read_is_never_narrower_than_what_is_known() {
        for high in (0..200_000).step_by(7) {
            for low in [0, 1, high / 7, high / 2, high] {
                let text = between(low, Some(high));
                let figures: Vec<u64> = text
                    .split(' ')
                    .filter_map(|word| word.replace(',', "").parse().ok())
                    .collect();
                let unit = if text.ends_with("hours") { 3_600 } else { 60 };
                match figures[..] {
                    [least, most] => {
                        assert!(
                            least < most && high <= most * unit,
                            "{low} to {high}: {text}"
                        );
                        assert!(least * unit <= low, "{low} to {high}: {text}");
                    }
                    [most] if text.starts_with("up") => assert!(high <= most * unit, "{text}"),
                    [least] => assert!(least * unit <= low, "{low} to {high}: {text}"),
                    _ => assert!(high <= 60 || high > 172_800, "{low} to {high}: {text}"),
                }
            }
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
