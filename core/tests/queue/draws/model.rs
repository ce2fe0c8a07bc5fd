//! The draw beside its model: what becomes of each place, by the rules alone.

use std::collections::BTreeMap;

use serde_json::json;
use tidegate_core::queue::Event;

use crate::world::{START, World, holder};

const ENTRY_MILLIS: u64 = 10_000;
/// A 64th of it is less than a second, which is the least step in time after the opening: places
/// that are called up at different times have different windows.
const WINDOW_SECONDS: u64 = 50;
pub const SESSION_SECONDS: u64 = 40;

/// What has become of a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    Uncalled,
    /// Called up, until this time of a clock that stands still in pauses.
    Awaited(u64),
    Lapsed,
    /// Claimed, with an admission or before one.
    Held,
    Completed,
    /// Its session ran out: the order may still be paid.
    RanOut,
    /// Left, released, or run out before it was redeemed.
    Gone,
}

pub struct Draw {
    pub world: World,
    pub winners: u64,
    /// By position; the index, and what has become of it.
    pub places: BTreeMap<u64, (u64, Place)>,
    pub paused: bool,
    /// By the operator.
    pub closed: bool,
    pub ran: u64,
    pub window_seconds: u64,
    /// Everything is sold.
    pub over: bool,
}

impl Draw {
    pub fn new(entrants: u64, winners: u64, leavers: &[u64]) -> Self {
        let config = json!({
            "access": "draw", "opensAt": START + ENTRY_MILLIS, "closesAt": START + 1_000_000_000,
            "maxAdmissions": winners, "claimWindowSeconds": WINDOW_SECONDS,
            "handoffSeconds": 20, "sessionSeconds": SESSION_SECONDS,
            "maxSessionSeconds": SESSION_SECONDS, "lanes": 1,
        });
        let mut draw = Self {
            world: World::with_entrants(config, u32::try_from(entrants).unwrap()),
            winners,
            places: BTreeMap::new(),
            paused: false,
            closed: false,
            ran: 0,
            window_seconds: WINDOW_SECONDS,
            over: false,
        };
        for index in leavers {
            draw.world.must(Event::Leave(holder(*index, None)));
        }
        draw.world.pass(ENTRY_MILLIS);
        let shuffle = draw.world.snapshot().shuffle;
        for index in 0..entrants {
            let left = leavers.contains(&index);
            let place = if left { Place::Gone } else { Place::Uncalled };
            draw.places
                .insert(shuffle.position(index).unwrap(), (index, place));
        }
        draw.follow();
        draw
    }

    /// How many places are taken, one way or another.
    fn taken(&self) -> u64 {
        let is_taken =
            |place: &Place| matches!(place, Place::Awaited(_) | Place::Held | Place::Completed);
        let taken = self.places.values().filter(|(_, place)| is_taken(place));
        u64::try_from(taken.count()).unwrap()
    }

    /// How many places nobody has, or was promised.
    pub fn free(&self) -> u64 {
        self.winners.saturating_sub(self.taken())
    }

    /// The model's own rule: while a place is free, the next in order is called up.
    pub fn follow(&mut self) {
        let completed = self.count(Place::Completed);
        self.over |= completed >= self.winners;
        if self.stands_still() || self.over {
            return;
        }
        let mut free = self.free();
        for (_, place) in self.places.values_mut() {
            if free > 0 && *place == Place::Uncalled {
                *place = Place::Awaited(self.ran + self.window_seconds * 1_000);
                free -= 1;
            }
        }
    }

    pub fn stands_still(&self) -> bool {
        self.paused || self.closed
    }

    fn count(&self, wanted: Place) -> u64 {
        let same = self.places.values().filter(|(_, place)| *place == wanted);
        u64::try_from(same.count()).unwrap()
    }

    pub fn set(&mut self, position: u64, place: Place) {
        self.places.get_mut(&position).unwrap().1 = place;
        self.follow();
    }

    pub fn second(&mut self) {
        self.world.pass(1_000);
        if !self.stands_still() {
            self.ran += 1_000;
        }
        // Admissions that ran out, as the records say: the model has no clock for those.
        self.take_what_ended();
        if !self.stands_still() && !self.over {
            for (_, place) in self.places.values_mut() {
                if let Place::Awaited(until) = *place
                    && self.ran >= until
                {
                    *place = Place::Lapsed;
                }
            }
        }
        self.follow();
    }

    fn take_what_ended(&mut self) {
        for (index, place) in self.places.values_mut() {
            let ended = self
                .world
                .queue
                .claim(*index)
                .filter(|claim| !claim.state.is_live());
            if let (Place::Held, Some(claim)) = (*place, ended) {
                let is_redeemed = claim.redeemed_at.is_some();
                *place = if is_redeemed {
                    Place::RanOut
                } else {
                    Place::Gone
                };
            }
        }
    }
}
