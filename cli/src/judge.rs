//! `tidegate judge`: what a history shows of the promises that a deployment makes.

use core::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use tidegate_judge::history::History;
use tidegate_judge::{Promise, Verdict};

use crate::failure::Failure;
use crate::input;
use crate::output::{Output, plain, table};

/// The longest history that is read, in bytes.
const LONGEST: u64 = 1 << 30;

/// Judges a history: says which of the eleven promises it shows kept, and which broken.
///
/// A history is JSON lines: what was asked of a queue when, and what came back when. "tidegate load
/// --history" writes one. docs/histories.md describes the format.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tidegate load --shoppers 500 --history run.jsonl && tidegate judge run.jsonl
  gunzip < run.jsonl.gz | tidegate judge -

Exit codes: 0 nothing is broken, 1 something is, or the history cannot be read.")]
pub struct JudgeArgs {
    /// The file to read, or - for stdin
    file: PathBuf,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// Does what was asked.
pub fn run(args: &JudgeArgs) -> Result<Output, Failure> {
    let text = input::file_or_stdin(&args.file, LONGEST)?;
    let history = History::read(&text).map_err(|unreadable| {
        Failure::failed(format!(
            "{} is no history: {unreadable}",
            args.file.display()
        ))
        .remedy("docs/histories.md describes what each line holds")
    })?;
    let verdict = tidegate_judge::judge(&history);
    let said = if args.json {
        let invariants = as_json(&verdict);
        format!(
            "{:#}\n",
            json!({ "invariants": invariants, "violations": verdict.violations })
        )
    } else {
        as_text(&verdict)
    };
    match verdict.count() {
        0 => Ok(Output::answer(said)),
        count => Err(Failure::failed(format!("promises broken: {count}")).with_reply(said)),
    }
}

/// Each promise: how often it was seen, and how often broken.
pub fn as_json(verdict: &Verdict) -> Vec<Value> {
    let one = |promise: &Promise| {
        json!({
            "invariant": promise,
            "observations": verdict.observed(*promise),
            "violations": verdict.count_of(*promise),
        })
    };
    Promise::ALL.iter().map(one).collect()
}

/// The same for people, with the evidence.
pub fn as_text(verdict: &Verdict) -> String {
    let mut rows = vec![["PROMISE", "OBSERVED", ""].map(str::to_owned).to_vec()];
    for promise in Promise::ALL {
        let observed = verdict.observed(promise);
        let said = match (verdict.count_of(promise), observed) {
            (0, 0) => String::from("nothing seen"),
            (0, _) => String::from("kept"),
            (broken, _) => format!("BROKEN {broken} times"),
        };
        rows.push(vec![promise.name().to_owned(), observed.to_string(), said]);
    }
    let mut text = table(&rows, &[1]);
    for violation in &verdict.violations {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "broken: {}", plain(&violation.to_string()));
    }
    text
}
