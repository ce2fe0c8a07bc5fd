//! What an isolate remembers between requests. All of it may be lost at any time.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::calls::status::Texts;
use super::memory::claims::Claims;
use super::memory::freshness::Facts;
use super::memory::once::Refusals;
use super::memory::recall::Recall;
use super::memory::receipts::Statements;
use super::memory::secrets::Secrets;
use super::memory::single_flight::Flights;
use super::memory::verified::Verified;
use super::pages::Pages;
use crate::calls::{DirectoryEntry, Reply};
use crate::hex::hex;
use crate::problem::{Code, Problem};
use crate::queue::Answer;
use crate::view::snapshot::EdgeView;

/// Fills bytes with randomness, and says whether it could.
pub type Randomness = Box<dyn Fn(&mut [u8]) -> bool>;

/// An isolate's memory.
pub struct Isolate {
    randomness: Randomness,
    pub(super) pages: Rc<dyn Pages>,
    /// What numbers that need not be secret are made of; 0 before the first.
    spread: Cell<u64>,
    /// What requests of this isolate are named by.
    requests: Cell<u64>,
    pub(super) secrets: Secrets,
    pub(super) variables: RefCell<HashMap<&'static str, Option<String>>>,
    pub(super) directory: Facts<Vec<DirectoryEntry>>,
    pub(super) views: Facts<EdgeView>,
    pub(super) recall: RefCell<Recall<Reply<Answer>>>,
    pub(super) claims: RefCell<Claims>,
    pub(super) texts: Texts,
    pub(super) verified: Verified,
    pub(super) statements: Statements,
    /// What one request does while others wait for it: the shop's pages are fetched by it, too.
    pub flights: Flights,
    pub(super) refusals: Refusals,
}

impl Isolate {
    /// An isolate that has just begun.
    pub fn new(randomness: Randomness, pages: Rc<dyn Pages>) -> Self {
        Self {
            randomness,
            pages,
            spread: Cell::new(0),
            requests: Cell::new(0),
            secrets: Secrets::default(),
            variables: RefCell::default(),
            directory: Facts::new("directory"),
            views: Facts::new("view"),
            recall: RefCell::default(),
            claims: RefCell::default(),
            texts: Texts::default(),
            verified: Verified::default(),
            statements: Statements::default(),
            flights: Flights::default(),
            refusals: Refusals::default(),
        }
    }

    /// Fresh random bytes.
    pub(super) fn bytes<const N: usize>(&self) -> Result<[u8; N], Problem> {
        let mut bytes = [0; N];
        if (self.randomness)(&mut bytes) {
            Ok(bytes)
        } else {
            Err(Problem::new(
                Code::InternalError,
                "The platform gave no randomness.",
            ))
        }
    }

    /// A number for spreading things out, which need not be secret: SplitMix64, begun by the
    /// platform.
    pub(super) fn jitter(&self) -> u32 {
        if self.spread.get() == 0 {
            self.spread.set(self.bytes().map_or(1, u64::from_le_bytes));
        }
        let state = self.spread.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.spread.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from(mixed >> 32).unwrap_or(0)
    }

    /// A name for a request, in answers and logs, where the platform gives none.
    pub(super) fn request_id(&self) -> String {
        if self.requests.get() == 0 {
            self.requests
                .set(self.bytes().map_or(1, u64::from_le_bytes));
        }
        let number = self.requests.get().wrapping_add(1);
        self.requests.set(number);
        hex(&number.to_be_bytes())
    }
}
