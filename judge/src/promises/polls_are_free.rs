//! Promise 8. Polls reach no object but for a refresh: an edge asks a relay at most once a second,
//! and a relay the queue.

use std::collections::HashMap;

use crate::event::Reader;
use crate::verdict::{Promise::PollsAreFree as THIS, Verdict};

/// How often a reader asks, at the most, in milliseconds.
const ONCE: u64 = 1_000;

/// When each reader asked last.
#[derive(Default)]
pub struct Polls(HashMap<Reader, u64>);

impl Polls {
    /// A reader asks.
    pub fn asked(&mut self, reader: Reader, at: u64, verdict: &mut Verdict) {
        verdict.observe(THIS, 1);
        let before = self.0.insert(reader, at);
        let is_late = before.is_none_or(|before| at.saturating_sub(before) >= ONCE);
        verdict.ensure(is_late, THIS, || {
            format!("{reader:?} asked at {before:?} ms, and again at {at} ms")
        });
    }

    /// A reader's memory is gone: another takes its place.
    pub fn begins_anew(&mut self, reader: Reader) {
        self.0.remove(&reader);
    }
}
