//! The handoff token: an admission as a JWT (EdDSA, Ed25519) that any standard library verifies
//! against the published keys, offline. Both halves are here: the Worker signs, the origin
//! verifies.

use std::collections::HashSet;

use jwt_simple::claims::Audiences;
use jwt_simple::common::{HeaderOptions, VerificationOptions};
use jwt_simple::prelude::{
    Duration, Ed25519KeyPair, Ed25519PublicKey, EdDSAKeyPairLike, EdDSAPublicKeyLike, JWTClaims,
    Token,
};
use serde_json::{Value, json};

use super::detached::Mark;
use super::keys::{Reach, misconfigured, read_list};
use super::{OwnClaims, TOKEN_MAX, is_live, seconds};
use crate::UnixMillis;
use crate::ids::{AdmissionId, QueueId, ShopperId};
use crate::problem::{Code, Problem};
use crate::terms::Access;

/// The `typ` that tells a handoff token from every other JWT.
pub const HANDOFF_TYPE: &str = "tidegate-handoff+jwt";
/// The most keys that a verifier keeps of one key set.
const JWKS_MAX: usize = 32;

/// What a handoff token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handoff {
    /// The admission it stands for (`jti`); it is redeemed once.
    pub admission_id: AdmissionId,
    /// The queue.
    pub queue: QueueId,
    /// Who was admitted (`sub`).
    pub subject: ShopperId,
    /// The place it was admitted from, 1-based.
    pub position: u64,
    /// Whether the place came by order or by lot.
    pub access: Access,
    /// When it was signed, Unix milliseconds.
    pub issued_at: UnixMillis,
    /// When it ends (`exp`), Unix milliseconds; signing rounds down to whole seconds.
    pub expires_at: UnixMillis,
}

/// The keys that sign handoff tokens.
pub struct HandoffKeys {
    /// Never empty; the first signs.
    pairs: Vec<Ed25519KeyPair>,
    pub(super) marks: Vec<Mark>,
    public: PublicKeys,
}

impl HandoffKeys {
    /// Reads the secret binding `HANDOFF_KEYS`; each key is an Ed25519 seed.
    pub fn read(text: &str, reach: Reach) -> Result<Self, Problem> {
        let (mut pairs, mut marks) = (Vec::new(), Vec::new());
        for secret in read_list("HANDOFF_KEYS", text, reach)? {
            let seed = ed25519_compact::Seed::new(secret.bytes);
            let bytes = ed25519_compact::KeyPair::from_seed(seed);
            let pair = Ed25519KeyPair::from_bytes(bytes.as_slice())
                .map_err(|_| misconfigured("HANDOFF_KEYS holds a key that is no Ed25519 seed"))?;
            let pair = pair.with_key_id(&secret.kid);
            marks.extend(Mark::of(&pair));
            pairs.push(pair);
        }
        let public = PublicKeys {
            keys: pairs.iter().map(Ed25519KeyPair::public_key).collect(),
        };
        Ok(Self {
            pairs,
            marks,
            public,
        })
    }

    /// The public halves, which verify what these keys sign.
    pub fn public(&self) -> &PublicKeys {
        &self.public
    }

    /// The key that signs.
    pub(super) fn signer(&self) -> Option<&Ed25519KeyPair> {
        self.pairs.first()
    }

    /// Signs a handoff for `audience`.
    pub fn sign(&self, handoff: &Handoff, issuer: &str, audience: &str) -> Result<String, Problem> {
        let header = HeaderOptions {
            content_type: None,
            signature_type: Some(HANDOFF_TYPE.into()),
        };
        let signed = self.signer().and_then(|key| {
            let claims = claims(handoff, issuer, audience);
            key.sign_with_options(claims, &header).ok()
        });
        signed.ok_or_else(|| Problem::new(Code::InternalError, "The handoff could not be signed."))
    }
}

pub(super) fn claims(handoff: &Handoff, issuer: &str, audience: &str) -> JWTClaims<OwnClaims> {
    JWTClaims {
        issued_at: Some(seconds(handoff.issued_at)),
        // A checkout's clock may be behind ours.
        invalid_before: None,
        expires_at: Some(seconds(handoff.expires_at)),
        issuer: Some(issuer.to_owned()),
        subject: Some(handoff.subject.to_string()),
        audiences: Some(Audiences::AsString(audience.to_owned())),
        jwt_id: Some(handoff.admission_id.to_string()),
        nonce: None,
        custom: OwnClaims {
            queue: Some(handoff.queue.clone()),
            epoch: Some(handoff.admission_id.epoch),
            position: Some(handoff.position),
            access: Some(handoff.access),
            ..OwnClaims::default()
        },
    }
}

/// Why a token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its `kid` is none that is known; a fresh key set may know it.
    UnknownKey,
    /// It is malformed, altered, expired, or for another.
    Invalid,
}

/// What a verifier insists on.
pub struct Expected<'a> {
    /// The issuer, where it matters who that is.
    pub issuer: Option<&'a str>,
    /// The audience, where it matters who that is.
    pub audience: Option<&'a str>,
    /// The queue, where it matters which one that is.
    pub queue: Option<&'a QueueId>,
    /// How far the two clocks may be apart, in seconds.
    pub leeway_seconds: u64,
}

/// The public halves of handoff keys.
#[derive(Clone, Default)]
pub struct PublicKeys {
    keys: Vec<Ed25519PublicKey>,
}

impl PublicKeys {
    /// Reads a JWK set (RFC 7517). Keys of other kinds are passed over; an error names the fault.
    pub fn from_jwks(text: &str) -> Result<Self, &'static str> {
        let set: Value =
            serde_json::from_slice(text.as_bytes()).map_err(|_| "the key set is not JSON")?;
        let listed = set
            .get("keys")
            .and_then(Value::as_array)
            .ok_or("the key set has no \"keys\"")?;
        let keys: Vec<_> = listed
            .iter()
            .filter(|jwk| jwk.get("kid").is_some_and(Value::is_string))
            .filter_map(|jwk| Ed25519PublicKey::from_jwk(&jwk.to_string()).ok())
            .take(JWKS_MAX)
            .collect();
        if keys.is_empty() {
            Err("the key set has no Ed25519 key with a kid")
        } else {
            Ok(Self { keys })
        }
    }

    /// The JWK set that `/.well-known/jwks.json` serves.
    pub fn to_jwks(&self) -> Value {
        let keys: Vec<Value> = self.keys.iter().map(jwk).collect();
        json!({ "keys": keys })
    }

    /// The public half of the key that signs, as a JWK.
    pub fn signer(&self) -> Value {
        self.keys.first().map_or(Value::Null, jwk)
    }

    /// Verifies a token as of `now`.
    pub fn verify(
        &self,
        token: &str,
        expected: &Expected<'_>,
        now: UnixMillis,
    ) -> Result<Handoff, Refusal> {
        if token.len() > TOKEN_MAX {
            return Err(Refusal::Invalid);
        }
        let metadata = Token::decode_metadata(token).map_err(|_| Refusal::Invalid)?;
        let kid = metadata.key_id().ok_or(Refusal::Invalid)?;
        let known = |key: &&Ed25519PublicKey| key.key_id().as_deref() == Some(kid);
        let key = self.keys.iter().find(known).ok_or(Refusal::UnknownKey)?;
        let only = |name: &str| HashSet::from([name.to_owned()]);
        let options = VerificationOptions {
            required_signature_type: Some(HANDOFF_TYPE.into()),
            allowed_issuers: expected.issuer.map(only),
            allowed_audiences: expected.audience.map(only),
            time_tolerance: Some(Duration::from_secs(expected.leeway_seconds)),
            max_token_length: Some(TOKEN_MAX),
            artificial_time: Some(seconds(now)),
            ..VerificationOptions::default()
        };
        let claims = key
            .verify_token::<OwnClaims>(token, Some(options))
            .map_err(|_| Refusal::Invalid)?;
        let latest = now.saturating_sub(expected.leeway_seconds.saturating_mul(1000));
        if !is_live(claims.expires_at, latest) {
            return Err(Refusal::Invalid);
        }
        read_claims(claims)
            .filter(|handoff| expected.queue.is_none_or(|queue| *queue == handoff.queue))
            .ok_or(Refusal::Invalid)
    }
}

fn jwk(key: &Ed25519PublicKey) -> Value {
    let mut jwk: Value = serde_json::from_slice(key.to_jwk().as_bytes()).unwrap_or_default();
    if let Some(fields) = jwk.as_object_mut() {
        fields.insert(String::from("use"), "sig".into());
        fields.insert(String::from("alg"), "EdDSA".into());
    }
    jwk
}

pub(super) fn read_claims(claims: JWTClaims<OwnClaims>) -> Option<Handoff> {
    let admission_id: AdmissionId = claims.jwt_id?.parse().ok()?;
    (admission_id.epoch == claims.custom.epoch?).then_some(())?;
    Some(Handoff {
        admission_id,
        queue: claims.custom.queue?,
        subject: claims.subject?.parse().ok()?,
        position: claims.custom.position?,
        access: claims.custom.access?,
        issued_at: claims.issued_at?.as_millis(),
        expires_at: claims.expires_at?.as_millis(),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ids::Epoch;

    pub const NOW: UnixMillis = 1_800_000_000_000;
    const OLD: &str = r#"[{"kid":"h1","key":"dev-AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]"#;
    pub const NEW: &str = r#"[{"kid":"h2","key":"dev-AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
                          {"kid":"h1","key":"dev-AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]"#;
    const SHOP: Expected<'_> = Expected {
        issuer: Some("https://edge.example"),
        audience: Some("checkout"),
        queue: None,
        leeway_seconds: 0,
    };

    fn keys(text: &str) -> HandoffKeys {
        HandoffKeys::read(text, Reach::Loopback).unwrap()
    }

    pub fn handoff() -> Handoff {
        let epoch = Epoch::from_bytes([1; 16]);
        Handoff {
            admission_id: AdmissionId { epoch, index: 6 },
            queue: "demo".parse().unwrap(),
            subject: ShopperId::from_bytes([2; 16]),
            position: 7,
            access: Access::Queue,
            issued_at: NOW,
            expires_at: NOW + 120_000,
        }
    }

    fn signed(keys: &HandoffKeys) -> String {
        keys.sign(&handoff(), "https://edge.example", "checkout")
            .unwrap()
    }

    #[test]
    fn a_token_verifies_against_the_published_keys() {
        let jwks = keys(NEW).public().to_jwks().to_string();
        let published = PublicKeys::from_jwks(&jwks).unwrap();
        for signer in [OLD, NEW] {
            assert_eq!(
                published
                    .verify(&signed(&keys(signer)), &SHOP, NOW)
                    .unwrap(),
                handoff()
            );
        }
    }

    #[test]
    fn the_key_set_holds_no_private_half() {
        let jwks = keys(NEW).public().to_jwks();
        for jwk in jwks["keys"].as_array().unwrap() {
            let names: Vec<_> = jwk
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x"]);
        }
    }

    #[test]
    fn an_unknown_key_is_told_from_a_bad_token() {
        let token = signed(&keys(NEW));
        assert_eq!(
            keys(OLD).public().verify(&token, &SHOP, NOW),
            Err(Refusal::UnknownKey)
        );
    }

    #[test]
    fn expired_foreign_and_altered_tokens_are_refused() {
        let keys = keys(OLD);
        let token = signed(&keys);
        let refused = |token: &str, expected: &Expected<'_>, now| {
            keys.public().verify(token, expected, now) == Err(Refusal::Invalid)
        };
        assert!(refused(&token, &SHOP, NOW + 120_000));
        assert!(refused(&token, &SHOP, NOW - 5_000), "not before its time");
        assert!(refused(
            &token,
            &Expected {
                audience: Some("other"),
                ..SHOP
            },
            NOW
        ));
        assert!(refused(
            &token,
            &Expected {
                issuer: Some("https://x.example"),
                ..SHOP
            },
            NOW
        ));
        // Two queues may have one audience, if the operator says so.
        for (queue, is_refused) in [("demo", false), ("demo-2", true)] {
            let queue = queue.parse().unwrap();
            let of_queue = Expected {
                queue: Some(&queue),
                ..SHOP
            };
            assert_eq!(refused(&token, &of_queue, NOW), is_refused, "{queue}");
        }
        let (head, signature) = token.rsplit_once('.').unwrap();
        let first = if signature.starts_with('A') { "B" } else { "A" };
        assert!(refused(
            &format!("{head}.{first}{}", &signature[1..]),
            &SHOP,
            NOW
        ));
        for bad in ["", "..", "a.b.c", &"a".repeat(TOKEN_MAX + 1)] {
            assert!(refused(bad, &SHOP, NOW), "{bad}");
        }
    }

    #[test]
    fn a_key_set_without_a_usable_key_is_refused() {
        for bad in [
            "",
            "{}",
            r#"{"keys":[]}"#,
            r#"{"keys":[{"kty":"RSA","kid":"x"}]}"#,
        ] {
            assert!(PublicKeys::from_jwks(bad).is_err(), "{bad}");
        }
    }
}
