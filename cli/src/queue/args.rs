//! The words after `tidegate queue`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};
use tidegate_core::ids::QueueId;
use tidegate_core::queue::ClaimState;

use super::settings::Setting;

/// Where help lists the options that all calls share.
const DEPLOYMENT: &str = "The deployment, and its reply";

/// Opens, changes and watches the queues of a deployment.
#[derive(Args)]
#[command(after_help = "\
The admin key is read from the variable TIDEGATE_ADMIN_KEY or from --key-file, never from the command
line, where others could see it. On loopback the development key is used where neither is given.

Examples:
  tidegate queue list
  tidegate queue put lamp --set admitRatePerMinute=600 maxAdmissions=5000 product.name=\"Tide Lamp\" product.path=/lamp
  tidegate queue patch lamp --set admitRatePerMinute=1200
  tidegate queue notice lamp --level warning \"Payment is slow today. Your place is safe.\"
  TIDEGATE_URL=https://drops.example.com tidegate queue show lamp --key-file secrets.json")]
pub struct QueueArgs {
    #[command(flatten)]
    pub place: Place,
    #[command(subcommand)]
    pub call: Call,
}

/// Where to call, as whom, and what to print.
#[derive(Args)]
pub struct Place {
    /// The Worker's address: https, or http on loopback
    #[arg(
        long,
        global = true,
        help_heading = DEPLOYMENT,
        env = "TIDEGATE_URL",
        default_value = "http://127.0.0.1:8787"
    )]
    pub url: String,
    /// A file that holds the admin key, or the secrets as "tidegate keys new" makes them
    ///
    /// It wins over TIDEGATE_ADMIN_KEY. Of a file of secrets, the first of its ADMIN_KEYS is used.
    #[arg(long, global = true, help_heading = DEPLOYMENT, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Print the reply as it came, JSON, a refusal's too
    #[arg(long, global = true, help_heading = DEPLOYMENT)]
    pub json: bool,
}

#[derive(Subcommand)]
pub enum Call {
    /// List all queues
    List,
    /// Show a queue: how it stands and how it is configured
    Show(One),
    /// Create a queue, or replace its whole configuration
    ///
    /// What is not named takes its default, also on a queue that lives: to change one thing there,
    /// use "patch". A queue needs admitRatePerMinute or maxActive, or it would hold nobody back. On
    /// a live queue it may change only what "patch" may; a limit or the product that is not named
    /// goes only with --confirm-removal.
    #[command(override_usage = "\
tidegate queue put [OPTIONS] <ID> --set <KEY=VALUE>...
       tidegate queue put [OPTIONS] <ID> --config <FILE>")]
    Put(Put),
    /// Change some of a queue's configuration, live
    ///
    /// What is not named stays as it is, and null takes a field back to its default. access, lanes,
    /// uniqueBy and beacon are fixed once somebody entered, opensAt once the queue is sealed.
    #[command(override_usage = "\
tidegate queue patch [OPTIONS] <ID> --set <KEY=VALUE>...
       tidegate queue patch [OPTIONS] <ID> --config <FILE>")]
    Patch(Configure),
    /// End a queue and forget it, with everybody in it
    Delete(Confirmed),
    /// Admit nobody for now; shoppers still enter and keep their places
    Pause(One),
    /// Admit again
    Resume(One),
    /// End a queue: nobody enters or is admitted any more; admissions that are held stay good
    ///
    /// Every place is kept, so that "reopen" can take it back until closesAt.
    Close(Confirmed),
    /// Take back a "close", unless closesAt has passed or everything is sold
    Reopen(One),
    /// Begin a queue anew with the same configuration; every ticket becomes void
    Reset(Confirmed),
    /// Say something to everybody in the waiting room
    #[command(override_usage = "\
tidegate queue notice [OPTIONS] <ID> <TEXT>
       tidegate queue notice [OPTIONS] <ID> --clear")]
    Notice(Notice),
    /// List admissions, a hundred at a time
    Admissions(Admissions),
}

#[derive(Args)]
pub struct One {
    /// The queue's id
    #[arg(value_parser = queue_id)]
    pub id: QueueId,
}

#[derive(Args)]
pub struct Configure {
    /// The queue's id: 1 to 63 of a-z, 0-9 and "-"
    #[arg(value_parser = queue_id)]
    pub id: QueueId,
    #[command(flatten)]
    pub source: Source,
}

#[derive(Args)]
pub struct Put {
    #[command(flatten)]
    pub configure: Configure,
    /// Remove from a live queue the limits and the product that are not named
    #[arg(long)]
    pub confirm_removal: bool,
}

/// Where a configuration comes from.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Source {
    /// Read it from a JSON file, or from stdin where FILE is "-"
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set these fields, such as maxActive=50
    #[arg(long, value_name = "KEY=VALUE", num_args = 1.., long_help = SET_HELP)]
    pub set: Vec<Setting>,
}

const SET_HELP: &str = "\
Set these fields, such as maxActive=50

A value is JSON where it reads as JSON, and else text: maxActive=50, closesAt=null, \
checkoutUrl=/checkout, 'allowedOrigins=[\"https://shop.example\"]'. A dot reaches into an object: \
product.name=\"Tide Lamp\". Times may be written 2026-11-20T18:00:00Z.";

#[derive(Args)]
pub struct Confirmed {
    /// The queue's id
    #[arg(value_parser = queue_id)]
    pub id: QueueId,
    /// Do it without asking; where there is no terminal to ask at, nothing is done without this
    #[arg(long)]
    pub yes: bool,
}

#[derive(Args)]
pub struct Notice {
    /// The queue's id
    #[arg(value_parser = queue_id)]
    pub id: QueueId,
    /// How loudly it speaks
    #[arg(long, value_enum, default_value_t = Loudness::Info, conflicts_with = "clear")]
    pub level: Loudness,
    #[command(flatten)]
    pub words: Words,
}

/// What a notice says, or that there is to be none.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Words {
    /// What it says, 1 to 500 characters
    pub text: Option<String>,
    /// Take the notice away
    #[arg(long)]
    pub clear: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Loudness {
    /// Good to know
    Info,
    /// Something is slower or other than expected
    Warning,
    /// Something is wrong
    Critical,
}

#[derive(Args)]
pub struct Admissions {
    /// The queue's id
    #[arg(value_parser = queue_id)]
    pub id: QueueId,
    /// Only those in this state
    #[arg(long, value_parser = PossibleValuesParser::new(ClaimState::ALL.map(ClaimState::name)))]
    pub state: Option<String>,
    /// The page that follows; the page before names it
    #[arg(long, value_name = "NEXT")]
    pub after: Option<u64>,
}

fn queue_id(text: &str) -> Result<QueueId, String> {
    text.parse::<QueueId>().map_err(|problem| problem.detail)
}
