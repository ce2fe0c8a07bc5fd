//! `tidegate load --sockets` against what stands in for the live sockets. How long things took is
//! measured there and not judged here.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::run::{Ran, run, tidegate};
use crate::stand_in_live::{Manners, StandInLive};

const SOCKETS: u64 = 40;

fn load(stand_in: &StandInLive, options: &[&str]) -> (Ran, Value) {
    let ran = run(tidegate(["load", "--url", &stand_in.url, "--json", "-"])
        .args(["--shoppers", "0", "--sockets", "40"])
        .args(["--connect-p99", "60s", "--push-p99", "60s"])
        .args(options));
    let report = serde_json::from_str(&ran.stdout).unwrap();
    (ran, report)
}

fn step(report: &Value, name: &str) -> Value {
    let steps = report["steps"].as_array().unwrap();
    steps
        .iter()
        .find(|step| step["name"] == name)
        .unwrap()
        .clone()
}

#[test]
fn every_socket_hears_every_notice() {
    let stand_in = StandInLive::with(Manners::default());
    let (ran, report) = load(&stand_in, &["--notices", "2"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(report["sockets"]["connected"], SOCKETS);
    assert_eq!(report["sockets"]["drops"], 0);
    assert_eq!(step(&report, "socket connect")["count"], SOCKETS);
    assert_eq!(step(&report, "push")["count"], 2 * SOCKETS);
    assert_eq!(step(&report, "push")["success"], 1.0);
}

#[test]
fn sockets_that_hear_nothing_are_missed() {
    let stand_in = StandInLive::with(Manners {
        deaf: 4,
        ..Manners::default()
    });
    let (ran, report) = load(&stand_in, &["--notices", "1"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(step(&report, "push")["success"], 0.9);
    assert!(report["passed"] == false);
}

#[test]
fn where_a_relay_is_full_sockets_go_to_another() {
    let stand_in = StandInLive::with(Manners {
        relays: 3,
        ..Manners::default()
    });
    let (ran, report) = load(&stand_in, &["--notices", "1"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(report["sockets"]["connected"], SOCKETS);
    assert!(report["sockets"]["refusedByFullRelays"].as_u64().unwrap() >= SOCKETS);
}

#[test]
fn sockets_that_drop_come_back() {
    let stand_in = StandInLive::with(Manners {
        drops: 10,
        ..Manners::default()
    });
    let (_, report) = load(&stand_in, &["--notices", "3"]);
    assert_eq!(report["sockets"]["connected"], SOCKETS);
    assert_eq!(report["sockets"]["drops"], 10);
    assert_eq!(report["sockets"]["upAtTheEnd"], SOCKETS);
    assert_eq!(stand_in.upgrades(), 50);
}

#[test]
fn a_storm_of_changes_is_made_in_full_and_its_last_comes_last() {
    let stand_in = StandInLive::with(Manners::default());
    let options = [
        "--notices",
        "0",
        "--changes-per-second",
        "100",
        "--changes-seconds",
        "1",
    ];
    let (_, report) = load(&stand_in, &options);
    assert_eq!(report["changes"]["made"], 100);
    assert_eq!(report["changes"]["sockets"], SOCKETS);
    assert_eq!(report["changes"]["heldLastInTime"], SOCKETS);
    let changes = stand_in.changes();
    assert_eq!(changes.len(), 100);
    assert!(changes[99].ends_with(" number 99"), "{changes:?}");
}

#[test]
fn a_run_that_is_interrupted_takes_its_notice_back() {
    let stand_in = StandInLive::with(Manners::default());
    let args = ["load", "--url", &stand_in.url, "--queue", "lamp"];
    let mut child = tidegate(args)
        .args(["--shoppers", "0", "--sockets", "5", "--notices", "60"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while stand_in.changes().is_empty() && Instant::now() < until {
        sleep(Duration::from_millis(20));
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").arg(&id).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let changes = stand_in.changes();
    assert!(changes.len() > 1, "{changes:?}");
    assert_eq!(changes.last().map(String::as_str), Some(""));
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_anybody_comes() {
    let stand_in = StandInLive::with(Manners::default());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none/report.json");
    let args = ["load", "--url", &stand_in.url, "--shoppers", "1", "--json"];
    let refusal = run(tidegate(args).arg(&path)).refused(2);
    assert!(refusal.contains(&path.display().to_string()), "{refusal}");
}

#[test]
fn a_limit_of_open_files_that_is_too_low_is_said_before_anything_is_done() {
    let stand_in = StandInLive::with(Manners::default());
    let binary = env!("CARGO_BIN_EXE_tidegate");
    let script = format!(
        "ulimit -n 100; exec {binary} load --sockets 500 --url {}",
        stand_in.url
    );
    let ran = run(Command::new("sh").args(["-c", &script]));
    assert!(ran.refused(2).contains("ulimit -n"), "the remedy is named");
}
