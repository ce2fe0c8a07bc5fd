//! Public randomness: a round of the drand network that was not made yet when the entrants were
//! fixed, so that nobody, not the operator either, can choose the shuffle.

use core::fmt;

use ct_codecs::{Decoder, Hex};
use hmac_sha256::Hash;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::bls::{is_key, is_signed};
use crate::UnixMillis;

/// How long after the root was published the round is made, at the least.
const NOTICE_MILLIS: u64 = 30_000;
/// The public ones of the League of Entropy, as <https://docs.drand.love/developer/http-api> lists
/// them: three of drand's own, Cloudflare's, and StorSwift's.
const ENDPOINTS: &str = "https://api.drand.sh,https://drand.cloudflare.com,https://api2.drand.sh,https://api.drand.secureweb3.com:6875,https://api3.drand.sh";
/// The most endpoints that are named.
pub const ENDPOINTS_MAX: usize = 10;
/// How many are asked at a time: an object may have six connections, and one is for its relays.
const ASKED_AT_ONCE: usize = 5;

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

    /// The round that decides for entrants who were fixed at `at`: the first that is made 30 s
    /// later.
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

    /// Whether it is one: a hash, a key on G2, and a period. Who waited for rounds of another would
    /// wait for ever.
    pub fn is_sound(&self) -> bool {
        bytes::<32>(&self.chain).is_some()
            && bytes(&self.public_key).is_some_and(|key| is_key(&key))
            && self.period_seconds > 0
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

/// The bytes of a lowercase hex text of just so many.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_canonical = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    let bytes = Hex::decode_to_vec(text, None).ok()?.try_into().ok()?;
    is_canonical.then_some(bytes)
}

fn randomness(signature: &str) -> Option<[u8; 32]> {
    bytes::<48>(signature).map(|bytes| Hash::hash(&bytes))
}

/// A round with its signature, which was verified by its chain's key: there is no other way to have
/// one. So one honest endpoint is enough, whatever all others say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRound(Beacon);

impl SignedRound {
    /// The round, with its signature.
    pub fn into_beacon(self) -> Beacon {
        self.0
    }

    /// Whether it is the one that is waited for.
    pub fn answers(&self, awaited: &Beacon) -> bool {
        self.0.round == awaited.round && self.0.chain == awaited.chain
    }
}

/// Why an endpoint's answer is not the round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRound {
    /// It is no answer of drand's.
    Unreadable,
    /// It is about another round.
    Another,
    /// The chain did not sign it.
    Forged,
}

impl fmt::Display for NoRound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unreadable => "no answer of drand's",
            Self::Another => "another round",
            Self::Forged => "a signature that is not the chain's",
        })
    }
}

impl Beacon {
    /// Reads an endpoint's answer, and verifies it: some milliseconds of work.
    pub fn told(&self, answer: &str) -> Result<SignedRound, NoRound> {
        let answer: Value = crate::reading::parse(answer).map_err(|_| NoRound::Unreadable)?;
        let signature = answer.get("signature").and_then(Value::as_str);
        let signature = signature.ok_or(NoRound::Unreadable)?;
        let point = bytes(signature).ok_or(NoRound::Unreadable)?;
        if answer.get("round").and_then(Value::as_u64) != Some(self.round) {
            return Err(NoRound::Another);
        }
        let key = bytes(&self.chain.public_key).ok_or(NoRound::Forged)?;
        if !is_signed(&key, self.round, &point) {
            return Err(NoRound::Forged);
        }
        Ok(SignedRound(Self {
            signature: Some(signature.to_owned()),
            ..self.clone()
        }))
    }
}

/// All endpoints: those of a list with commas, else drand's own.
pub fn endpoints(configured: &str) -> Vec<&str> {
    let mut endpoints = listed(configured);
    if endpoints.is_empty() {
        endpoints = listed(ENDPOINTS);
    }
    endpoints
}

/// Those that are asked in an attempt, counted from 0. Where there are too many for one, the next
/// attempts go on behind: some that never answer keep nobody from being asked.
pub fn asked<'a>(endpoints: &[&'a str], attempt: u64) -> Vec<&'a str> {
    let count = u64::try_from(endpoints.len()).unwrap_or(1).max(1);
    let at_once = u64::try_from(ASKED_AT_ONCE).unwrap_or(1);
    let first = attempt
        .wrapping_mul(at_once)
        .checked_rem(count)
        .unwrap_or(0);
    let from_there = endpoints
        .iter()
        .cycle()
        .skip(usize::try_from(first).unwrap_or(0));
    from_there
        .take(endpoints.len().min(ASKED_AT_ONCE))
        .copied()
        .collect()
}

/// One that is named twice is asked once, and a comma too many is no endpoint.
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
    fn a_chain_whose_rounds_nobody_could_sign_is_none() {
        let altered = |change: fn(&mut Chain)| {
            let mut chain = Chain::quicknet();
            change(&mut chain);
            chain.is_sound()
        };
        assert!(altered(|_| {}));
        assert!(!altered(|chain| chain.public_key = "ab".repeat(96)));
        assert!(!altered(
            |chain| chain.public_key = chain.public_key.to_uppercase()
        ));
        assert!(!altered(|chain| chain.chain = "ab".repeat(31)));
        assert!(!altered(|chain| chain.period_seconds = 0));
    }

    #[test]
    fn each_endpoint_is_asked_once() {
        let listed = endpoints(" https://a.example/ ,,https://b.example,https://a.example,");
        assert_eq!(listed, ["https://a.example", "https://b.example"]);
        for empty in ["", " ", ",", " , "] {
            assert_eq!(endpoints(empty).len(), 5, "{empty:?}");
        }
        let many: Vec<String> = (0..20).map(|number| format!("https://{number}")).collect();
        assert_eq!(endpoints(&many.join(",")).len(), ENDPOINTS_MAX);
    }

    #[test]
    fn whoever_does_not_answer_keeps_nobody_from_being_asked() {
        let names: Vec<String> = (0..ENDPOINTS_MAX)
            .map(|number| number.to_string())
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(asked(&[], 7).len(), 0);
        for count in 1..=names.len() {
            let all = &names[..count];
            let mut attempts = vec![0_u64; count];
            for attempt in 0..u64::try_from(count).unwrap() {
                let asked = asked(all, attempt);
                assert_eq!(asked.len(), count.min(ASKED_AT_ONCE));
                for name in asked {
                    attempts[name.parse::<usize>().unwrap()] += 1;
                }
            }
            // Each as often as any other, and so none never.
            assert_eq!(attempts.iter().min(), attempts.iter().max(), "{count}");
        }
    }

    /// A round of quicknet as its public endpoints tell it.
    fn recorded(number: usize) -> Value {
        let rounds: Value =
            serde_json::from_str(include_str!("../../../tests/vectors/drand-quicknet.json"))
                .unwrap();
        rounds["rounds"][number].clone()
    }

    fn awaited(recorded: &Value) -> Beacon {
        Beacon {
            chain: Chain::quicknet(),
            round: recorded["round"].as_u64().unwrap(),
            signature: None,
        }
    }

    #[test]
    fn what_the_chain_signed_is_taken_from_anybody() {
        let round = recorded(0);
        let beacon = awaited(&round);
        let signed = beacon.told(&round.to_string()).unwrap();
        assert!(signed.answers(&beacon));
        let signature = round["signature"].as_str().unwrap();
        let bare = serde_json::json!({"round": round["round"], "signature": signature});
        assert_eq!(beacon.told(&bare.to_string()), Ok(signed.clone()));
        let told = signed.into_beacon();
        let randomness = crate::hex::hex(&told.randomness().unwrap());
        assert_eq!(randomness, round["randomness"].as_str().unwrap());
    }

    /// With a signature that is another round's, the randomness follows as well as ever.
    #[test]
    fn a_forged_round_is_none() {
        let (round, other) = (recorded(1), recorded(2));
        let beacon = awaited(&round);
        let mut forged = other.clone();
        forged["round"] = round["round"].clone();
        assert_eq!(beacon.told(&forged.to_string()), Err(NoRound::Forged));
        let mut elsewhere = beacon.clone();
        elsewhere.chain.public_key = "ab".repeat(96);
        assert_eq!(elsewhere.told(&round.to_string()), Err(NoRound::Forged));
        let mut flipped = round.clone();
        let signature = round["signature"].as_str().unwrap();
        flipped["signature"] = signature.replace(&signature[..8], "00000000").into();
        assert_eq!(beacon.told(&flipped.to_string()), Err(NoRound::Forged));
    }

    #[test]
    fn a_wrong_answer_is_no_round() {
        let (round, other) = (recorded(1), recorded(2));
        let beacon = awaited(&round);
        assert_eq!(beacon.told(&other.to_string()), Err(NoRound::Another));
        let answer = round.to_string();
        let signature = round["signature"].as_str().unwrap();
        for unreadable in [
            "",
            "{}",
            "[]",
            r#"{"round":1000}"#,
            &answer[..answer.len() - 1],
            &format!("[{answer}]"),
            &answer.replace(signature, &signature.to_uppercase()),
            &answer.replace(signature, &signature[2..]),
        ] {
            assert_eq!(
                beacon.told(unreadable),
                Err(NoRound::Unreadable),
                "{unreadable}"
            );
        }
    }

    #[test]
    fn a_signed_round_answers_its_own_chain_and_number_alone() {
        let round = recorded(1);
        let beacon = awaited(&round);
        let signed = beacon.told(&round.to_string()).unwrap();
        let (mut later, mut elsewhere) = (beacon.clone(), beacon.clone());
        later.round += 1;
        elsewhere.chain.genesis_at += 1;
        assert!(signed.answers(&beacon));
        assert!(!signed.answers(&later) && !signed.answers(&elsewhere));
    }
}
