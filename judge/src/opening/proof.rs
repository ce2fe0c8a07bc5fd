//! Proofs: what a deployment answers a ticket with, the way from an entry to the log's root.

use serde::Deserialize;
use tidegate_core::fair::Root;
use tidegate_core::ids::ShopperId;

use super::checks::position_of;
use super::document::{Audit, strict};
use super::hex::Hex;
use super::receipt::{Expected, LEAF};
use super::tree;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Proof {
    leaf: Hex<LEAF>,
    index: u64,
    position: u64,
    path: Vec<Hex<32>>,
    group: Of,
    group_path: Vec<Hex<32>>,
    groups: u64,
    root: Root,
    place: u32,
    shopper: ShopperId,
}

/// The group that the entry is in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Of {
    lane: u16,
    sequence: u64,
    first: u64,
    granted: u32,
    count: u32,
    root: Root,
    number: u64,
}

/// Checks a proof against the audit. An error names what is wrong.
pub fn check(bytes: &[u8], audit: &Audit) -> Result<String, String> {
    let proof: Proof = strict(bytes)?;
    let logged = usize::try_from(proof.group.number)
        .ok()
        .and_then(|number| audit.groups.get(number))
        .ok_or_else(|| {
            format!(
                "group.number: the audit has no group {}",
                proof.group.number
            )
        })?;
    let of = &proof.group;
    for (name, same) in [
        ("root", proof.root == audit.facts.root),
        (
            "groups",
            usize::try_from(proof.groups) == Ok(audit.groups.len()),
        ),
        ("group.lane", of.lane == logged.lane),
        ("group.sequence", of.sequence == logged.sequence),
        ("group.first", of.first == logged.first),
        ("group.granted", of.granted == logged.granted),
        ("group.root", of.root == logged.root),
    ] {
        if !same {
            return Err(format!("{name}: not the audit's"));
        }
    }
    if proof.place >= of.granted {
        return Err(format!(
            "place: {}, and its group got {} indices",
            proof.place, of.granted
        ));
    }
    let place = u64::from(proof.place);
    if of.first.checked_add(place) != Some(proof.index) {
        return Err(String::from("index: not group.first and place together"));
    }
    let entry = Expected {
        epoch: audit.facts.epoch,
        lane: of.lane,
        sequence: of.sequence,
        place: proof.place,
        shopper: proof.shopper,
    };
    entry.check(&proof.leaf)?;
    if !tree::includes(
        &of.root,
        u64::from(of.count),
        place,
        &proof.leaf.0,
        &proof.path,
    ) {
        return Err(String::from(
            "path: it does not lead from the leaf to group.root",
        ));
    }
    let group_leaf = logged.logged().leaf(audit.facts.epoch);
    if !tree::includes(
        &proof.root,
        proof.groups,
        of.number,
        &group_leaf,
        &proof.group_path,
    ) {
        return Err(String::from(
            "groupPath: it does not lead from the group to root",
        ));
    }
    match position_of(&audit.facts, proof.index) {
        Some(position) if position == proof.position => Ok(format!(
            "index {} is in groups[{}], and stands at position {position}",
            proof.index, of.number
        )),
        Some(position) => Err(format!(
            "position: {}, and it is {position}",
            proof.position
        )),
        None => Err(format!("index: {} is beyond the entrants", proof.index)),
    }
}
