//! The opening in a world: what was logged, and the places that follow from it.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_core::fair::log;
use tidegate_core::fair::merkle::{Tree, leaf_hash};
use tidegate_core::fair::{Fresh, Root};
use tidegate_core::lane;
use tidegate_core::queue::Effect;
use tidegate_core::view::snapshot::Shuffle;

use crate::world::{EPOCH, World};

/// What an auditor would have kept: the groups that lanes wrote down, and those that the queue
/// logged.
#[derive(Default)]
pub struct Record {
    written: BTreeMap<(u16, u64), Root>,
    logged: Vec<log::Group>,
}

impl Record {
    pub fn written(&mut self, lane: u16, group: &lane::Group) {
        self.written.insert((lane, group.sequence), group.root);
    }

    pub fn wrote(&mut self, effects: &[Effect]) {
        self.logged
            .extend(effects.iter().filter_map(|effect| match effect {
                Effect::LogGroup(logged) => Some(logged.group),
                _ => None,
            }));
    }
}

impl World {
    pub fn shuffle(&mut self) -> Shuffle {
        let machine = self.queue.machine().unwrap();
        machine.snapshot(machine.head().clock).shuffle
    }

    /// After the opening: the log is what the lanes wrote, the seed follows from it, and the
    /// entrants' places are 0 to n − 1, each once.
    pub fn everybody_has_a_place(&mut self) {
        let (mut log, mut next) = (Tree::default(), 0);
        for group in &self.record.logged {
            assert_eq!(
                group.first, next,
                "the groups are in the order of their indices"
            );
            next += u64::from(group.granted);
            let written = self.record.written.get(&(group.lane, group.sequence));
            assert_eq!(
                written,
                Some(&group.root),
                "the log has what the lane wrote down"
            );
            log.push(leaf_hash(&group.leaf(EPOCH)));
        }
        let shuffle = self.shuffle();
        let entrants = shuffle.entrants.expect("the queue has opened");
        assert_eq!(
            entrants, next,
            "all who were logged are shuffled, and nobody else"
        );
        if entrants > 0 {
            assert_eq!(shuffle.root, Some(log.root()));
            let secret = Fresh::known(EPOCH).secret;
            assert_eq!(shuffle.commitment, Some(secret.commitment()));
            assert_eq!(shuffle.seed, Some(secret.seed(&log.root(), &[])));
        }
        let entered = self.queue.machine().unwrap().head().entered;
        let places = (0..entered).map(|index| shuffle.position(index).unwrap());
        let places: BTreeSet<u64> = places.collect();
        assert_eq!(places, (0..entered).collect(), "each place once");
    }
}
