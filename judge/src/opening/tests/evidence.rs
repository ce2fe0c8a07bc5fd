//! Receipts and proofs.

use serde_json::{Value, json};

use super::super::audits::{EPOCH, KID, Opening, sign};
use super::super::checks::{Asked, Evidence, Keys};
use super::super::report::{Outcome, Report};
use super::{asked, assert_verified, faults, judge_value};

fn evidence(value: &Value) -> Vec<Evidence> {
    vec![Evidence {
        name: String::from("mine"),
        bytes: value.to_string().into_bytes(),
    }]
}

fn with_receipt(opening: &Opening, receipt: &Value) -> Report {
    let receipts = evidence(receipt);
    judge_value(
        &opening.audit(),
        &Asked {
            receipts,
            ..asked()
        },
    )
}

fn with_proof(opening: &Opening, proof: &Value) -> Report {
    let proofs = evidence(proof);
    judge_value(&opening.audit(), &Asked { proofs, ..asked() })
}

/// Every entry that has an index: its group and place.
fn entries(opening: &Opening) -> impl Iterator<Item = (usize, u32)> {
    let groups = opening.groups.clone();
    (0..groups.len()).flat_map(move |group| (0..groups[group].3).map(move |place| (group, place)))
}

#[test]
fn every_receipt_and_proof_is_good_and_tells_the_place() {
    let opening = Opening::small();
    for (index, (group, place)) in (0..).zip(entries(&opening)) {
        let position = opening.position(index);
        let receipt = with_receipt(&opening, &opening.receipt(group, place));
        assert_verified(&receipt);
        let told = format!("in groups[{group}]: index {index}, position {position}");
        assert!(receipt.text().contains(&told), "{}", receipt.text());
        let proof = with_proof(&opening, &opening.proof(group, place));
        assert_verified(&proof);
        let told =
            format!("index {index} is in groups[{group}], and stands at position {position}");
        assert!(proof.text().contains(&told), "{}", proof.text());
    }
}

#[test]
fn a_receipt_shows_that_an_entry_was_left_out() {
    let opening = Opening::small();
    let receipt = opening.receipt(1, 0);
    let mut without = opening.clone();
    without.groups.remove(1);
    let faults = faults(&with_receipt(&without, &receipt));
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(
        faults[0].contains("The shop left an entry out"),
        "{faults:?}"
    );
}

/// The receipt's parts as if the shop had stated this.
fn stated(change: impl Fn(&mut Value)) -> Vec<String> {
    let opening = Opening::small();
    let mut receipt = opening.receipt(0, 1);
    let root = opening.audit()["groups"][0]["root"].clone();
    let mut payload = json!({
        "iat": 1, "aud": "urn:tidegate:receipt", "queue": "lamp", "epoch": "01".repeat(16), "lane": 0, "sequence": 0, "first": 0,
        "granted": 5, "count": 5, "root": root,
    });
    change(&mut payload);
    receipt["statement"] = sign("tidegate-receipt+jwt", &payload).into();
    faults(&with_receipt(&opening, &receipt))
}

#[test]
fn a_receipt_of_something_else_is_named() {
    assert_eq!(EPOCH, [1; 16]);
    assert!(stated(|_| {}).is_empty());
    let of_an_older_version = stated(|payload| {
        payload.as_object_mut().unwrap().remove("aud");
    });
    assert!(of_an_older_version.is_empty(), "{of_an_older_version:?}");
    for (field, value, named) in [
        ("queue", json!("vase"), "queue vase"),
        ("epoch", json!("03".repeat(16)), "another epoch"),
        ("epoch", json!("00".repeat(16)), "an earlier epoch"),
        ("lane", json!(1), "another lane"),
        ("sequence", json!(1), "another sequence"),
        ("granted", json!(1), "place: 1"),
        ("count", json!(9), "path:"),
        ("root", json!("00".repeat(32)), "path:"),
        ("first", json!(1), "not in the log"),
        ("granted", json!(4), "not in the log"),
        ("extra", json!(4), "extra"),
        ("aud", json!("lamp"), "statement: its aud"),
        ("aud", json!("urn:tidegate:audit"), "statement: its aud"),
        ("aud", Value::Null, "aud"),
    ] {
        let faults = stated(|payload| payload[field] = value.clone());
        assert!(
            faults.len() == 1 && faults[0].contains(named),
            "{field}: {faults:?}"
        );
    }
}

/// Alters each character of each text in it, and each number.
fn alterations(value: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let mut places = vec![String::new()];
    while let Some(place) = places.pop() {
        match value.pointer(&place).unwrap() {
            Value::Object(fields) => {
                places.extend(fields.keys().map(|name| format!("{place}/{name}")));
            }
            Value::Array(list) => {
                places.extend((0..list.len()).map(|number| format!("{place}/{number}")));
                let mut shorter = value.clone();
                shorter
                    .pointer_mut(&place)
                    .unwrap()
                    .as_array_mut()
                    .unwrap()
                    .pop();
                all.push((place, shorter));
            }
            Value::String(text) => {
                for at in 0..text.len() {
                    let mut altered = text.clone();
                    altered.replace_range(at..=at, if &text[at..=at] == "0" { "1" } else { "0" });
                    let mut other = value.clone();
                    *other.pointer_mut(&place).unwrap() = altered.into();
                    all.push((place.clone(), other));
                }
            }
            Value::Number(number) => {
                for altered in [number.as_u64().unwrap() + 1, 1 << 33] {
                    let mut other = value.clone();
                    *other.pointer_mut(&place).unwrap() = altered.into();
                    all.push((place.clone(), other));
                }
            }
            other => panic!("{place}: {other}"),
        }
    }
    all
}

#[test]
fn every_altered_part_of_a_receipt_is_noticed() {
    let opening = Opening::small();
    for (place, altered) in alterations(&opening.receipt(0, 2)) {
        assert_eq!(
            faults(&with_receipt(&opening, &altered)).len(),
            1,
            "{place}: {altered}"
        );
    }
}

#[test]
fn every_altered_part_of_a_proof_is_noticed() {
    let opening = Opening::small();
    for (place, altered) in alterations(&opening.proof(1, 2)) {
        // How many members a group has beyond its indices is in no leaf; other sizes may have the
        // same path.
        if place != "/group/count" {
            assert_eq!(
                faults(&with_proof(&opening, &altered)).len(),
                1,
                "{place}: {altered}"
            );
        }
    }
}

#[test]
fn a_proof_of_another_log_proves_nothing_whatever_it_leads_to() {
    let opening = Opening::small();
    let mut other = opening.clone();
    other.opened_at += 1;
    // Sound in itself, up to its group's root.
    let mut proof = opening.proof(1, 2);
    for field in ["leaf", "path", "group"] {
        proof[field] = other.proof(1, 2)[field].clone();
    }
    assert_eq!(
        faults(&with_proof(&opening, &proof)),
        ["proof: mine: group.root: not the audit's"]
    );
}

#[test]
fn a_receipt_without_the_shops_keys_is_held_against_the_audits() {
    let opening = Opening::small();
    let mut asked = Asked {
        receipts: evidence(&opening.receipt(0, 0)),
        keys: Keys::NotGiven,
        ..Asked::default()
    };
    assert_verified(&judge_value(&opening.audit(), &asked));
    let mut receipt = opening.receipt(0, 0);
    let statement = receipt["statement"].as_str().unwrap().to_owned();
    let rest = statement.split_once('.').unwrap().1;
    let header = sign("tidegate-receipt+jwt", &json!({}));
    assert!(
        statement.starts_with(header.split('.').next().unwrap()),
        "{KID}"
    );
    // The header of another key.
    receipt["statement"] = format!("{OTHER_KID}.{rest}").into();
    asked.receipts = evidence(&receipt);
    let report = judge_value(&opening.audit(), &asked);
    let check = report.checks.last().unwrap();
    assert_eq!((check.name, check.outcome), ("receipt", Outcome::Failed));
    assert!(check.found.contains("--jwks"), "{}", check.found);
}

/// `{"alg":"EdDSA","typ":"tidegate-receipt+jwt","kid":"old"}`
const OTHER_KID: &str =
    "eyJhbGciOiJFZERTQSIsInR5cCI6InRpZGVnYXRlLXJlY2VpcHQrand0Iiwia2lkIjoib2xkIn0";
