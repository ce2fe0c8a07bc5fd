//! Bytes as text: lowercase hex, one spelling for each.

use ct_codecs::{Encoder, Hex};

/// Lowercase hex.
pub fn hex(bytes: &[u8]) -> String {
    Hex::encode_to_string(bytes).unwrap_or_default()
}

/// Defines a type of so many bytes that reads and writes as lowercase hex.
macro_rules! hex_bytes {
    ($(#[$doc:meta])* $name:ident: $size:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; $size]);

        impl $name {
            /// Wraps bytes, random or derived by the caller.
            pub const fn from_bytes(bytes: [u8; $size]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $size] {
                &self.0
            }
        }

        impl core::str::FromStr for $name {
            type Err = $crate::problem::Problem;

            fn from_str(text: &str) -> Result<Self, $crate::problem::Problem> {
                let lowercase = !text.bytes().any(|byte| byte.is_ascii_uppercase());
                let mut bytes = [0; $size];
                match <ct_codecs::Hex as ct_codecs::Decoder>::decode(&mut bytes, text, None) {
                    Ok(decoded) if decoded.len() == $size && lowercase => Ok(Self(bytes)),
                    _ => Err($crate::problem::Problem::validation(concat!($what, " is ", stringify!($size), " bytes in lowercase hex"))),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::problem::Problem;

            fn try_from(text: String) -> Result<Self, $crate::problem::Problem> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                $crate::hex::hex(&id.0)
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                formatter.write_str(&$crate::hex::hex(&self.0))
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(formatter, "{}({})", stringify!($name), $crate::hex::hex(&self.0))
            }
        }
    };
}

pub(crate) use hex_bytes;
