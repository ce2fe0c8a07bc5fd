//! What Tidegate vouches for in public, by the keys that handoff tokens are signed with: audits,
//! and shoppers' receipts. Each has a `typ` and an `aud` of its own, and neither is a handoff
//! token's: a checkout's library may look at signature and audience alone.

use jwt_simple::claims::Audiences;
use jwt_simple::common::HeaderOptions;
use jwt_simple::prelude::{EdDSAKeyPairLike, JWTClaims};
use serde_json::{Map, Value};

use super::handoff::HandoffKeys;
use super::seconds;
use crate::UnixMillis;
use crate::problem::{Code, Problem};

/// What the `aud` of every statement begins with, and no handoff token's: no library that looks at
/// the audience takes one for the other.
pub const AUDIENCE_PREFIX: &str = "urn:tidegate:";

/// What a statement is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statement {
    /// An audit.
    Audit,
    /// A group that a receipt is of.
    Receipt,
}

impl Statement {
    /// Its `typ`.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Audit => "tidegate-audit+jwt",
            Self::Receipt => "tidegate-receipt+jwt",
        }
    }

    /// Its `aud`. Statements of older versions have none.
    pub const fn audience(self) -> &'static str {
        match self {
            Self::Audit => "urn:tidegate:audit",
            Self::Receipt => "urn:tidegate:receipt",
        }
    }
}

impl HandoffKeys {
    /// Signs `claims` as a JWT. It does not expire.
    pub fn state(
        &self,
        statement: Statement,
        claims: Map<String, Value>,
        now: UnixMillis,
    ) -> Result<String, Problem> {
        let claims = JWTClaims {
            issued_at: Some(seconds(now)),
            invalid_before: None,
            expires_at: None,
            issuer: None,
            subject: None,
            audiences: Some(Audiences::AsString(statement.audience().to_owned())),
            jwt_id: None,
            nonce: None,
            custom: claims,
        };
        let header = HeaderOptions {
            content_type: None,
            signature_type: Some(statement.kind().into()),
        };
        let signed = self
            .signer()
            .and_then(|key| key.sign_with_options(claims, &header).ok());
        signed
            .ok_or_else(|| Problem::new(Code::InternalError, "The statement could not be signed."))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::QueueConfig;
    use crate::token::handoff::{Expected, Refusal};
    use crate::token::keys::Reach;

    const NOW: UnixMillis = 1_800_000_000_000;

    #[test]
    fn a_statement_is_signed_by_the_key_that_is_named_and_is_no_handoff_token() {
        let text = format!(
            r#"[{{"kid":"k1","key":"dev-{}"}}]"#,
            "AQ".to_owned() + &"A".repeat(41)
        );
        let keys = HandoffKeys::read(&text, Reach::Loopback).unwrap();
        let Value::Object(claims) = json!({"queue": "demo", "first": 7}) else {
            panic!();
        };
        let statement = keys.state(Statement::Audit, claims, NOW).unwrap();
        let part = |number| {
            let text = statement.split('.').nth(number).unwrap();
            let bytes = <ct_codecs::Base64UrlSafeNoPadding as ct_codecs::Decoder>::decode_to_vec(
                text, None,
            );
            serde_json::from_slice::<Value>(&bytes.unwrap()).unwrap()
        };
        assert_eq!(
            part(0),
            json!({"alg": "EdDSA", "typ": "tidegate-audit+jwt", "kid": "k1"})
        );
        assert_eq!(
            part(1),
            json!({"iat": NOW / 1000, "aud": "urn:tidegate:audit", "queue": "demo", "first": 7})
        );
        assert_eq!(keys.public().signer()["kid"], "k1");
        let expected = Expected {
            issuer: None,
            audience: None,
            queue: None,
            leeway_seconds: 0,
        };
        let refused = keys.public().verify(&statement, &expected, NOW);
        assert_eq!(refused.unwrap_err(), Refusal::Invalid);
        // No queue's audience may be a statement's.
        for statement in [Statement::Audit, Statement::Receipt] {
            assert!(statement.audience().starts_with(AUDIENCE_PREFIX));
            let config = json!({"maxActive": 1, "audience": statement.audience()});
            assert!(QueueConfig::parse(&config, &"demo".parse().unwrap()).is_err());
        }
    }
}
