//! `tidegate verify` on files.

use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::audits::{Opening, jwks, own_chain};
use crate::run::{Ran, run, tidegate};

/// Files of a test.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn file(&self, name: &str, value: &Value) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, value.to_string()).unwrap();
        path
    }
}

/// Verifies a file; an argument that begins with '@' is the folder's file of that name.
fn verify(folder: &Folder, args: &[&str]) -> Ran {
    let mut command = tidegate(["verify"]);
    for arg in args {
        match arg.strip_prefix('@') {
            Some(name) => command.arg(folder.path(name)),
            None => command.arg(arg),
        };
    }
    run(&mut command)
}

fn with_audit(opening: &Opening) -> Folder {
    let folder = Folder::new();
    folder.file("audit", &opening.audit());
    folder.file("jwks", &jwks());
    folder
}

#[test]
fn a_good_audit_is_verified_line_by_line() {
    let folder = with_audit(&Opening::small().with_quicknet());
    let text = verify(&folder, &["@audit", "--jwks", "@jwks"]).ok();
    let lines: Vec<_> = text.lines().collect();
    let names = [
        "format",
        "statement",
        "key",
        "commitment",
        "groups",
        "root",
        "beacon",
        "seed",
        "places",
    ];
    for (line, name) in lines.iter().zip(names) {
        let mut words = line.split_whitespace();
        assert_eq!(
            (words.next(), words.next()),
            (Some("ok"), Some(name)),
            "{line}"
        );
    }
    assert_eq!(lines[names.len()..][..2], ["", "VERIFIED"]);
}

#[test]
fn an_audit_can_come_from_stdin() {
    let mut command = tidegate(["verify", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let audit = Opening::small().audit().to_string();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(audit.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && text.contains("\nVERIFIED\n"),
        "{text}"
    );
    assert!(text.contains("\nnot checked  key "), "{text}");
    assert!(
        text.contains("\nMind: the order rests on the operator's secret alone"),
        "{text}"
    );
}

#[test]
fn what_failed_is_named_in_the_verdict_and_by_the_exit_code() {
    let folder = with_audit(&Opening::small());
    let mut audit = Opening::small().audit();
    audit["seed"] = "11".repeat(32).into();
    folder.file("audit", &audit);
    let ran = verify(&folder, &["@audit"]);
    assert!(
        ran.stdout.contains("\nFAILED       seed "),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("\nFAILED: statement, seed\n"),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("VERIFIED"));
    assert_eq!(
        ran.refused(1),
        "error: the audit was not verified: statement, seed\n"
    );
}

#[test]
fn what_is_no_audit_fails_and_what_cannot_be_read_is_misuse() {
    let folder = with_audit(&Opening::small());
    for (bytes, named) in [
        (&b""[..], "EOF"),
        (b"<html>", "expected value"),
        (b"\xff\xfe", "expected value"),
        (b"{}", "missing field"),
        (
            b"{\"format\":2,\"more\":[]}",
            "format: 2, and this reads format 1",
        ),
    ] {
        std::fs::write(folder.path("other"), bytes).unwrap();
        let ran = verify(&folder, &["@other"]);
        assert!(ran.stdout.contains(named), "{}", ran.stdout);
        assert!(ran.stdout.ends_with("\nFAILED: format\n"), "{}", ran.stdout);
        ran.refused(1);
    }
    for args in [
        &["@none"][..],
        &["@audit", "--receipt", "@none"],
        &["@audit", "--proof", "@none"],
        &["@audit", "--chain", "@none"],
        &["@audit", "--jwks", "@none"],
        &["@audit", "--places", "@none/places"],
        &["@audit", "--save", "@none/audit"],
        // What is there, and is another thing.
        &["@audit", "--chain", "@audit"],
        &["@audit", "--jwks", "@audit"],
        &["@audit", "--commitment", "11"],
        &["@audit", "--index", "12"],
        &["@audit", "--index", "-1"],
        &["http://shop.example/v1/queues/lamp/audit"],
        &[
            "@audit",
            "--jwks",
            "http://shop.example/.well-known/jwks.json",
        ],
        &[],
    ] {
        let ran = verify(&folder, args);
        assert_eq!(ran.stdout, "", "{args:?}");
        assert_eq!(ran.code, 2, "{args:?}: {}", ran.stderr);
    }
}

#[test]
fn every_place_is_written_and_one_is_told() {
    let opening = Opening::new(&[(0, 0, 1, 700), (1, 0, 1, 301)]);
    let folder = with_audit(&opening);
    let ran = verify(
        &folder,
        &["@audit", "--places", "@places", "--index", "1000"],
    );
    let text = ran.ok();
    let places: Vec<u64> =
        serde_json::from_slice(&std::fs::read(folder.path("places")).unwrap()).unwrap();
    let expected: Vec<u64> = (0..1_001).map(|index| opening.position(index)).collect();
    assert_eq!(places, expected);
    let told = format!("\nIndex 1000 stands at position {}.\n", expected[1_000]);
    assert!(text.contains(&told), "{text}");
}

#[test]
fn nobody_entered_and_the_places_are_an_empty_list() {
    let folder = with_audit(&Opening::new(&[]));
    verify(&folder, &["@audit", "--places", "@places"]).ok();
    assert_eq!(
        std::fs::read_to_string(folder.path("places")).unwrap(),
        "[]\n"
    );
}

#[test]
fn places_that_rest_on_nothing_are_not_written() {
    let folder = with_audit(&Opening::small());
    let mut audit = Opening::small().audit();
    audit["seed"] = "11".repeat(32).into();
    folder.file("audit", &audit);
    let ran = verify(&folder, &["@audit", "--places", "@places"]);
    assert!(
        ran.stdout.contains("FAILED: statement, seed"),
        "{}",
        ran.stdout
    );
    assert!(ran.refused(1).contains("were not computed"));
    assert!(!folder.path("places").exists());
}

#[test]
fn a_receipt_is_found_in_the_log_or_shows_that_it_was_left_out() {
    let opening = Opening::small();
    let folder = with_audit(&opening);
    folder.file("mine", &opening.receipt(1, 2));
    folder.file("yours", &opening.receipt(0, 4));
    folder.file("proof", &opening.proof(1, 2));
    let all = [
        "@audit",
        "--receipt",
        "@mine",
        "--receipt",
        "@yours",
        "--proof",
        "@proof",
    ];
    let text = verify(&folder, &all).ok();
    assert_eq!(text.matches("\nok           receipt ").count(), 2, "{text}");
    assert_eq!(text.matches("\nok           proof ").count(), 1, "{text}");

    let mut without = opening.clone();
    without.groups.remove(1);
    folder.file("audit", &without.audit());
    let ran = verify(&folder, &["@audit", "--receipt", "@mine"]);
    assert!(
        ran.stdout.ends_with("\nFAILED: receipt\n") || ran.stdout.contains("\nFAILED: receipt\n")
    );
    assert!(
        ran.stdout.contains("The shop left an entry out"),
        "{}",
        ran.stdout
    );
    ran.refused(1);
}

#[test]
fn a_chain_has_to_be_given_to_be_trusted() {
    let folder = with_audit(&Opening::small().with_own_chain());
    folder.file("chain", &own_chain());
    verify(&folder, &["@audit", "--chain", "@chain"]).ok();
    let ran = verify(&folder, &["@audit"]);
    assert!(ran.stdout.contains("\nFAILED: beacon\n"), "{}", ran.stdout);
    ran.refused(1);
}

#[test]
fn the_report_is_json_where_that_is_asked_for() {
    let opening = Opening {
        winners: Some(4),
        ..Opening::small()
    };
    let folder = with_audit(&opening);
    let text = verify(&folder, &["@audit", "--json", "--index", "3"]).ok();
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["verified"], json!(true));
    assert_eq!(report["failed"], json!([]));
    let position = opening.position(3);
    let place = json!({"index": 3, "position": position, "won": position <= 4});
    assert_eq!(report["place"], place);
    assert_eq!(report["checks"][2]["outcome"], json!("notChecked"));

    folder.file("audit", &json!({}));
    let ran = verify(&folder, &["@audit", "--json"]);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["failed"], json!(["format"]));
    ran.refused(1);
}
