//! Handoff tokens whose signature is made or checked elsewhere: by the platform's own Ed25519,
//! which takes a tenth of the time that WebAssembly does, for it multiplies 64 bits by 64 in one
//! step.
//!
//! Only tokens that are written as this version writes them are taken; every other is for
//! [`PublicKeys::verify`](super::handoff::PublicKeys::verify), which decides on all.

use ct_codecs::{Base64UrlSafeNoPadding, Decoder, Encoder};
use ed25519_compact::{KeyPair, PublicKey, Seed, Signature};
use jwt_simple::prelude::{Ed25519KeyPair, EdDSAKeyPairLike, JWTClaims};
use serde::Serialize;
use serde_json::{Value, json};

use super::handoff::{HANDOFF_TYPE, Handoff, HandoffKeys, claims, read_claims};
use super::{OwnClaims, TOKEN_MAX, is_live, seconds};
use crate::UnixMillis;
use crate::problem::{Code, Problem};

const SIGNATURE_BYTES: usize = 64;

/// What every token of one key begins with, and how the key is named.
pub(super) struct Mark {
    /// The header, encoded.
    header: String,
    /// The public half, encoded: a JWK's `x`.
    x: String,
    /// The private half, likewise: `d`.
    d: String,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    kid: Option<&'a str>,
    typ: &'a str,
}

impl Mark {
    pub(super) fn of(pair: &Ed25519KeyPair) -> Option<Self> {
        let header = Header {
            alg: "EdDSA",
            kid: pair.key_id().as_deref(),
            typ: HANDOFF_TYPE,
        };
        let bytes = pair.to_bytes();
        let (d, x) = bytes.split_at_checked(32)?;
        Some(Self {
            header: encoded(serde_json::to_vec(&header).ok()?)?,
            x: encoded(x)?,
            d: encoded(d)?,
        })
    }
}

/// A token that lacks nothing but its signature.
pub struct Unsigned {
    /// Which key signs it, by its `x`.
    pub key: String,
    /// What is signed; the token goes on with a dot and the signature in base64url.
    pub input: String,
}

/// What a token says, if `signature` is that of `input` by `key`.
pub struct Unproven<'a> {
    /// Whose signature it must be, by the key's `x`.
    pub key: &'a str,
    /// What was signed.
    pub input: &'a str,
    /// The signature, in base64url.
    pub signature: &'a str,
    /// What it says.
    pub handoff: Handoff,
}

impl HandoffKeys {
    /// A handoff for `audience`, but for its signature.
    pub fn unsigned(
        &self,
        handoff: &Handoff,
        issuer: &str,
        audience: &str,
    ) -> Result<Unsigned, Problem> {
        let made = self.marks.first().and_then(|mark| {
            let claims = serde_json::to_vec(&claims(handoff, issuer, audience)).ok()?;
            Some(Unsigned {
                key: mark.x.clone(),
                input: format!("{}.{}", mark.header, encoded(claims)?),
            })
        });
        made.ok_or_else(|| Problem::new(Code::InternalError, "The handoff could not be written."))
    }

    /// Takes a token apart as of `now`. `None` says that it is not to be decided on here.
    pub fn unproven<'a>(&'a self, token: &'a str, now: UnixMillis) -> Option<Unproven<'a>> {
        if token.len() > TOKEN_MAX {
            return None;
        }
        let (input, signature) = token.rsplit_once('.')?;
        let (header, body) = input.split_once('.')?;
        let mark = self.marks.iter().find(|mark| mark.header == header)?;
        // Platforms read base64 with spaces, padding and idle bits in it, and one token has one
        // spelling.
        let mut bytes = [0; SIGNATURE_BYTES];
        let signed = Base64UrlSafeNoPadding::decode(&mut bytes, signature, None).ok()?;
        if signed.len() != SIGNATURE_BYTES {
            return None;
        }
        let body = Base64UrlSafeNoPadding::decode_to_vec(body, None).ok()?;
        let claims: JWTClaims<OwnClaims> = serde_json::from_slice(&body).ok()?;
        let begun = [claims.issued_at, claims.invalid_before];
        let has_begun = begun.into_iter().flatten().all(|at| at <= seconds(now));
        if !has_begun || !is_live(claims.expires_at, now) {
            return None;
        }
        Some(Unproven {
            key: &mark.x,
            input,
            signature,
            handoff: read_claims(claims)?,
        })
    }

    /// The signature of `input` by the key with this `x`, in base64url, where the platform does not
    /// make it.
    pub fn signature(&self, x: &str, input: &str) -> Option<String> {
        let mark = self.marks.iter().find(|mark| mark.x == x)?;
        let seed = Base64UrlSafeNoPadding::decode_to_vec(&mark.d, None).ok()?;
        let pair = KeyPair::from_seed(Seed::from_slice(&seed).ok()?);
        encoded(pair.sk.sign(input, None))
    }

    /// Whether `signature` is that of `input` by the key with this `x`.
    pub fn is_signature(&self, x: &str, input: &str, signature: &str) -> bool {
        let is_good = || {
            let mark = self.marks.iter().find(|mark| mark.x == x)?;
            let key = Base64UrlSafeNoPadding::decode_to_vec(&mark.x, None).ok()?;
            let signature = Base64UrlSafeNoPadding::decode_to_vec(signature, None).ok()?;
            let signature = Signature::from_slice(&signature).ok()?;
            PublicKey::from_slice(&key)
                .ok()?
                .verify(input, &signature)
                .ok()
        };
        is_good().is_some()
    }

    /// The key with this `x` as a JWK, its private half in it.
    pub fn private_jwk(&self, x: &str) -> Option<Value> {
        let mark = self.marks.iter().find(|mark| mark.x == x)?;
        Some(json!({"kty": "OKP", "crv": "Ed25519", "x": mark.x, "d": mark.d}))
    }
}

fn encoded(bytes: impl AsRef<[u8]>) -> Option<String> {
    Base64UrlSafeNoPadding::encode_to_string(bytes).ok()
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::token::handoff::Expected;
    use crate::token::handoff::tests::{self as sample, NEW, NOW};
    use crate::token::keys::Reach;

    const ANY: Expected<'_> = Expected {
        issuer: None,
        audience: None,
        queue: None,
        leeway_seconds: 0,
    };

    fn keys() -> HandoffKeys {
        HandoffKeys::read(NEW, Reach::Loopback).unwrap()
    }

    fn handoff(issued_at: UnixMillis, lasts: u64) -> Handoff {
        Handoff {
            issued_at: issued_at / 1_000 * 1_000,
            expires_at: (issued_at + lasts) / 1_000 * 1_000,
            ..sample::handoff()
        }
    }

    /// What a signature of the key `x` makes of an unsigned token.
    fn signed(unsigned: &Unsigned, keys: &HandoffKeys) -> String {
        let jwk = keys.private_jwk(&unsigned.key).unwrap();
        let seed = Base64UrlSafeNoPadding::decode_to_vec(jwk["d"].as_str().unwrap(), None).unwrap();
        let seed = Seed::from_slice(&seed).unwrap();
        let pair = KeyPair::from_seed(seed);
        let signature = pair.sk.sign(&unsigned.input, None);
        format!(
            "{}.{}",
            unsigned.input,
            encoded(signature.as_ref()).unwrap()
        )
    }

    #[test]
    fn what_is_signed_elsewhere_is_what_the_library_signs() {
        let (keys, handoff) = (keys(), handoff(NOW, 120_000));
        let token = keys.sign(&handoff, "https://edge.example", "shop").unwrap();
        let unsigned = keys
            .unsigned(&handoff, "https://edge.example", "shop")
            .unwrap();
        assert_eq!(token.rsplit_once('.').unwrap().0, unsigned.input);
        let verified = keys.public().verify(&signed(&unsigned, &keys), &ANY, NOW);
        assert_eq!(verified, Ok(handoff));
    }

    proptest! {
        /// Whatever is altered or out of date: what is taken here says what the library reads in
        /// it, with the signature of the key that is named; and what the library takes and this
        /// version wrote is taken.
        #[test]
        fn what_is_taken_apart_says_what_the_library_reads(
            issued in 0_u64..400_000,
            lasts in 0_u64..400_000,
            now in 0_u64..800_000,
            altered in prop::option::of((any::<prop::sample::Index>(), 0_u8..64)),
        ) {
            const LETTERS: &[u8] =
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let (keys, now) = (keys(), NOW + now);
            let made = handoff(NOW + issued, lasts);
            let mut token = keys.sign(&made, "https://edge.example", "shop").unwrap();
            if let Some((at, letter)) = altered {
                let at = at.index(token.len());
                token.replace_range(at..=at, core::str::from_utf8(&[LETTERS[usize::from(letter)]]).unwrap());
            }
            let taken = keys.unproven(&token, now);
            let taken = taken.filter(|unproven| {
                let x = Base64UrlSafeNoPadding::decode_to_vec(unproven.key, None).unwrap();
                let key = PublicKey::from_slice(&x).unwrap();
                let signature = Base64UrlSafeNoPadding::decode_to_vec(unproven.signature, None);
                let signature = signature.ok().and_then(|bytes| Signature::from_slice(&bytes).ok());
                signature.is_some_and(|signature| key.verify(unproven.input, &signature).is_ok())
            });
            let verified = keys.public().verify(&token, &ANY, now).ok();
            prop_assert_eq!(taken.map(|unproven| unproven.handoff), verified);
        }
    }

    #[test]
    fn what_another_version_wrote_is_left_to_the_library() {
        let keys = keys();
        let token = keys
            .sign(&handoff(NOW, 120_000), "https://edge.example", "shop")
            .unwrap();
        let (_, rest) = token.split_once('.').unwrap();
        let header = encoded(r#"{"typ":"tidegate-handoff+jwt","alg":"EdDSA","kid":"h2"}"#).unwrap();
        assert!(keys.unproven(&token, NOW).is_some());
        // The last letter stands for two bits and four idle ones.
        let last = token.chars().last().unwrap();
        let idle = if last == 'A' {
            'B'
        } else {
            char::from(u8::try_from(last).unwrap() + 1)
        };
        for other in [
            format!("{header}.{rest}"),
            format!("{token}.x"),
            format!("{token}=="),
            format!("{token} "),
            format!("{token}AAAA"),
            token[..token.len() - 4].to_owned(),
            format!("{}{idle}", &token[..token.len() - 1]),
            String::new(),
            "a".repeat(TOKEN_MAX + 1),
        ] {
            assert!(keys.unproven(&other, NOW).is_none(), "{other}");
        }
    }

    #[test]
    fn no_key_is_found_by_a_public_half_that_is_not_among_them() {
        assert!(keys().private_jwk("AAAA").is_none());
    }
}
