//! Receipts: what a shopper got for an entry before the opening, and whether the log has it.

use serde::Deserialize;
use tidegate_core::fair::Root;
use tidegate_core::fair::log::Entry;
use tidegate_core::ids::{Epoch, QueueId, ShopperId};
use tidegate_core::token::statement::Statement;

use super::checks::{Keys, position_of};
use super::document::{Audit, strict, value};
use super::hex::Hex;
use super::signed::{Signed, check_audience};
use super::tree;

/// The length of an entry's leaf.
pub const LEAF: usize = 87;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Receipt {
    shopper: ShopperId,
    leaf: Hex<LEAF>,
    place: u32,
    path: Vec<Hex<32>>,
    statement: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    #[serde(rename = "iat")]
    _iat: u64,
    #[serde(default, deserialize_with = "value")]
    aud: Option<String>,
    queue: QueueId,
    epoch: Epoch,
    lane: u16,
    sequence: u64,
    first: u64,
    granted: u32,
    count: u32,
    root: Root,
}

/// Checks a receipt, and that the audit's log has what it promises. An error names what is wrong.
pub fn check(bytes: &[u8], audit: &Audit, keys: &Keys) -> Result<String, String> {
    let receipt: Receipt = strict(bytes)?;
    let signed = Signed::read(&receipt.statement, Statement::Receipt)
        .map_err(|fault| format!("statement: {fault}"))?;
    let stated = opened(&signed, audit, keys)?;
    check_audience(stated.aud.as_deref(), Statement::Receipt)
        .map_err(|fault| format!("statement: {fault}"))?;
    if stated.queue != audit.facts.queue_id {
        return Err(format!("it is for queue {}", stated.queue));
    }
    if stated.epoch != audit.facts.epoch {
        let known = audit
            .facts
            .epochs
            .iter()
            .any(|epoch| epoch.epoch == stated.epoch);
        let of = if known { "an earlier" } else { "another" };
        return Err(format!(
            "it is of {of} epoch of the queue, epoch {}",
            stated.epoch
        ));
    }
    if receipt.place >= stated.granted {
        return Err(format!(
            "place: {}, and its group got {} indices",
            receipt.place, stated.granted
        ));
    }
    let entry = Expected {
        epoch: stated.epoch,
        lane: stated.lane,
        sequence: stated.sequence,
        place: receipt.place,
        shopper: receipt.shopper,
    };
    entry.check(&receipt.leaf)?;
    let (count, place) = (u64::from(stated.count), u64::from(receipt.place));
    if !tree::includes(&stated.root, count, place, &receipt.leaf.0, &receipt.path) {
        return Err(String::from(
            "path: it does not lead from the leaf to the signed root",
        ));
    }
    in_log(&stated, place, audit)
}

fn opened(signed: &Signed<'_>, audit: &Audit, keys: &Keys) -> Result<Stated, String> {
    let candidates: Vec<[u8; 32]> = match keys {
        Keys::Published(published) => published.of_kid(&signed.kid).collect(),
        _ if signed.kid == audit.key.kid => vec![audit.key_bytes],
        _ => Vec::new(),
    };
    let mut fault = match keys {
        Keys::Published(published) => format!("{} has no key {}", published.place, signed.kid),
        _ => format!(
            "the key {} is not the audit's; --jwks has it, maybe",
            signed.kid
        ),
    };
    for key in candidates {
        match signed.payload(key) {
            Ok(stated) => return Ok(stated),
            Err(other) => fault = other,
        }
    }
    Err(format!("statement: {fault}"))
}

fn in_log(stated: &Stated, place: u64, audit: &Audit) -> Result<String, String> {
    let found = audit.groups.iter().position(|group| {
        group.lane == stated.lane
            && group.sequence == stated.sequence
            && group.first == stated.first
            && group.granted == stated.granted
            && group.root == stated.root
    });
    let Some(number) = found else {
        return Err(format!(
            "good, and not in the log: no group has lane {}, sequence {}, first {}, granted {} and \
             root {}. The shop left an entry out, and this receipt is the evidence: keep it",
            stated.lane, stated.sequence, stated.first, stated.granted, stated.root
        ));
    };
    let index = stated.first.saturating_add(place);
    let position = position_of(&audit.facts, index)
        .ok_or_else(|| format!("index {index} is beyond the entrants"))?;
    Ok(format!(
        "good, and in groups[{number}]: index {index}, position {position}"
    ))
}

/// What an entry's leaf has to say.
pub struct Expected {
    pub epoch: Epoch,
    pub lane: u16,
    pub sequence: u64,
    pub place: u32,
    pub shopper: ShopperId,
}

impl Expected {
    /// Compares it with a leaf. An error names the first part that differs.
    pub fn check(self, leaf: &Hex<LEAF>) -> Result<(), String> {
        // The time is the one thing that only the leaf knows; it is last.
        let (_, time) = leaf.0.split_last_chunk().ok_or("leaf: too short")?;
        let expected = Entry {
            epoch: self.epoch,
            lane: self.lane,
            sequence: self.sequence,
            place: self.place,
            shopper: self.shopper,
            at: u64::from_be_bytes(*time),
        }
        .leaf();
        let Some(differs) = leaf
            .0
            .iter()
            .zip(&expected)
            .position(|(one, other)| one != other)
        else {
            return Ok(());
        };
        let part = match differs {
            0..17 => "label",
            17..33 => "epoch",
            33..35 => "lane",
            35..43 => "sequence",
            43..47 => "place",
            _ => "shopper",
        };
        Err(format!("leaf: it is of another {part}"))
    }
}
