//! Signed statements: compact JWS by Ed25519, read as strictly as they are written, and the keys
//! that a deployment publishes for them.

use ed25519_compact::{PublicKey, Signature};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use tidegate_core::token::statement::Statement;

use super::document::strict;
use super::hex::{array_from_base64url, from_base64url};

/// A statement whose signature was not looked at yet.
pub struct Signed<'a> {
    /// Which key signed it, by its own account.
    pub kid: String,
    payload: Vec<u8>,
    covered: &'a str,
    signature: [u8; 64],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

impl<'a> Signed<'a> {
    /// Reads a compact JWS that is such a statement. An error names what is wrong.
    pub fn read(text: &'a str, statement: Statement) -> Result<Self, String> {
        let typ = statement.kind();
        let not_compact = || String::from("no compact JWS of canonical, unpadded base64url");
        let (covered, signature) = text.rsplit_once('.').ok_or_else(not_compact)?;
        let (header, payload) = covered.split_once('.').ok_or_else(not_compact)?;
        let header = from_base64url(header).ok_or_else(not_compact)?;
        let payload = from_base64url(payload).ok_or_else(not_compact)?;
        let signature = array_from_base64url(signature).ok_or_else(not_compact)?;
        let header: Header = strict(&header).map_err(|fault| format!("in its header: {fault}"))?;
        for (name, value, expected) in [("alg", &header.alg, "EdDSA"), ("typ", &header.typ, typ)] {
            if value != expected {
                return Err(format!(
                    "its header's {name} is \"{value}\", and not \"{expected}\""
                ));
            }
        }
        Ok(Self {
            kid: header.kid,
            payload,
            covered,
            signature,
        })
    }

    /// What it says, if `key` signed it. An error names what is wrong.
    pub fn payload<T: DeserializeOwned>(&self, key: [u8; 32]) -> Result<T, String> {
        PublicKey::new(key)
            .verify(self.covered, &Signature::new(self.signature))
            .map_err(|_| format!("the key {} did not sign it", self.kid))?;
        strict(&self.payload).map_err(|fault| format!("in its payload: {fault}"))
    }
}

/// Checks whom a statement says that it is for. An older one does not say.
pub fn check_audience(told: Option<&str>, statement: Statement) -> Result<(), String> {
    let expected = statement.audience();
    match told {
        Some(other) if other != expected => {
            Err(format!("its aud is \"{other}\", and not \"{expected}\""))
        }
        _ => Ok(()),
    }
}

/// The keys that a deployment publishes, and where they were found.
pub struct Published {
    /// Its file or address.
    pub place: String,
    keys: Vec<(String, [u8; 32])>,
}

impl Published {
    /// Reads a JWK set. Keys of other kinds are passed over.
    pub fn read(bytes: &[u8], place: String) -> Result<Self, String> {
        let set: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let listed = set
            .get("keys")
            .and_then(Value::as_array)
            .ok_or("it has no \"keys\"")?;
        let keys: Vec<_> = listed.iter().filter_map(ed25519).collect();
        if keys.is_empty() {
            return Err(String::from("it has no Ed25519 key with a kid"));
        }
        Ok(Self { place, keys })
    }

    /// The keys that go by this id.
    pub fn of_kid<'a>(&'a self, kid: &'a str) -> impl Iterator<Item = [u8; 32]> + 'a {
        self.keys
            .iter()
            .filter(move |(id, _)| id == kid)
            .map(|(_, key)| *key)
    }
}

fn ed25519(jwk: &Value) -> Option<(String, [u8; 32])> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let fits = text("kty") == Some("OKP") && text("crv") == Some("Ed25519");
    let key = array_from_base64url(text("x")?)?;
    fits.then_some((text("kid")?.to_owned(), key))
}

#[cfg(test)]
mod tests {
    use ct_codecs::{Base64UrlSafeNoPadding, Encoder};
    use ed25519_compact::{KeyPair, Seed};

    use super::*;

    fn pair() -> KeyPair {
        KeyPair::from_seed(Seed::new([7; 32]))
    }

    fn sign(header: &str, payload: &str) -> String {
        let encode = |bytes: &[u8]| Base64UrlSafeNoPadding::encode_to_string(bytes).unwrap();
        let covered = format!(
            "{}.{}",
            encode(header.as_bytes()),
            encode(payload.as_bytes())
        );
        let signature = pair().sk.sign(&covered, None);
        format!("{covered}.{}", encode(&*signature))
    }

    fn open(text: &str) -> Result<Value, String> {
        Signed::read(text, Statement::Audit)?.payload(*pair().pk)
    }

    const HEADER: &str = r#"{"alg":"EdDSA","typ":"tidegate-audit+jwt","kid":"k"}"#;

    #[test]
    fn what_the_key_signed_is_read() {
        let text = sign(HEADER, r#"{"a":1}"#);
        assert_eq!(open(&text).unwrap(), serde_json::json!({"a": 1}));
        let other = KeyPair::from_seed(Seed::new([8; 32]));
        let read = Signed::read(&text, Statement::Audit).unwrap();
        assert!(read.payload::<Value>(*other.pk).is_err());
    }

    #[test]
    fn another_header_is_refused() {
        for (header, named) in [
            (r#"{"alg":"none","typ":"t","kid":"k"}"#, "alg"),
            (
                r#"{"alg":"EdDSA","typ":"tidegate-handoff+jwt","kid":"k"}"#,
                "typ",
            ),
            (r#"{"alg":"EdDSA","typ":"t"}"#, "kid"),
            (r#"{"alg":"EdDSA","typ":"t","kid":"k","crit":[]}"#, "crit"),
            (
                r#"{"alg":"EdDSA","alg":"EdDSA","typ":"t","kid":"k"}"#,
                "alg",
            ),
        ] {
            let header = header.replace(r#""typ":"t""#, r#""typ":"tidegate-audit+jwt""#);
            let fault = open(&sign(&header, "{}")).unwrap_err();
            assert!(fault.contains(named), "{fault}");
        }
    }

    #[test]
    fn every_altered_character_is_noticed() {
        let text = sign(HEADER, r#"{"a":1}"#);
        for place in 0..text.len() {
            for other in ["A", "_", "B", ".", "="] {
                let mut altered = text.clone();
                altered.replace_range(place..=place, other);
                assert!(altered == text || open(&altered).is_err(), "{altered}");
            }
        }
    }

    #[test]
    fn keys_of_other_kinds_are_passed_over() {
        let x = "A".repeat(43);
        let set = serde_json::json!({"keys": [
            {"kty": "EC", "kid": "a"},
            {"kty": "OKP", "crv": "X25519", "kid": "b", "x": x},
            {"kty": "OKP", "crv": "Ed25519", "kid": "c", "x": x},
        ]});
        let keys = Published::read(set.to_string().as_bytes(), String::new()).unwrap();
        assert_eq!(keys.of_kid("c").collect::<Vec<_>>(), [[0; 32]]);
        assert_eq!(keys.of_kid("b").count(), 0);
        for bad in ["", "[]", "{}", r#"{"keys":[]}"#] {
            assert!(
                Published::read(bad.as_bytes(), String::new()).is_err(),
                "{bad}"
            );
        }
    }
}
