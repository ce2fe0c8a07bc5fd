//! Whether the shuffle is blind: places depend on nobody's arrival, lane or id, as far as
//! statistics can tell. Seeds are fixed, so a pass stays a pass. `TEST_SEED`, a whole number,
//! chooses others: the bounds below are such that a fair shuffle fails one of the tests less than
//! once in a million runs. A shuffle that is bent on purpose is found each time.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be"
)]

use std::env;

use tidegate_core::fair::{Root, Secret, Seed, shuffle};
use tidegate_core::ids::{EntryKey, Epoch, ShopperId};

const ENTRANTS: u64 = 4_000;
const SEEDS: u64 = 20;
const LANES: u16 = 16;
const TENTHS: usize = 10;
/// A standard normal variable is larger once in 4·10⁸: 60 tables, 20 correlations and 64 means come
/// to less than once in a million.
const DEVIATIONS: f64 = 5.9;

/// Which seeds this run takes. A test that fails shows what it printed.
fn run() -> u64 {
    let run = env::var("TEST_SEED").map_or(0, |seed| seed.parse().unwrap());
    println!("TEST_SEED={run}");
    run
}

/// The seed of that number in a run.
fn seed(run: u64, number: u64) -> Seed {
    let mut secret = [0; 32];
    secret[..8].copy_from_slice(&run.to_be_bytes());
    secret[8..16].copy_from_slice(&number.to_be_bytes());
    Secret::from_bytes(secret).seed(&Root::from_bytes([7; 32]), &[])
}

fn places(run: u64, number: u64) -> Vec<u64> {
    let seed = seed(run, number);
    (0..ENTRANTS)
        .map(|index| shuffle::position(index, ENTRANTS, &seed).unwrap())
        .collect()
}

fn tenth(place: u64) -> usize {
    (place * TENTHS as u64 / ENTRANTS) as usize
}

/// How many deviations the table of (kind, tenth of places) is from what chance alone makes:
/// chi-squared with (kinds − 1)·9 degrees of freedom, made normal as Wilson and Hilferty do.
fn deviation(places: &[u64], kinds: usize, kind_of: impl Fn(usize) -> usize) -> f64 {
    let mut table = vec![[0_u32; TENTHS]; kinds];
    for (index, place) in places.iter().enumerate() {
        table[kind_of(index)][tenth(*place)] += 1;
    }
    let (mut squared, mut rows) = (0.0, 0);
    for row in &table {
        let sum: u32 = row.iter().sum();
        if sum == 0 {
            continue;
        }
        rows += 1;
        let expected = f64::from(sum) / TENTHS as f64;
        squared += row
            .iter()
            .map(|count| (f64::from(*count) - expected).powi(2) / expected)
            .sum::<f64>();
    }
    let freedom = f64::from((rows - 1) * (TENTHS as i32 - 1));
    let spread = 2.0 / (9.0 * freedom);
    ((squared / freedom).cbrt() - (1.0 - spread)) / spread.sqrt()
}

/// The correlation of place with arrival, in deviations (Spearman: both are ranks).
fn correlation(places: &[u64]) -> f64 {
    let middle = (ENTRANTS - 1) as f64 / 2.0;
    let centred = |number: u64| number as f64 - middle;
    let indices = 0..ENTRANTS;
    let products = indices
        .clone()
        .zip(places)
        .map(|(index, place)| centred(index) * centred(*place));
    let squares: f64 = indices.map(|index| centred(index).powi(2)).sum();
    products.sum::<f64>() / squares * (ENTRANTS as f64).sqrt()
}

fn shoppers() -> Vec<ShopperId> {
    let id = |number: u64| {
        let key = EntryKey::from_bytes(u128::from(number).to_be_bytes());
        ShopperId::of_entry_key(b"key", Epoch::from_bytes([1; 16]), key)
    };
    (0..ENTRANTS).map(id).collect()
}

fn is_blind(places: &[u64], shoppers: &[ShopperId]) -> bool {
    let arrival = deviation(places, TENTHS, |index| tenth(index as u64));
    let lane = deviation(places, LANES.into(), |index| {
        shoppers[index].lane(LANES).into()
    });
    let id = deviation(places, 16, |index| {
        usize::from(shoppers[index].as_bytes()[15] >> 4)
    });
    [arrival, lane, id, correlation(places).abs()]
        .iter()
        .all(|deviation| *deviation < DEVIATIONS)
}

#[test]
fn places_depend_on_nobodys_arrival_lane_or_id() {
    let (run, shoppers) = (run(), shoppers());
    for number in 0..SEEDS {
        assert!(is_blind(&places(run, number), &shoppers), "seed {number}");
    }
}

/// Over all seeds, each arrival comes early as often as late.
#[test]
fn over_many_seeds_every_arrival_has_the_same_mean_place() {
    const FEW: u64 = 64;
    const DRAWS: u64 = 1_000;
    let run = run();
    let mut sums = [0.0; FEW as usize];
    for draw in 0..DRAWS {
        let seed = seed(run, draw);
        for (index, sum) in (0..FEW).zip(&mut sums) {
            *sum += shuffle::position(index, FEW, &seed).unwrap() as f64;
        }
    }
    // A place is uniform on 0 to 63: variance (64² − 1) / 12.
    let error = ((FEW * FEW - 1) as f64 / 12.0 / DRAWS as f64).sqrt();
    let middle = (FEW - 1) as f64 / 2.0;
    for (index, sum) in sums.iter().enumerate() {
        let off = (sum / DRAWS as f64 - middle).abs() / error;
        assert!(off < DEVIATIONS, "arrival {index}: {off} deviations");
    }
}

/// The tests can fail: each of these shuffles favours somebody.
#[test]
fn a_bent_shuffle_is_found() {
    let shoppers = shoppers();
    let fair = places(run(), 0);
    let by_arrival: Vec<u64> = (0..ENTRANTS).collect();
    // One in five of the first thousand changes places with somebody ahead.
    let mut favoured = fair.clone();
    for index in (0..1_000).step_by(5) {
        let best = index / 5;
        let holder = favoured.iter().position(|place| *place == best).unwrap();
        favoured.swap(index as usize, holder);
    }
    // Lane 3 comes first.
    let mut order: Vec<usize> = (0..fair.len()).collect();
    order.sort_by_key(|index| (shoppers[*index].lane(LANES) != 3, fair[*index]));
    let mut by_lane = vec![0; fair.len()];
    for (place, index) in (0..).zip(order) {
        by_lane[index] = place;
    }
    for (name, bent) in [
        ("arrival", by_arrival),
        ("favoured", favoured),
        ("lane", by_lane),
    ] {
        assert!(!is_blind(&bent, &shoppers), "{name}");
    }
}
