//! Invariants 1 and 2, and the part of 5 that is about tickets: who got which place.

use std::collections::HashMap;

use tidegate_core::ids::Epoch;

use super::{Invariant, ShopperNumber, Violation};
use crate::load::ticket::Place;

/// The highest place that had been answered when a request was sent, and whose it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Floor(Option<(u64, ShopperNumber)>);

/// What is known of entries.
#[derive(Default)]
pub struct Entries {
    /// The life of the queue that this run is about: the first one seen.
    epoch: Option<Epoch>,
    places: HashMap<ShopperNumber, Place>,
    by_index: HashMap<u64, ShopperNumber>,
    highest: Option<(u64, ShopperNumber)>,
    /// Shoppers who asked, whether or not they were answered.
    asked: u64,
    ordered: u64,
    repeated: u64,
}

impl Entries {
    /// A shopper is about to ask for the first time. Whoever was answered before stands before them.
    pub fn asks(&mut self) -> Floor {
        self.asked += 1;
        Floor(self.highest)
    }

    /// A shopper was answered: the ticket's place, and the position that the status shows, 1-based.
    pub fn entered(
        &mut self,
        shopper: ShopperNumber,
        floor: Floor,
        place: Place,
        shown: Option<u64>,
        found: &mut Vec<Violation>,
    ) {
        if *self.epoch.get_or_insert(place.epoch) != place.epoch {
            return; // The queue was reset: those places are of another line.
        }
        if let Some(other) = self.by_index.insert(place.index, shopper) {
            found.push(Violation::new(
                Invariant::UniqueAndDense,
                format!(
                    "shoppers {other} and {shopper} both hold index {}",
                    place.index
                ),
            ));
        }
        self.places.insert(shopper, place);
        let Some(position) = place.position else {
            return; // Before the opening nobody has a place.
        };
        if let Some(shown) = shown.filter(|shown| *shown != position + 1) {
            found.push(Violation::new(
                Invariant::UniqueAndDense,
                format!(
                    "shopper {shopper} holds a ticket for position {}, and is shown {shown}",
                    position + 1
                ),
            ));
        }
        if let Floor(Some((before, other))) = floor {
            self.ordered += 1;
            if position <= before {
                found.push(Violation::new(
                    Invariant::RealTimeOrder,
                    format!(
                        "shopper {shopper} asked after shopper {other} was answered, and stands at \
                         {position}, not behind {before} (0-based)"
                    ),
                ));
            }
        }
        if self.highest.is_none_or(|(highest, _)| highest < position) {
            self.highest = Some((position, shopper));
        }
    }

    /// A shopper who holds a ticket entered once more with the same entry key.
    pub fn entered_again(
        &mut self,
        shopper: ShopperNumber,
        place: Place,
        found: &mut Vec<Violation>,
    ) {
        let Some(first) = self.places.get(&shopper) else {
            return;
        };
        if first.epoch != place.epoch {
            return;
        }
        self.repeated += 1;
        if first.index != place.index {
            found.push(Violation::new(
                Invariant::OneEach,
                format!(
                    "shopper {shopper} entered twice with one entry key and holds the indices {} \
                     and {}",
                    first.index, place.index
                ),
            ));
        }
    }

    /// Whether the queue's life is another than the one that this run is about.
    pub fn is_of_another_life(&self, epoch: Epoch) -> bool {
        self.epoch.is_some_and(|known| known != epoch)
    }

    /// Checks that the indices have no gap. A shopper who was never answered may hold one of those
    /// that nobody here was given; where others enter too, nothing can be said.
    pub fn finish(&self, alone: bool, entered: Option<u64>, found: &mut Vec<Violation>) {
        let known = u64::try_from(self.by_index.len()).unwrap_or(u64::MAX);
        let end = self.by_index.keys().max().map_or(0, |highest| highest + 1);
        if alone && end > self.asked {
            let gap = (0..end).find(|index| !self.by_index.contains_key(index));
            found.push(Violation::new(
                Invariant::UniqueAndDense,
                format!(
                    "index {} was given, but only {} shoppers asked ({known} were answered); the \
                     first gap is at {}",
                    end - 1,
                    self.asked,
                    gap.unwrap_or_default()
                ),
            ));
        }
        if let Some(entered) = entered {
            if entered < end {
                found.push(Violation::new(
                    Invariant::UniqueAndDense,
                    format!(
                        "the queue counts {entered} entries, but index {} was given",
                        end - 1
                    ),
                ));
            }
            if alone && entered > self.asked {
                found.push(Violation::new(
                    Invariant::UniqueAndDense,
                    format!(
                        "the queue counts {entered} entries, but {} asked",
                        self.asked
                    ),
                ));
            }
        }
    }

    /// How many observations an invariant was held against here.
    pub fn observations(&self, invariant: Invariant) -> u64 {
        match invariant {
            Invariant::UniqueAndDense => u64::try_from(self.places.len()).unwrap_or(u64::MAX),
            Invariant::RealTimeOrder => self.ordered,
            Invariant::OneEach => self.repeated,
            Invariant::InOrder | Invariant::NeverOverAdmitted => 0,
        }
    }
}
