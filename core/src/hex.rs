//! Bytes as text: lowercase hex, one spelling for each.

use ct_codecs::{Encoder, Hex};

/// Lowercase hex.
pub fn hex(bytes: &[u8]) -> String {
    Hex::encode_to_string(bytes).unwrap_or_default()
}

/// Defines a type of so many bytes that reads and writes as lowercase hex, and between Worker and
/// objects as the bytes themselves.
macro_rules! hex_bytes {
    ($(#[$doc:meta])* $name:ident: $size:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.serialize_str(&$crate::hex::hex(&self.0))
                } else {
                    serializer.serialize_bytes(&self.0)
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                use serde::de::Error as _;
                if deserializer.is_human_readable() {
                    let text = String::deserialize(deserializer)?;
                    text.parse().map_err(D::Error::custom)
                } else {
                    let bytes = <&[u8]>::deserialize(deserializer)?;
                    bytes.try_into().map(Self).map_err(D::Error::custom)
                }
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
