//! Whatever is altered, somebody notices, and says where.

use serde_json::{Value, json};

use super::super::audits::Opening;
use super::super::checks::Asked;
use super::{asked, faults, judge, judge_value, signed_anew};

/// What a byte is altered to.
const OTHERS: &[u8] = b"0f9Ae\"-.,[]{}: \\nt\xff";

/// The name of the field of the outermost object that the byte at `at` is in.
fn field_at(text: &str, at: usize) -> &str {
    let (mut depth, mut field, mut word) = (0_u32, "", 0);
    let (mut quoted, mut names) = (false, true);
    for (place, byte) in text.bytes().enumerate() {
        if place > at && !(names && quoted) {
            break;
        }
        match byte {
            b'"' => {
                quoted = !quoted;
                if quoted {
                    word = place + 1;
                } else if names && depth == 1 {
                    field = &text[word..place];
                }
            }
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth -= 1,
            b':' if !quoted && depth == 1 => names = false,
            b',' if !quoted && depth == 1 => names = true,
            _ => {}
        }
    }
    field
}

/// Whether a fault names the field, or the place in the text, or what is left of the field's name.
fn is_named(fault: &str, field: &str, altered: &[u8], at: usize) -> bool {
    let column = fault
        .rsplit_once("column ")
        .and_then(|(_, column)| column.parse::<usize>().ok());
    let lossy = String::from_utf8_lossy(altered);
    let renamed = fault
        .split('`')
        .nth(1)
        .is_some_and(|name| !name.is_empty() && lossy.contains(name));
    (!field.is_empty() && fault.contains(field))
        || renamed
        || column.is_some_and(|column| column.abs_diff(at) < 100)
}

fn alter_every_byte(opening: &Opening, within: impl Fn(&str) -> bool) {
    let text = opening.audit().to_string();
    // Nothing but the audit tells.
    let asked = Asked::default();
    let mut altered_bytes = 0;
    for at in 0..text.len() {
        let field = field_at(&text, at);
        if !within(field) {
            continue;
        }
        // All of them at each byte would take minutes.
        for other in OTHERS.iter().cycle().skip(at % OTHERS.len()).take(4) {
            let mut bytes = text.clone().into_bytes();
            if bytes[at] == *other {
                continue;
            }
            bytes[at] = *other;
            let faults = faults(&judge(&bytes, &asked));
            let shown = String::from_utf8_lossy(&bytes);
            assert!(!faults.is_empty(), "byte {at}, in {field}: {shown}");
            assert!(
                faults
                    .iter()
                    .any(|fault| is_named(fault, field, &bytes, at)),
                "byte {at}, in {field}: {faults:?}: {shown}"
            );
            altered_bytes += 1;
        }
    }
    assert!(altered_bytes > 0);
}

#[test]
fn every_altered_byte_of_an_audit_is_noticed_and_named() {
    alter_every_byte(&Opening::new(&[(0, 0, 2, 2), (1, 7, 1, 1)]), |_| true);
}

#[test]
fn every_altered_byte_of_a_beacon_is_noticed_and_named() {
    let opening = Opening::new(&[(0, 0, 2, 2)]).with_quicknet();
    alter_every_byte(&opening, |field| field == "beacon");
}

#[test]
fn a_field_that_is_missing_unknown_or_twice_is_named() {
    let audit = Opening::small().with_quicknet().audit();
    for (place, name) in [
        ("", "iat"),
        ("", "Epoch"),
        ("/beacon", "kind"),
        ("/epochs/0", "kind"),
        ("/groups/2", "count"),
        ("/key", "d"),
    ] {
        let mut altered = audit.clone();
        altered.pointer_mut(place).unwrap()[name] = json!(1);
        let faults = faults(&judge_value(&altered, &asked()));
        assert!(
            faults[0].contains(&format!("unknown field `{name}`")),
            "{faults:?}"
        );
    }
    for place in ["", "/beacon", "/epochs/0", "/groups/2", "/key"] {
        let object = audit.pointer(place).unwrap().as_object().unwrap();
        for name in object.keys() {
            let mut altered = audit.clone();
            let fields = altered.pointer_mut(place).unwrap().as_object_mut().unwrap();
            let value = fields.remove(name).unwrap();
            let faults_found = faults(&judge_value(&altered, &asked()));
            let missing = faults_found[0].contains(&format!("missing field `{name}`"));
            assert!(missing, "{place}: {faults_found:?}");
            let twice = audit.to_string().replacen(
                &format!("\"{name}\":{value}"),
                &format!("\"{name}\":{value},\"{name}\":{value}"),
                1,
            );
            let faults_found = faults(&judge(twice.as_bytes(), &asked()));
            let named = faults_found[0].contains(&format!("duplicate field `{name}`"));
            assert!(named, "{place}: {faults_found:?}");
        }
    }
}

#[test]
fn a_value_of_another_shape_is_named_by_its_place() {
    let audit = Opening::small().with_quicknet().audit();
    let upper = |place: &str| {
        json!(
            audit
                .pointer(place)
                .unwrap()
                .as_str()
                .unwrap()
                .to_uppercase()
        )
    };
    for (place, named, value) in [
        ("/groups/2/root", "groups[2].root", upper("/groups/2/root")),
        ("/beacon/chain", "beacon.chain", upper("/beacon/chain")),
        ("/seed", "seed", upper("/seed")),
        ("/epochs/0/epoch", "epochs[0].epoch", json!("0")),
        ("/groups/1/lane", "groups[1].lane", json!(65_536)),
        ("/groups/1/sequence", "groups[1].sequence", json!(-1)),
        ("/groups/1/first", "groups[1].first", json!("5")),
        ("/groups/1/granted", "groups[1].granted", json!(3.0)),
        ("/entrants", "entrants", Value::Null),
        ("/entrants", "entrants", json!((1_u64 << 40) + 1)),
        ("/winners", "winners", json!(3)),
        ("/pages", "pages", json!(0)),
        ("/earlierEpochs", "epochs", json!(2)),
        ("/queueId", "queueId", json!("Lamp")),
        ("/access", "access", json!("Queue")),
        ("/algorithm", "algorithm", json!("tidegate/shuffle/v2")),
        ("/format", "format", json!(2)),
        ("/key/crv", "key.crv", json!("X25519")),
        ("/key/x", "key.x", json!("AA")),
        ("/groups", "groups", Value::Null),
        ("/statement", "statement", Value::Null),
    ] {
        let mut altered = audit.clone();
        *altered.pointer_mut(place).unwrap() = value;
        let faults = faults(&judge_value(&signed_anew(altered), &asked()));
        let statement = place == "/statement";
        assert!(
            statement || faults[0].starts_with(&format!("format: {named}:")),
            "{place}: {faults:?}"
        );
    }
    let mut altered = audit.clone();
    altered["statement"] = Value::Null;
    assert!(faults(&judge_value(&altered, &asked()))[0].starts_with("format: statement:"));
}

#[test]
fn a_number_that_is_written_otherwise_is_refused() {
    let text = Opening::small().audit().to_string();
    for other in ["12.0", "1.2e1", "012", "+12", "\"12\"", "0x0c", "12 1"] {
        let altered = text.replace("\"entrants\":12", &format!("\"entrants\":{other}"));
        assert_ne!(altered, text);
        let faults = faults(&judge(altered.as_bytes(), &asked()));
        assert!(faults[0].starts_with("format: "), "{other}: {faults:?}");
    }
    for (there, other) in [
        ("\"pages\":1", "\"pages\":1e0"),
        ("\"earlierEpochs\":1", "\"earlierEpochs\":-0"),
    ] {
        let faults = faults(&judge(text.replace(there, other).as_bytes(), &asked()));
        assert!(faults[0].starts_with("format: "), "{other}: {faults:?}");
    }
    for tail in ["{}", "1", "]", ",", "\0"] {
        let faults = faults(&judge(format!("{text}{tail}").as_bytes(), &asked()));
        assert!(
            faults[0].starts_with("format: trailing"),
            "{tail}: {faults:?}"
        );
    }
}

#[test]
fn a_fact_that_the_statement_says_otherwise_is_named() {
    let audit = Opening::small().audit();
    for (place, value) in [
        ("/openedAt", json!(1)),
        ("/earlierEpochs", json!(1)),
        ("/epochs/0/entered", json!(8)),
        ("/queueId", json!("lamp2")),
    ] {
        let mut altered = audit.clone();
        *altered.pointer_mut(place).unwrap() = value.clone();
        if altered == audit {
            continue;
        }
        let named = place[1..].replace("/0/", "[0].");
        let faults = faults(&judge_value(&altered, &asked()));
        assert_eq!(
            faults,
            [format!("statement: it says something else: {named}")]
        );
    }
}
