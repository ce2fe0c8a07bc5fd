//! The simulator: a whole deployment in virtual time. The queue, the lanes, the relays, the edges
//! and a shopper's own protocol are the core's machines; around them are objects and a network that
//! lose, repeat, delay and crash as a seed decides. Every step is held against the invariants of
//! the design.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "no edge: counts and virtual times, far from any bound"
)]

mod agenda;
mod answers;
mod calling;
mod edges;
mod entering;
mod figures;
pub mod lane_object;
mod leaving;
mod message;
pub mod queue_object;
mod relays;
mod scenario;
mod serving;
mod shopper;
mod shrink;
mod slab;
mod standing;
mod watching;
mod world;

pub use figures::{Figures, Honesty, PerSecond};
pub use scenario::{Curve, Faults, Interruption, Scenario, Standstill};
pub use shrink::{Shortest, shortest};
pub use tidegate_judge::{Limits, Violation};
pub use world::{Failure, Progress};

use world::World;

/// Runs a scenario. The same scenario and seed make the same history, happening for happening.
pub fn run(scenario: &Scenario, seed: u64) -> Result<Figures, Failure> {
    run_watched(scenario, seed, &mut |_| {})
}

/// Runs a scenario, and tells `watch` now and then how far it is.
pub fn run_watched(
    scenario: &Scenario,
    seed: u64,
    watch: &mut dyn FnMut(Progress),
) -> Result<Figures, Failure> {
    let begun = World::new(scenario, seed).map_err(|violation| Failure {
        violation,
        events: 0,
        last: Vec::new(),
    });
    begun?.run(watch)
}
