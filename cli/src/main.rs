//! `tidegate`: what the operator of a waiting room types. `keys` makes and rotates the secrets that
//! a deployment is given; `queue` calls the operator's half of a running deployment; `load` sends
//! it a crowd; `verify`, which anybody may type, checks an opening.
//!
//! A command does its work and returns an [`Output`] or a [`Failure`]; only this file prints, but
//! for progress. Text for people and hints go to stderr where stdout carries data.

mod failure;
mod file;
mod input;
mod judge;
mod keys;
mod load;
mod output;
mod queue;
mod simulate;
mod time;
mod verify;

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use output::Output;

/// Runs Tidegate, the fair waiting room: its keys, its queues, load tests, and the check of an
/// opening.
///
/// "keys" makes the secrets that a deployment signs with, and rotates them without sending anybody
/// back to the end of the line. "queue" opens, changes and watches the queues of a deployment.
/// "load" sends it a crowd and says whether it held. "verify" needs no key: it checks that the
/// order of a queue is the one that follows from what its shop had promised.
#[derive(Parser)]
#[command(
    version,
    max_term_width = 100,
    after_help = "\
Begin here:
  tidegate keys new --output secrets.json      a deployment's secrets; then scripts/deploy
  tidegate queue put demo --set maxActive=50   a queue, on the local Worker unless --url says else
  tidegate queue show demo                     how it stands
  tidegate load --shoppers 1000                how it holds under a crowd
  tidegate judge history.jsonl                 whether it kept its promises meanwhile
  tidegate verify URL/v1/queues/demo/audit     whether its order is the one that was promised

\"tidegate help keys rotate\" and the like say more. Exit codes: 0 done, 1 refused or failed, 2 misused."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(subcommand)]
    Keys(keys::Command),
    Queue(queue::QueueArgs),
    Load(Box<load::LoadArgs>),
    Simulate(simulate::SimulateArgs),
    Judge(judge::JudgeArgs),
    Verify(Box<verify::VerifyArgs>),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Keys(command) => keys::run(&command),
        Command::Queue(args) => queue::run(args).await,
        Command::Load(args) => load::run(*args).await,
        Command::Simulate(args) => simulate::run(&args),
        Command::Judge(args) => judge::run(&args),
        Command::Verify(args) => verify::run(*args).await,
    };
    let (output, code) = match outcome {
        Ok(output) => (output, ExitCode::SUCCESS),
        Err(failure) => failure.into_output(),
    };
    match print(&output) {
        Ok(()) => code,
        // What read it, such as `head`, has had enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: cannot write the output: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print(output: &Output) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(output.stdout.as_bytes())?;
    stdout.flush()?;
    std::io::stderr().write_all(output.stderr.as_bytes())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }
}
