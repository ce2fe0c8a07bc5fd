//! `tidegate load`: a crowd of whole shoppers against a deployment, what they met, and whether the
//! deployment kept its promises while they came.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "counts and times of one run, far from their types' bounds; not at the edge"
)]

mod args;
mod conclusion;
mod keys;
mod live;
mod marks;
mod pacer;
mod progress;
mod push;
mod ramp;
mod record;
mod report;
mod run;
mod shopper;
mod sockets;
mod standing;
mod stats;
mod target;
mod ticket;
mod window;
mod wire;
mod world;

use std::path::Path;

pub use args::LoadArgs;
use keys::Keys;
use pacer::Pacer;
use report::Report;
use target::Target;
use wire::Wire;
use world::World;

use crate::failure::Failure;
use crate::file;
use crate::output::Output;
use crate::queue::Edge;

/// Files that a run needs beside its connections.
const FILES_BESIDE: u64 = 64;

/// Does what was asked.
pub async fn run(args: LoadArgs) -> Result<Output, Failure> {
    args.check()?;
    let files = [args.json.as_deref(), args.history.as_deref()];
    for path in files
        .into_iter()
        .flatten()
        .filter(|path| *path != Path::new("-"))
    {
        file::check_writable(path)?;
    }
    let edge = Edge::parse(&args.url)?;
    if !edge.is_loopback() && !args.yes {
        return Err(
            Failure::usage(format!("{} is not on this machine", edge.name()))
                .remedy("a load test costs its owner money and its visitors time")
                .remedy("add --yes if it is yours and meant"),
        );
    }
    raise_file_limit(&args)?;
    let keys = Keys::find(&args, &edge)?;
    let pacer = Pacer::new(args.rps, args.concurrency());
    let wire = Wire::new(&edge, args.timeout, pacer)?;
    let target = Target::prepare(&args, &wire, &keys).await?;
    let world = World::new(wire, keys, target, &args).into();
    let outcome = run::carry_out(&args, &world, edge.name()).await;
    let report = conclusion::conclude(&world, &args, &edge, outcome).await?;
    if let Some(path) = &args.history {
        file::write(path, &world.record.lock().write(), || report.text())?;
    }
    print(&report, args.json.as_deref())
}

fn print(report: &Report, json: Option<&Path>) -> Result<Output, Failure> {
    let as_json = || format!("{:#}\n", report.json());
    let stdout = match json {
        Some(path) if path == Path::new("-") => as_json(),
        Some(path) => {
            file::write(path, &as_json(), || report.text())?;
            report.text()
        }
        None => report.text(),
    };
    if report.passed() {
        return Ok(Output::answer(stdout));
    }
    let missed = report.marks().iter().filter(|mark| !mark.met).count();
    let message = if report.interrupted {
        String::from("interrupted before the end")
    } else {
        let undone = match report.undone.len() {
            0 => String::new(),
            undone => format!("; left undone: {undone}"),
        };
        format!(
            "marks missed: {missed}; promises broken: {}{undone}",
            report.verdict.count()
        )
    };
    Err(Failure::failed(message).with_reply(stdout))
}

/// Every connection is an open file.
fn raise_file_limit(args: &LoadArgs) -> Result<(), Failure> {
    let needed = u64::from(args.sockets) + u64::from(args.concurrency()) + FILES_BESIDE;
    let limit = rlimit::increase_nofile_limit(needed).map_err(|error| {
        Failure::failed(format!("cannot read the limit of open files: {error}"))
    })?;
    if limit < needed {
        return Err(Failure::usage(format!(
            "{needed} files must be open at once, and this process may have {limit}"
        ))
        .remedy(format!(
            "raise it: ulimit -n {needed} (the hard limit, as root, where it is lower)"
        ))
        .remedy("or ask for fewer --sockets or less --concurrency"));
    }
    Ok(())
}
