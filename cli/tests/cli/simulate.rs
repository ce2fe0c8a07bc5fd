//! `tidegate simulate`.

use crate::run::{run, tidegate};

const SMALL: [&str; 7] = [
    "simulate",
    "--shoppers",
    "400",
    "--max-active",
    "10",
    "--checkout",
    "5",
];

#[test]
fn it_prints_the_same_figures_for_the_same_seed() {
    let figures = |seed: &str| {
        let text = run(tidegate(SMALL).args(["--json", "--seed", seed])).ok();
        let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(json["eventsPerSecond"].as_f64().unwrap() > 0.0);
        for own in ["realSeconds", "eventsPerSecond"] {
            json.as_object_mut().unwrap().remove(own);
        }
        json
    };
    let first = figures("7");
    assert_eq!(first["seed"], 7);
    assert!(first["admitted"].as_u64().unwrap() > 100);
    assert_eq!(first, figures("7"));
    assert_ne!(first, figures("8"));
}

#[test]
fn it_draws_the_waits_as_text_and_svg() {
    let folder = tempfile::tempdir().unwrap();
    let svg = folder.path().join("waits.svg");
    let text = run(tidegate(SMALL).arg("--svg").arg(&svg)).ok();
    assert!(
        text.contains("█") && text.contains("slots in use"),
        "{text}"
    );
    assert!(std::fs::read_to_string(svg).unwrap().starts_with("<svg"));
}

#[test]
fn a_picture_that_cannot_be_written_is_refused_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let svg = folder.path().join("none/waits.svg");
    let ran = run(tidegate(SMALL).arg("--svg").arg(&svg));
    assert_eq!(ran.stdout, "");
    assert!(ran.refused(2).contains(&svg.display().to_string()));
}

#[cfg(target_os = "linux")]
#[test]
fn the_figures_outlive_a_picture_that_fails_in_the_end() {
    let ran = run(tidegate(SMALL).args(["--svg", "/dev/full"]));
    assert!(ran.stdout.contains("slots in use"), "{}", ran.stdout);
    assert!(ran.refused(1).contains("cannot write /dev/full"));
}

#[test]
fn what_cannot_be_simulated_is_refused_before_anything_runs() {
    run(&mut tidegate(["simulate", "--absent", "1.5"])).refused(2);
    run(&mut tidegate(["simulate", "--lanes", "257"])).refused(2);
}
