//! What Tidegate vouches for in public, by the keys that handoff tokens are signed with: audits, and
//! shoppers' receipts.

use jwt_simple::common::HeaderOptions;
use jwt_simple::prelude::{EdDSAKeyPairLike, JWTClaims};
use serde_json::{Map, Value};

use super::handoff::HandoffKeys;
use super::seconds;
use crate::UnixMillis;
use crate::problem::{Code, Problem};

/// The `typ` of what is said of an audit.
pub const AUDIT_TYPE: &str = "tidegate-audit+jwt";
/// The `typ` of what is said of a group that a receipt is of.
pub const RECEIPT_TYPE: &str = "tidegate-receipt+jwt";

impl HandoffKeys {
    /// Signs `claims` as a JWT of the type `kind`. It does not expire.
    pub fn state(
        &self,
        kind: &str,
        claims: Map<String, Value>,
        now: UnixMillis,
    ) -> Result<String, Problem> {
        let claims = JWTClaims {
            issued_at: Some(seconds(now)),
            invalid_before: None,
            expires_at: None,
            issuer: None,
            subject: None,
            audiences: None,
            jwt_id: None,
            nonce: None,
            custom: claims,
        };
        let header = HeaderOptions {
            content_type: None,
            signature_type: Some(kind.into()),
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
        let statement = keys.state(AUDIT_TYPE, claims, NOW).unwrap();
        let part = |number| {
            let text = statement.split('.').nth(number).unwrap();
            let bytes = <ct_codecs::Base64UrlSafeNoPadding as ct_codecs::Decoder>::decode_to_vec(
                text, None,
            );
            serde_json::from_slice::<Value>(&bytes.unwrap()).unwrap()
        };
        assert_eq!(
            part(0),
            json!({"alg": "EdDSA", "typ": AUDIT_TYPE, "kid": "k1"})
        );
        assert_eq!(
            part(1),
            json!({"iat": NOW / 1000, "queue": "demo", "first": 7})
        );
        assert_eq!(keys.public().signer()["kid"], "k1");
        let expected = Expected {
            issuer: None,
            audience: None,
            leeway_seconds: 0,
        };
        let refused = keys.public().verify(&statement, &expected, NOW);
        assert_eq!(refused.unwrap_err(), Refusal::Invalid);
    }
}
