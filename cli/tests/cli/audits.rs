//! Makes audits, receipts and proofs as a deployment does, with real signatures. Leaves and trees
//! are written here a second time, so that what reads them is not held against itself.

use bls12_381::hash_to_curve::{ExpandMsgXmd, HashToCurve};
use bls12_381::{G1Affine, G1Projective, G2Affine, Scalar};
use ct_codecs::{Base64UrlSafeNoPadding, Encoder};
use ed25519_compact::{KeyPair, Seed};
use hmac_sha256::Hash;
use serde_json::{Value, json};
use tidegate_core::fair::shuffle::position;

pub const QUEUE: &str = "lamp";
pub const KID: &str = "2026-11-20-c3f0";
pub const EPOCH: [u8; 16] = [1; 16];
const AT: u64 = 1_795_197_600_000;
const SECRET: [u8; 32] = [2; 32];

/// A group: its lane, its sequence number, how many entered, and how many indices it got.
pub type Made = (u16, u64, u32, u32);

/// An opening of which everything is known.
#[derive(Clone)]
pub struct Opening {
    pub groups: Vec<Made>,
    pub opened_at: u64,
    pub beacon: Option<Value>,
    pub winners: Option<u64>,
}

impl Opening {
    pub fn new(groups: &[Made]) -> Self {
        Self {
            groups: groups.to_vec(),
            opened_at: AT,
            beacon: None,
            winners: None,
        }
    }

    /// Twelve entrants in four groups of two lanes.
    pub fn small() -> Self {
        Self::new(&[(0, 0, 5, 5), (1, 0, 3, 3), (0, 2, 2, 1), (1, 1, 3, 3)])
    }

    /// With a round that drand quicknet made.
    pub fn with_quicknet(mut self) -> Self {
        let round = 657_413;
        let genesis = 1_692_803_367_000;
        self.opened_at = genesis + (round - 1) * 3_000 - 30_000;
        self.beacon = Some(json!({
            "network": "drand",
            "chain": "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971",
            "publicKey": "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a",
            "genesisAt": genesis,
            "periodSeconds": 3,
            "round": round,
            "signature": "b713718a38ae728dfd477991af2822e08d2f305e47718cef9f7848ce4050e7be41076862b98fad56e91a6b85b89cd97b",
            "randomness": "fc1873a13f3545aeade8401532ef5519920652eee6b0d2b19ca12643b87b3587",
        }));
        self
    }

    /// With a round of a chain that only this test has.
    pub fn with_own_chain(mut self) -> Self {
        let secret = Scalar::from(4_711);
        let round = 100_u64;
        self.opened_at = 1_000_000 + (round - 1) * 5_000 - 30_000;
        let message = Hash::hash(&round.to_be_bytes());
        let point: G1Projective =
            <G1Projective as HashToCurve<ExpandMsgXmd<sha2::Sha256>>>::hash_to_curve(
                [message],
                b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_",
            );
        let signature = G1Affine::from(point * secret).to_compressed();
        let mut beacon = own_chain();
        beacon["network"] = "drand".into();
        beacon["round"] = round.into();
        beacon["signature"] = hex(&signature).into();
        beacon["randomness"] = hex(&Hash::hash(&signature)).into();
        self.beacon = Some(beacon);
        self
    }

    pub fn entrants(&self) -> u64 {
        self.groups.iter().map(|made| u64::from(made.3)).sum()
    }

    /// The whole audit.
    pub fn audit(&self) -> Value {
        self.page(0, usize::MAX)
    }

    /// One page of so many groups.
    pub fn page(&self, number: usize, size: usize) -> Value {
        let mut audit = self.facts(self.groups.len().div_ceil(size).max(1));
        audit["statement"] = self.statement(&audit).into();
        audit["key"] = jwk();
        let groups: Vec<_> = (0..self.groups.len()).map(|at| self.group(at)).collect();
        let page = groups.chunks(size).nth(number).unwrap_or_default();
        audit["groups"] = page.into();
        audit
    }

    /// What the statement states, but for when.
    pub fn facts(&self, pages: usize) -> Value {
        let leaves: Vec<_> = (0..self.groups.len())
            .map(|at| self.group_leaf(at))
            .collect();
        let root = tree_hash(&leaves);
        json!({
            "format": 1,
            "algorithm": "tidegate/shuffle/v1",
            "queueId": QUEUE,
            "access": if self.winners.is_some() { "draw" } else { "queue" },
            "epoch": hex(&EPOCH),
            "openedAt": self.opened_at,
            "commitment": hex(&Hash::hash(&SECRET)),
            "secret": hex(&SECRET),
            "trust": if self.beacon.is_some() { "beacon" } else { "operator" },
            "beacon": self.beacon,
            "root": hex(&root),
            "seed": hex(&self.seed(&root)),
            "entrants": self.entrants(),
            "winners": self.winners,
            "epochs": [{
                "epoch": "00".repeat(16), "commitment": "ab".repeat(32), "createdAt": 5,
                "endedAt": 6, "entered": 7, "opened": true,
            }],
            "earlierEpochs": 1,
            "pages": pages,
        })
    }

    /// Signs these facts.
    pub fn statement(&self, facts: &Value) -> String {
        let mut payload = facts.clone();
        payload["iat"] = (self.opened_at / 1_000).into();
        payload["aud"] = "urn:tidegate:audit".into();
        sign("tidegate-audit+jwt", &payload)
    }

    /// The receipt of one entry.
    pub fn receipt(&self, group: usize, place: u32) -> Value {
        let (lane, sequence, count, granted) = self.groups[group];
        let leaves = self.entry_leaves(group);
        let statement = json!({
            "iat": 1, "aud": "urn:tidegate:receipt", "queue": QUEUE, "epoch": hex(&EPOCH), "lane": lane, "sequence": sequence,
            "first": self.first(group), "granted": granted, "count": count,
            "root": hex(&tree_hash(&leaves)),
        });
        json!({
            "shopper": hex(&self.shopper(group, place)),
            "leaf": hex(&leaves[place as usize]),
            "place": place,
            "path": path(&leaves, place as usize),
            "statement": sign("tidegate-receipt+jwt", &statement),
        })
    }

    /// The proof of one entry.
    pub fn proof(&self, group: usize, place: u32) -> Value {
        let (lane, sequence, count, granted) = self.groups[group];
        let entries = self.entry_leaves(group);
        let groups: Vec<_> = (0..self.groups.len())
            .map(|at| self.group_leaf(at))
            .collect();
        let index = self.first(group) + u64::from(place);
        json!({
            "leaf": hex(&entries[place as usize]),
            "index": index,
            "position": self.position(index),
            "path": path(&entries, place as usize),
            "group": {
                "lane": lane, "sequence": sequence, "first": self.first(group), "granted": granted,
                "count": count, "root": hex(&tree_hash(&entries)), "number": group,
            },
            "groupPath": path(&groups, group),
            "groups": groups.len(),
            "root": hex(&tree_hash(&groups)),
            "place": place,
            "shopper": hex(&self.shopper(group, place)),
        })
    }

    /// The position of an index, counted from 1.
    pub fn position(&self, index: u64) -> u64 {
        let seed = self.facts(1)["seed"].as_str().unwrap().parse().unwrap();
        position(index, self.entrants(), &seed).unwrap() + 1
    }

    fn seed(&self, root: &[u8; 32]) -> [u8; 32] {
        let mut hash = Hash::new();
        hash.update(b"tidegate/shuffle/v1");
        hash.update(SECRET);
        hash.update(root);
        if let Some(beacon) = &self.beacon {
            hash.update(unhex(beacon["randomness"].as_str().unwrap()));
        }
        hash.finalize()
    }

    fn first(&self, group: usize) -> u64 {
        self.groups[..group]
            .iter()
            .map(|made| u64::from(made.3))
            .sum()
    }

    fn group(&self, group: usize) -> Value {
        let (lane, sequence, _, granted) = self.groups[group];
        let leaf = [&[0][..], &self.group_leaf(group)].concat();
        json!({
            "lane": lane, "sequence": sequence, "first": self.first(group), "granted": granted,
            "root": hex(&tree_hash(&self.entry_leaves(group))), "hash": hex(&Hash::hash(&leaf)),
        })
    }

    fn group_leaf(&self, group: usize) -> Vec<u8> {
        let (lane, sequence, _, granted) = self.groups[group];
        [
            &b"tidegate/group/v1"[..],
            &EPOCH,
            &lane.to_be_bytes(),
            &sequence.to_be_bytes(),
            &self.first(group).to_be_bytes(),
            &granted.to_be_bytes(),
            &tree_hash(&self.entry_leaves(group)),
        ]
        .concat()
    }

    fn entry_leaves(&self, group: usize) -> Vec<Vec<u8>> {
        let (lane, sequence, count, _) = self.groups[group];
        let leaf = |place: u32| {
            let blind = [&b"tidegate/blind/v1"[..], &self.shopper(group, place)].concat();
            [
                &b"tidegate/entry/v1"[..],
                &EPOCH,
                &lane.to_be_bytes(),
                &sequence.to_be_bytes(),
                &place.to_be_bytes(),
                &Hash::hash(&blind),
                &(self.opened_at - 60_000).to_be_bytes(),
            ]
            .concat()
        };
        (0..count).map(leaf).collect()
    }

    fn shopper(&self, group: usize, place: u32) -> [u8; 16] {
        let (lane, sequence, ..) = self.groups[group];
        let id = [
            &lane.to_be_bytes()[..],
            &sequence.to_be_bytes(),
            &place.to_be_bytes(),
        ]
        .concat();
        Hash::hash(&id)[..16].try_into().unwrap()
    }
}

/// A chain of drand that only this test has.
pub fn own_chain() -> Value {
    let key = G2Affine::from(G2Affine::generator() * Scalar::from(4_711));
    json!({
        "chain": "cd".repeat(32), "publicKey": hex(&key.to_compressed()), "genesisAt": 1_000_000,
        "periodSeconds": 5,
    })
}

fn pair() -> KeyPair {
    KeyPair::from_seed(Seed::new([7; 32]))
}

/// The key that signs.
pub fn jwk() -> Value {
    json!({
        "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": KID,
        "x": base64url(&*pair().pk),
    })
}

/// What the deployment publishes.
pub fn jwks() -> Value {
    json!({"keys": [jwk()]})
}

/// A compact JWS of the key.
pub fn sign(typ: &str, payload: &Value) -> String {
    let header = json!({"alg": "EdDSA", "typ": typ, "kid": KID}).to_string();
    let payload = payload.to_string();
    let covered = format!(
        "{}.{}",
        base64url(header.as_bytes()),
        base64url(payload.as_bytes())
    );
    let signature = pair().sk.sign(&covered, None);
    format!("{covered}.{}", base64url(&*signature))
}

fn base64url(bytes: &[u8]) -> String {
    Base64UrlSafeNoPadding::encode_to_string(bytes).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    ct_codecs::Hex::encode_to_string(bytes).unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// RFC 6962, section 2.1.
fn tree_hash(leaves: &[Vec<u8>]) -> [u8; 32] {
    match leaves {
        [] => Hash::hash(b""),
        [leaf] => Hash::hash(&[&[0][..], leaf].concat()),
        _ => {
            let (left, right) = leaves.split_at(left_half(leaves.len()));
            Hash::hash(&[&[1][..], &tree_hash(left), &tree_hash(right)].concat())
        }
    }
}

/// RFC 6962, section 2.1.1, bottom up.
fn path(leaves: &[Vec<u8>], at: usize) -> Vec<String> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let half = left_half(leaves.len());
    let (left, right) = leaves.split_at(half);
    let (mut nodes, beside) = if at < half {
        (path(left, at), right)
    } else {
        (path(right, at - half), left)
    };
    nodes.push(hex(&tree_hash(beside)));
    nodes
}

/// The greatest power of two below it.
fn left_half(leaves: usize) -> usize {
    leaves.next_power_of_two() / 2
}
