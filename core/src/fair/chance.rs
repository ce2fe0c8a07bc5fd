//! Whether a queue's places look like chance: what anybody can compute of its seed.

use serde_json::{Map, Value, json};

use super::{Seed, shuffle};

/// The parts that arrivals and places are told by.
const TENTHS: u64 = 10;
/// How many entrants the table of arrival and place looks at, evenly among all.
const SAMPLE: u64 = 2_000;

/// Arrival beside place, of evenly chosen entrants, a row for each tenth of arrivals and a column
/// for each tenth of places; with chi-squared, and how many standard deviations it is from what a
/// blind shuffle makes (by Wilson and Hilferty's approximation).
#[expect(
    clippy::cast_precision_loss,
    reason = "a statistic over some thousand, in floating point"
)]
pub fn chance(seed: &Seed, entrants: u64) -> Map<String, Value> {
    let sampled = entrants.min(SAMPLE);
    let mut table = [[0_u32; 10]; 10];
    for number in 0..sampled {
        let index = number
            .saturating_mul(entrants)
            .checked_div(sampled)
            .unwrap_or(0);
        let tenth = |place: u64| {
            let tenth = place
                .saturating_mul(TENTHS)
                .checked_div(entrants)
                .unwrap_or(0);
            usize::try_from(tenth).unwrap_or(0)
        };
        let place = shuffle::position(index, entrants, seed).unwrap_or(0);
        let row = table.get_mut(tenth(index));
        if let Some(cell) = row.and_then(|row| row.get_mut(tenth(place))) {
            *cell = cell.saturating_add(1);
        }
    }
    let column = |number: usize| table.iter().filter_map(|row| row.get(number)).sum::<u32>();
    let columns: Vec<f64> = (0..10).map(|number| f64::from(column(number))).collect();
    let mut squared = 0.0;
    for row in &table {
        let sum = f64::from(row.iter().sum::<u32>());
        for (count, column) in row.iter().zip(&columns) {
            let expected = sum * column / sampled.max(1) as f64;
            if expected > 0.0 {
                squared += (f64::from(*count) - expected).powi(2) / expected;
            }
        }
    }
    let freedom = 81_u32;
    let spread = 2.0 / (9.0 * f64::from(freedom));
    let deviations = ((squared / f64::from(freedom)).cbrt() - (1.0 - spread)) / spread.sqrt();
    // Below five in a cell the approximation says nothing.
    let is_enough = sampled >= 500;
    let mut chance = Map::new();
    for (name, value) in [
        ("sampled", sampled.into()),
        ("table", json!(table)),
        ("chiSquared", json!(is_enough.then_some(squared))),
        ("degreesOfFreedom", freedom.into()),
        ("deviations", json!(is_enough.then_some(deviations))),
    ] {
        chance.insert(name.into(), value);
    }
    chance
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fair::{Root, Secret};

    #[test]
    fn chance_is_near_zero_deviations_for_a_blind_shuffle() {
        let seed = Secret::from_bytes([1; 32]).seed(&Root::from_bytes([2; 32]), &[]);
        for entrants in [500, 2_000, 1_000_000] {
            let chance = chance(&seed, entrants);
            let deviations = chance["deviations"].as_f64().unwrap();
            assert!(deviations.abs() < 4.0, "{entrants}: {deviations}");
            assert_eq!(chance["sampled"], entrants.min(2_000));
        }
        assert_eq!(chance(&seed, 100)["deviations"], Value::Null);
    }
}
