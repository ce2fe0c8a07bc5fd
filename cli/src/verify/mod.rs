//! `tidegate verify`: whether a queue's order follows from what was promised. It reads what anybody
//! can read, computes it anew, and says what it found.

mod args;
mod fetch;
mod source;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};

pub use args::VerifyArgs;
use source::{Source, unread};
use tidegate_judge::opening::{Asked, Audit, Chain, Document, Evidence, ROUNDS, Report, check};

use crate::failure::Failure;
use crate::output::{Output, shell_word};
use crate::{file, input};

/// The largest receipt, proof or chain that is read.
const EVIDENCE_MAX: u64 = 1024 * 1024;

/// Does what was asked.
pub async fn run(args: VerifyArgs) -> Result<Output, Failure> {
    for path in args.places.iter().chain(&args.save) {
        file::check_writable(path)?;
    }
    let mut asked = asked(&args)?;
    let source = Source::of(&args.audit)?;
    let read = source.read().await?;
    if let (Ok(document), Some(path)) = (&read, &args.save) {
        save(document, path)?;
    }
    let audit = match read.and_then(Audit::of) {
        Ok(audit) => audit,
        Err(fault) => {
            let mut report = Report::default();
            report.note("format", Err(fault));
            return said(&report, &args, None);
        }
    };
    if let Some(index) = args.index.filter(|index| *index >= audit.facts.entrants) {
        return Err(Failure::usage(format!(
            "index {index} is not in the log, which has {} entrants",
            audit.facts.entrants
        ))
        .remedy("indices count from 0; who entered after the opening stands at their own index"));
    }
    asked.keys = source.keys(args.jwks.as_deref()).await?;
    let bar = progress_bar();
    let (report, places) = check(&audit, &asked, |round| bar.set_position(round.into()));
    bar.finish_and_clear();
    let Some(path) = &args.places else {
        return said(&report, &args, None);
    };
    let written = match places {
        Some(places) => write_places(path, &places).map_err(|error| error.to_string()),
        None => Err(String::from("the places were not computed")),
    };
    match written {
        Ok(()) => said(&report, &args, Some(path)),
        Err(error) => Err(
            Failure::failed(format!("cannot write {}: {error}", path.display()))
                .with_reply(text(&report, &args)?),
        ),
    }
}

fn asked(args: &VerifyArgs) -> Result<Asked, Failure> {
    let chain = match &args.chain {
        Some(path) => {
            let bytes = unread(input::bytes_or_stdin(path, EVIDENCE_MAX))?;
            let chain = Chain::read(&bytes).map_err(|fault| {
                Failure::usage(format!("{} is no chain of drand: {fault}", path.display()))
            })?;
            Some(chain)
        }
        None => None,
    };
    Ok(Asked {
        chain,
        commitment: args.commitment,
        index: args.index,
        whole: args.all || args.places.is_some(),
        receipts: evidence(&args.receipt)?,
        proofs: evidence(&args.proof)?,
        ..Asked::default()
    })
}

fn evidence(paths: &[PathBuf]) -> Result<Vec<Evidence>, Failure> {
    let read = |path: &PathBuf| {
        Ok(Evidence {
            name: path.display().to_string(),
            bytes: unread(input::bytes_or_stdin(path, EVIDENCE_MAX))?,
        })
    };
    paths.iter().map(read).collect()
}

fn save(document: &Document, path: &Path) -> Result<(), Failure> {
    let text = serde_json::to_string(document)
        .map_err(|error| Failure::failed(format!("cannot write the audit as JSON: {error}")))?;
    file::write(path, &(text + "\n"), String::new)
}

fn write_places(path: &Path, places: &[u32]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut before = '[';
    for place in places {
        write!(file, "{before}{}", u64::from(*place).saturating_add(1))?;
        before = ',';
    }
    file.write_all(if places.is_empty() { b"[]\n" } else { b"]\n" })?;
    file.flush()
}

fn text(report: &Report, args: &VerifyArgs) -> Result<String, Failure> {
    if !args.json {
        return Ok(report.text());
    }
    report
        .json(&args.audit)
        .map_err(|error| Failure::failed(format!("cannot write the report as JSON: {error}")))
}

fn said(report: &Report, args: &VerifyArgs, places: Option<&PathBuf>) -> Result<Output, Failure> {
    let stdout = text(report, args)?;
    let failed = report.failed();
    if failed.is_empty() {
        return Ok(Output {
            stdout,
            stderr: places.map_or_else(String::new, |path| {
                format!("every position is in {}\n", shell_word(path))
            }),
        });
    }
    let failure = Failure::failed(format!("the audit was not verified: {}", failed.join(", ")));
    Err(failure.with_reply(stdout))
}

/// Shown where stderr is a terminal.
fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(ROUNDS.into());
    // The words are a valid style.
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos} of {len} rounds of the shuffle")
    {
        bar.set_style(style);
    }
    bar
}
