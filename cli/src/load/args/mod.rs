//! The words after `tidegate load`.

mod check;

use core::time::Duration;
use std::path::PathBuf;

use clap::Args;
use tidegate_core::ids::QueueId;

use super::marks::Bounds;
use crate::queue::Setting;

/// Where help lists what the run is aimed at.
const TARGET: &str = "The target";
/// Where help lists what happens on sockets.
const SOCKETS: &str = "Sockets";
/// Where help lists the times that must not be reached.
const MARKS: &str = "Marks";
/// Where help lists the ramp's options.
const RAMP: &str = "Ramp";

/// Notices on a queue of the run's own, where nobody else reads them.
const NOTICES: u32 = 5;

/// Loads a deployment with whole shoppers, and checks it from outside as it does.
///
/// Each shopper loads a page, enters, polls or listens until called up, claims, and is redeemed and
/// completed as the merchant's origin would. At the end stand the figures of each step beside the
/// marks they must meet, and whether the waiting room kept its promises: indices unique and dense,
/// real-time order, the lowest present first, no limit passed, one admission each.
#[derive(Args, Debug)]
#[command(after_help = "\
Keys are read from TIDEGATE_ADMIN_KEY and TIDEGATE_ORIGIN_KEY or from --key-file, never from the
command line, where others could see them. On loopback the development keys are used where none is
given. Without an origin key nothing is redeemed: shoppers leave once they are admitted.

Exit codes: 0 every mark met, 1 a mark missed, a promise broken or a check undone, 2 misused.

Examples:
  tidegate load --shoppers 5000 --duration 30s
  tidegate load --shoppers 1000 --rps 400 --concurrency 200 --page /products/tide-lamp
  tidegate load --shoppers 0 --sockets 1000 --notices 10 --changes-per-second 100
  tidegate load --ramp --rps 100 --json ramp.json")]
pub struct LoadArgs {
    /// The Worker's address: https, or http on loopback
    #[arg(long, help_heading = TARGET, env = "TIDEGATE_URL", default_value = "http://127.0.0.1:8787")]
    pub url: String,
    /// A file that holds the admin key, or the secrets as "tidegate keys new" makes them
    #[arg(long, help_heading = TARGET, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Load this queue, which exists; without it, a queue is made for the run and deleted after it
    #[arg(long, help_heading = TARGET, value_name = "ID", value_parser = queue_id)]
    pub queue: Option<QueueId>,
    /// Set these fields of the queue that is made, such as maxActive=50 lanes=8
    #[arg(long, help_heading = TARGET, value_name = "KEY=VALUE", num_args = 1.., conflicts_with = "queue")]
    pub set: Vec<Setting>,
    /// The page that each shopper loads first [default: the queue's product page, or its room]
    #[arg(long, help_heading = TARGET, value_name = "PATH", value_parser = page)]
    pub page: Option<String>,
    /// Really load a deployment that is not on this machine
    #[arg(long, help_heading = TARGET)]
    pub yes: bool,

    /// How many shoppers come
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub shoppers: u32,
    /// The time over which they come, evenly, or the length of each step of a ramp [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub duration: Option<Duration>,
    /// The most requests a second; later ones wait for their turn, which is not counted as latency
    #[arg(long, value_name = "RATE", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rps: Option<u32>,
    /// The most requests under way at once; waiting for one to end is counted as latency [default:
    /// 64, for a ramp 2000]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub concurrency: Option<u32>,
    /// How long shoppers who are still in line are served after the last one came [default: a
    /// minute, and three times --duration]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub drain: Option<Duration>,
    /// How long each shopper stays in the checkout [default: 1s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub checkout: Option<Duration>,
    /// The longest wait for one answer
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub timeout: Duration,
    /// Write the report as JSON to this file, or to stdout instead of the text where FILE is "-"
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write what was asked and answered as JSON lines to this file, for "tidegate judge"
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,

    /// Hold this many sockets; the first shoppers listen on them instead of polling
    #[arg(long, help_heading = SOCKETS, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=60_000))]
    pub sockets: u32,
    /// Send this many notices, a second apart, and measure their way to every socket
    ///
    /// It needs an admin key, and shoppers of the queue read them. [default: 5 on the run's own
    /// queue, none on another]
    #[arg(long, help_heading = SOCKETS, value_name = "COUNT", requires = "sockets")]
    pub notices: Option<u32>,
    /// At the end change the notice this often, and look when every socket has the last one
    #[arg(long, help_heading = SOCKETS, value_name = "RATE", requires = "sockets",
        value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub changes_per_second: Option<u32>,
    /// For how many seconds
    #[arg(long, help_heading = SOCKETS, value_name = "SECONDS", default_value_t = 10,
        requires = "changes_per_second", value_parser = clap::value_parser!(u32).range(1..=600))]
    pub changes_seconds: u32,

    /// The time that 95 % of a step's requests must stay below [default: 500ms]
    #[arg(long, help_heading = MARKS, value_name = "TIME", value_parser = duration)]
    pub p95: Option<Duration>,
    /// The time that 99 % of a step's requests must stay below [default: 1s]
    #[arg(long, help_heading = MARKS, value_name = "TIME", value_parser = duration)]
    pub p99: Option<Duration>,
    /// The time that 99 % of sockets must connect in [default: 100ms]
    #[arg(long, help_heading = MARKS, value_name = "TIME", value_parser = duration)]
    pub connect_p99: Option<Duration>,
    /// The time that 99 % of pushes must arrive in, and all sockets hold the last change [default:
    /// 500ms]
    #[arg(long, help_heading = MARKS, value_name = "TIME", value_parser = duration)]
    pub push_p99: Option<Duration>,

    /// Raise the rate step by step until a mark is missed; name the knee and the rate to plan with
    #[arg(long, help_heading = RAMP, conflicts_with_all = ["shoppers", "drain", "sockets", "notices",
        "changes_per_second", "changes_seconds", "connect_p99", "push_p99"])]
    pub ramp: bool,
    /// Where a ramp ends even if every mark is met
    #[arg(long, help_heading = RAMP, value_name = "RATE", default_value_t = 20_000, requires = "ramp",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_rps: u32,
}

impl LoadArgs {
    /// The times that must not be reached.
    pub fn bounds(&self) -> Bounds {
        Bounds {
            p95: self.p95.unwrap_or(Duration::from_millis(500)),
            p99: self.p99.unwrap_or(Duration::from_secs(1)),
            connect_p99: self.connect_p99.unwrap_or(Duration::from_millis(100)),
            push_p99: self.push_p99.unwrap_or(Duration::from_millis(500)),
        }
    }

    /// The time over which shoppers come, or the length of each step of a ramp.
    pub fn duration(&self) -> Duration {
        self.duration.unwrap_or(Duration::from_secs(10))
    }

    /// The most requests under way at once. A ramp is to end where the server is slow, and so holds
    /// nothing back until long after.
    pub fn concurrency(&self) -> u32 {
        const CROWD: u32 = 64;
        const RAMP: u32 = 2_000;
        self.concurrency
            .unwrap_or(if self.ramp { RAMP } else { CROWD })
    }

    /// How long each shopper stays in the checkout.
    pub fn checkout(&self) -> Duration {
        self.checkout.unwrap_or(Duration::from_secs(1))
    }

    /// How long shoppers who are still in line are served after the last one came.
    pub fn drain(&self) -> Duration {
        self.drain
            .unwrap_or(Duration::from_mins(1) + self.duration() * 3)
    }

    /// How many notices are sent, to be measured.
    pub fn notices(&self) -> u32 {
        match (self.notices, &self.queue) {
            _ if self.sockets == 0 => 0,
            (Some(notices), _) => notices,
            (None, None) => NOTICES,
            (None, Some(_)) => 0,
        }
    }

    /// Whether the operator has something to say in this run.
    pub fn speaks(&self) -> bool {
        self.notices() > 0 || self.changes_per_second.is_some()
    }
}

fn queue_id(text: &str) -> Result<QueueId, String> {
    text.parse::<QueueId>().map_err(|problem| problem.detail)
}

fn page(text: &str) -> Result<String, String> {
    if text.starts_with('/') && !text.starts_with("//") {
        Ok(text.to_owned())
    } else {
        Err(String::from("it is no path, such as /products/lamp"))
    }
}

/// `30`, in seconds, or `500ms`, `30s`, `2m`; at most a day.
fn duration(text: &str) -> Result<Duration, String> {
    let parsed = match text.parse::<u32>() {
        Ok(seconds) => Duration::from_secs(u64::from(seconds)),
        Err(_) => humantime::parse_duration(text).map_err(|error| error.to_string())?,
    };
    if parsed > Duration::from_hours(24) {
        return Err(String::from("it is longer than a day"));
    }
    Ok(parsed)
}

#[cfg(test)]
pub mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser, Debug)]
    struct Words {
        #[command(flatten)]
        load: LoadArgs,
    }

    pub fn parse(words: &[&str]) -> Result<LoadArgs, clap::Error> {
        Words::try_parse_from(["load"].iter().chain(words)).map(|words| words.load)
    }

    #[test]
    fn times_may_have_units_and_are_seconds_without() {
        for (text, expected) in [("30", 30_000), ("500ms", 500), ("2m", 120_000), ("0s", 0)] {
            assert_eq!(
                duration(text),
                Ok(Duration::from_millis(expected)),
                "{text}"
            );
        }
        for bad in ["", "-1", "soon", "25h", "1.5"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn without_words_two_hundred_come_in_ten_seconds() {
        let args = parse(&[]).unwrap();
        assert_eq!(
            (args.shoppers, args.duration().as_secs(), args.sockets),
            (200, 10, 0)
        );
        assert!(args.check().is_ok());
        assert_eq!(args.concurrency(), 64);
    }

    #[test]
    fn a_ramp_keeps_places_for_all_that_a_slow_server_leaves_under_way() {
        assert_eq!(parse(&["--ramp"]).unwrap().concurrency(), 2_000);
        let said = parse(&["--ramp", "--concurrency", "8"]).unwrap();
        assert_eq!(said.concurrency(), 8);
    }
}
