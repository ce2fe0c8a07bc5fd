//! Identities: who a shopper is to the merchant, in a JWT (HS256) that the merchant's own server
//! signs when the shopper is signed in. Tidegate keeps none of it: an identity names the entry
//! through a keyed hash.

use jwt_simple::claims::NoCustomClaims;
use jwt_simple::prelude::{HS256Key, MACLike};

use super::keys::{Reach, read_list};
use super::{exactly_at, is_live, seconds};
use crate::UnixMillis;
use crate::ids::QueueId;
use crate::problem::{Code, Problem};

/// The longest `sub`, in bytes.
const SUBJECT_MAX: usize = 256;

/// The keys that identities are signed with.
pub struct IdentityKeys(Vec<HS256Key>);

impl IdentityKeys {
    /// Reads the secret binding `IDENTITY_KEYS`.
    pub fn read(text: &str, reach: Reach) -> Result<Self, Problem> {
        let keys = read_list("IDENTITY_KEYS", text, reach)?;
        let keys = keys
            .into_iter()
            .map(|secret| HS256Key::from_bytes(&secret.bytes));
        Ok(Self(keys.collect()))
    }

    /// The `sub` of an identity that was signed for `queue`: it has an `exp` that is not over, and
    /// names the queue as its `aud`.
    pub fn subject(
        &self,
        token: &str,
        queue: &QueueId,
        now: UnixMillis,
    ) -> Result<String, Problem> {
        let claims = self
            .0
            .iter()
            .find_map(|key| {
                let read = key.verify_token::<NoCustomClaims>(token, Some(exactly_at(now)));
                read.ok()
            })
            .ok_or_else(refused)?;
        let for_this_queue = claims
            .audiences
            .is_some_and(|audiences| audiences.contains(&[queue.to_string()].into()));
        let begun = claims.invalid_before.is_none_or(|at| at <= seconds(now));
        match claims.subject {
            Some(subject)
                if for_this_queue
                    && begun
                    && is_live(claims.expires_at, now)
                    && (1..=SUBJECT_MAX).contains(&subject.len()) =>
            {
                Ok(subject)
            }
            _ => Err(refused()),
        }
    }
}

/// One answer for every fault: a forger learns nothing from it.
fn refused() -> Problem {
    Problem::new(
        Code::Forbidden,
        "The identityToken is malformed, expired, or not signed by this shop for this queue.",
    )
}

#[cfg(test)]
mod tests {
    use jwt_simple::claims::{Audiences, JWTClaims};

    use super::super::TOKEN_MAX;
    use super::*;

    const NOW: UnixMillis = 1_800_000_000_000;
    const KEYS: &str = r#"[{"kid":"new","key":"dev-AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
                           {"kid":"old","key":"dev-AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]"#;

    fn key(first: u8) -> HS256Key {
        let mut bytes = [0; 32];
        bytes[0] = first;
        HS256Key::from_bytes(&bytes)
    }

    fn claims() -> JWTClaims<NoCustomClaims> {
        JWTClaims {
            issued_at: Some(seconds(NOW)),
            expires_at: Some(seconds(NOW + 300_000)),
            invalid_before: None,
            issuer: None,
            subject: Some("customer 7".into()),
            audiences: Some(Audiences::AsString("demo".into())),
            jwt_id: None,
            nonce: None,
            custom: NoCustomClaims {},
        }
    }

    fn subject_of(token: &str) -> Result<String, Problem> {
        let keys = IdentityKeys::read(KEYS, Reach::Loopback).unwrap();
        keys.subject(token, &"demo".parse().unwrap(), NOW)
    }

    #[test]
    fn a_signed_identity_tells_its_subject_whichever_key_signed_it() {
        for first in [2, 1] {
            let token = key(first).authenticate(claims()).unwrap();
            assert_eq!(subject_of(&token).unwrap(), "customer 7");
        }
        let several = claims().with_audiences(["another", "demo"].map(String::from).into());
        let token = key(2).authenticate(several).unwrap();
        assert_eq!(subject_of(&token).unwrap(), "customer 7");
    }

    #[test]
    fn every_other_token_is_refused() {
        let altered = |change: fn(&mut JWTClaims<NoCustomClaims>)| {
            let mut claims = claims();
            change(&mut claims);
            key(2).authenticate(claims).unwrap()
        };
        let bad = [
            key(3).authenticate(claims()).unwrap(),
            altered(|claims| claims.expires_at = Some(seconds(NOW))),
            altered(|claims| claims.expires_at = None),
            altered(|claims| claims.invalid_before = Some(seconds(NOW + 60_000))),
            altered(|claims| claims.audiences = None),
            altered(|claims| {
                claims.audiences = Some(Audiences::AsString("another".into()));
            }),
            altered(|claims| claims.subject = None),
            altered(|claims| claims.subject = Some(String::new())),
            altered(|claims| claims.subject = Some("x".repeat(SUBJECT_MAX + 1))),
            String::new(),
            "a.b.c".into(),
            "x".repeat(TOKEN_MAX + 1),
        ];
        for token in bad {
            let problem = subject_of(&token).unwrap_err();
            assert_eq!(problem.code, Code::Forbidden, "{token}");
        }
    }
}
