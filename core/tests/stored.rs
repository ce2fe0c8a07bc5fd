//! What is stored is read whichever version wrote it: one of before, and a later one that was
//! rolled back.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be"
)]

use std::{env, fs};

use serde_json::{Value, json};
use tidegate_core::calls::{LaneName, RelayName};
use tidegate_core::fair::Fresh;
use tidegate_core::ids::Epoch;
use tidegate_core::lane;
use tidegate_core::queue::machine::Stored;
use tidegate_core::queue::rows::ClaimRow;
use tidegate_core::queue::{Answer, Claim, ClaimState, Event, Head, Machine, handle};

const NOW: u64 = 1_800_000_000_000;

/// What to do when a row is not what it was.
const REMEDY: &str = "A queue's row has changed, and its object must read what the version before wrote.
A new field has #[serde(default)]. If a release holds the row as it was, keep its file under another
name and read it in this test. Give new fields a value in core/tests/golden/stored/head.json, and run
BLESS=1 cargo test -p tidegate-core --test stored";

fn golden(name: &str) -> String {
    let row = fs::read_to_string(path(name)).unwrap();
    row.trim_end().to_owned()
}

fn path(name: &str) -> String {
    format!(
        "{}/tests/golden/stored/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    )
}

fn value(row: &str) -> Value {
    serde_json::from_str(row).unwrap()
}

#[test]
fn a_row_is_written_as_it_was() {
    let row = golden("head");
    let head = Head::read(&row).unwrap_or_else(|error| panic!("{error}\n{REMEDY}"));
    let now = head.row().unwrap();
    if env::var_os("BLESS").is_some() {
        fs::write(path("head"), format!("{now}\n")).unwrap();
    } else {
        assert!(now == row, "{REMEDY}\nNow it is\n{now}");
    }
    // A field that is as in a new queue might be left out unseen.
    let fresh = Fresh::known(Epoch::from_bytes([1; 16]));
    let new = Head::new("demo".parse().unwrap(), head.config.clone(), fresh, 5);
    let (new, all) = (value(&new.row().unwrap()), value(&row));
    for (name, as_new) in new.as_object().unwrap() {
        let may_be = [
            "format",
            "id",
            "config",
            "epoch",
            "chain",
            "secret",
            "keepsGone",
        ];
        let differs = all[name] != *as_new;
        assert!(
            differs || may_be.contains(&name.as_str()),
            "{name}\n{REMEDY}"
        );
    }
}

#[test]
fn the_first_row_there_was_is_read_with_the_defaults_of_what_it_lacks() {
    let head = Head::read(&golden("head-first")).unwrap();
    let counts = (head.entered, head.boarding, head.waiting(), head.line());
    assert_eq!(counts, (7, 4, 3, 3));
    assert_eq!(
        (head.relays, head.watching.len()),
        (1, 0),
        "before there were sockets"
    );
    assert_eq!(
        (head.left_unplaced, head.keeps_gone),
        (0, false),
        "before there were stretches"
    );
    assert_eq!(
        head.opened,
        Some(tidegate_core::queue::head::Opened::default())
    );
    // When that was every queue's: its checkout verifies by it.
    assert_eq!(head.config.audience, "checkout");
    assert_eq!(Head::read(&head.row().unwrap()).unwrap(), head);
}

/// A row as a later version might write it: there is more in each object.
fn of_a_later_version(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(of_a_later_version);
            fields.insert("later".into(), json!({"depth": 3}));
        }
        Value::Array(list) => list.iter_mut().for_each(of_a_later_version),
        _ => {}
    }
}

#[test]
fn a_row_that_a_later_version_wrote_is_read_and_written_with_what_its_operator_said() {
    let row = golden("head");
    let mut later = value(&row);
    of_a_later_version(&mut later);
    let mut head = Head::read(&later.to_string()).unwrap();
    let again = value(&head.row().unwrap());
    assert_eq!(again["config"], later["config"]);
    let mut expected = value(&row);
    expected["config"] = later["config"].clone();
    assert_eq!(
        again, expected,
        "no count of a machine that did not keep it"
    );
    head.unserved.clear();
    assert_eq!(head, Head::read(&row).unwrap());
}

fn rolled_back() -> Machine {
    let mut row = value(&golden("head-first"));
    row["config"]["doors"] = json!([{"name": "vip"}]);
    row["config"]["product"] = json!({"name": "Lamp", "path": "/lamp", "video": "/film"});
    let head = Head::read(&row.to_string()).unwrap();
    Machine::restore(head, Stored::default())
}

/// The configuration that is stored after an event, and what its operator is told.
fn stored_after(machine: &mut Option<Machine>, event: Event) -> (Value, String) {
    let said = handle(machine, event, None, NOW).answer;
    let row = machine.as_ref().unwrap().head().row().unwrap();
    let told = match said {
        Ok(Answer::Report(report)) => report["remarks"].to_string(),
        Ok(other) => panic!("{other:?}"),
        Err(problem) => problem.detail,
    };
    (value(&row)["config"].clone(), told)
}

fn fresh() -> Fresh {
    Fresh::known(Epoch::from_bytes([2; 16]))
}

#[test]
fn what_a_later_version_stored_outlives_all_but_its_replacement() {
    let patch = |patch: Value| Event::Patch {
        patch,
        fresh: fresh(),
    };
    let mut machine = Some(rolled_back());
    let doors = json!([{"name": "vip"}]);
    let (config, told) = stored_after(&mut machine, patch(json!({"maxActive": 9})));
    assert_eq!(
        (&config["doors"], &config["maxActive"]),
        (&doors, &json!(9))
    );
    assert_eq!(config["product"]["video"], "/film");
    assert!(told.contains("doors") && told.contains("product"), "{told}");

    let (config, _) = stored_after(&mut machine, Event::Reset { fresh: fresh() });
    assert_eq!(config["doors"], doors);

    let (config, told) = stored_after(&mut machine, patch(json!({"doors": []})));
    assert!(told.contains("unknown field `doors`"), "{told}");
    assert_eq!(config["doors"], doors);

    let (config, _) = stored_after(&mut machine, patch(json!({"product": null})));
    assert_eq!(
        (&config["doors"], &config["product"]),
        (&doors, &Value::Null)
    );

    let put = |config: Value| Event::Put {
        id: "demo".parse().unwrap(),
        config,
        fresh: fresh(),
    };
    let (config, _) = stored_after(&mut machine, put(json!({"maxActive": 0})));
    assert_eq!(config["doors"], doors, "a refused one changes nothing");
    let (config, told) = stored_after(&mut machine, put(json!({"maxActive": 8})));
    assert_eq!(config.get("doors"), None);
    assert!(!told.contains("doors"), "{told}");
}

#[test]
fn a_row_of_another_format_is_refused_by_name() {
    for format in [json!(2), json!(0), json!("1"), Value::Null] {
        let mut row = value(&golden("head"));
        row["format"] = format.clone();
        let refused = Head::read(&row.to_string()).unwrap_err().to_string();
        assert!(
            refused.contains("format") && refused.contains("deploy"),
            "{refused}"
        );
    }
}

fn claim_row() -> Value {
    json!({"ticket": 7, "position": 3, "shopper": "05".repeat(16), "state": "redeemed",
        "claimed_at": 1, "admitted_at": 2, "redeemed_at": 3, "ends_at": null, "idempotency_key": "order-7"})
}

fn claim(row: &Value) -> Result<Claim, String> {
    let row: ClaimRow = serde_json::from_value(row.clone()).unwrap();
    row.try_into()
}

#[test]
fn a_record_is_read_with_columns_that_a_later_version_added() {
    let plain = claim(&claim_row()).unwrap();
    assert_eq!(
        (plain.index, plain.position, plain.state),
        (7, 3, ClaimState::Redeemed)
    );
    assert_eq!((plain.admitted_at, plain.ends_at), (Some(2), None));
    let mut row = claim_row();
    row["door"] = json!("vip");
    assert_eq!(claim(&row), Ok(plain));
}

/// As if there were none, its ticket would be admitted once more.
#[test]
fn a_record_in_a_state_that_is_not_known_is_refused() {
    for (column, said) in [("state", "invited"), ("shopper", "somebody")] {
        let mut row = claim_row();
        row[column] = json!(said);
        let refused = claim(&row).unwrap_err();
        assert!(
            refused.contains("ticket 7") && refused.contains(said),
            "{refused}"
        );
    }
}

#[test]
fn the_names_that_lanes_and_relays_keep_are_read_whoever_wrote_them() {
    let epoch = Epoch::from_bytes([1; 16]);
    let (first, id) = (
        r#"{"queue":"demo","epoch":"01010101010101010101010101010101","number":3}"#,
        "demo",
    );
    let name = LaneName {
        queue: id.parse().unwrap(),
        epoch,
        number: 3,
    };
    assert_eq!(lane::rows::read(first).unwrap(), name);
    let row = lane::rows::row(&name).unwrap();
    assert_eq!(
        row,
        r#"{"epoch":"01010101010101010101010101010101","format":1,"number":3,"queue":"demo"}"#
    );
    let later = row.replace(r#""number""#, r#""door":"vip","number""#);
    assert_eq!(lane::rows::read(&later).unwrap(), name);
    let refused = lane::rows::read(&row.replace(r#""format":1"#, r#""format":2"#)).unwrap_err();
    assert!(refused.to_string().contains("format 2"), "{refused}");
    // A hibernating socket keeps it as its tag, which has little room.
    let relay = RelayName {
        queue: id.parse().unwrap(),
        epoch,
        number: 3,
    };
    assert_eq!(serde_json::to_string(&relay).unwrap(), first);
    let later = first.replace(r#""number""#, r#""door":"vip","number""#);
    assert_eq!(serde_json::from_str::<RelayName>(&later).unwrap(), relay);
}
