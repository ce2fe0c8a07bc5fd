//! The rows of a queue that hold more than numbers: how they are read back, whichever version wrote
//! them.
//!
//! A deploy can be rolled back, so a row may come from a later version. What an operator said there
//! is kept, though this version does not serve it. What the machine counted is not: the later
//! version would take for a count what nobody kept up. So it finds a row as from before its time,
//! and begins with the defaults.

use serde::Deserialize;
use serde::de::Error as _;
use serde_json::{Error, Result, Value};

use super::claim::{Claim, ClaimState};
use super::head::Head;
use crate::config::{Product, QueueConfig};
use crate::fair::beacon::Chain;
use crate::reading;
use crate::view::snapshot::Notice;

/// The format of a queue's tables. It grows when a row changes otherwise than by fields and columns
/// that have defaults.
pub const FORMAT: u32 = 1;

/// The field of a configuration that is an object itself.
pub(in crate::queue) const PRODUCT: &str = "product";

impl Head {
    /// Reads a row.
    pub fn read(row: &str) -> Result<Self> {
        let mut row: Value = serde_json::from_slice(row.as_bytes())?;
        let format = row.get("format").and_then(Value::as_u64);
        if format != Some(FORMAT.into()) {
            let format = format.map_or_else(|| String::from("none"), |format| format.to_string());
            return Err(Error::custom(format_args!(
                "a queue's row is of format {format}, and this version of Tidegate reads \
                 {FORMAT}: deploy the version that wrote it"
            )));
        }
        let mut part = |pointer: &str, take: fn(&mut Value) -> _| {
            row.pointer_mut(pointer).map(take).unwrap_or_default()
        };
        let mut unserved = part("/config", reading::take_unknown::<QueueConfig>);
        let of_product = part("/config/product", reading::take_unknown::<Product>);
        if !of_product.is_empty() {
            unserved.insert(PRODUCT.into(), of_product.into());
        }
        part("/notice", reading::take_unknown::<Notice>);
        part("/chain", reading::take_unknown::<Chain>);
        let mut head = Self::deserialize(&row)?;
        head.unserved = unserved;
        Ok(head)
    }

    /// The row to write.
    pub fn row(&self) -> Result<String> {
        if self.unserved.is_empty() {
            return serde_json::to_string(self);
        }
        let mut row = serde_json::to_value(self)?;
        if let Some(config) = row.get_mut("config") {
            json_patch::merge(config, &Value::Object(self.unserved.clone()));
        }
        serde_json::to_string(&row)
    }

    /// Which fields of the configuration a later version serves, and this one does not.
    pub(in crate::queue) fn unserved_remark(&self) -> Option<String> {
        let names: Vec<&str> = self.unserved.keys().map(String::as_str).collect();
        (!names.is_empty()).then(|| {
            format!(
                "a later version of Tidegate stored {}, which this one keeps and does not serve",
                names.join(", ")
            )
        })
    }
}

/// A ticket's record as its row has it.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "see `Claim`")]
pub struct ClaimRow {
    pub ticket: u64,
    pub position: u64,
    pub shopper: String,
    pub state: String,
    pub claimed_at: u64,
    pub admitted_at: Option<u64>,
    pub redeemed_at: Option<u64>,
    pub ends_at: Option<u64>,
    pub idempotency_key: Option<String>,
}

/// A record that cannot be read is not as good as none: its ticket would be admitted once more.
impl TryFrom<ClaimRow> for Claim {
    type Error = String;

    fn try_from(row: ClaimRow) -> core::result::Result<Self, String> {
        let unreadable = |what: &str, said: &str| {
            format!(
                "the record of ticket {} has the {what} \"{said}\", which this version of \
                 Tidegate does not know",
                row.ticket
            )
        };
        Ok(Self {
            index: row.ticket,
            position: row.position,
            shopper: row
                .shopper
                .parse()
                .map_err(|_| unreadable("shopper", &row.shopper))?,
            state: ClaimState::from_name(&row.state)
                .ok_or_else(|| unreadable("state", &row.state))?,
            claimed_at: row.claimed_at,
            admitted_at: row.admitted_at,
            redeemed_at: row.redeemed_at,
            ends_at: row.ends_at,
            idempotency_key: row.idempotency_key,
        })
    }
}
