//! Every way to break a promise is fed to the checker and must be found; a correct history must not be.

mod admissions;
mod entries;
mod records;

use tidegate_core::ids::{AdmissionId, Epoch};

use super::*;
use crate::load::ticket::Place;

const SECOND: Micros = 1_000_000;
const EPOCH: Epoch = Epoch::from_bytes([1; 16]);

fn rules() -> Rules {
    Rules {
        max_active: Some(2),
        rate_per_minute: Some(3),
        max_admissions: Some(4),
        handoff: 120 * SECOND,
        session: 600 * SECOND,
    }
}

fn unlimited() -> Rules {
    Rules {
        max_active: None,
        rate_per_minute: None,
        max_admissions: None,
        ..rules()
    }
}

/// A checker of a queue that nobody has been admitted to.
fn checker_of(rules: Rules) -> Checker {
    Checker::new(rules, Start::default())
}

fn place(index: u64) -> Place {
    Place {
        epoch: EPOCH,
        index,
        position: Some(index),
    }
}

/// Enters shoppers 0, 1, 2 … one after the other, who are given these indices.
fn enter(checker: &Checker, indices: &[u64]) {
    for (shopper, index) in (0..).zip(indices) {
        checker.entries(|entries, found| {
            let floor = entries.asks();
            entries.entered(shopper, floor, place(*index), Some(index + 1), found);
        });
    }
}

fn id(index: u64) -> AdmissionId {
    AdmissionId {
        epoch: EPOCH,
        index,
    }
}

/// A shopper, whose number is their place, claims and is admitted, both at `at`.
fn admit(checker: &Checker, shopper: ShopperNumber, at: Micros) {
    let index = u64::from(shopper);
    checker.admissions(|admissions, found| {
        admissions.claims(shopper, index, index, at);
        admissions.granted(shopper, &id(index).to_string(), at + 1, found);
    });
}

fn wait(checker: &Checker, shopper: ShopperNumber, at: Micros) {
    let index = u64::from(shopper);
    checker.admissions(|admissions, found| {
        admissions.claims(shopper, index, index, at);
        admissions.waits(shopper, at, at + 1, found);
    });
}

fn complete(checker: &Checker, shopper: ShopperNumber, at: Micros) {
    checker.admissions(|admissions, found| {
        admissions.redeemed(shopper, at);
        admissions.ends(shopper);
        admissions.completed(at, found);
    });
}

fn record(index: u64, state: &str, admitted_at: Option<u64>, expires_at: Option<u64>) -> Record {
    Record {
        admission_id: id(index),
        state: state.to_owned(),
        admitted_at,
        redeemed_at: admitted_at,
        expires_at,
    }
}

#[track_caller]
fn assert_found(findings: &Findings, expected: &[Invariant]) {
    let found: Vec<Invariant> = findings.violations.iter().map(|v| v.invariant).collect();
    assert_eq!(found, expected, "{:?}", findings.violations);
}

#[test]
fn a_correct_history_is_beyond_reproach() {
    let checker = checker_of(rules());
    enter(&checker, &[0, 1, 2, 3]);
    admit(&checker, 0, SECOND);
    admit(&checker, 1, SECOND);
    wait(&checker, 3, 2 * SECOND);
    wait(&checker, 2, 3 * SECOND);
    complete(&checker, 0, 4 * SECOND);
    admit(&checker, 2, 5 * SECOND);
    wait(&checker, 3, 6 * SECOND);
    complete(&checker, 1, 7 * SECOND);
    complete(&checker, 2, 7 * SECOND);
    // 59 s after the first, and so not surely within a minute of it.
    wait(&checker, 3, 61 * SECOND);
    admit(&checker, 3, 62 * SECOND);
    let records = [
        record(0, "completed", Some(1_000), Some(4_000)),
        record(1, "completed", Some(1_000), Some(7_000)),
        record(2, "completed", Some(4_000), Some(7_000)),
        record(3, "redeemed", Some(61_000), Some(661_000)),
    ];
    let findings = checker.finish(true, Some(4), Some(&records));
    assert_found(&findings, &[]);
    assert_eq!(findings.count(), 0);
    assert!(
        findings
            .observations
            .iter()
            .filter(|(_, seen)| *seen > 0)
            .count()
            >= 4
    );
}

#[test]
fn all_violations_are_counted_and_the_first_are_kept() {
    let checker = checker_of(unlimited());
    for shopper in 0..100 {
        checker.admissions(|admissions, found| admissions.redeemed_again(shopper, 200, found));
    }
    let findings = checker.finish(true, None, None);
    assert_eq!((findings.count(), findings.violations.len()), (100, KEPT));
}

#[test]
fn what_was_concluded_from_other_limits_can_be_taken_back() {
    let checker = checker_of(rules());
    enter(&checker, &[1, 0]);
    checker.admissions(|admissions, found| admissions.says_active(2, 3, found));
    let mut findings = checker.finish(true, None, None);
    findings.take_back(Invariant::NeverOverAdmitted);
    assert_eq!(findings.count_of(Invariant::NeverOverAdmitted), 0);
    assert_found(&findings, &[Invariant::RealTimeOrder]);
}
