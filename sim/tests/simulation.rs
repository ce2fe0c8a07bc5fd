//! Whole deployments in virtual time keep the invariants of the design, whatever goes wrong.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "a test ends where something is not as it must be"
)]

use tidegate_sim::{Scenario, run, shortest};

/// Runs the random scenario of a seed; a failure shows the shortest run that fails likewise.
fn keeps_the_invariants(seed: u64, shoppers: u32) {
    let scenario = Scenario::random(seed, shoppers);
    if let Err(failure) = run(&scenario, seed) {
        panic!("{}", shortest(&scenario, seed, failure));
    }
}

fn keep_the_invariants(seeds: impl Iterator<Item = u64>) {
    for seed in seeds {
        keeps_the_invariants(seed, 300 + u32::try_from(seed * 90).unwrap_or(0));
    }
}

// Two tests, so that two cores share the fifty.
#[test]
fn random_deployments_of_even_seeds_keep_the_invariants() {
    keep_the_invariants((0..50).step_by(2));
}

#[test]
fn random_deployments_of_odd_seeds_keep_the_invariants() {
    keep_the_invariants((1..50).step_by(2));
}

#[test]
#[ignore = "long: some minutes in release"]
fn a_thousand_random_deployments_of_5000_shoppers_keep_the_invariants() {
    for seed in 0..1_000 {
        keeps_the_invariants(seed, 5_000);
    }
}

#[test]
fn a_seed_repeats_its_history_happening_for_happening() {
    let scenario = Scenario::random(5, 500);
    let figures = |seed| {
        run(&scenario, seed)
            .map(|figures| format!("{figures:?}"))
            .ok()
    };
    assert_eq!(figures(1), figures(1));
    assert_ne!(figures(1), figures(2));
}
