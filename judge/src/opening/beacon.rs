//! drand: which round an opening has to wait for, and whether a round is what its chain signed
//! (scheme bls-unchained-g1-rfc9380: signatures on G1, keys on G2).

use hmac_sha256::Hash;
use serde::Deserialize;
use tidegate_core::UnixMillis;
use tidegate_core::fair::bls::is_signed;

use super::document::{Beacon, strict};
use super::hex::Hex;

/// The root is public for so long before the round is made.
const NOTICE_MILLIS: u64 = 30_000;

/// A chain of drand.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Chain {
    #[serde(rename = "chain")]
    hash: Hex<32>,
    public_key: Hex<96>,
    genesis_at: UnixMillis,
    period_seconds: u64,
}

/// The chain that is known here: quicknet, of the League of Entropy.
const QUICKNET: Chain = Chain {
    hash: Hex([
        0x52, 0xdb, 0x9b, 0xa7, 0x0e, 0x0c, 0xc0, 0xf6, 0xea, 0xf7, 0x80, 0x3d, 0xd0, 0x74, 0x47,
        0xa1, 0xf5, 0x47, 0x77, 0x35, 0xfd, 0x3f, 0x66, 0x17, 0x92, 0xba, 0x94, 0x60, 0x0c, 0x84,
        0xe9, 0x71,
    ]),
    public_key: Hex([
        0x83, 0xcf, 0x0f, 0x28, 0x96, 0xad, 0xee, 0x7e, 0xb8, 0xb5, 0xf0, 0x1f, 0xca, 0xd3, 0x91,
        0x22, 0x12, 0xc4, 0x37, 0xe0, 0x07, 0x3e, 0x91, 0x1f, 0xb9, 0x00, 0x22, 0xd3, 0xe7, 0x60,
        0x18, 0x3c, 0x8c, 0x4b, 0x45, 0x0b, 0x6a, 0x0a, 0x6c, 0x3a, 0xc6, 0xa5, 0x77, 0x6a, 0x2d,
        0x10, 0x64, 0x51, 0x0d, 0x1f, 0xec, 0x75, 0x8c, 0x92, 0x1c, 0xc2, 0x2b, 0x0e, 0x17, 0xe6,
        0x3a, 0xaf, 0x4b, 0xcb, 0x5e, 0xd6, 0x63, 0x04, 0xde, 0x9c, 0xf8, 0x09, 0xbd, 0x27, 0x4c,
        0xa7, 0x3b, 0xab, 0x4a, 0xf5, 0xa6, 0xe9, 0xc7, 0x6a, 0x4b, 0xc0, 0x9e, 0x76, 0xea, 0xe8,
        0x99, 0x1e, 0xf5, 0xec, 0xe4, 0x5a,
    ]),
    genesis_at: 1_692_803_367_000,
    period_seconds: 3,
};

impl Chain {
    /// Reads a chain that somebody vouches for.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let chain: Self = strict(bytes)?;
        if chain.period_seconds == 0 {
            return Err(String::from("periodSeconds: 0"));
        }
        if chain.hash == QUICKNET.hash && chain != QUICKNET {
            return Err(String::from("it calls itself quicknet, and is not"));
        }
        Ok(chain)
    }

    /// The first round that is made at `at` or later. Round 1 is made at the genesis.
    fn first_round_from(&self, at: UnixMillis) -> u64 {
        at.saturating_sub(self.genesis_at)
            .div_ceil(self.period_seconds.saturating_mul(1_000).max(1))
            .saturating_add(1)
    }

    /// Whether it signed this round so.
    fn signed(&self, round: u64, signature: &Hex<48>) -> bool {
        is_signed(&self.public_key.0, round, &signature.0)
    }
}

/// Checks the round that an opening at `opened_at` names. `given`: a chain that is trusted besides
/// quicknet. An error names what is wrong.
pub fn check(
    beacon: &Beacon,
    opened_at: UnixMillis,
    given: Option<&Chain>,
) -> Result<String, String> {
    if beacon.network != "drand" {
        return Err(format!(
            "beacon.network: \"{}\", and not \"drand\"",
            beacon.network
        ));
    }
    let quicknet = QUICKNET;
    let chain = given
        .into_iter()
        .chain([&quicknet])
        .find(|chain| chain.hash == beacon.chain)
        .ok_or_else(|| {
            format!(
                "beacon.chain: {} is not quicknet; name it with --chain if you trust it",
                beacon.chain
            )
        })?;
    if beacon.public_key != chain.public_key {
        return Err(String::from("beacon.publicKey: not this chain's"));
    }
    if beacon.genesis_at != chain.genesis_at {
        return Err(format!("beacon.genesisAt: not {}", chain.genesis_at));
    }
    if beacon.period_seconds != chain.period_seconds {
        return Err(format!(
            "beacon.periodSeconds: not {}",
            chain.period_seconds
        ));
    }
    let due = chain.first_round_from(opened_at.saturating_add(NOTICE_MILLIS));
    if beacon.round != due {
        return Err(format!(
            "beacon.round: {}, and the first one 30 s after openedAt is {due}",
            beacon.round
        ));
    }
    if Hash::hash(&beacon.signature.0) != beacon.randomness.0 {
        return Err(String::from(
            "beacon.randomness: not the signature's SHA-256",
        ));
    }
    if !chain.signed(beacon.round, &beacon.signature) {
        return Err(format!(
            "beacon.signature: the chain did not sign round {} so",
            beacon.round
        ));
    }
    let name = if *chain == quicknet {
        "drand quicknet"
    } else {
        "the chain of --chain"
    };
    Ok(format!(
        "round {} of {name}, the first one 30 s after the root was fixed",
        beacon.round
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quicknet_is_the_one_that_everybody_knows() {
        assert_eq!(
            QUICKNET.hash.to_string(),
            "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
        );
        assert_eq!(
            QUICKNET.public_key.to_string(),
            "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a"
        );
    }

    #[test]
    fn a_round_that_quicknet_made_is_signed() {
        // From the public record.
        let early = "b75c69d0b72a5d906e854e808ba7e2accb1542ac355ae486d591aa9d43765482e26cd02df835d3546d23c4b13e0dfc92";
        let early = serde_json::from_value(early.into()).unwrap();
        assert!(QUICKNET.signed(123, &early));
        assert!(!QUICKNET.signed(124, &early));
    }

    #[test]
    fn the_round_is_the_first_that_is_made_late_enough() {
        let genesis = QUICKNET.genesis_at;
        for (at, round) in [
            (0, 1),
            (genesis, 1),
            (genesis + 1, 2),
            (genesis + 3_000, 2),
            (genesis + 3_001, 3),
            (genesis + 3_000_000, 1_001),
        ] {
            assert_eq!(QUICKNET.first_round_from(at), round, "{at}");
        }
    }

    #[test]
    fn a_chain_that_cannot_be_is_not_read() {
        let text = |chain: &str, period: u64| {
            serde_json::json!({
                "chain": chain.repeat(32), "publicKey": "00".repeat(96), "genesisAt": 0,
                "periodSeconds": period,
            })
            .to_string()
        };
        assert!(Chain::read(text("01", 3).as_bytes()).is_ok());
        assert!(Chain::read(text("01", 0).as_bytes()).is_err());
        let posing = text("01", 3).replace(&"01".repeat(32), &QUICKNET.hash.to_string());
        assert!(Chain::read(posing.as_bytes()).is_err());
    }
}
