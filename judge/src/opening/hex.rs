//! Bytes as an audit writes them: lowercase hex and unpadded base64url, each with one spelling
//! only.

use core::fmt;

use ct_codecs::{Base64UrlSafeNoPadding, Decoder, Encoder};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// So many bytes in lowercase hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hex<const SIZE: usize>(pub [u8; SIZE]);

impl<const SIZE: usize> fmt::Display for Hex<SIZE> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl<const SIZE: usize> Serialize for Hex<SIZE> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const SIZE: usize> Deserialize<'de> for Hex<SIZE> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(HexVisitor).map(Self)
    }
}

struct HexVisitor<const SIZE: usize>;

impl<const SIZE: usize> Visitor<'_> for HexVisitor<SIZE> {
    type Value = [u8; SIZE];

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{SIZE} bytes in lowercase hex")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let mut bytes = [0; SIZE];
        let lowercase = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        match ct_codecs::Hex::decode(&mut bytes, text, None) {
            Ok(decoded) if decoded.len() == SIZE && lowercase => Ok(bytes),
            _ => Err(E::custom(format_args!("not {SIZE} bytes in lowercase hex"))),
        }
    }
}

/// What unpadded base64url says, if it is spelled as an encoder spells it.
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    let bytes = Base64UrlSafeNoPadding::decode_to_vec(text, None).ok()?;
    let spelled = Base64UrlSafeNoPadding::encode_to_string(&bytes).ok()?;
    (spelled == text).then_some(bytes)
}

/// So many bytes in unpadded base64url.
pub fn array_from_base64url<const SIZE: usize>(text: &str) -> Option<[u8; SIZE]> {
    from_base64url(text)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_has_one_spelling() {
        let read = serde_json::from_str::<Hex<2>>;
        assert_eq!(read(r#""00ff""#).unwrap(), Hex([0, 255]));
        assert_eq!(Hex([0, 255]).to_string(), "00ff");
        for bad in [
            r#""00FF""#,
            r#""00f""#,
            r#""00ff0""#,
            r#""0x00""#,
            r#"" 0ff""#,
            "255",
            "null",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn base64url_has_one_spelling() {
        assert_eq!(from_base64url("_-8"), Some(vec![255, 239]));
        // Trailing bits, padding, the other alphabet, white space.
        for bad in ["_-9", "_-8=", "/+8", "_-8 ", "_"] {
            assert_eq!(from_base64url(bad), None, "{bad}");
        }
        assert_eq!(array_from_base64url::<3>("_-8"), None);
    }
}
