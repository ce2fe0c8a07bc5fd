//! A run's figures as text for people.

use core::fmt::Write;
use core::time::Duration;

use tidegate_sim::{Figures, PerSecond};

use super::{Report, picture};
use crate::output::table;

/// All of it.
pub(super) fn report(report: &Report) -> String {
    let figures = &report.figures;
    let mut text = format!(
        "{} shoppers, seed {}: {} entered, {} admitted within {}\n\n",
        figures.shoppers,
        report.seed,
        figures.entered,
        figures.admitted,
        seconds(figures.virtual_seconds),
    );
    text.push_str("How long the admitted waited:\n");
    text.push_str(&picture::text(&figures.waits));
    text.push_str("\nand a tenth, two tenths … of them no longer than:\n  ");
    let deciles: Vec<String> = figures
        .wait_deciles
        .iter()
        .skip(1)
        .map(|wait| seconds(*wait))
        .collect();
    text.push_str(&deciles.join(", "));
    text.push_str("\n\n");
    let rows: Vec<Vec<String>> = rows(figures, report)
        .into_iter()
        .map(|(name, value)| vec![String::from(name), value])
        .collect();
    text.push_str(&table(&rows, &[]));
    text
}

fn rows(figures: &Figures, report: &Report) -> Vec<(&'static str, String)> {
    let honesty = &figures.honesty;
    let error = |error: Option<f64>| error.map_or(String::from("-"), percent);
    vec![
        (
            "slots in use while somebody could take them",
            figures.slots_in_use.map_or(String::from("-"), percent),
        ),
        (
            "present and waiting, at most",
            figures.present_max.to_string(),
        ),
        (
            "admissions in the fullest second",
            figures.admitted_in_a_second.to_string(),
        ),
        (
            "overtaken while they could not have heard; while they listened; later",
            format!(
                "{}; {}; {}",
                figures.overtaken_in_hearing, figures.overtaken_listening, figures.overtaken_later
            ),
        ),
        (
            "shown waits off by, half and nine tenths within",
            format!(
                "{}, {}; {} unknown",
                error(honesty.median_error),
                error(honesty.ninth_decile_error),
                percent(honesty.unknown)
            ),
        ),
        (
            "queue object, transactions",
            per_second(&figures.queue_writes),
        ),
        ("leases", per_second(&figures.leases)),
        ("enters at lanes", per_second(&figures.lane_requests)),
        (
            "queue object, longest backlog; calls, refused ones",
            format!(
                "{} ms; {}, {}",
                figures.queue_backlog_ms, figures.queue_calls, figures.queue_refused
            ),
        ),
        (
            "object requests for each entry",
            format!("{:.3}", figures.object_requests_per_entry),
        ),
        (
            "calls of the queue object for each admission",
            format!("{:.3}", figures.queue_calls_per_admission),
        ),
        (
            "rows written for each entry; all told",
            format!(
                "{:.3}; {:.3}",
                figures.rows_written_per_entry, figures.rows_written_per_shopper
            ),
        ),
        (
            "polls, and requests to relays for them",
            format!("{}, {}", figures.polls, figures.relay_requests),
        ),
        ("crashes survived", figures.crashes.to_string()),
        (
            "simulated",
            format!(
                "{} events in {:.1} s, {:.0} a second",
                figures.events, report.real_seconds, report.events_per_second
            ),
        ),
    ]
}

fn per_second(rate: &PerSecond) -> String {
    format!(
        "{} a second at most, {:.1} on average, {} in all",
        rate.peak, rate.mean, rate.total
    )
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn seconds(seconds: f64) -> String {
    span(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// A time of some length, in its two largest units.
pub fn span(span: Duration) -> String {
    let mut text = String::new();
    let seconds = span.as_secs();
    // Writing to a string cannot fail.
    let _ = match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => write!(text, "{seconds} s"),
        (0, minutes, seconds) => write!(text, "{minutes} min {seconds} s"),
        (hours, minutes, _) => write!(text, "{hours} h {minutes} min"),
    };
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_two_units() {
        let said =
            [0, 59, 60, 3_599, 3_600, 7_384].map(|seconds| span(Duration::from_secs(seconds)));
        assert_eq!(
            said,
            [
                "0 s",
                "59 s",
                "1 min 0 s",
                "59 min 59 s",
                "1 h 0 min",
                "2 h 3 min"
            ]
        );
    }
}
