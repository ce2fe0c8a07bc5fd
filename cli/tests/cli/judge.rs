//! `tidegate judge`.

use std::io::Write;
use std::process::Stdio;

use crate::run::{run, tidegate};

const QUEUE: &str = r#"{"type":"queue","alone":true,"limits":{"maxActive":1}}"#;

fn enter(entry: &str, index: u64, sent: u64) -> String {
    let answered = sent + 5;
    format!(
        r#"{{"type":"call","verb":"enter","entry":"{entry}","sent":{sent},"answered":{answered},"status":200,"index":{index},"position":{index}}}"#
    )
}

/// Whether a line of these words is there, however far apart they stand.
fn has_row(text: &str, words: &str) -> bool {
    let words: Vec<&str> = words.split(' ').collect();
    text.lines()
        .any(|line| line.split_whitespace().eq(words.iter().copied()))
}

fn history(lines: &[String]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{QUEUE}\n{}", lines.join("\n")).unwrap();
    file
}

#[test]
fn a_good_history_passes_and_says_what_was_seen() {
    let file = history(&[enter("a", 0, 10), enter("b", 1, 20)]);
    let said = run(tidegate(["judge"]).arg(file.path())).ok();
    assert!(has_row(&said, "1 unique and dense 2 kept"), "{said}");
    assert!(said.contains("nothing seen"), "{said}");
}

#[test]
fn what_is_broken_is_named_with_its_evidence_in_text_and_in_json() {
    let file = history(&[enter("a", 1, 10), enter("b", 0, 20)]);
    let ran = run(tidegate(["judge"]).arg(file.path()));
    assert!(
        has_row(&ran.stdout, "2 real-time order 1 BROKEN 1 times"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("broken: 2 real-time order: entry b"),
        "{}",
        ran.stdout
    );
    assert!(ran.refused(1).contains("promises broken: 1"));
    let ran = run(tidegate(["judge", "--json"]).arg(file.path()));
    let said: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(said["violations"][0]["invariant"], "realTimeOrder");
    assert_eq!(said["invariants"][1]["violations"], 1);
}

#[test]
fn stdin_is_read_where_the_file_is_a_dash() {
    let mut child = tidegate(["judge", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{QUEUE}").unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
}

#[test]
fn what_is_no_history_is_refused_with_the_line_and_the_cause() {
    let file = history(&[
        enter("a", 0, 10),
        String::from(r#"{"type":"call","verb":"enter"}"#),
    ]);
    let refusal = run(tidegate(["judge"]).arg(file.path())).refused(1);
    assert!(
        refusal.contains("line 3: missing field `entry`"),
        "{refusal}"
    );
    let refusal = run(&mut tidegate(["judge", "/no/such/file"])).refused(1);
    assert!(refusal.contains("/no/such/file"), "{refusal}");
    run(&mut tidegate(["judge"])).refused(2);
}
