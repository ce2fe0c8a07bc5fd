//! The words after `tidegate simulate`, and the scenario they come to.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tidegate_sim::{Curve, Faults, Limits, Scenario};

/// Simulates a launch in virtual time, and shows what shoppers would wait.
///
/// The queue, its lanes, relays and edges are the real ones; shoppers, network and storage around
/// them are simulated, and every step is checked against the invariants of the design. The same
/// options and seed repeat a run exactly, on any machine.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tidegate simulate --shoppers 5000 --max-active 50 --absent 0.5
  tidegate simulate --shoppers 1000000 --seed 42 --lanes 64 --svg waits.svg
  tidegate simulate --shoppers 5000 --faults many --seed 7 --json")]
pub struct SimulateArgs {
    /// How many shoppers come
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=20_000_000))]
    pub shoppers: u32,
    /// What decides all chance
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub seed: u64,
    /// How they arrive
    #[arg(long, value_enum, default_value_t = Arrivals::Surge)]
    pub curve: Arrivals,
    /// Within how many seconds they arrive
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub within: u32,
    /// The share of shoppers who are away when they are called up, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.3, value_parser = share)]
    pub absent: f64,
    /// The share of shoppers who hear by socket what changes, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub sockets: f64,
    /// How many seconds a shopper is at the checkout, on average
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub checkout: u32,
    /// Lanes, 1 to 256
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub lanes: u16,
    /// Relays
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub relays: u16,
    /// Edge isolates
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub edges: u16,
    /// The queue's maxActive
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_active: Option<u32>,
    /// The queue's admitRatePerMinute; 1800 where this and --max-active are not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: Option<u32>,
    /// The queue's maxAdmissions
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub stock: Option<u64>,
    /// The queue's maxParticipants
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub participants: Option<u64>,
    /// What goes wrong: nothing, a common day's losses and crashes, or a bad day's
    #[arg(long, value_enum, default_value_t = Trouble::Few)]
    pub faults: Trouble,
    /// After how many hours of virtual time the run is broken off
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=720))]
    pub hours: u32,
    /// Where to write the picture of waits, as SVG
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arrival curves.
#[derive(Clone, Copy, ValueEnum)]
pub enum Arrivals {
    /// Most at once, then ever fewer
    Surge,
    /// A trickle, and in the middle nearly all
    Spike,
    /// Evenly
    Flat,
}

/// How much goes wrong.
#[derive(Clone, Copy, ValueEnum)]
pub enum Trouble {
    /// Nothing
    None,
    /// A common day
    Few,
    /// A bad day
    Many,
}

impl SimulateArgs {
    /// What is to be simulated.
    pub fn scenario(&self) -> Scenario {
        let unlimited = self.max_active.is_none() && self.rate.is_none();
        Scenario {
            shoppers: self.shoppers,
            curve: match self.curve {
                Arrivals::Surge => Curve::Surge,
                Arrivals::Spike => Curve::Spike,
                Arrivals::Flat => Curve::Flat,
            },
            arrive_within: u64::from(self.within).saturating_mul(1_000),
            absent: self.absent,
            sockets: self.sockets,
            checkout: u64::from(self.checkout).saturating_mul(1_000),
            lanes: self.lanes,
            relays: self.relays,
            edges: self.edges,
            limits: Limits {
                max_active: self.max_active,
                rate: if unlimited { Some(1_800) } else { self.rate },
                max_admissions: self.stock,
                max_participants: self.participants,
                ..Limits::default()
            },
            session_seconds: self.checkout.saturating_mul(5),
            faults: match self.faults {
                Trouble::None => Faults::NONE,
                Trouble::Few => Faults::FEW,
                Trouble::Many => Faults::MANY,
            },
            horizon: u64::from(self.hours).saturating_mul(3_600_000),
            ..Scenario::default()
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| String::from("a share is a number from 0 to 1"))
}
