//! The words after `tidegate verify`.

use std::path::PathBuf;

use clap::Args;
use tidegate_core::fair::Commitment;

/// Checks an opening: that the order of a queue follows from what its shop had promised.
///
/// Takes a queue's audit from its deployment, from a file that --save made, or from stdin ("-"),
/// and computes all of it anew: the statement's signature, the commitment, the log of who entered,
/// the beacon, the seed, and the place of every entrant. Nothing is believed that can be computed.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tidegate verify https://shop.example/v1/queues/lamp/audit
  tidegate verify https://shop.example/v1/queues/lamp/audit --receipt mine.json --save audit.json
  tidegate verify audit.json --jwks https://shop.example/.well-known/jwks.json --index 4711
  tidegate verify audit.json --places places.json

Exit codes: 0 verified; 1 something failed, or the deployment refused what is needed; 2 misused, or
something could not be read.")]
pub struct VerifyArgs {
    /// The audit: an address, a file, or - for stdin
    #[arg(value_name = "AUDIT")]
    pub audit: String,

    /// A receipt that a shopper got on entering: checks that the log has the entry; may be repeated
    #[arg(long, value_name = "FILE")]
    pub receipt: Vec<PathBuf>,

    /// A proof that a shopper got after the opening; may be repeated
    #[arg(long, value_name = "FILE")]
    pub proof: Vec<PathBuf>,

    /// The shop's public keys, file or address [default: those at the address of the audit]
    #[arg(long, value_name = "FILE|URL")]
    pub jwks: Option<String>,

    /// The commitment, as the queue published it before the opening
    #[arg(long, value_name = "HEX")]
    pub commitment: Option<Commitment>,

    /// A chain of drand that you trust besides quicknet: {"chain", "publicKey", "genesisAt",
    /// "periodSeconds"}
    #[arg(long, value_name = "FILE")]
    pub chain: Option<PathBuf>,

    /// Tells the position of the entry with this index, counted from 0
    #[arg(long, value_name = "N")]
    pub index: Option<u64>,

    /// Computes every place, even of more than 1,000,000 entrants
    #[arg(long)]
    pub all: bool,

    /// Writes every position, counted from 1, by index: one JSON array
    #[arg(long, value_name = "FILE")]
    pub places: Option<PathBuf>,

    /// Keeps the audit, all pages in one file
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,

    /// Prints JSON instead of lines
    #[arg(long)]
    pub json: bool,
}
