//! Tests.

use crate::history::*;

const QUEUE: &str = r#"{"type":"queue","alone":true,"limits":{"maxActive":2,"handoffSeconds":5}}"#;

fn refused(lines: &str) -> String {
    History::read(lines).unwrap_err().to_string()
}

#[test]
fn a_history_is_read_as_it_was_written() {
    let lines = [
        QUEUE,
        r#"{"type":"start","snapshot":{"active":1,"more":{}},"held":[]}"#,
        r#"{"type":"call","verb":"enter","entry":"a","sent":1795000000000.25}"#,
        r#"{"type":"call","verb":"enter","entry":"a","sent":1795000000001,"answered":1795000000002.001,"status":200,"index":3}"#,
        r#"{"type":"audit","sent":5,"before":{"phase":"open"},"admissions":[{"admissionId":"01010101010101010101010101010101-4","state":"admitted"}]}"#,
        r#"{"type":"snapshot","version":4}"#,
        "",
        r#"{"type":"asked","relay":true,"number":1,"at":7}"#,
    ];
    let history = History::read(&lines.join("\n")).unwrap();
    assert_eq!(history.calls[0].sent, Micros(1_795_000_000_000_250));
    assert_eq!(history.calls[1].said.index, Some(3));
    assert_eq!(history.audits[0].admissions.as_ref().unwrap()[0].place(), 4);
    assert_eq!(history.queue.limits.max_active, Some(2));
    let again = History::read(&history.write()).unwrap();
    assert_eq!(format!("{again:?}"), format!("{history:?}"));
}

#[test]
fn a_line_that_is_none_is_named_by_its_number_and_what_it_lacks() {
    let call = r#"{"type":"call","verb":"enter","sent":1}"#;
    assert_eq!(
        refused(&format!("{QUEUE}\n\n{call}")),
        "line 3: missing field `entry`"
    );
    for (line, why) in [
        ("{", "EOF"),
        (
            r#"{"type":"call","verb":"steal","entry":"a","sent":1}"#,
            "steal",
        ),
        (
            r#"{"type":"call","verb":"enter","entry":"a","sent":-1}"#,
            "milliseconds since 1970",
        ),
        (
            r#"{"type":"call","verb":"enter","entry":"a","sent":1,"status":200}"#,
            "or neither",
        ),
        (
            r#"{"type":"call","verb":"enter","entry":"a","sent":2,"answered":1,"status":200}"#,
            "before",
        ),
        (r#"{"type":"else"}"#, "else"),
        (QUEUE, "is the first"),
    ] {
        let refusal = refused(&format!("{QUEUE}\n{line}"));
        assert!(
            refusal.starts_with("line 2: ") && refusal.contains(why),
            "{refusal}"
        );
    }
}

#[test]
fn a_history_without_its_queue_is_refused() {
    assert!(refused("").contains("empty"));
    assert!(refused(r#"{"type":"snapshot"}"#).starts_with("line 1: the line of type"));
}
