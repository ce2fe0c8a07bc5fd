//! Fairness that can be checked: what is committed to before the first entry, what is logged of the
//! entrants, and the shuffle that follows from both.

pub mod audit;
pub mod beacon;
pub mod bls;
pub mod chance;
pub mod log;
pub mod merkle;
pub mod receipt;
pub mod report;
pub mod shuffle;
mod spans;

use hmac_sha256::Hash;
use serde::{Deserialize, Serialize};

use self::beacon::Chain;
use crate::hex::hex_bytes;
use crate::ids::Epoch;

hex_bytes!(
    /// What the operator's side brings to the shuffle: random, drawn when an epoch begins, and told
    /// only when the queue has opened.
    Secret: 32,
    "a secret"
);
hex_bytes!(
    /// The secret's SHA-256: public from the epoch's first moment on.
    Commitment: 32,
    "a commitment"
);
hex_bytes!(
    /// A Merkle tree's root.
    Root: 32,
    "a root"
);
hex_bytes!(
    /// What the shuffle is computed from.
    Seed: 32,
    "a seed"
);

/// What an epoch of a queue begins with: randomness of the caller's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fresh {
    /// Its name.
    pub epoch: Epoch,
    /// What its shuffle is made of.
    pub secret: Secret,
    /// Whose randomness it waits for, if it does.
    pub chain: Chain,
}

impl Fresh {
    /// With a secret that everybody knows: for tests and the simulator.
    pub fn known(epoch: Epoch) -> Self {
        let secret = Secret::from_bytes([2; 32]);
        Self {
            epoch,
            secret,
            chain: Chain::quicknet(),
        }
    }
}

/// Tells the seed of a shuffle from every other hash.
const SEED_LABEL: &[u8] = b"tidegate/shuffle/v1";

impl Secret {
    /// What is published of it beforehand.
    pub fn commitment(&self) -> Commitment {
        Commitment::from_bytes(Hash::hash(self.as_bytes()))
    }

    /// The seed that follows from it, from the entrants' log, and from public randomness (no bytes
    /// where none is configured).
    pub fn seed(&self, root: &Root, beacon: &[u8]) -> Seed {
        let mut hash = Hash::new();
        hash.update(SEED_LABEL);
        hash.update(self.as_bytes());
        hash.update(root.as_bytes());
        hash.update(beacon);
        Seed::from_bytes(hash.finalize())
    }
}
