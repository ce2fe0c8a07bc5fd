//! The audit as it is written, read strictly: every field there, of its shape, none twice and none
//! unknown. What is wrong is named by where it stands, such as `groups[12].root`.

use serde::de::{DeserializeOwned, DeserializeSeed};
use serde::{Deserialize, Deserializer, Serialize};
use tidegate_core::UnixMillis;
use tidegate_core::fair::log;
use tidegate_core::fair::shuffle::ENTRANTS_MAX;
use tidegate_core::fair::{Commitment, Root, Secret, Seed};
use tidegate_core::ids::{Epoch, QueueId};

use super::hex::{Hex, array_from_base64url};
use super::lists::Lists;

/// The format that is read here.
pub const FORMAT: u64 = 1;
const ALGORITHM: &str = "tidegate/shuffle/v1";
/// So many earlier epochs are listed.
const EPOCHS_LISTED: u64 = 1_000;

/// An audit's page, a whole audit, or what its statement states: they differ in the last five
/// fields.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Document {
    pub format: u64,
    pub algorithm: String,
    pub queue_id: QueueId,
    pub access: Access,
    pub epoch: Epoch,
    pub opened_at: UnixMillis,
    pub commitment: Commitment,
    pub secret: Secret,
    pub trust: Trust,
    #[serde(deserialize_with = "value_or_null")]
    pub beacon: Option<Beacon>,
    pub root: Root,
    pub seed: Seed,
    pub entrants: u64,
    #[serde(deserialize_with = "value_or_null")]
    pub winners: Option<u64>,
    pub epochs: Vec<EarlierEpoch>,
    pub earlier_epochs: u64,
    pub pages: u64,
    #[serde(
        default,
        deserialize_with = "value",
        skip_serializing_if = "Option::is_none"
    )]
    pub groups: Option<Vec<Group>>,
    #[serde(
        default,
        deserialize_with = "value",
        skip_serializing_if = "Option::is_none"
    )]
    pub key: Option<Key>,
    #[serde(
        default,
        deserialize_with = "value",
        skip_serializing_if = "Option::is_none"
    )]
    pub statement: Option<String>,
    #[serde(
        default,
        deserialize_with = "value",
        skip_serializing_if = "Option::is_none"
    )]
    pub iat: Option<u64>,
    #[serde(
        default,
        deserialize_with = "value",
        skip_serializing_if = "Option::is_none"
    )]
    pub aud: Option<String>,
}

/// What the places are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Access {
    Queue,
    Draw,
}

/// Whose randomness the order rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Trust {
    /// The operator's secret alone.
    Operator,
    /// A public beacon's as well.
    Beacon,
}

/// A round of drand.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Beacon {
    pub network: String,
    pub chain: Hex<32>,
    pub public_key: Hex<96>,
    pub genesis_at: UnixMillis,
    pub period_seconds: u64,
    pub round: u64,
    pub signature: Hex<48>,
    pub randomness: Hex<32>,
}

/// An earlier epoch of the queue.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EarlierEpoch {
    pub epoch: Epoch,
    pub commitment: Commitment,
    pub created_at: UnixMillis,
    pub ended_at: UnixMillis,
    pub entered: u64,
    pub opened: bool,
}

/// A group of the log.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub lane: u16,
    pub sequence: u64,
    pub first: u64,
    pub granted: u32,
    pub root: Root,
    pub hash: Hex<32>,
}

impl Group {
    /// As the queue logged it.
    pub const fn logged(&self) -> log::Group {
        log::Group {
            lane: self.lane,
            sequence: self.sequence,
            first: self.first,
            granted: self.granted,
            root: self.root,
        }
    }
}

/// The public key that signed the statement.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    pub kty: String,
    pub crv: String,
    pub alg: String,
    #[serde(rename = "use")]
    pub usage: String,
    pub kid: String,
    pub x: String,
}

/// A whole audit.
pub struct Audit {
    /// What the statement states; the last five fields are empty.
    pub facts: Document,
    pub groups: Vec<Group>,
    pub key: Key,
    /// The key's bytes.
    pub key_bytes: [u8; 32],
    pub statement: String,
}

/// Reads a page, or a whole audit. An error names what is wrong.
pub fn read(bytes: &[u8]) -> Result<Document, String> {
    let document: Document = strict(bytes).map_err(|fault| match declared_format(bytes) {
        Some(other) if other != FORMAT => other_format(other),
        _ => fault,
    })?;
    for (name, there) in [
        ("groups", document.groups.is_some()),
        ("key", document.key.is_some()),
        ("statement", document.statement.is_some()),
    ] {
        if !there {
            return Err(format!("missing field `{name}`"));
        }
    }
    for (name, there) in [
        ("iat", document.iat.is_some()),
        ("aud", document.aud.is_some()),
    ] {
        if there {
            return Err(format!("{name}: unknown field `{name}`"));
        }
    }
    Ok(document)
}

impl Audit {
    /// Checks what a field's type does not say. An error names what is wrong.
    pub fn of(mut document: Document) -> Result<Self, String> {
        shape(&document)?;
        let missing = || String::from("a field is missing");
        let key = document.key.take().ok_or_else(missing)?;
        Ok(Self {
            groups: document.groups.take().ok_or_else(missing)?,
            statement: document.statement.take().ok_or_else(missing)?,
            key_bytes: key_bytes(&key)?,
            key,
            facts: document,
        })
    }
}

fn shape(document: &Document) -> Result<(), String> {
    if document.format != FORMAT {
        return Err(other_format(document.format));
    }
    if document.algorithm != ALGORITHM {
        return Err(format!(
            "algorithm: \"{}\", and this is for \"{ALGORITHM}\"",
            document.algorithm
        ));
    }
    if document.entrants > ENTRANTS_MAX {
        return Err(format!("entrants: more than {ENTRANTS_MAX}"));
    }
    if document.access == Access::Queue && document.winners.is_some() {
        return Err(String::from(
            "winners: a number, and only a draw has winners",
        ));
    }
    let listed = u64::try_from(document.epochs.len()).unwrap_or(u64::MAX);
    if listed != document.earlier_epochs.min(EPOCHS_LISTED) {
        return Err(format!(
            "epochs: {listed} are listed, and earlierEpochs is {}",
            document.earlier_epochs
        ));
    }
    if document.pages == 0 {
        return Err(String::from("pages: 0, and there is at least one"));
    }
    Ok(())
}

fn key_bytes(key: &Key) -> Result<[u8; 32], String> {
    for (name, value, expected) in [
        ("kty", &key.kty, "OKP"),
        ("crv", &key.crv, "Ed25519"),
        ("alg", &key.alg, "EdDSA"),
        ("use", &key.usage, "sig"),
    ] {
        if value != expected {
            return Err(format!("key.{name}: \"{value}\", and not \"{expected}\""));
        }
    }
    array_from_base64url(&key.x)
        .ok_or_else(|| String::from("key.x: not 32 bytes in unpadded base64url"))
}

/// Reads JSON into a type that allows no unknown fields. An error begins with where it stands.
pub fn strict<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let place = error.path().to_string();
        let fault = error.into_inner().to_string();
        // The list of all other names, which tells nobody anything.
        let fault = match fault.split_once(", expected one of") {
            Some((fault, list)) => match list.rsplit_once(" at line ") {
                Some((_, position)) => format!("{fault} at line {position}"),
                None => fault.to_owned(),
            },
            None => fault,
        };
        if place == "." {
            fault
        } else {
            format!("{place}: {fault}")
        }
    })?;
    json.end().map_err(|error| error.to_string())?;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    Lists::of_document()
        .deserialize(&mut json)
        .map_err(|error| error.to_string())?;
    Ok(read)
}

/// Its format, of however a later one may look otherwise.
fn declared_format(bytes: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Declared {
        format: u64,
    }
    let declared: Declared = serde_json::from_slice(bytes).ok()?;
    Some(declared.format)
}

fn other_format(format: u64) -> String {
    format!("format: {format}, and this reads format {FORMAT}")
}

/// Such a value; neither null nor left out.
pub fn value<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Such a value or null, but not left out.
fn value_or_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(from)
}
