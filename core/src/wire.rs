//! How calls and replies travel between Worker and objects, and how facts lie in the data centre's
//! cache: as bytes that name no fields (`wire::writer`), in base64url, after a label for operators
//! and the version.
//!
//! During a deploy two versions run side by side. So a new version only adds to the one before it:
//! - a field, as the last of its struct or variant, with `#[serde(default)]`. Readers of the
//!   version before pass over it, and messages of the version before are read as if they said the
//!   default.
//! - a variant, as the last of its enum (before those that never travel). What the version before
//!   may be sent does not use it: a version that reads it comes first, and a later one writes it.
//!
//! With every change [`VERSION`] grows by one, once for each release. A change that does more grows
//! it by two: then the versions refuse each other's messages. `core/tests/wire` holds all this,
//! and its golden files are messages of each version that is read.

mod reader;
mod writer;

use core::fmt;

use ct_codecs::{Base64UrlSafeNoPadding, Decoder, Encoder};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The version that is written. The one before it and the one after it are read as well.
///
/// An object that reads a call is therefore always understood in its reply, so that nothing is done
/// that the caller cannot hear of.
pub const VERSION: u32 = 1;

/// Why a message was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is of a version that is too far from this one, or it says none.
    Version,
    /// It says a version that is read, and is no message of it.
    Message,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version => write!(
                formatter,
                "a message of another version than {VERSION} or its neighbours; once the deploy \
                 is over, it is asked again among equals"
            ),
            Self::Message => write!(formatter, "a message that version {VERSION} cannot read"),
        }
    }
}

/// Writes a message; `label` is for a watcher, and may be empty.
pub fn write<T: Serialize>(label: &str, message: &T) -> Result<String, Unreadable> {
    let bytes = writer::write(message).map_err(|_| Unreadable::Message)?;
    let text = Base64UrlSafeNoPadding::encode_to_string(bytes).map_err(|_| Unreadable::Message)?;
    Ok(format!("{label}.{VERSION}.{text}"))
}

/// Reads a message.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Unreadable> {
    let mut parts = text.rsplitn(3, '.');
    let (body, version) = (parts.next(), parts.next());
    let version: u32 = version
        .and_then(|version| version.parse().ok())
        .ok_or(Unreadable::Version)?;
    if version.abs_diff(VERSION) > 1 {
        return Err(Unreadable::Version);
    }
    let bytes = Base64UrlSafeNoPadding::decode_to_vec(body.unwrap_or_default(), None)
        .map_err(|_| Unreadable::Message)?;
    reader::read(&bytes).map_err(|_| Unreadable::Message)
}

/// JSON that travels as text: what has no fixed shape, or leaves fields out.
pub(crate) mod as_text {
    use serde::de::{DeserializeOwned, Error as _};
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<T: Serialize, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let text = serde_json::to_string(value).map_err(S::Error::custom)?;
        serializer.serialize_str(&text)
    }

    pub fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        let text = String::deserialize(deserializer)?;
        crate::reading::parse(&text).map_err(D::Error::custom)
    }
}
