//! Sealing: where the queue has a beacon, the time from the opening, when root and round are published,
//! until the round's randomness is known and everybody has a place.

use super::event::Answer;
use super::machine::Machine;
use crate::UnixMillis;
use crate::fair::beacon::Beacon;
use crate::ids::Epoch;

/// How often the endpoints are asked until they have it; each time for less than that.
const FETCH_EVERY_MILLIS: u64 = 5_000;

/// A round to be fetched. [`Event::Beacon`](super::Event::Beacon) says what it came to.
#[derive(Debug)]
pub struct Fetch {
    /// The life of the queue that waits for it.
    pub epoch: Epoch,
    /// The chain and the round.
    pub beacon: Beacon,
}

/// When the round is fetched. Lost with an eviction, and then it is fetched at once.
#[derive(Default)]
pub struct Fetching {
    next_at: UnixMillis,
    due: bool,
}

impl Machine {
    /// The round that the queue waits for.
    fn awaited(&self) -> Option<&Beacon> {
        let opened = self.head.opened.as_ref()?;
        opened.beacon.as_ref().filter(|_| self.head.is_sealing())
    }

    /// When the round is to be fetched.
    pub(super) fn next_fetch_at(&self) -> Option<UnixMillis> {
        let beacon = self.awaited()?;
        let made_at = beacon.chain.made_at(beacon.round);
        Some(made_at.max(self.fetching.next_at))
    }

    /// Notes that it is time.
    pub(super) fn fetch_if_due(&mut self, now: UnixMillis) {
        if self.next_fetch_at().is_some_and(|at| at <= now) {
            self.fetching.next_at = now.saturating_add(FETCH_EVERY_MILLIS);
            self.fetching.due = true;
        }
    }

    /// The round to fetch now, if it is time. Whoever takes it fetches it.
    pub fn next_fetch(&mut self) -> Option<Fetch> {
        let due = core::mem::take(&mut self.fetching.due);
        let beacon = self.awaited().filter(|_| due)?.clone();
        Some(Fetch {
            epoch: self.head.epoch,
            beacon,
        })
    }

    /// The endpoints agreed on a round's signature.
    pub(super) fn beacon(&mut self, epoch: Epoch, round: u64, signature: String) -> Answer {
        if epoch == self.head.epoch
            && self.awaited().is_some_and(|beacon| beacon.round == round)
            && let Some(opened) = &mut self.head.opened
            && let Some(beacon) = &mut opened.beacon
        {
            beacon.signature = Some(signature);
            self.seal();
        }
        Answer::Done
    }

    /// Computes the seed, once there is nothing more to wait for. From now on everybody has a place.
    pub(super) fn seal(&mut self) {
        let Some(opened) = &mut self.head.opened else {
            return;
        };
        let randomness = opened.beacon.as_ref().map(Beacon::randomness);
        let (Some(root), None | Some(Some(_))) = (opened.root, &randomness) else {
            return;
        };
        let randomness = randomness.flatten();
        let beacon = randomness.as_ref().map_or(&[][..], |bytes| &bytes[..]);
        opened.seed = Some(self.head.secret.seed(&root, beacon));
        self.dirty.head = true;
        self.place_those_who_left();
    }

    /// Who left before the opening has a place now too, at which boarding need not wait. It is computed
    /// once, and stored. Of the others it is known how many they are.
    fn place_those_who_left(&mut self) {
        let shuffle = self.shuffle();
        if shuffle.seed.is_none() {
            return;
        }
        for index in core::mem::take(&mut self.left_early) {
            if let Some(position) = shuffle.position(index) {
                self.leave_place(position);
                self.head.left_unplaced = self.head.left_unplaced.saturating_sub(1);
            }
        }
    }

    /// Makes stretches of what a queue of before there were any stored: each position that was left.
    pub(super) fn keep_gone(&mut self, left: Vec<u64>) {
        if self.head.keeps_gone {
            return;
        }
        for position in left {
            self.gone.leave(position, self.head.boarding);
        }
        self.head.left_unplaced = u64::try_from(self.left_early.len()).unwrap_or(u64::MAX);
        self.place_those_who_left();
        self.head.keeps_gone = true;
        self.dirty.head = true;
    }
}
