//! `tidegate simulate`: a launch in virtual time, its figures, and a picture of the waits.

mod args;
mod picture;
mod text;

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tidegate_sim::{Figures, run_watched, shortest};

pub use args::SimulateArgs;

use crate::failure::Failure;
use crate::file;
use crate::output::Output;

/// A run's figures, with how long it took here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    seed: u64,
    #[serde(flatten)]
    figures: Figures,
    real_seconds: f64,
    /// Simulated events in a second of real time.
    events_per_second: f64,
}

/// Does what was asked.
pub fn run(args: &SimulateArgs) -> Result<Output, Failure> {
    if let Some(path) = &args.svg {
        file::check_writable(path)?;
    }
    let scenario = args.scenario();
    let bar = progress_bar(args.shoppers);
    let began = Instant::now();
    let outcome = run_watched(&scenario, args.seed, &mut |progress| {
        bar.set_position(progress.gone.into());
        bar.set_message(text::span(Duration::from_millis(progress.now)));
    });
    let real_seconds = began.elapsed().as_secs_f64();
    bar.finish_and_clear();
    let figures = outcome.map_err(|failure| {
        let shortest = shortest(&scenario, args.seed, failure);
        let invariant = shortest.failure.violation.promise.name();
        Failure::failed(format!("invariant {invariant} does not hold"))
            .remedy("The shortest history found that shows it is on stdout; please report it.")
            .with_reply(shortest.to_string())
    })?;
    #[expect(clippy::cast_precision_loss, reason = "a figure")]
    let events_per_second = figures.events as f64 / real_seconds;
    let report = Report {
        seed: args.seed,
        figures,
        real_seconds,
        events_per_second,
    };
    let said = said(&report, args.json)?;
    if let Some(path) = &args.svg {
        let svg = picture::svg(&report.figures.waits).map_err(|cause| {
            Failure::failed(format!("cannot draw the waits: {cause}")).with_reply(said.clone())
        })?;
        file::write(path, &svg, || said.clone())?;
    }
    Ok(Output::answer(said))
}

fn said(report: &Report, as_json: bool) -> Result<String, Failure> {
    if !as_json {
        return Ok(text::report(report));
    }
    serde_json::to_string_pretty(report)
        .map(|json| json + "\n")
        .map_err(|error| Failure::failed(format!("cannot write the figures as JSON: {error}")))
}

/// Shown where stderr is a terminal.
fn progress_bar(shoppers: u32) -> ProgressBar {
    let bar = ProgressBar::new(shoppers.into());
    let style = "{bar:40} {human_pos} of {human_len} shoppers are gone, {msg} of virtual time";
    // The words above are a valid style.
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar
}
