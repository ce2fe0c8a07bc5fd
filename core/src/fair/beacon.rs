//! Public randomness: a round of the drand network that was not made yet when the entrants were fixed, so
//! that nobody, not the operator either, can choose the shuffle.

use ct_codecs::{Decoder, Hex};
use hmac_sha256::Hash;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::UnixMillis;

/// How long after the root was published the round is made, at the least.
const NOTICE_MILLIS: u64 = 30_000;
/// drand's own public endpoints, and Cloudflare's.
const ENDPOINTS: &str =
    "https://api.drand.sh,https://api2.drand.sh,https://api3.drand.sh,https://drand.cloudflare.com";
/// The most endpoints that are asked.
const ENDPOINTS_MAX: usize = 10;
/// A signature on G1, compressed, in hex.
const SIGNATURE_LENGTH: usize = 96;

/// A chain of the drand network, of the scheme `bls-unchained-g1-rfc9380`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Chain {
    /// The hash that names it.
    pub chain: String,
    /// What its rounds verify by.
    pub public_key: String,
    /// When its first round was made.
    pub genesis_at: UnixMillis,
    /// How long it is from one round to the next.
    pub period_seconds: u32,
}

impl Chain {
    /// drand's "quicknet", as the League of Entropy publishes it.
    pub fn quicknet() -> Self {
        Self {
            chain: "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971".into(),
            public_key: concat!(
                "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3",
                "ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4a",
                "f5a6e9c76a4bc09e76eae8991ef5ece45a"
            )
            .into(),
            genesis_at: 1_692_803_367_000,
            period_seconds: 3,
        }
    }

    /// The round that decides for entrants who were fixed at `at`: the first that is made 30 s later.
    pub fn deciding_round(&self, at: UnixMillis) -> u64 {
        let since = at
            .saturating_add(NOTICE_MILLIS)
            .saturating_sub(self.genesis_at);
        since.checked_div(self.period()).map_or(1, |periods| {
            match since.checked_rem(self.period()) {
                Some(0) => periods.saturating_add(1),
                _ => periods.saturating_add(2),
            }
        })
    }

    /// When a round is made.
    pub fn made_at(&self, round: u64) -> UnixMillis {
        let periods = round.saturating_sub(1);
        self.genesis_at
            .saturating_add(periods.saturating_mul(self.period()))
    }

    /// Whether it is one: a hash, a key on G2, and a period.
    pub fn is_sound(&self) -> bool {
        let is_hex = |text: &str, bytes: usize| {
            text.len() == bytes.saturating_mul(2)
                && text
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        is_hex(&self.chain, 32) && is_hex(&self.public_key, 96) && self.period_seconds > 0
    }

    fn period(&self) -> u64 {
        u64::from(self.period_seconds).saturating_mul(1000)
    }
}

/// The round that an opening waits for, or was decided by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Beacon {
    /// The chain.
    #[serde(flatten)]
    pub chain: Chain,
    /// The round.
    pub round: u64,
    /// The network's signature of it, in hex, once it is known.
    pub signature: Option<String>,
}

impl Beacon {
    /// The round's randomness: the hash of its signature.
    pub fn randomness(&self) -> Option<[u8; 32]> {
        randomness(self.signature.as_deref()?)
    }
}

fn randomness(signature: &str) -> Option<[u8; 32]> {
    let is_canonical = !signature.bytes().any(|byte| byte.is_ascii_uppercase());
    let bytes = Hex::decode_to_vec(signature, None).ok()?;
    (is_canonical && signature.len() == SIGNATURE_LENGTH).then(|| Hash::hash(&bytes))
}

/// The endpoints that are asked: those of a list with commas, else drand's own.
pub fn endpoints(configured: &str) -> Vec<&str> {
    let mut endpoints = listed(configured);
    if endpoints.is_empty() {
        endpoints = listed(ENDPOINTS);
    }
    endpoints
}

/// One that is named twice must not count twice, nor a comma too many as an endpoint that is dead.
fn listed(list: &str) -> Vec<&str> {
    let mut endpoints = Vec::new();
    for endpoint in list.split(',') {
        let endpoint = endpoint.trim().trim_end_matches('/');
        if !endpoint.is_empty() && !endpoints.contains(&endpoint) {
            endpoints.push(endpoint);
        }
    }
    endpoints.truncate(ENDPOINTS_MAX);
    endpoints
}

/// The signature in an endpoint's answer, if it is one of `round`: its randomness follows from it.
pub fn signature_in(answer: &str, round: u64) -> Option<String> {
    let answer: Value = crate::reading::parse(answer).ok()?;
    let text = |name| answer.get(name).and_then(Value::as_str);
    let signature = text("signature")?;
    let follows: String = crate::hex::hex(&randomness(signature)?);
    let is_of_round = answer.get("round").and_then(Value::as_u64) == Some(round);
    let agrees = text("randomness").is_none_or(|told| told == follows);
    (is_of_round && agrees).then(|| signature.to_owned())
}

/// The signature that more than half of all endpoints gave; an endpoint that gave none still counts.
pub fn agreed(answers: &[Option<String>]) -> Option<&str> {
    let given = answers.iter().flatten();
    let mut agreeing = given.map(|one| {
        let same = answers.iter().flatten().filter(|other| *other == one);
        (same.count(), one.as_str())
    });
    agreeing
        .find(|(count, _)| count.saturating_mul(2) > answers.len())
        .map(|(_, signature)| signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deciding_round_is_the_first_made_half_a_minute_later() {
        let chain = Chain::quicknet();
        for at in (1_800_000_000_000..1_800_000_007_000).step_by(250) {
            let round = chain.deciding_round(at);
            assert!(chain.made_at(round) >= at + NOTICE_MILLIS, "{at}");
            assert!(chain.made_at(round - 1) < at + NOTICE_MILLIS, "{at}");
        }
        assert_eq!(chain.deciding_round(0), 1, "before the chain began");
    }

    #[test]
    fn each_endpoint_is_asked_once() {
        let listed = endpoints(" https://a.example/ ,,https://b.example,https://a.example,");
        assert_eq!(listed, ["https://a.example", "https://b.example"]);
        for empty in ["", " ", ",", " , "] {
            assert_eq!(endpoints(empty).len(), 4, "{empty:?}");
        }
        let many: Vec<String> = (0..20).map(|number| format!("https://{number}")).collect();
        assert_eq!(endpoints(&many.join(",")).len(), ENDPOINTS_MAX);
    }

    #[test]
    fn more_than_half_of_all_endpoints_must_agree() {
        let (a, b) = (Some("aa".to_owned()), Some("bb".to_owned()));
        for (answers, expected) in [
            (vec![], None),
            (vec![a.clone()], Some("aa")),
            (vec![a.clone(), None], None),
            (vec![a.clone(), b.clone()], None),
            (vec![a.clone(), a.clone()], Some("aa")),
            (vec![b.clone(), a.clone(), a.clone()], Some("aa")),
            (vec![b.clone(), a.clone(), None], None),
            (vec![b.clone(), b, a.clone(), a], None),
        ] {
            assert_eq!(agreed(&answers), expected, "{answers:?}");
        }
    }

    /// A round of quicknet as its public endpoints tell it.
    #[test]
    fn a_wrong_answer_gives_no_signature() {
        let rounds: Value =
            serde_json::from_str(include_str!("../../../tests/vectors/drand-quicknet.json"))
                .unwrap();
        let recorded = &rounds["rounds"][0];
        let round = recorded["round"].as_u64().unwrap();
        let signature = recorded["signature"].as_str().unwrap();
        let answer = recorded.to_string();
        assert_eq!(signature_in(&answer, round).as_deref(), Some(signature));
        assert_eq!(signature_in(&answer, round + 1), None, "another round");
        let flipped = answer.replace(&signature[..8], "00000000");
        assert_eq!(signature_in(&flipped, round), None, "not its randomness");
        let upper = answer.replace(signature, &signature.to_uppercase());
        assert_eq!(signature_in(&upper, round), None, "another spelling");
        for other in [
            "",
            "{}",
            "[]",
            r#"{"round":1}"#,
            &answer[..answer.len() - 1],
        ] {
            assert_eq!(signature_in(other, round), None, "{other}");
        }
    }
}
