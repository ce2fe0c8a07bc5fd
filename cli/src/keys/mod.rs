//! `tidegate keys`: a deployment's secrets, made and rotated in a file. Nothing here talks to a
//! deployment; `scripts/deploy --secrets FILE` or `wrangler secret bulk FILE` hands the file over.

mod fresh;
mod kid;
mod list;
mod rotate;
mod secrets;
mod signing;

use clap::Subcommand;

use crate::failure::Failure;
use crate::output::Output;

pub use secrets::{first_admin_key, first_origin_key};

/// Makes and rotates the secrets that a deployment signs with.
///
/// The secrets live in one JSON file, of names and values, as "wrangler secret bulk" takes it. Keep
/// it where you keep passwords: a deployed Worker never shows its secrets again, and the next
/// rotation needs them.
#[derive(Subcommand)]
pub enum Command {
    New(fresh::NewArgs),
    Rotate(rotate::RotateArgs),
}

/// Does what was asked.
pub fn run(command: &Command) -> Result<Output, Failure> {
    match command {
        Command::New(args) => fresh::run(args),
        Command::Rotate(args) => rotate::run(args),
    }
}
