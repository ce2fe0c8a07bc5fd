//! Whole audits, good ones and altered ones.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test says what it expects by failing"
)]

mod altered;
mod evidence;

use hmac_sha256::Hash;
use serde_json::{Value, json};

use super::audits::{KID, Opening, jwks, own_chain};
use super::beacon::Chain;
use super::checks::{Asked, Keys, check};
use super::document::{Audit, read};
use super::hex::Hex;
use super::report::{Outcome, Report};
use super::signed::Published;

/// As a deployment's audit is checked, with its keys at hand.
fn asked() -> Asked {
    let published = Published::read(jwks().to_string().as_bytes(), String::from("jwks")).unwrap();
    Asked {
        keys: Keys::Published(published),
        ..Asked::default()
    }
}

fn judge(bytes: &[u8], asked: &Asked) -> Report {
    match read(bytes).and_then(Audit::of) {
        Ok(audit) => check(&audit, asked, |_| {}).0,
        Err(fault) => {
            let mut report = Report::default();
            report.note("format", Err(fault));
            report
        }
    }
}

fn judge_value(audit: &Value, asked: &Asked) -> Report {
    judge(audit.to_string().as_bytes(), asked)
}

/// What failed, each with its name.
fn faults(report: &Report) -> Vec<String> {
    let failed = report
        .checks
        .iter()
        .filter(|check| check.outcome == Outcome::Failed);
    failed
        .map(|check| format!("{}: {}", check.name, check.found))
        .collect()
}

#[track_caller]
fn assert_verified(report: &Report) {
    assert!(faults(report).is_empty(), "{}", report.text());
}

/// That these failed, and nothing else did. `faults`: the beginning of each.
#[track_caller]
fn assert_faults(report: &Report, expected: &[&str]) {
    let found = faults(report);
    let as_expected = found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(found, begins)| found.starts_with(begins));
    assert!(as_expected, "{found:#?}, and not {expected:#?}");
}

/// Signs the audit's facts anew: a shop that lies knows how to sign.
fn signed_anew(mut audit: Value) -> Value {
    let mut facts = audit.clone();
    for field in ["groups", "key", "statement"] {
        facts.as_object_mut().unwrap().remove(field);
    }
    audit["statement"] = Opening::small().statement(&facts).into();
    audit
}

#[test]
fn audits_of_all_kinds_are_verified() {
    let draw = Opening {
        winners: Some(3),
        ..Opening::small()
    };
    for opening in [
        Opening::new(&[]),
        Opening::new(&[(0, 0, 1, 1)]),
        Opening::small(),
        draw,
    ] {
        assert_verified(&judge_value(&opening.audit(), &asked()));
    }
    assert_verified(&judge_value(
        &Opening::small().with_quicknet().audit(),
        &asked(),
    ));
}

#[test]
fn who_trusts_the_operator_is_warned_and_who_trusts_a_beacon_is_not() {
    let warned = |opening: Opening| {
        let report = judge_value(&opening.audit(), &asked());
        report.text().contains("trust: operator")
    };
    assert!(warned(Opening::small()));
    assert!(!warned(Opening::small().with_quicknet()));
}

#[test]
fn a_chain_that_nobody_gave_is_refused() {
    let audit = Opening::small().with_own_chain().audit();
    assert_faults(&judge_value(&audit, &asked()), &["beacon: beacon.chain"]);
    let chain = Chain::read(own_chain().to_string().as_bytes()).unwrap();
    let given = Asked {
        chain: Some(chain),
        ..asked()
    };
    assert_verified(&judge_value(&audit, &given));
    assert_verified(&judge_value(
        &Opening::small().with_quicknet().audit(),
        &given,
    ));
}

#[test]
fn a_beacon_that_is_not_the_one_to_wait_for_is_named() {
    let with = |field: &str, value: Value| {
        let mut opening = Opening::small().with_quicknet();
        opening.beacon.as_mut().unwrap()[field] = value;
        judge_value(&opening.audit(), &asked())
    };
    let key = own_chain()["publicKey"].clone();
    let begins = |field: &str| format!("beacon: beacon.{field}");
    for (field, value) in [
        ("network", json!("dice")),
        ("publicKey", key),
        ("genesisAt", json!(0)),
        ("periodSeconds", json!(30)),
        ("round", json!(657_412)),
        ("randomness", json!("00".repeat(32))),
    ] {
        assert_faults(&with(field, value), &[&begins(field)]);
    }
    for (late, round) in [(1, 657_414), (-3_000, 657_412)] {
        let mut opening = Opening::small().with_quicknet();
        opening.opened_at = opening.opened_at.checked_add_signed(late).unwrap();
        let report = judge_value(&opening.audit(), &asked());
        assert_faults(&report, &["beacon: beacon.round"]);
        assert!(
            faults(&report)[0].contains(&round.to_string()),
            "{report}",
            report = report.text()
        );
    }
}

#[test]
fn a_round_that_the_chain_never_signed_is_named() {
    let mut opening = Opening::small().with_quicknet();
    let beacon = opening.beacon.as_mut().unwrap();
    // Round 123's, and its own randomness.
    beacon["signature"] = "b75c69d0b72a5d906e854e808ba7e2accb1542ac355ae486d591aa9d43765482e26cd02df835d3546d23c4b13e0dfc92".into();
    let signature: Hex<48> = serde_json::from_value(beacon["signature"].clone()).unwrap();
    beacon["randomness"] = Hex(Hash::hash(&signature.0)).to_string().into();
    assert_faults(
        &judge_value(&opening.audit(), &asked()),
        &["beacon: beacon.signature"],
    );
}

#[test]
fn trust_and_beacon_have_to_agree() {
    let mut audit = Opening::small().audit();
    audit["trust"] = "beacon".into();
    assert_faults(
        &judge_value(&signed_anew(audit), &asked()),
        &["beacon: trust"],
    );
    let mut audit = Opening::small().with_quicknet().audit();
    audit["trust"] = "operator".into();
    assert_faults(
        &judge_value(&signed_anew(audit), &asked()),
        &["beacon: trust"],
    );
}

#[test]
fn what_the_shop_signs_and_computes_wrongly_is_named() {
    let with = |field: &str, value: Value| {
        let mut audit = Opening::small().audit();
        audit[field] = value;
        judge_value(&signed_anew(audit), &asked())
    };
    let other = || json!("11".repeat(32));
    assert_faults(&with("commitment", other()), &["commitment: commitment"]);
    assert_faults(
        &with("secret", other()),
        &["commitment: commitment, secret", "seed: seed"],
    );
    assert_faults(&with("root", other()), &["root: root", "seed: seed"]);
    assert_faults(&with("seed", other()), &["seed: seed"]);
    assert_faults(
        &with("entrants", json!(13)),
        &["groups: entrants: 13, and the groups have 12"],
    );
    let epoch = with("epoch", json!("22".repeat(16)));
    assert_faults(&epoch, &["groups: groups[0].hash", "root: root"]);
}

#[test]
fn groups_that_leave_gaps_or_come_twice_are_named() {
    let with = |change: fn(&mut Opening)| {
        let mut opening = Opening::small();
        change(&mut opening);
        judge_value(&opening.audit(), &asked())
    };
    let sequence = with(|opening| opening.groups[3] = (1, 0, 3, 3));
    assert_faults(
        &sequence,
        &["groups: groups[3].sequence: 0, after 0 of lane 1"],
    );
    let none = with(|opening| opening.groups[2] = (0, 2, 2, 0));
    assert_faults(&none, &["groups: groups[2].granted: 0"]);
    let mut audit = Opening::small().audit();
    audit["groups"][2]["first"] = 9.into();
    let first = judge_value(&audit, &asked());
    assert_faults(
        &first,
        &[
            "groups: groups[2].first: 9, and 8 is next; groups[2].hash",
            "root: root",
        ],
    );
    let mut audit = Opening::small().audit();
    audit["groups"].as_array_mut().unwrap().pop();
    assert_faults(
        &judge_value(&audit, &asked()),
        &["groups: entrants: 12", "root: root"],
    );
}

#[test]
fn a_page_alone_is_no_audit() {
    let report = judge_value(&Opening::small().page(0, 2), &asked());
    assert_faults(&report, &["groups: entrants", "root: root"]);
    assert!(faults(&report)[0].contains("2 pages"));
}

#[test]
fn a_key_that_the_shop_does_not_publish_is_named() {
    let audit = Opening::small().audit();
    let with = |keys: Keys| {
        let asked = Asked { keys, ..asked() };
        judge_value(&audit, &asked)
    };
    let of = |kid: &str, x: &str| {
        let mut set = jwks();
        set["keys"][0]["kid"] = kid.into();
        set["keys"][0]["x"] = x.into();
        Keys::Published(Published::read(set.to_string().as_bytes(), "there".into()).unwrap())
    };
    let x = jwks()["keys"][0]["x"].as_str().unwrap().to_owned();
    assert_verified(&with(of(KID, &x)));
    assert_faults(
        &with(of("another", &x)),
        &["key: key.kid: there has no key"],
    );
    assert_faults(
        &with(of(KID, &"A".repeat(43))),
        &["key: key.x: there has another"],
    );
    assert_faults(&with(Keys::Refused("gone".into())), &["key: gone"]);
    let unasked = with(Keys::NotGiven);
    assert_verified(&unasked);
    assert!(unasked.text().contains("--jwks"));
}

#[test]
fn the_commitment_that_was_noted_has_to_be_this_one() {
    let audit = Opening::small().audit();
    let noted = |commitment: &str| {
        let asked = Asked {
            commitment: Some(commitment.parse().unwrap()),
            ..asked()
        };
        judge_value(&audit, &asked)
    };
    assert_verified(&noted(audit["commitment"].as_str().unwrap()));
    assert_faults(&noted(&"11".repeat(32)), &["commitment: commitment"]);
}

#[test]
fn places_beyond_a_million_are_computed_where_they_are_asked_for() {
    let opening = Opening::new(&[(0, 0, 1, 1_000_001)]);
    let audit = opening.audit();
    let unasked = judge_value(
        &audit,
        &Asked {
            index: Some(999_999),
            ..asked()
        },
    );
    assert_verified(&unasked);
    let places = unasked
        .checks
        .iter()
        .find(|check| check.name == "places")
        .unwrap();
    assert_eq!(places.outcome, Outcome::NotChecked);
    let place = unasked.place.unwrap();
    assert_eq!(place.position, opening.position(999_999));
}

#[test]
fn one_place_of_a_draw_says_whether_it_won() {
    let opening = Opening {
        winners: Some(4),
        ..Opening::small()
    };
    let mut won = 0;
    for index in 0..12 {
        let asked = Asked {
            index: Some(index),
            ..asked()
        };
        let place = judge_value(&opening.audit(), &asked).place.unwrap();
        assert_eq!(place.won, Some(opening.position(index) <= 4));
        won += u32::from(place.won.unwrap());
    }
    assert_eq!(won, 4);
}
